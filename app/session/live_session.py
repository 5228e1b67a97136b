"""The running cameras as the window sees them: states, signals, and orders that return at once."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Final, Literal

from PyQt6.QtCore import QObject, pyqtSignal

from app.session.session_thread import SessionThread, Start
from calibration.rig import Rig
from models.pose_frame import PoseFrame
from pipeline.processes.rig_nodes import grabber_name
from pipeline.rigs.rig_config import RigConfig

State = Literal["off", "starting", "live", "stopping", "failed"]
PipelineState = Literal["none", "loading", "ready", "failed"]

_SHORTEST_POSE_S: Final = 0.02
"""Poses that come faster are left out; 30 a second pass although some come early."""
_JOIN_S: Final = 620.0
"""Longer than the session itself waits for a take to be closed."""


class LiveSession(QObject):
    """One for the whole application. All signals come in the thread that owns this object.

    Attributes:
        state: What the cameras do.
        doing: While starting: what is being done, in words.
        recording: Whether a take is being written.
        closing: Whether it is being closed.
        take: The folder of the take that is being written.
        rig: What runs or ran last.
        calibration: Its geometry.
        pipeline: Name of the pipeline that makes poses or is being loaded.
        pipeline_state: Whether it does already.
        label: What a viewer must be told before believing the poses.
        origin_ns: Start of the common clock.
        space_folder: Where takes go; its free space is told with the telemetry.
    """

    state_changed = pyqtSignal(str)
    doing_changed = pyqtSignal(str)
    failed = pyqtSignal(str)
    news = pyqtSignal(str, str)
    """Level (info, good, warning, bad) and a sentence."""
    poses = pyqtSignal(object)
    telemetry = pyqtSignal(dict)
    recording_changed = pyqtSignal(bool)
    recording_failed = pyqtSignal(str)
    """A take could not be started, and why."""
    recording_lost = pyqtSignal(object, str)
    """The take that has lost its recorder, and why; it can be repaired."""
    take_closed = pyqtSignal(object)
    pipeline_state_changed = pyqtSignal(str, str)
    """The new state and, where it failed, why."""

    _told = pyqtSignal(object, str, object)
    _posed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: State = "off"
        self.doing = ""
        self.recording = False
        self.closing = False
        self.take: Path | None = None
        self.rig: RigConfig | None = None
        self.calibration: Rig | None = None
        self.pipeline = "none"
        self.pipeline_state: PipelineState = "none"
        self.label = ""
        self.origin_ns = 0
        self.space_folder = Path.home()
        self._details: dict[str, dict[str, Any]] = {}
        self._thread: SessionThread | None = None
        self._next: Start | None = None
        self._newest: PoseFrame | None = None
        self._pose_told = False
        self._last_pose_s = 0.0
        self._told.connect(self._hear)
        self._posed.connect(self._hear_poses)

    def start(
        self, rig: RigConfig, calibration: Rig | None, pipeline: str, *, overrides: tuple[str, ...] = ()
    ) -> None:
        """Start cameras, then poses. Returns at once; what runs already is stopped first.

        Args:
            rig: The devices.
            calibration: Their geometry; without it there are no poses.
            pipeline: Name in ``configs/pipelines``, a yaml file, "auto" or "none".
            overrides: ``key=value`` settings over the pipeline's file.
        """
        level = logging.getLevelName(logging.getLogger().getEffectiveLevel()).lower()
        start = Start(rig, calibration, pipeline, overrides, level)
        if self._thread is not None:
            self._next = start
            self.stop()
            return
        self._begin(start)

    def stop(self) -> None:
        """Close an open take and stop everything. Returns at once."""
        if self._thread is not None:
            self._set_state("stopping")
            self._thread.end()

    def record(self, folder: Path) -> None:
        """Start a take in a new folder; when that exists, in one beside it with a number."""
        if self._thread is not None and self.state == "live":
            self._thread.record(folder)
        else:
            self.recording_failed.emit("The cameras are not running. Start live first.")

    def stop_recording(self) -> None:
        """End the take; ``take_closed`` comes when it is closed."""
        if self._thread is not None:
            self._thread.stop_recording()

    def mark(self, text: str) -> None:
        """Write a mark into the take that is being recorded."""
        if self._thread is not None:
            self._thread.mark(text)

    def set_pipeline(self, name: str, overrides: tuple[str, ...] = ()) -> None:
        """Make poses another way; cameras go on. ``pipeline_state_changed`` tells how it went."""
        if self._thread is not None:
            self._thread.set_pipeline(name, overrides)

    def ring_name(self, camera: str) -> str | None:
        """Shared memory with a camera's pictures; None while there is none."""
        return self.details(camera).get("ring") if self.state == "live" else None

    def details(self, camera: str) -> dict[str, Any]:
        """What a camera said when it was opened: size, fps, device, ..."""
        return self._details.get(grabber_name(camera), {})

    def shutdown(self) -> None:
        """Stop and wait until everything has ended, for when the window closes."""
        self._next = None
        thread = self._thread
        if thread is not None:
            thread.end()
            thread.join(_JOIN_S)
            self._thread = None
            self._set_state("off")

    def _begin(self, start: Start) -> None:
        self.rig, self.calibration = start.rig, start.calibration
        self._details.clear()
        self.doing = ""
        self._set_pipeline_state("none", "none", "")
        thread = SessionThread(
            start,
            lambda: self.space_folder,
            lambda kind, content: self._tell(thread, kind, content),
        )
        self._thread = thread
        self._set_state("starting")
        thread.start()

    # In the session's thread

    def _tell(self, thread: SessionThread, kind: str, content: Any) -> None:
        try:
            if kind != "poses":
                self._told.emit(thread, kind, content)
            elif not self._pose_told:
                # Never more than one on its way: a window that is busy gets the newest when it has time.
                self._newest, self._pose_told = content, True
                self._posed.emit()
            else:
                self._newest = content
        except RuntimeError:  # the program is ending, and Qt's half of this object is gone
            logging.getLogger(__name__).debug("nobody hears of %s", kind)

    # In the window's thread

    def _hear_poses(self) -> None:
        self._pose_told = False
        frame, self._newest = self._newest, None
        now = time.monotonic()
        if frame is None or self.state != "live" or now - self._last_pose_s < _SHORTEST_POSE_S:
            return
        self._last_pose_s = now
        self.poses.emit(frame)

    def _hear(self, thread: SessionThread, kind: str, content: Any) -> None:
        if thread is not self._thread:
            return
        if kind == "doing":
            self.doing = content
            self.doing_changed.emit(content)
        elif kind == "live":
            self.origin_ns = content
            self._set_state("live")
        elif kind == "ending":
            self._set_state("stopping")
        elif kind == "ended":
            self._ended(content)
        elif kind == "telemetry":
            self.telemetry.emit(content)
        elif kind == "details":
            node, details = content
            self._details[node] = details
        elif kind == "pipeline":
            self._set_pipeline_state(*content)
        elif kind == "problem":
            self.news.emit("bad", content)
        elif kind in {"restart", "back", "end_of_stream", "event"}:
            self.news.emit(*_in_words(kind, content))
        else:
            self._hear_of_take(kind, content)

    def _hear_of_take(self, kind: str, content: Any) -> None:
        if kind == "recording":
            self.take, self.recording = content, True
            self.recording_changed.emit(True)
        elif kind == "closing":
            self.closing = True
            self.recording_changed.emit(True)
        elif kind == "recording_failed":
            self.recording_failed.emit(content)
        elif kind in {"take_closed", "recording_lost"}:
            self.recording = self.closing = False
            self.recording_changed.emit(False)
            if kind == "take_closed":
                self.take_closed.emit(content)
            else:
                self.recording_lost.emit(*content)

    def _ended(self, problem: str) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()  # it has said its last word
        if self.recording:
            self.recording = self.closing = False
            self.recording_changed.emit(False)
        self._details.clear()
        self._set_pipeline_state("none", "none", "")
        self._set_state("failed" if problem else "off")
        if problem:
            self.failed.emit(problem)
        start, self._next = self._next, None
        if start is not None:
            self._begin(start)

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)

    def _set_pipeline_state(self, state: PipelineState, name: str, text: str) -> None:
        self.pipeline, self.pipeline_state = name, state
        self.label = text if state == "ready" else ""
        self.pipeline_state_changed.emit(state, text if state == "failed" else "")


def _in_words(kind: str, content: Any) -> tuple[str, str]:
    """Level and sentence of something that happened to a node."""
    if kind == "restart":
        node, message = content
        return "warning", f"{_who(node)} stopped: {message.partition(': ')[2] or message}"
    if kind == "back":
        return "good", f"{_who(content)} works again"
    if kind == "end_of_stream":
        return "info", f"{_who(content)} has come to the end of its recording"
    what, message = content
    return ("bad" if what == "disk_full" else "info"), message


def _who(node: str) -> str:
    names = {"inference": "Pose estimation", "recorder": "The recorder"}
    return names.get(node, f"Camera {node.removeprefix('grabber-')}")
