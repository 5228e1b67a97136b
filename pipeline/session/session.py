"""A running rig: what the desktop and headless capture both drive.

with Session(rig, ...) as session:
    session.record(folder)
    session.run(seconds=10)
    summary = session.stop_recording()
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from calibration.assumed_camera import assumed_calibration, assumption, with_place
from calibration.rig import Rig
from configs.errors import PosestageError, bad_input
from pipeline.estimation.assumed_calibration import assumed_for, can_assume, joined_labels
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.estimation.stand_in import fit_to_studio
from pipeline.processes.endpoints import session_endpoints
from pipeline.processes.inference import Inference
from pipeline.processes.recorder import Recorder
from pipeline.processes.rig_nodes import DEFAULT_FPS, frame_rates, grabber_name, grabber_specs, picture_sizes
from pipeline.processes.supervisor import NodeSpec, Supervisor, failure_of
from pipeline.rigs.rig_config import RigConfig
from pipeline.take.folder import free_space_check, not_left_empty
from pipeline.take.header import TakeHeader, wall_time_now
from pipeline.wire.bus import Bus, Receiver
from pipeline.wire.messages import Command, Report

log = logging.getLogger(__name__)

_ORIGIN_DELAY_NS: Final = 300_000_000
"""Between "go" and the origin: every camera and the recorder must have heard it before the first frame."""

_BYTES_PER_PIXEL: Final = 0.15
"""JPEG of quality 90 on textured scenes, measured: 0.10 to 0.14; for the estimate of free space."""

_LOAD_DEADLINE_S: Final = 300.0
"""Networks may have to be compiled first."""
_CLOSE_DEADLINE_S: Final = 600.0
"""For closing a take: a long one has gigabytes of poses to arrange, on a slow disk."""

_RESUME_DEADLINE_S: Final = 60.0
"""For a recorder that takes over; with several attempts."""

_DEFAULT_SIZE: Final = (1280, 720)

_INFERENCE: Final = "inference"


class RecordingLostError(PosestageError):
    """The recorder died while it recorded, and no other could go on; the take can be repaired.

    Attributes:
        folder: The take.
        reason: What happened.
    """

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"recording stopped: {reason}; everything before is safe, run: launch.py repair {folder}"
        )
        self.folder = folder
        self.reason = reason


@dataclass
class RecordingSummary:
    """What a finished recording holds.

    Attributes:
        folder: The take.
        totals: By camera: captured, recorded, dropped by cause.
        poses: Instants with poses.
    """

    folder: Path
    totals: dict[str, Any]
    poses: int


@dataclass
class SessionState:
    """What has been heard from the nodes."""

    events: list[Report] = field(default_factory=list)
    ended_cameras: set[str] = field(default_factory=set)
    recording: bool = False
    take_closed: Report | None = None
    recorder_failure: Report | None = None
    recorder_away: str = ""
    """Why the recorder is being restarted in the middle of a take; empty while it runs."""
    recorder_away_since: float = 0.0


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
        self._supervisor: Supervisor | None = None
        self.calibration = with_place(calibration.subset(rig.names)) if calibration is not None else None
        self.pipeline = self._checked(pipeline)
        self.label = label or self._label_of(pipeline)
        self.loading: PipelineConfig | None = None
        """The pipeline that is being started in place of the last one."""
        self._inference_details: dict[str, Any] = {}
        self._pipeline_failure: Report | None = None
        self.state = SessionState()
        self._on_report = on_report
        self._log_level = log_level
        self._folder = tempfile.TemporaryDirectory(prefix="posestage-")
        public = pipeline.stream.address if pipeline is not None else ""
        self._endpoints = session_endpoints(Path(self._folder.name), public)
        self._bus = Bus()
        self.origin_ns = 0
        self.wall_time = ""
        self.take_folder = Path()
        """Of the take that is being recorded, or was last."""

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
            self._check_sizes()
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
        self.wall_time = wall_time_now()
        if record_to is not None:
            self.record(record_to)
        supervisor.command(Command("go", {"origin_ns": self.origin_ns}), sticky=True)

    def begin_pipeline(self, pipeline: PipelineConfig | None) -> None:
        """Make poses another way, or not at all, while cameras and recorder go on.

        Returns at once; while ``poll`` is called the old models end and the new ones are loaded. ``loading``
        is None again when that is done, and ``take_pipeline_failure`` says why it failed, if it did: then
        there are no poses, and everything else goes on.

        Raises:
            BadInputError: The pipeline needs a calibration, or does not fit the rig.
            PosestageError: A take is being recorded; it has one pipeline from start to end.
        """
        supervisor = self._running()
        if self.state.recording:
            raise PosestageError(
                "the pipeline cannot change within a take; stop recording first, or process the take later"
            )
        pipeline = self._checked(pipeline)
        self._pipeline_failure = None
        self._inference_details = {}
        self.pipeline, self.label = None, ""
        self.loading = pipeline
        public = pipeline.stream.address if pipeline is not None else ""
        self._endpoints = replace(self._endpoints, poses_public=public)
        spec = self._inference_spec(pipeline) if pipeline is not None else None
        supervisor.replace(_INFERENCE, spec)

    def set_pipeline(self, pipeline: PipelineConfig | None) -> None:
        """As ``begin_pipeline``, and wait until it is done.

        Raises:
            BadInputError: Something the user can mend: missing weights, no calibration, a wrong setting.
            PosestageError: The models could not be started; the session goes on without poses.
        """
        self.begin_pipeline(pipeline)
        while self.loading is not None or (pipeline is None and _INFERENCE in self.alive()):
            self.poll(20)
        failure = self.take_pipeline_failure()
        if failure is not None:
            raise failure

    def take_pipeline_failure(self) -> PosestageError | None:
        """Why the last ``begin_pipeline`` failed; told once."""
        report, self._pipeline_failure = self._pipeline_failure, None
        return failure_of(report) if report is not None else None

    def record(self, folder: Path) -> None:
        """Start a take in ``folder`` (new or empty) while frames flow.

        Raises:
            BadInputError: The disk has no room for even a short take.
            PosestageError: The recorder did not start, or a pipeline is being loaded.
        """
        with not_left_empty(folder):
            self._record(folder)

    def _record(self, folder: Path) -> None:
        supervisor = self._running()
        if self.loading is not None:
            raise PosestageError(
                f"pipeline {self.loading.name} is being loaded; record when it is ready, or without poses"
            )
        free_space_check(folder, self.bytes_per_second())
        self.state.recording = False
        self.state.recorder_away = ""
        supervisor.forget("record")
        supervisor.forget("stop_recording")
        self.take_folder = folder
        self.state.take_closed = self.state.recorder_failure = None
        self.state.ended_cameras.clear()
        now_ns = time.monotonic_ns()
        details = {
            "folder": str(folder.resolve()),
            "name": folder.name,
            "origin_ns": max(now_ns, self.origin_ns),
            "wall_time": wall_time_now(),
            "models": self._model_hashes(),
            "skeleton": self._skeleton(),
            "config": self.pipeline.model_dump(mode="json") if self.pipeline is not None else {},
            "pipeline": self.pipeline.name if self.pipeline is not None else "none",
            "label": self.label,
        }
        if self.calibration is not None and assumption(self.calibration):
            # The recorder may have been started before anything was assumed; numbers pass as they are.
            details["assumed_size"] = list(self.calibration.cameras[0].size)
        command = Command("record", details)
        deadline = time.monotonic() + 10.0
        told = -1
        while not self.state.recording:
            if supervisor.ready("recorder") and supervisor.pid("recorder") != told:
                # Told again when it failed a moment ago, or just now, and came back.
                told = supervisor.pid("recorder") or -1
                supervisor.command(Command("record", details, to="recorder"))
            self.poll(20)
            if self.state.recorder_failure is not None:
                raise failure_of(self.state.recorder_failure)
            if time.monotonic() > deadline:
                raise PosestageError("the recorder did not start within 10 s; see the messages above")
        supervisor.command(command, sticky=True)

    def stop_recording(self, timeout_s: float = _CLOSE_DEADLINE_S) -> RecordingSummary:
        """End the take and wait until it is closed.

        Raises:
            PosestageError: The recorder failed, or did not close it in time.
        """
        self.end_recording()
        deadline = time.monotonic() + timeout_s
        while True:
            summary = self.take_summary()
            if summary is not None:
                return summary
            self.poll(20)
            if time.monotonic() > deadline:
                raise PosestageError(
                    f"the take was not closed within {timeout_s:.0f} s; end this program, then run: "
                    f"launch.py repair {self.take_folder}"
                )

    def end_recording(self) -> None:
        """Have the take ended and closed; returns at once, ``take_summary`` tells when it is done."""
        # A recorder that is being restarted just now goes on with the take, and then hears that it is to end.
        self._running().command(Command("stop_recording"), sticky=True)

    def take_summary(self) -> RecordingSummary | None:
        """What the last take holds; None until it is closed. A full disk closes one without being asked."""
        if self.state.take_closed is None:
            return None
        details = self.state.take_closed.details
        return RecordingSummary(Path(details["folder"]), details["totals"], details["poses"])

    def note(self, kind: str, message: str, **details: Any) -> None:
        """Write an event into the take that is being recorded."""
        event = {"kind": kind, "message": message, "t_ns": time.monotonic_ns(), **details}
        self._running().command(Command("event", event, to="recorder"))

    def poll(self, timeout_ms: int = 20, also: Sequence[Receiver] = ()) -> None:
        """Keep the session alive; call often.

        Args:
            timeout_ms: How long to wait for news.
            also: A message on one of these, such as poses, ends the waiting too.

        Raises:
            RecordingLostError: The take that was being recorded has lost its recorder, and no other could go
                on with it in time. The session goes on without; another take can be recorded.
        """
        supervisor = self._running()
        supervisor.poll(timeout_ms, also)
        state = self.state
        if state.recorder_away and time.monotonic() - state.recorder_away_since > _RESUME_DEADLINE_S:
            problem, state.recorder_away, state.recording = state.recorder_away, "", False
            self._end_of_take()
            raise RecordingLostError(self.take_folder, problem)

    @property
    def finished(self) -> bool:
        """Whether every camera has come to the end of its source."""
        return len(self.state.ended_cameras) == len(self.rig.cameras)

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

    def published_address(self) -> str:
        """Where other programs can subscribe to the poses; empty: nowhere."""
        return str(self._inference_details.get("published", "")) if self.pipeline is not None else ""

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
        cameras = grabber_specs(self.rig)
        recorder = NodeSpec(
            "recorder",
            Recorder,
            {"header": self._take_header()},
            stop_wave=2,
            stop_within_s=_CLOSE_DEADLINE_S,
        )
        if self.pipeline is None or self.calibration is None:
            return [recorder, *cameras]
        return [recorder, self._inference_spec(self.pipeline), *cameras]

    def _inference_spec(self, pipeline: PipelineConfig) -> NodeSpec:
        return NodeSpec(
            _INFERENCE,
            Inference,
            {"pipeline": pipeline, "rig": self.calibration, "rates_hz": frame_rates(self.rig)},
            stop_wave=1,
            start_within_s=_LOAD_DEADLINE_S,
            takes_frames=True,
            endpoints=self._endpoints,
        )

    def _checked(self, pipeline: PipelineConfig | None) -> PipelineConfig | None:
        if pipeline is None:
            return None
        if self.calibration is None and can_assume(self.rig, pipeline):
            if self._supervisor is None:
                self.calibration = assumed_for(self.rig)
            else:
                ((name, size),) = picture_sizes(self.rig, self._supervisor).items()
                self.calibration = assumed_calibration(name, size)
        if self.calibration is None:
            raise bad_input(
                f'pipeline "{pipeline.name}" needs calibrated cameras; rig "{self.rig.name}" has no '
                "calibration",
                hint="give one with --calibration FILE or record without poses with --pipeline none",
            )
        return fit_to_studio(pipeline, self.rig)

    def _label_of(self, pipeline: PipelineConfig | None) -> str:
        """What a viewer must be told before believing the poses; empty where there is nothing."""
        if pipeline is None:
            return ""
        return joined_labels(pipeline.label, assumption(self.calibration))

    def _take_header(self) -> TakeHeader:
        return TakeHeader(
            name="",
            rig=self.rig.without_secrets(),
            calibration=self.calibration,
            config=self.pipeline.model_dump(mode="json") if self.pipeline else {},
            models={},
            origin_ns=0,
            wall_time="",
            skeleton=None,
            cameras=self.rig.names,
            pipeline=self.pipeline.name if self.pipeline else "none",
            label=self.label,
        )

    def _check_sizes(self) -> None:
        if self.calibration is None:
            return
        sizes = picture_sizes(self.rig, self._running())
        for camera in self.calibration.cameras:
            size = sizes[camera.name]
            if size != camera.size:
                raise bad_input(
                    f'camera "{camera.name}" delivers {size[0]}x{size[1]} but is calibrated for '
                    f"{camera.size[0]}x{camera.size[1]}",
                    hint="set the calibrated size in the rig, or calibrate again",
                )

    def _hear(self, report: Report) -> None:
        if report.kind == "event":
            self.state.events.append(report)
            if report.details.get("what") == "end_of_stream":
                self.state.ended_cameras.add(report.node)
            elif self.state.recording and report.details.get("what") == "restart":
                if report.node == "recorder" and not self.state.recorder_away:
                    self.state.recorder_away = report.message
                    self.state.recorder_away_since = time.monotonic()
                elif report.node != "recorder":
                    self.note("restart", report.message)
        elif report.node == _INFERENCE and report.kind in {"ready", "failed"}:
            self._hear_of_inference(report)
        elif report.kind == "failed" and report.node == "recorder":
            self.state.recorder_failure = report
        elif report.kind == "recording":
            self.state.recording = True
            if report.details.get("resumed"):
                self._recorder_is_back()
        elif report.kind == "written":
            self._running().command(Command("written", report.details["cameras"]))
            return
        elif report.kind == "take_closed":
            self.state.recording, self.state.recorder_away = False, ""
            self.state.take_closed = report
            self._end_of_take()
        if self._on_report is not None:
            self._on_report(report)

    def _recorder_is_back(self) -> None:
        """Another recorder goes on with the take: cameras give it what the last one may not have written."""
        self._running().command(Command("send_again"))
        reason, self.state.recorder_away = self.state.recorder_away, ""
        if not reason:
            return
        away_s = time.monotonic() - self.state.recorder_away_since
        message = f"recording goes on after {away_s:.1f} s; cameras kept their frames meanwhile ({reason})"
        log.warning("%s", message)
        self.note("recorder_restart", message, away_s=round(away_s, 3))
        pid = self.pid("recorder") or -1
        details = {"what": "recorder_restart", "away_s": round(away_s, 3)}
        self._hear(Report("recorder", pid, "event", message, details))

    def _end_of_take(self) -> None:
        """Nobody is to record any more, nor is told to when it is restarted."""
        supervisor = self._running()
        supervisor.forget("record")
        supervisor.forget("stop_recording")
        supervisor.command(Command("stop_recording"))

    def _hear_of_inference(self, report: Report) -> None:
        loaded, self.loading = self.loading, None
        if report.kind == "ready":
            # Kept: a node that is being restarted has not said anything yet.
            self._inference_details = report.details
            if loaded is not None:
                self.pipeline, self.label = loaded, self._label_of(loaded)
        elif loaded is not None:
            self._pipeline_failure = report

    def _model_hashes(self) -> dict[str, dict[str, str]]:
        models = self._inference_details["models"] if self.pipeline is not None else {}
        return {model["name"]: model["sha256"] for model in models.values()}

    def _skeleton(self) -> str | None:
        return self._inference_details["skeleton"] if self.pipeline is not None else None

    def bytes_per_second(self) -> float:
        """What all cameras together will roughly write."""
        total = 0.0
        for camera in self.rig.cameras:
            details = self._running().details(grabber_name(camera.name))
            width, height = details.get("size") or _DEFAULT_SIZE
            total += width * height * _BYTES_PER_PIXEL * (details.get("fps") or DEFAULT_FPS)
        return total

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise PosestageError("the session is not running")
        return self._supervisor
