"""The thread that owns a running session: everything that may wait happens here, never in the window."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.session.pipelines import NONE, resolve
from app.session.prepare import prepare
from calibration.rig import Rig
from configs.errors import PosestageError
from pipeline.rigs.rig_config import RigConfig
from pipeline.wire.messages import Report

if TYPE_CHECKING:
    from models.pose_frame import PoseFrame
    from pipeline.session.session import Session
    from pipeline.wire.bus import Receiver

log = logging.getLogger(__name__)

_TELEMETRY_S: Final = 0.5
_CLOSE_PATIENCE_S: Final = 600.0
"""For closing a take: a long one has gigabytes of poses to arrange, on a slow disk."""


@dataclass(frozen=True)
class Start:
    """What to run.

    Attributes:
        rig: The devices.
        calibration: Their geometry, None while unknown.
        pipeline: Name, file, "auto" or "none".
        overrides: ``key=value`` settings over the pipeline's file.
        log_level: Of the nodes' processes.
    """

    rig: RigConfig
    calibration: Rig | None
    pipeline: str
    overrides: tuple[str, ...] = ()
    log_level: str = "warning"


class SessionThread(threading.Thread):
    """Starts cameras first and models then, so that pictures are there at once; obeys orders; tells news.

    Ends by itself when the program's main thread has ended, and closes an open take then.

    Args:
        start: What to run.
        space_folder: Asked for the folder whose disk's free space is told.
        tell: Called in this thread with the kind of news and its content.
    """

    def __init__(
        self, start: Start, space_folder: Callable[[], Path], tell: Callable[[str, Any], None]
    ) -> None:
        super().__init__(name="session")
        self._start = start
        self._space_folder = space_folder
        self._tell = tell
        self._orders: queue.SimpleQueue[Callable[[Session], None]] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._reports: list[Report] = []
        self._problems: dict[str, str] = {}
        self._ended: set[str] = set()
        self._closing_since: float | None = None
        self._recording = False
        self._loading: str | None = None
        self._next_telemetry = 0.0
        self.nodes: dict[str, int | None] = {}
        """Process ids, as of the last numbers."""

    # Orders, from any thread

    def end(self) -> None:
        """Close an open take, stop everything, end."""
        self._ending.set()

    def record(self, folder: Path) -> None:
        """Start a take in ``folder``, or in one beside it when that exists."""
        self._orders.put(lambda session: self._record(session, folder))

    def stop_recording(self) -> None:
        """End the take."""
        self._orders.put(self._stop_recording)

    def mark(self, text: str) -> None:
        """Write a mark into the take."""
        t_ns = time.monotonic_ns()
        self._orders.put(lambda session: self._mark(session, text, t_ns))

    def set_pipeline(self, name: str, overrides: tuple[str, ...]) -> None:
        """Make poses another way."""
        self._orders.put(lambda session: self._set_pipeline(session, name, overrides))

    # The thread

    def run(self) -> None:
        """Start, live, end; an unexpected failure is told too."""
        problem = ""
        try:
            self._live()
        except PosestageError as error:
            if not self._over():
                problem = str(error)
        except Exception as error:
            log.exception("the session failed")
            problem = f"Unexpected problem: {error}"
        self._tell("ended", problem)

    def _live(self) -> None:
        prepare(self._start.rig, self._over, lambda text: self._tell("doing", text))
        from pipeline.session.session import Session

        self._tell("doing", "Opening the cameras …")
        session = Session(
            self._start.rig,
            self._start.calibration,
            None,
            on_report=self._reports.append,
            log_level=self._start.log_level,
        )
        session.start(self._over)
        try:
            session.go()
            self._tell("live", session.origin_ns)
            poses = session.subscribe_poses()
            name = resolve(self._start.pipeline, self._start.rig, self._start.calibration)
            self._obey(session, lambda session: self._set_pipeline(session, name, self._start.overrides))
            while not self._over():
                self._turn(session, poses)
            self._tell("ending", None)
            if self._recording:
                self._finish_take(session)
        finally:
            session.stop()

    def _over(self) -> bool:
        """Whether to end: told to, or the program has ended without a word (an error in its main thread)."""
        return self._ending.is_set() or not threading.main_thread().is_alive()

    def _turn(self, session: Session, poses: Receiver) -> None:
        from pipeline.wire.pose_messages import unpack_poses

        while not self._orders.empty():
            self._obey(session, self._orders.get())
        self._poll(session, [poses])
        messages = poses.receive_all()
        if messages:
            frame: PoseFrame = unpack_poses(messages[-1])
            self._tell("poses", frame)
        self._tell_reports(session)
        self._watch_pipeline(session)
        self._watch_take(session)
        if time.monotonic() >= self._next_telemetry:
            self._next_telemetry = time.monotonic() + _TELEMETRY_S
            self._tell("telemetry", self._telemetry(session))

    def _obey(self, session: Session, order: Callable[[Session], None]) -> None:
        try:
            order(session)
        except PosestageError as error:
            self._tell("problem", str(error))

    def _poll(self, session: Session, also: Sequence[Receiver] = ()) -> None:
        from pipeline.session.current_take import RecordingLostError

        try:
            session.poll(20, also)
        except RecordingLostError as error:
            self._lose_take(error.folder, error.reason)

    def _lose_take(self, folder: Path, reason: str) -> None:
        self._recording, self._closing_since = False, None
        self._tell("recording_lost", (folder, reason))

    # Recording

    def _record(self, session: Session, folder: Path) -> None:
        from pipeline.session.current_take import RecordingLostError
        from pipeline.take.folder import new_take_folder, not_left_empty

        if self._recording:
            return
        if session.finished:
            text = "All videos have been played. Stop live and start it again to record them from the start."
            self._tell("recording_failed", text)
            return
        try:
            own = new_take_folder(folder.parent, folder.name)
            with not_left_empty(own):
                session.record(own)
        except RecordingLostError as error:
            self._lose_take(error.folder, error.reason)
        except PosestageError as error:
            self._tell("recording_failed", str(error))
        else:
            self._recording = True
            self._tell("recording", own)

    def _stop_recording(self, session: Session) -> None:
        if self._recording and self._closing_since is None:
            session.take.end()
            self._closing_since = time.monotonic()
            self._tell("closing", None)

    def _mark(self, session: Session, text: str, t_ns: int) -> None:
        if self._recording:
            session.take.note("mark", text, t_ns=t_ns)

    def _watch_take(self, session: Session) -> None:
        if not self._recording:
            return
        if session.finished:
            self._stop_recording(session)
        summary = session.take.summary()
        if summary is not None:
            if self._closing_since is None:  # the disk was full; grabbers have not heard of it
                session.take.end()
            self._recording, self._closing_since = False, None
            self._tell("take_closed", summary)
        elif self._closing_since is not None and time.monotonic() - self._closing_since > _CLOSE_PATIENCE_S:
            self._lose_take(session.take.folder, f"the take was not closed within {_CLOSE_PATIENCE_S:.0f} s")

    def _finish_take(self, session: Session) -> None:
        self._stop_recording(session)
        while self._recording:
            self._poll(session)
            self._watch_take(session)

    # Poses

    def _set_pipeline(self, session: Session, name: str, overrides: tuple[str, ...]) -> None:
        from pipeline.estimation.pipeline_config import load_pipeline

        try:
            pipeline = load_pipeline(name, overrides) if name != NONE else None
            session.begin_pipeline(pipeline)
        except PosestageError as error:
            if self._recording:
                raise  # nothing has changed
            self._loading = None
            session.begin_pipeline(None)  # not the one of before: that was not asked for any more
            self._tell("pipeline", ("failed", name, str(error)))
            return
        self._problems.pop("inference", None)
        if pipeline is None:
            self._loading = None
            self._tell("pipeline", ("none", NONE, ""))
        else:
            self._loading = name
            self._tell("pipeline", ("loading", name, ""))

    def _watch_pipeline(self, session: Session) -> None:
        if self._loading is None or session.poses.loading is not None:
            return
        name, self._loading = self._loading, None
        failure = session.poses.take_failure()
        if failure is not None:
            self._tell("pipeline", ("failed", name, str(failure)))
        else:
            self._tell("pipeline", ("ready", name, session.poses.label))

    # News

    def _tell_reports(self, session: Session) -> None:
        reports, self._reports[:] = self._reports[:], []
        for report in reports:
            what = report.details.get("what")
            if report.kind == "event" and what == "restart":
                if report.node not in self._problems:  # it may fail again every few seconds
                    self._tell("restart", (report.node, report.message))
                self._problems[report.node] = report.message
            elif report.kind == "event" and what == "end_of_stream":
                self._ended.add(report.node)
                self._tell("end_of_stream", report.node)
            elif report.kind == "event":
                self._tell("event", (what, report.message))
            elif report.kind == "ready":
                self._ended.discard(report.node)
                if self._problems.pop(report.node, ""):
                    self._tell("back", report.node)
                self._tell("details", (report.node, report.details))
        if reports and not self._recording and session.events:
            session.events.clear()  # a session may live for days

    def _telemetry(self, session: Session) -> dict[str, dict[str, Any]]:
        alive = session.alive()
        self.nodes = {node: session.pid(node) for node in alive}
        numbers: dict[str, dict[str, Any]] = {
            node: {
                **values,
                "alive": alive.get(node, False),
                "ended": node in self._ended,
                "problem": self._problems.get(node, ""),
            }
            for node, values in session.telemetry().items()
        }
        numbers["session"] = {
            "t_s": time.monotonic(),
            "bytes_per_second": session.bytes_per_second(),
            "free_bytes": _free_bytes(self._space_folder()),
            "address": session.poses.address,
        }
        return numbers


def _free_bytes(folder: Path) -> int | None:
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        return shutil.disk_usage(folder).free
    except OSError:
        return None
