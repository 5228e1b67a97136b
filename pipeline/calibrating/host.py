"""A live calibration in a process of its own, for windows: cameras, search and solver are its children.

A window may not wait, and what calibrates loads compilers and holds the interpreter for long. So the session
runs elsewhere; the window says what it wants in single words and hears states, events and the outcome.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from calibration.board import Board
from configs.errors import BadInputError, PosestageError
from configs.log_setup import configure_logging
from pipeline.calibrating.outcome import CalibrationFailure
from pipeline.calibrating.state import CalibrationState
from pipeline.rigs.rig_config import RigConfig

if TYPE_CHECKING:
    from calibration.camera import Camera
    from pipeline.calibrating.session import CalibrationSession
    from pipeline.wire.messages import Report

log = logging.getLogger(__name__)

Wish = Literal["mark_floor", "floor_wanted", "floor_optional", "solve", "cancel", "by_itself", "by_button"]
"""``by_itself``: solve as soon as there is enough; ``by_button``: only when told to."""

Kind = Literal["state", "event", "solving", "done", "failed", "cancelled"]
Message = tuple[Kind, Any]
"""state: CalibrationState. event: a sentence. solving: why collecting ended. done: CalibrationOutcome.
failed: CalibrationFailure. cancelled: None. The last three are the last of a session."""

_STATE_EVERY_S: Final = 0.08
_NICENESS: Final = 2
"""Of the session and all its children: the window comes first, or Stop could not be pressed."""
_PATIENCE_S: Final = 15.0
"""For cameras that stop and views that are saved."""


@dataclass(frozen=True)
class FilmTask:
    """A live calibration to do.

    Attributes:
        rig: The devices.
        board: What is shown.
        folder: Where views are kept; made if need be.
        settings: Of ``CalibrateConfig``, as in its yaml.
        intrinsics: A file with lenses that are known.
        resume: Go on with the views in the folder.
        by_itself: Whether to solve as soon as there is enough.
        log_level: Of all processes.
    """

    rig: RigConfig
    board: Board
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    intrinsics: Path | None = None
    resume: bool = False
    by_itself: bool = True
    log_level: str = "warning"


class CalibrationHost:
    """The window's end: starts the process, hears it, ends it. Used by one thread, wishes by any.

    Args:
        task: What to do.
    """

    def __init__(self, task: FilmTask) -> None:
        self._task = task
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._told_to_end_s: float | None = None

    def start(self) -> None:
        """Start the process."""
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        # Not a daemon: it has children of its own, and stops them when nobody listens any more.
        self._process = context.Process(
            target=_work, args=(other, self._task), name="calibration-session", daemon=False
        )
        self._process.start()
        other.close()

    def wish(self, word: Wish) -> None:
        """Say what is wanted; heard within a moment, or not at all when the session has ended."""
        if word == "cancel" and self._told_to_end_s is None:
            self._told_to_end_s = time.monotonic()
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.send(word)

    def next_message(self, timeout_s: float) -> Message | None:
        """What it says next; None when that takes longer."""
        assert self._pipe is not None
        try:
            if self._pipe.poll(timeout_s):
                kind, content = self._pipe.recv()
                return kind, content
        except (EOFError, OSError):
            if self._told_to_end_s is not None:
                return "cancelled", None
            return "failed", CalibrationFailure(
                "Unexpected problem: the calibration's process ended; its views so far are saved", False
            )
        if self._told_to_end_s is not None and time.monotonic() - self._told_to_end_s > _PATIENCE_S:
            return "cancelled", None
        return None

    def close(self) -> None:
        """End the process if it is still there."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            # Without its pipe it stops cameras, saves, and ends by itself.
            self._process.join(_PATIENCE_S)
            if self._process.is_alive():
                log.warning("the calibration's process did not end; killing it")
                self._process.kill()
                self._process.join()
            self._process.close()
            self._process = None


class _CalledOffError(Exception):
    """The window wants no more."""


class _Line:
    """The session's end of the pipe."""

    def __init__(self, pipe: Connection, by_itself: bool) -> None:
        self._pipe = pipe
        self._next_state_s = 0.0
        self.by_itself = by_itself
        self.wants_solve = False

    def tell(self, kind: Kind, content: Any) -> None:
        """Raises _CalledOffError when nobody listens."""
        try:
            self._pipe.send((kind, content))
        except OSError as error:
            raise _CalledOffError from error

    def tell_state(self, state: CalibrationState, *, at_once: bool = False) -> None:
        """A state, not too often."""
        now = time.monotonic()
        if at_once or now >= self._next_state_s:
            self._next_state_s = now + _STATE_EVERY_S
            self.tell("state", state)

    def obey(self, session: CalibrationSession | None) -> None:
        """Do what was wished for; raises _CalledOffError when that is to end."""
        try:
            while self._pipe.poll():
                word: Wish = self._pipe.recv()
                if word == "cancel":
                    raise _CalledOffError
                if word == "solve":
                    self.wants_solve = True
                elif word in ("by_itself", "by_button"):
                    self.by_itself = word == "by_itself"
                elif session is not None:
                    self._tell_session(session, word)
        except (EOFError, OSError) as error:
            raise _CalledOffError from error

    def _tell_session(self, session: CalibrationSession, word: Wish) -> None:
        try:
            if word == "mark_floor":
                session.mark_floor()
            else:
                session.want_floor(word == "floor_wanted")
        except BadInputError as error:
            self.tell("event", str(error))


def _work(pipe: Connection, task: FilmTask) -> None:
    """Body of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the window decides
    configure_logging(task.log_level, "calibration-session")
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    line = _Line(pipe, task.by_itself)
    try:
        _calibrate(line, task)
    except _CalledOffError:
        with contextlib.suppress(_CalledOffError):
            line.tell("cancelled", None)
    except Exception as error:
        with contextlib.suppress(_CalledOffError):
            line.tell("failed", failure_of(error))
    pipe.close()


def failure_of(error: Exception) -> CalibrationFailure:
    """What a screen says about an error; unexpected ones are logged, too."""
    from calibration.diagnosis import CalibrationFailedError

    if isinstance(error, CalibrationFailedError):
        return CalibrationFailure(str(error), True, error.diagnoses)
    if isinstance(error, PosestageError):
        return CalibrationFailure(str(error), isinstance(error, BadInputError))
    log.error("the calibration failed", exc_info=error)
    return CalibrationFailure(f"Unexpected problem: {type(error).__name__}: {error}", False)


def _calibrate(line: _Line, task: FilmTask) -> None:
    from configs.loading import parse_config
    from pipeline.calibrating.board_footage import find_board_views
    from pipeline.calibrating.config import CalibrateConfig
    from pipeline.calibrating.inputs import intrinsics_from_file
    from pipeline.calibrating.judgement import outcome_of
    from pipeline.calibrating.session import CalibrationSession
    from pipeline.rigs.studio_rig import check_board_studio

    config = parse_config(CalibrateConfig, dict(task.settings), source="calibration")
    check_board_studio(task.rig)

    def lenses(sizes: Mapping[str, tuple[int, int]]) -> Mapping[str, Camera]:
        if task.intrinsics is None:
            return {}
        known = intrinsics_from_file(task.intrinsics, sizes)
        for note in known.notes:
            line.tell("event", note)
        return known.cameras

    make_folder(task.folder)
    earlier = find_board_views(task.folder, task.board).observations if task.resume else None
    session = CalibrationSession(
        task.rig,
        task.board,
        task.folder,
        config,
        intrinsics=lenses,
        earlier=earlier,
        log_level=task.log_level,
    )
    line.obey(None)
    with session:
        try:
            line.tell_state(session.state, at_once=True)
            _collect(line, session)
            calibration = session.solve(lambda state: _while_solving(line, state))
        except _CalledOffError:
            session.cancel()
            raise
        state, observations, floor = session.state, session.observations, session.floor
    line.tell_state(state, at_once=True)
    line.tell("done", outcome_of(calibration, observations, still=state.still, floor=floor, devices=task.rig))


def _while_solving(line: _Line, state: CalibrationState) -> None:
    line.obey(None)
    line.tell_state(state)


def _collect(line: _Line, session: CalibrationSession) -> None:
    """Until there is enough, or somebody or the cameras say that it is all."""
    heard = 0
    while True:
        state = session.poll()
        line.tell_state(state)
        for report in session.events[heard:]:
            line.tell("event", _in_words(report))
        heard = len(session.events)
        line.obey(session)
        why = ""
        if line.wants_solve:
            why = "asked for"
        elif state.enough and line.by_itself:
            why = "enough"
        elif session.finished:
            why = "the cameras' files have ended"
        if why:
            line.tell_state(state, at_once=True)
            line.tell("solving", why)
            return


def _in_words(report: Report) -> str:
    """What happened to a node, for people."""
    if report.details.get("what") != "restart":
        return report.message
    camera = report.node.removeprefix("grabber-")
    who = f"{camera} has" if camera != report.node else "The search for the board has"
    return f"{who} stopped unexpectedly and is started again."


def make_folder(folder: Path) -> None:
    """A folder for views and report.

    Raises:
        BadInputError: It cannot be made.
    """
    from configs.errors import bad_input

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise bad_input(f"cannot be used as a folder: {error.strerror}", file=folder) from error
