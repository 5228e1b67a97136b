"""The inference node: frames of one instant in, poses out. Latest wins: it never works on old instants."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from calibration.rig import Rig
from pipeline.estimation.estimator import Estimator, build_estimator
from pipeline.estimation.pipeline_config import ANY_PORT, PipelineConfig
from pipeline.frames.intake import FRAME_QUEUE, FrameIntake, Instant, Ticket
from pipeline.frames.synchronizer import Synchronizer
from pipeline.processes.node import Node, NodeContext
from pipeline.wire.bus import AddressInUseError, Bus, Publisher, Sender
from pipeline.wire.messages import Command
from pipeline.wire.pose_messages import pack_poses
from pipeline.wire.telemetry import Distribution, Drops, Rate, StageClock

log = logging.getLogger(__name__)

_POSE_QUEUE: Final = 4000
_PATIENCE_S: Final = 3.0
_PATIENCE: Final = 8.0
"""How much slower an instant may become than at the start, when little else ran, before a node seems hung."""


class Inference(Node):
    """One process, one device: synchronizes, estimates, publishes.

    When the processor is short it gives way to the grabbers: a frame that is captured late is lost for the
    recording too, an instant that is not estimated can be processed later.
    """

    niceness = 2

    def __init__(
        self, context: NodeContext, pipeline: PipelineConfig, rig: Rig, rates_hz: Sequence[float]
    ) -> None:
        super().__init__(context)
        self._config = pipeline
        self._rig = rig
        self._rates_hz = rates_hz
        self._intake: FrameIntake | None = None
        self._estimator: Estimator | None = None
        self._publisher: Publisher | None = None
        self._records: Sender | None = None
        self._recording = False
        self._rate = Rate()
        self._latency_ms = Distribution()
        self._stages = StageClock()
        self._drops = Drops()
        self._people = 0

    def open(self, bus: Bus) -> dict[str, Any]:
        """Load the models, then listen for frames."""
        self._estimator = build_estimator(self._config, self._rig)
        lags_ms = [camera.lag_ms for camera in self._rig.cameras]
        synchronizer: Synchronizer[Ticket] = Synchronizer(
            self._rig.names, self._rates_hz, self._config.synchronizer, lags_ms=lags_ms
        )
        frames = bus.receiver(self.context.endpoints.frames, FRAME_QUEUE)
        self._intake = FrameIntake(frames, synchronizer, self._rates_hz)
        self._publisher = bus.publisher(self.context.endpoints.poses, queue=200)
        published = self._publish_to_others(self._publisher)
        self._records = bus.sender(self.context.endpoints.records, _POSE_QUEUE)
        return {
            "models": self._estimator.description(),
            "skeleton": self._estimator.skeleton.name,
            "device": self._estimator.device,
            "published": published,
            "silent_after_s": _PATIENCE_S + _PATIENCE * self._estimator.instant_s,
        }

    def on_command(self, command: Command) -> None:
        """Learn the session's origin; send poses to the recorder only while it records."""
        if command.kind == "go" and self._estimator is not None:
            self._estimator.origin_ns = int(command.details["origin_ns"])
        elif command.kind == "record":
            self._recording = True
        elif command.kind == "stop_recording":
            self._recording = False

    def step(self) -> bool:
        """Take frames in; work on the newest complete instant."""
        assert self._intake is not None
        instant = self._intake.newest()
        if instant is not None:
            self._work_on(self._intake, instant)
        return True

    def close(self) -> None:
        """Free models and mappings."""
        if self._estimator is not None:
            self._estimator.close()
            self._estimator = None
        if self._intake is not None:
            self._intake.close()  # kept for its numbers

    def telemetry(self) -> dict[str, Any]:
        """Rate, latency, stage times, skew, drops."""
        return {
            "sets": self._rate.count,
            "fps": round(self._rate.recent_hz, 2),
            "fps_overall": round(self._rate.overall_hz, 3),
            "latency_ms": self._latency_ms.summary(),
            "latency_recent_ms": self._latency_ms.recent(),
            "stage_ms": self._stages.summary(),
            "skew_ms": self._intake.skew_ms() if self._intake is not None else {},
            "jitter_ms": self._intake.jitter_ms() if self._intake is not None else {},
            "refused": self._intake.refused() if self._intake is not None else {},
            "drops": {**self._drops.summary(), **(self._intake.drops() if self._intake is not None else {})},
            "people": self._people,
        }

    def _publish_to_others(self, publisher: Publisher) -> str:
        """Open the address for other programs; returns it, "" for none."""
        address = self.context.endpoints.poses_public
        if not address:
            return ""
        try:
            publisher.bind(address)
        except AddressInUseError:
            if self._config.stream.asked_for:
                raise
            publisher.bind(ANY_PORT)
            instead = publisher.endpoint
            message = f"{address} is in use, perhaps by another session; poses are published on {instead}"
            log.warning("%s", message)
            self.report("event", message, what="other_address")
        return publisher.endpoint

    def _work_on(self, intake: FrameIntake, instant: Instant) -> None:
        assert self._estimator is not None and self._publisher is not None and self._records is not None
        started_ns = time.monotonic_ns()
        images = [intake.picture(ticket) for ticket in instant.items]
        times = [ticket.t_capture_ns if ticket is not None else -1 for ticket in instant.items]
        poses = self._estimator.estimate(images, times, instant.time_ns)
        intact = intake.still_valid(instant)
        intake.release(instant)
        if not intact:
            return  # the pixels were not what we believed
        latency_ns = time.monotonic_ns() - instant.time_ns
        payload, arrays = pack_poses(poses, latency_ns)
        self._publisher.send("poses", payload, arrays, t_capture_ns=instant.time_ns)
        if self._recording and not self._records.send("poses", payload, arrays, t_capture_ns=instant.time_ns):
            self._drops.add("poses_not_recorded")
        intake.set_pace(time.monotonic_ns() - started_ns)
        self._rate.tick(instant.time_ns)
        self._latency_ms.add(latency_ns / 1e6)
        self._stages.add_all(poses.stage_ms)
        self._people = len(poses.person)
