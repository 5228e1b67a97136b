"""Calibrating from recorded footage for a window's background: search, look at what was found, solve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from calibration.board import Board
from calibration.observations import BoardObservations
from calibration.warm_up import warm_up_meanwhile
from configs.errors import PosestageError
from configs.loading import parse_config
from pipeline.calibrating.board_footage import calibrate_findings, explain_missing_views, find_board_views
from pipeline.calibrating.camera_progress import ProgressBook
from pipeline.calibrating.config import CalibrateConfig
from pipeline.calibrating.files import INTRINSICS_FILE, save_inputs
from pipeline.calibrating.floor_watch import FloorWatch, StillStretch
from pipeline.calibrating.host import failure_of, make_folder
from pipeline.calibrating.inputs import intrinsics_from_file
from pipeline.calibrating.judgement import outcome_of
from pipeline.calibrating.outcome import CalibrationFailure, CalibrationOutcome
from pipeline.calibrating.state import CalibrationState
from pipeline.calibrating.view_keeper import ViewKeeper

_MOST_SKEW_NS: Final = 10_000_000
"""Views of one moment, for stillness, which lasts seconds."""

Report = Callable[[float, str], None]
"""Share that is done, below 0 where that is not known, and what is being done."""


def search_footage(
    report: Report,
    source: Path,
    board: Board | None,
    cameras: Sequence[str] | None,
    folder: Path,
    settings: Mapping[str, Any],
    intrinsics: Path | None,
) -> CalibrationState | CalibrationFailure:
    """Find the board and keep its views in a folder, for a window's background.

    Args:
        report: Hears how far the search is.
        source: What ``find_board_views`` reads.
        board: What was filmed; None only for stored views.
        cameras: Take these; None for all.
        folder: Where the views go.
        settings: Of ``CalibrateConfig``.
        intrinsics: A file with known lenses.

    Returns:
        What was found, as a live session would tell it; or why the board was not found.
    """
    try:
        config = parse_config(CalibrateConfig, dict(settings), source="calibration")
        make_folder(folder)
        warm_up_meanwhile()

        def tell(done: int, total: int | None) -> None:
            share = done / total if total else -1.0
            report(share, f"{done} of {total} pictures searched" if total else f"{done} pictures searched")

        report(-1.0, "Opening the footage")
        findings = find_board_views(source, board, cameras, progress=tell)
        observations = findings.observations
        known = intrinsics_from_file(intrinsics, observations.sizes).cameras if intrinsics else None
        save_inputs(folder, observations, config, known)
        if findings.tallies:
            report(-1.0, "Looking at pictures without a board")
            why = explain_missing_views(findings, config.extrinsics.min_views)
            if why:
                return CalibrationFailure("; ".join(one.sentence for one in why), True, why)
        pictures = {name: tally.frames for name, tally in findings.tallies.items()}
        return _as_state(observations, config, tuple(known or ()), pictures)
    except PosestageError as error:
        return failure_of(error)


def solve_views(
    report: Report, folder: Path, board: Board | None, settings: Mapping[str, Any], use_intrinsics: bool
) -> CalibrationOutcome | CalibrationFailure:
    """Calibrate with the views kept in a folder, for a window's background.

    Args:
        report: Hears the stages.
        folder: From ``search_footage`` or a live session.
        board: With its squares as measured last; None as stored.
        settings: Of ``CalibrateConfig``.
        use_intrinsics: Whether the known lenses that lie there are used.
    """
    try:
        config = parse_config(CalibrateConfig, dict(settings), source="calibration")
        report(0.0, "Reading the views")
        findings = find_board_views(folder, board)
        observations = findings.observations
        known = None
        if use_intrinsics and (folder / INTRINSICS_FILE).is_file():
            known = intrinsics_from_file(folder / INTRINSICS_FILE, observations.sizes).cameras
        calibration = calibrate_findings(findings, config, known, lambda stage, share: report(share, stage))
        return outcome_of(calibration, observations, still=_still(observations, config))
    except PosestageError as error:
        return failure_of(error)


def _still(observations: BoardObservations, config: CalibrateConfig) -> tuple[StillStretch, ...]:
    """When the board lay still."""
    watch = FloorWatch(observations.sizes, config.live.floor_still, config.live.floor_seconds)
    for instant in observations.instants(_MOST_SKEW_NS):
        watch.watch(instant)
    return tuple(watch.stretches)


def _as_state(
    observations: BoardObservations,
    config: CalibrateConfig,
    known: Sequence[str],
    pictures: Mapping[str, int],
) -> CalibrationState:
    sizes = {name: observations.sizes[name] for name in observations.cameras}
    keeper = ViewKeeper(observations.board, sizes, config.live, known_lenses=known, earlier=observations)
    book = ProgressBook(tuple(sizes))
    book.start(keeper)
    missing = keeper.missing()
    return CalibrationState(
        phase="done",
        cameras=book.cameras({}),
        kept_instants=keeper.instants,
        kept_views=sum(keeper.views_of(name) for name in sizes),
        shared=keeper.shared,
        weakest=keeper.weakest_pair(),
        missing=missing,
        still=_still(observations, config),
        enough=not missing,
        wanted=config.live,
    )
