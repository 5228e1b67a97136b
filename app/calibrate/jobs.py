"""What runs in processes of their own. Loads nothing here: only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.calibration_outcome import CalibrationFailure, CalibrationOutcome
    from pipeline.calibration_state import CalibrationState

Report = Callable[[float, str], None]


def search(report: Report, *words: Any) -> CalibrationState | CalibrationFailure:
    """See ``footage_calibration.search_footage``."""
    from pipeline.footage_calibration import search_footage

    return search_footage(report, *words)


def solve(report: Report, *words: Any) -> CalibrationOutcome | CalibrationFailure:
    """See ``footage_calibration.solve_views``."""
    from pipeline.footage_calibration import solve_views

    return solve_views(report, *words)


def forget(report: Report, folder: Path, cameras: tuple[str, ...]) -> None:
    """See ``calibration_files.forget_views``."""
    from pipeline.calibration_files import forget_views

    report(-1.0, "Forgetting views")
    forget_views(folder, cameras)


def save(report: Report, *words: Any) -> list[Path]:
    """See ``calibration_saving.save_outcome``."""
    from pipeline.calibration_saving import save_outcome

    return save_outcome(report, *words)


def report(report: Report, *words: Any) -> Path:
    """See ``calibration_saving.draw_report``."""
    from pipeline.calibration_saving import draw_report

    return draw_report(report, *words)
