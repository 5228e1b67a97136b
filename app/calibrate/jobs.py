"""What runs in processes of their own. Loads nothing here: only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.calibrating.outcome import CalibrationFailure, CalibrationOutcome
    from pipeline.calibrating.state import CalibrationState

Report = Callable[[float, str], None]


def search(report: Report, *words: Any) -> CalibrationState | CalibrationFailure:
    """See ``calibrating.from_footage.search_footage``."""
    from pipeline.calibrating.from_footage import search_footage

    return search_footage(report, *words)


def solve(report: Report, *words: Any) -> CalibrationOutcome | CalibrationFailure:
    """See ``calibrating.from_footage.solve_views``."""
    from pipeline.calibrating.from_footage import solve_views

    return solve_views(report, *words)


def forget(report: Report, folder: Path, cameras: tuple[str, ...]) -> None:
    """See ``calibrating.files.forget_views``."""
    from pipeline.calibrating.files import forget_views

    report(-1.0, "Forgetting views")
    forget_views(folder, cameras)


def save(report: Report, *words: Any) -> list[Path]:
    """See ``calibrating.saving.save_outcome``."""
    from pipeline.calibrating.saving import save_outcome

    return save_outcome(report, *words)


def report(report: Report, *words: Any) -> Path:
    """See ``calibrating.saving.draw_report``."""
    from pipeline.calibrating.saving import draw_report

    return draw_report(report, *words)
