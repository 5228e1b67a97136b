"""A running rig: what the desktop and headless capture both drive.

with Session(rig, calibration, pipeline) as session:
    session.go(record_to=folder)
    while not session.finished:
        session.poll()
    summary = session.stop_recording()
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from calibration.rig import Rig
from configs.errors import PosestageError
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.processes.endpoints import session_endpoints
from pipeline.processes.recorder import Recorder
from pipeline.processes.rig_nodes import DEFAULT_FPS, grabber_name, grabber_specs
from pipeline.processes.supervisor import NodeSpec, Supervisor
from pipeline.rigs.rig_config import RigConfig
from pipeline.session.current_take import RECORDER, CurrentTake, RecordingSummary
from pipeline.session.pose_making import INFERENCE, PoseMaking
from pipeline.session.take_header import header_of_takes, own_of_take
from pipeline.take.folder import free_space_check, not_left_empty
from pipeline.wire.bus import Bus, Receiver
from pipeline.wire.messages import Command, Report

_ORIGIN_DELAY_NS: Final = 300_000_000
"""Between "go" and the origin: every camera and the recorder must have heard it before the first frame."""

_BYTES_PER_PIXEL: Final = 0.15
"""JPEG of quality 90 on textured scenes, measured: 0.10 to 0.14; for the estimate of free space."""

_CLOSE_DEADLINE_S: Final = 600.0
"""For closing a take: a long one has gigabytes of poses to arrange, on a slow disk."""

_DEFAULT_SIZE: Final = (1280, 720)


class Session:
    """Cameras, synchronizer, inference, recorder, supervised. A context manager: entering starts everything.

    Args:
        rig: The devices.
        calibration: Geometry of all cameras of the rig; needed with a pipeline. For a single camera and a
            pipeline that lifts what one camera sees, it may be left out: see ``assumed_calibration``.
        pipeline: From frames to poses, or None for recording only; see ``begin_pipeline`` for changing it.
        label: What a viewer must be told before believing the poses; goes into takes.
        on_report: Called from ``poll`` for every report of every node.
        log_level: Of the nodes' processes.

    Attributes:
        rig: The devices.
        poses: The pipeline that makes poses, or that is being loaded.
        take: The take that is being recorded, or was last.
        events: What the nodes told of, oldest first; whoever keeps a session for days empties it.
        origin_ns: Start of the common clock; 0 before ``go``.

    Raises:
        BadInputError: Cameras of rig and calibration do not fit each other.
    """

    def __init__(
        self,
        rig: RigConfig,
        calibration: Rig | None,
        pipeline: PipelineConfig | None,
        *,
        label: str = "",
        on_report: Callable[[Report], None] | None = None,
        log_level: str = "warning",
    ) -> None:
        self.rig = rig
        self.poses = PoseMaking(rig, calibration, pipeline, label)
        self.take = CurrentTake(self._running, self._hear)
        self.events: list[Report] = []
        self.origin_ns = 0
        self._ended_cameras: set[str] = set()
        self._supervisor: Supervisor | None = None
        self._on_report = on_report
        self._log_level = log_level
        self._folder = tempfile.TemporaryDirectory(prefix="posestage-")
        public = pipeline.stream.address if pipeline is not None else ""
        self._endpoints = session_endpoints(Path(self._folder.name), public)
        self._bus = Bus()

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Start all processes and open all cameras; ``go`` then starts the common clock.

        Args:
            cancelled: Asked often while starting; True gives up.

        Raises:
            CancelledError: It was given up.
            BadInputError: Something the user can mend: a wrong path, a camera in use, missing weights.
            PosestageError: A process failed to start.
        """
        if self._supervisor is not None:
            raise PosestageError("the session is running already")
        self._supervisor = Supervisor(self._specs(), self._endpoints, self._hear, self._log_level)
        try:
            self._supervisor.start(cancelled)
            self.poses.check_sizes(self._supervisor)
        except BaseException:
            self.stop()
            raise

    def go(self, record_to: Path | None = None) -> None:
        """Start the common clock: frames flow from now on, into a take from the first one when asked.

        Raises:
            BadInputError: The disk has no room for even a short take.
        """
        supervisor = self._running()
        self.origin_ns = time.monotonic_ns() + _ORIGIN_DELAY_NS
        if record_to is not None:
            self.record(record_to)
        supervisor.command(Command("go", {"origin_ns": self.origin_ns}), sticky=True)

    def begin_pipeline(self, pipeline: PipelineConfig | None) -> None:
        """Make poses another way, or not at all, while cameras and recorder go on.

        Returns at once; while ``poll`` is called the old models end and the new ones are loaded.
        ``poses.loading`` is None again when that is done, and ``poses.take_failure`` says why it failed, if
        it did: then there are no poses, and everything else goes on.

        Raises:
            BadInputError: The pipeline needs a calibration, or does not fit the rig.
            PosestageError: A take is being recorded; it has one pipeline from start to end.
        """
        supervisor = self._running()
        if self.take.recording:
            raise PosestageError(
                "the pipeline cannot change within a take; stop recording first, or process the take later"
            )
        self.poses.begin(pipeline, supervisor)
        public = pipeline.stream.address if pipeline is not None else ""
        self._endpoints = replace(self._endpoints, poses_public=public)
        supervisor.replace(INFERENCE, self.poses.spec(self._endpoints))

    def set_pipeline(self, pipeline: PipelineConfig | None) -> None:
        """As ``begin_pipeline``, and wait until it is done.

        Raises:
            BadInputError: Something the user can mend: missing weights, no calibration, a wrong setting.
            PosestageError: The models could not be started; the session goes on without poses.
        """
        self.begin_pipeline(pipeline)
        while self.poses.loading is not None or (pipeline is None and INFERENCE in self.alive()):
            self.poll(20)
        failure = self.poses.take_failure()
        if failure is not None:
            raise failure

    def record(self, folder: Path) -> None:
        """Start a take in ``folder`` (new or empty) while frames flow.

        Raises:
            BadInputError: The disk has no room for even a short take.
            PosestageError: The recorder did not start, or a pipeline is being loaded.
        """
        with not_left_empty(folder):
            loading = self.poses.loading
            if loading is not None:
                raise PosestageError(
                    f"pipeline {loading.name} is being loaded; record when it is ready, or without poses"
                )
            free_space_check(folder, self.bytes_per_second())
            self._ended_cameras.clear()
            origin_ns = max(time.monotonic_ns(), self.origin_ns)
            self.take.begin(folder, own_of_take(folder, origin_ns, self.poses), self.poll)

    def stop_recording(self, timeout_s: float = _CLOSE_DEADLINE_S) -> RecordingSummary:
        """End the take and wait until it is closed; ``take.end`` and ``take.summary`` do not wait.

        Raises:
            PosestageError: The recorder failed, or did not close it in time.
        """
        self.take.end()
        deadline = time.monotonic() + timeout_s
        while True:
            summary = self.take.summary()
            if summary is not None:
                return summary
            self.poll(20)
            if time.monotonic() > deadline:
                raise PosestageError(
                    f"the take was not closed within {timeout_s:.0f} s; end this program, then run: "
                    f"launch.py repair {self.take.folder}"
                )

    def poll(self, timeout_ms: int = 20, also: Sequence[Receiver] = ()) -> None:
        """Keep the session alive; call often.

        Args:
            timeout_ms: How long to wait for news.
            also: A message on one of these, such as poses, ends the waiting too.

        Raises:
            RecordingLostError: The take that was being recorded has lost its recorder, and no other could go
                on with it in time. The session goes on without; another take can be recorded.
        """
        self._running().poll(timeout_ms, also)
        self.take.check()

    @property
    def finished(self) -> bool:
        """Whether every camera has come to the end of its source."""
        return len(self._ended_cameras) == len(self.rig.cameras)

    def telemetry(self) -> dict[str, dict[str, Any]]:
        """The last numbers of every node."""
        return self._running().telemetry()

    def alive(self) -> dict[str, bool]:
        """Whether each node runs and answers."""
        return self._running().alive()

    def pid(self, node: str) -> int | None:
        """Process id of a node."""
        return self._running().pid(node)

    def details(self, node: str) -> dict[str, Any]:
        """What a node said when it became ready."""
        return self._running().details(node)

    def bytes_per_second(self) -> float:
        """What all cameras together will roughly write."""
        total = 0.0
        for camera in self.rig.cameras:
            details = self.details(grabber_name(camera.name))
            width, height = details.get("size") or _DEFAULT_SIZE
            total += width * height * _BYTES_PER_PIXEL * (details.get("fps") or DEFAULT_FPS)
        return total

    def subscribe_poses(self) -> Receiver:
        """A subscription to the poses, read from the thread that owns the session."""
        return self._bus.subscriber(self._endpoints.poses, "poses")

    def stop(self) -> None:
        """Stop all processes in order and free everything. Safe to call twice."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
            self._bus.close(linger_ms=0)
            self._folder.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _specs(self) -> list[NodeSpec]:
        recorder = NodeSpec(
            RECORDER,
            Recorder,
            {"header": header_of_takes(self.rig, self.poses)},
            stop_wave=2,
            stop_within_s=_CLOSE_DEADLINE_S,
        )
        inference = self.poses.spec(self._endpoints)
        return [recorder, *([inference] if inference is not None else []), *grabber_specs(self.rig)]

    def _hear(self, report: Report) -> None:
        if report.kind == "written":
            # From the recorder to the cameras, and nobody else's news.
            self._running().command(Command("written", report.details["cameras"]))
            return
        if report.kind == "event":
            self.events.append(report)
            if report.details.get("what") == "end_of_stream":
                self._ended_cameras.add(report.node)
        elif report.node == INFERENCE:
            self.poses.hear(report)
        self.take.hear(report)
        if self._on_report is not None:
            self._on_report(report)

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise PosestageError("the session is not running")
        return self._supervisor
