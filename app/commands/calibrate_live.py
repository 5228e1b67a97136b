"""The live half of ``calibrate``: cameras film until there is enough."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Result
from app.cli.console import Console
from app.commands.calibrate_steps import finish, known_intrinsics
from app.commands.calibrate_words import progress_words

if TYPE_CHECKING:
    from calibration.board import Board
    from calibration.calibrator import Calibration
    from calibration.camera import Camera
    from calibration.observations import BoardObservations
    from pipeline.calibrating.config import CalibrateConfig
    from pipeline.calibrating.session import CalibrationSession
    from pipeline.calibrating.state import CalibrationState
    from pipeline.rigs.rig_config import RigConfig

_TELL_EVERY_S = 10.0


def calibrate_live(
    args: argparse.Namespace,
    config: CalibrateConfig,
    board: Board,
    rig: RigConfig,
    folder: Path,
    exports: tuple[str, ...],
    console: Console,
) -> Result:
    """Film with the rig until there is enough, solve, write.

    Raises:
        BadInputError: The views cannot give a calibration; they are saved all the same.
        KeyboardInterrupt: Called off; what was kept is saved.
    """
    from pipeline.calibrating.judgement import truth_figures
    from pipeline.calibrating.session import CalibrationSession
    from pipeline.rigs.studio_rig import check_board_studio

    def lenses(sizes: Mapping[str, tuple[int, int]]) -> Mapping[str, Camera]:
        known = known_intrinsics(args, sizes, board, config, console)
        return known.cameras if known is not None else {}

    check_board_studio(rig)
    limit = args.seconds or config.live.most_seconds
    session = CalibrationSession(
        rig,
        board,
        folder,
        config,
        intrinsics=lenses,
        earlier=_earlier(folder, board) if args.resume else None,
        log_level=args.log_level,
    )
    with console.progress("starting cameras"), session:
        try:
            state = _collect(session, limit, console)
            calibration = _solve(session, console)
        except KeyboardInterrupt:
            session.cancel()
            console.tell(
                f"called off; the views so far are in {folder}: go on with --resume, or --from {folder}"
            )
            raise
        observations = session.observations
        refused = dict(session.keeper.refused)
        telemetry = session.telemetry()
    result = finish(args, folder, calibration, observations, exports, console)
    result["live"] = {
        "enough": state.enough,
        "seconds": round(state.seconds, 2),
        "kept_instants": state.kept_instants,
        "kept_views": state.kept_views,
        "pictures": {name: camera.pictures for name, camera in state.cameras.items()},
        "refused": refused,
        "missing": state.missing,
        "floor": _floor_figures(session),
        "telemetry": telemetry,
        "events": [report.message for report in session.events if report.details.get("what") == "restart"],
    }
    result["truth"] = truth_figures(rig, calibration.rig)
    return result


def _collect(session: CalibrationSession, limit: float, console: Console) -> CalibrationState:
    next_word = _TELL_EVERY_S
    with console.progress("showing the board", None, "views") as bar:
        while True:
            state = session.poll()
            bar.update(state.kept_views, note=state.missing[0] if state.missing else "nearly there")
            if state.enough:
                promise = state.trial.words() if state.trial is not None else ""
                console.tell(f"enough after {state.seconds:.0f} s: {promise}")
                return state
            if state.seconds >= next_word:
                next_word += _TELL_EVERY_S
                for line in progress_words(state):
                    console.tell(line)
            if session.finished or state.seconds >= limit:
                why = "the cameras' files have ended" if session.finished else "the time is up"
                console.tell(f"{why}; still missing: {'; '.join(state.missing) or 'a check of the result'}")
                return state


def _solve(session: CalibrationSession, console: Console) -> Calibration:
    with console.progress("calibrating", 1.0) as bar:
        return session.solve(lambda state: bar.update(state.solving[0], note=state.solving[1]))


def _earlier(folder: Path, board: Board) -> BoardObservations:
    from pipeline.calibrating.board_footage import find_board_views

    return find_board_views(folder, board).observations


def _floor_figures(session: CalibrationSession) -> dict[str, object] | None:
    """When the board lay on the floor, and how level that was; None where it did not."""
    floor, world = session.floor, session.config.world
    if floor is None:
        return None
    return {
        "floor_s": world.floor_s,
        "marked": floor.stretch.marked,
        "tilt_deg": floor.tilt_deg,
        "views": floor.board.views,
        "moments": floor.board.moments,
    }
