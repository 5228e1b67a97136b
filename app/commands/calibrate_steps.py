"""Steps that calibrations from files and live ones share: known lenses before, files and figures after."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Result
from app.cli.console import Console

if TYPE_CHECKING:
    from calibration.board import Board
    from calibration.calibrator import Calibration
    from calibration.observations import BoardObservations
    from pipeline.calibrating.board_footage import BoardFindings
    from pipeline.calibrating.config import CalibrateConfig
    from pipeline.calibrating.inputs import KnownIntrinsics


def known_intrinsics(
    args: argparse.Namespace,
    sizes: Mapping[str, tuple[int, int]],
    board: Board,
    config: CalibrateConfig,
    console: Console,
) -> KnownIntrinsics | None:
    """The lenses that were given or that other footage shows; None when there is neither."""
    if args.intrinsics is None and args.intrinsics_from is None:
        return None
    from pipeline.calibrating.inputs import intrinsics_from_file, intrinsics_from_views

    if args.intrinsics is not None:
        known = intrinsics_from_file(args.intrinsics, sizes, args.units)
    else:
        from pipeline.calibrating.board_footage import find_board_views

        with console.progress("looking for the board for the lenses", None, "pictures") as bar:
            findings = find_board_views(args.intrinsics_from, board, progress=bar.update)
        known = intrinsics_from_views(findings.observations, sizes, config.intrinsics)
    for note in known.notes:
        console.tell(note)
    return known


def finish(
    args: argparse.Namespace,
    folder: Path,
    calibration: Calibration,
    observations: BoardObservations,
    exports: tuple[str, ...],
    console: Console,
    findings: BoardFindings | None = None,
) -> Result:
    """Write calibration and report, and gather the figures.

    Raises:
        CalibrationFailedError: The calibration must not be used; the report is there all the same.
    """
    from calibration.diagnosis import CalibrationFailedError
    from pipeline.calibrating.board_footage import OBSERVATIONS_FILE
    from pipeline.calibrating.figures import calibration_figures
    from pipeline.calibrating.files import save_calibration

    result: Result = {"calibration": args.out, "observations": folder / OBSERVATIONS_FILE}
    if findings is not None:
        result |= {"source": findings.source, "source_kind": findings.kind}
    result |= calibration_figures(calibration, observations, findings.tallies if findings else None)
    if calibration.usable:  # the result first, its pictures take longer than it did
        files = save_calibration(args.out, calibration, exports)
        if files.previous is not None:
            console.tell(f"the calibration that was there before is now {files.previous}")
        result["exports"] = files.exports
    result["report"] = None
    if not args.no_report:
        from calibration.report.page import write_report

        with console.progress("drawing the report"):
            result["report"] = write_report(calibration, folder)
    if not calibration.usable:
        console.tell(f"do not use this calibration; what was found is in {result['report'] or folder}")
        raise CalibrationFailedError(calibration.diagnoses)
    return result
