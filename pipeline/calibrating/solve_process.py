"""Calibrates in a process of its own, so that whoever asks for it stays free and can call it off."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, Final

from calibration.calibration_config import CalibrationConfig
from calibration.calibrator import Calibration, calibrate
from calibration.camera import Camera
from calibration.errors import SolveError
from calibration.extrinsics import solve_extrinsics
from calibration.intrinsics import calibrate_intrinsics
from calibration.observations import BoardObservations, BoardView
from calibration.world_axes import world_from_board
from configs.errors import BadInputError, PosestageError
from configs.log_setup import configure_logging
from pipeline.calibrating.floor_search import find_floor
from pipeline.calibrating.floor_watch import FoundFloor, StillStretch

log = logging.getLogger(__name__)

_END_S: Final = 2.0
_TRIAL_LENS_VIEWS: Final = 40
"""Of each camera: the lens fit looks at every view it is given, which is most of its cost."""


@dataclass(frozen=True)
class SolveRequest:
    """One calibration to do.

    Attributes:
        observations: Views of the board.
        intrinsics: Lenses that are known.
        config: Settings.
        still: Stretches in which the board lay still: the newest in which it lay on the floor gives the
            world, unless the settings say where it is.
        trial: Its uncertainty is asked for, not the best result: lenses start from the trial before, or from
            few views, which the joint solve then refines with all of them; nothing is diagnosed, and nothing
            kept out to judge it by.
    """

    observations: BoardObservations
    intrinsics: Mapping[str, Camera] | None
    config: CalibrationConfig
    still: tuple[StillStretch, ...] = ()
    trial: bool = False


@dataclass(frozen=True)
class SolveAnswer:
    """How it ended.

    Attributes:
        calibration: What came out; None where nothing did.
        floor: The board on the floor, which gives the world; None where it was not found there.
        failure: Why, for people.
        bad_input: Whether the recording is to blame: more or better views would help.
    """

    calibration: Calibration | None
    floor: FoundFloor | None = None
    failure: str = ""
    bad_input: bool = False


class SolveProcess:
    """Does one calibration after the other. Used by one thread; ``poll`` never waits.

    The process starts with the first request and stays, so that later ones need not load everything again.
    Whatever it sends was made by this program, from its own arrays.
    """

    def __init__(self, log_level: str = "warning") -> None:
        self._log_level = log_level
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self.busy = False
        """A request was sent and not yet answered."""

        self.stage = ""
        self.share = 0.0

    def warm_up(self) -> None:
        """Start the process, so that the first request need not wait for it."""
        if self._process is not None and self._process.is_alive():
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_work, args=(other, self._log_level), name="calibration", daemon=True
        )
        self._process.start()
        other.close()

    def submit(self, request: SolveRequest) -> None:
        """Ask for a calibration; only while not busy."""
        assert not self.busy
        self.warm_up()
        assert self._pipe is not None
        self.stage, self.share = "starting", 0.0
        self._pipe.send(request)
        self.busy = True

    def poll(self, timeout_s: float = 0.0) -> SolveAnswer | None:
        """The answer when it is there; keeps ``stage`` and ``share`` up to date."""
        while self.busy and self._pipe is not None:
            try:
                if not self._pipe.poll(timeout_s):
                    return None
                message: Any = self._pipe.recv()
            except (EOFError, OSError):
                self.cancel()
                return SolveAnswer(None, failure="the process that calibrates ended unexpectedly")
            if isinstance(message, SolveAnswer):
                self.busy = False
                return message
            self.stage, self.share = message
        return None

    def cancel(self) -> None:
        """Call it off, at once."""
        if self._process is not None:
            self._process.terminate()
            self._process.join(_END_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None
        self.busy = False

    close = cancel


def _solve(
    request: SolveRequest, lenses: dict[str, Camera], progress: Callable[[str, float], None]
) -> SolveAnswer:
    """Answer a request.

    Args:
        request: What is asked.
        lenses: Of earlier trials, where a trial starts; brought up to date.
        progress: Is told what is done.
    """
    observations, known, config = request.observations, request.intrinsics, request.config
    # With lenses of which some only are known, the joint solve has nothing to refine, and all is as it was.
    if (
        request.trial
        and len(observations.cameras) > 1
        and (not known or len(known) == len(observations.cameras))
    ):
        calibration = _try(request, lenses, progress)
    else:
        calibration = calibrate(observations, intrinsics=known, config=config, progress=progress)
    if not request.still or len(calibration.rig) < 2 or not config.world.is_open:
        return SolveAnswer(calibration)
    floor = find_floor(calibration.rig, observations, request.still)
    if floor is not None:
        rig = world_from_board(calibration.rig, floor.board, forward=config.world.forward)
        calibration = replace(calibration, rig=rig)
    return SolveAnswer(calibration, floor)


def _try(
    request: SolveRequest, lenses: dict[str, Camera], progress: Callable[[str, float], None]
) -> Calibration:
    """Solve for the sake of the uncertainty: nothing is diagnosed, and nothing kept out to judge it by."""
    observations = request.observations
    known, settings = request.intrinsics, request.config.extrinsics
    if known:
        start = {name: known[name] for name in observations.cameras}
        settings = settings.model_copy(update={"refine_intrinsics": "none"})
    else:
        for name in observations.cameras:
            if name not in lenses:
                progress(f"lens of {name}", 0.0)
                few = observations.chosen(_spread(observations.by_camera(name), _TRIAL_LENS_VIEWS))
                lenses[name] = calibrate_intrinsics(few, name, request.config.intrinsics).camera
        start = {name: lenses[name] for name in observations.cameras}
        settings = settings.model_copy(update={"refine_intrinsics": "all"})
    progress("finding the cameras", 0.5)
    solved = solve_extrinsics(observations, start, settings)
    if not known:
        lenses.update({camera.name: camera for camera in solved.rig.cameras})
    return Calibration(solved.rig, observations.board, {}, solved, None, (), solved.seconds)


def _spread(views: Sequence[BoardView], most: int) -> Sequence[BoardView]:
    """Every so-many-th view, so that at most so many are left."""
    return views[:: -(-len(views) // most)] if len(views) > most else views


def _work(pipe: Connection, log_level: str) -> None:
    """Body of the process: answer until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the session, which decides
    configure_logging(log_level, "calibration")
    lenses: dict[str, Camera] = {}
    while True:
        try:
            request: SolveRequest = pipe.recv()
        except EOFError:
            return
        try:
            answer = _solve(request, lenses, lambda stage, share: pipe.send((stage, share)))
        except SolveError as error:
            answer = SolveAnswer(None, failure=str(error), bad_input=True)
        except PosestageError as error:
            answer = SolveAnswer(None, failure=str(error), bad_input=isinstance(error, BadInputError))
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:
            log.exception("the calibration failed")
            answer = SolveAnswer(None, failure=f"{type(error).__name__}: {error}")
        try:
            pipe.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            return
