"""The inference node: frames of one instant in, poses out. Latest wins: it never works on old instants."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from calibration.rig import Rig
from pipeline.bus import Bus, Publisher, Receiver, Sender
from pipeline.frame_ring import FrameRingReader, RingError
from pipeline.messages import Command, FrameReady
from pipeline.node import Node, NodeContext
from pipeline.pipeline_config import PipelineConfig
from pipeline.pose_estimator import PoseEstimator
from pipeline.pose_messages import pack_poses
from pipeline.synchronizer import SyncedSet, Synchronizer
from pipeline.telemetry import Distribution, Drops, Rate, StageClock

log = logging.getLogger(__name__)

_QUEUE: Final = 4000
_POSE_QUEUE: Final = 4000
_PERIOD_AND_A_BIT: Final = 4
"""Quarters of a period up to which every frame is asked for."""


@dataclass(frozen=True)
class _Ticket:
    """A picture waiting in shared memory."""

    t_capture_ns: int
    camera: str
    ring: str
    slot: int
    generation: int


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
        lags_ms = [camera.lag_ms for camera in rig.cameras]
        self._synchronizer: Synchronizer[_Ticket] = Synchronizer(
            rig.names, rates_hz, pipeline.synchronizer, lags_ms=lags_ms
        )
        self._rings: dict[str, FrameRingReader] = {}
        self._estimator: PoseEstimator | None = None
        self._frames: Receiver | None = None
        self._publisher: Publisher | None = None
        self._records: Sender | None = None
        self._recording = False
        self._rate = Rate()
        self._latency_ms = Distribution()
        self._stages = StageClock()
        self._drops = Drops()
        self._people = 0
        self._busy_ns = 0.0
        self._wanted_quarters = 4
        self._shortest_period_ns = 1e9 / max(rates_hz)

    def open(self, bus: Bus) -> dict[str, Any]:
        """Load the models, then listen for frames."""
        self._estimator = PoseEstimator(self._config, self._rig)
        self._frames = bus.receiver(self.context.endpoints.frames, _QUEUE)
        addresses = [self.context.endpoints.poses]
        if self.context.endpoints.poses_public:
            addresses.append(self.context.endpoints.poses_public)
        self._publisher = bus.publisher(*addresses, queue=200)
        self._records = bus.sender(self.context.endpoints.records, _POSE_QUEUE)
        return {
            "models": self._estimator.description(),
            "skeleton": self._estimator.skeleton.name,
            "device": "cpu",
            "poses": self._publisher.endpoint,
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
        assert self._frames is not None
        wait_ms = 5 if self._synchronizer.pending else 50
        for message in self._frames.receive_all(timeout_ms=wait_ms):
            ready: FrameReady = message.payload
            if ready.camera not in self._rig.names:
                continue
            self._ring(ready.ring, ready.camera, ready.generation)
            ticket = _Ticket(message.t_capture_ns, ready.camera, ready.ring, ready.slot, ready.generation)
            self._synchronizer.push(ready.camera, ticket, time.monotonic_ns())
        sets = self._synchronizer.pop(time.monotonic_ns())
        for ticket in self._synchronizer.take_discarded():
            self._release(ticket)
        for old in sets[:-1]:
            self._drops.add("superseded")
            self._release_set(old)
        if sets:
            self._work_on(sets[-1])
        return True

    def close(self) -> None:
        """Free models and mappings."""
        if self._estimator is not None:
            self._estimator.close()
            self._estimator = None
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()

    def telemetry(self) -> dict[str, Any]:
        """Rate, latency, stage times, skew, drops."""
        return {
            "sets": self._rate.count,
            "fps": round(self._rate.recent_hz, 2),
            "fps_overall": round(self._rate.overall_hz, 3),
            "latency_ms": self._latency_ms.summary(),
            "latency_recent_ms": self._latency_ms.recent(),
            "stage_ms": self._stages.summary(),
            "skew_ms": {name: d.summary() for name, d in self._synchronizer.skew_ms.items()},
            "drops": {**self._drops.summary(), **self._synchronizer.drops.summary()},
            "people": self._people,
        }

    def _work_on(self, instant: SyncedSet[_Ticket]) -> None:
        assert self._estimator is not None and self._publisher is not None and self._records is not None
        started_ns = time.monotonic_ns()
        images = [self._view(ticket) for ticket in instant.items]
        times = [ticket.t_capture_ns if ticket is not None else -1 for ticket in instant.items]
        poses = self._estimator.estimate(images, times, instant.time_ns)
        if not all(self._still_valid(ticket) for ticket in instant.items):
            # A grabber restarted and reused the memory under us: the pixels were not what we believed.
            self._drops.add("overwritten")
            return
        self._release_set(instant)
        latency_ns = time.monotonic_ns() - instant.time_ns
        payload, arrays = pack_poses(poses, latency_ns)
        self._publisher.send("poses", payload, arrays, t_capture_ns=instant.time_ns)
        if self._recording and not self._records.send("poses", payload, arrays, t_capture_ns=instant.time_ns):
            self._drops.add("poses_not_recorded")
        self._set_pace(time.monotonic_ns() - started_ns)
        self._rate.tick(instant.time_ns)
        self._latency_ms.add(latency_ns / 1e6)
        self._stages.add_all(poses.stage_ms)
        self._people = len(poses.person)

    def _set_pace(self, busy_ns: int) -> None:
        """Ask the cameras for as many frames as can be worked on, so that they pick the same instants.

        Without it, cameras faster than inference would each drop other frames and hardly any instant would be
        seen by all of them.
        """
        self._busy_ns += 0.1 * (busy_ns - self._busy_ns) if self._busy_ns else busy_ns
        # Quarter periods, and down only when clearly faster: cameras learn of a change at slightly different
        # times and disagree about the instants until all of them have.
        quarters = ceil(4 * self._busy_ns / self._shortest_period_ns)
        if not quarters <= self._wanted_quarters <= 1.25 * quarters + 1:
            self._wanted_quarters = quarters
        interval_ns = round(self._wanted_quarters * self._shortest_period_ns / 4)
        for ring in self._rings.values():
            ring.want(interval_ns if self._wanted_quarters > _PERIOD_AND_A_BIT else 0)

    def _ring(self, name: str, camera: str, generation: int) -> None:
        if name in self._rings:
            return
        for old in [known for known in self._rings if known.split("-", 2)[2] == camera]:
            self._rings.pop(old).close()  # its grabber was replaced
        try:
            self._rings[name] = FrameRingReader(name, free_before=generation)
        except RingError:
            log.info("ring %s was gone before it could be read", name)

    def _view(self, ticket: _Ticket | None) -> Any:
        ring = self._rings.get(ticket.ring) if ticket is not None else None
        return ring.view(ticket.slot, ticket.generation) if ring is not None and ticket is not None else None

    def _still_valid(self, ticket: _Ticket | None) -> bool:
        ring = self._rings.get(ticket.ring) if ticket is not None else None
        return ring is None or ticket is None or ring.valid(ticket.slot, ticket.generation)

    def _release(self, ticket: _Ticket) -> None:
        ring = self._rings.get(ticket.ring)
        if ring is not None:
            ring.release(ticket.slot, ticket.generation)

    def _release_set(self, instant: SyncedSet[_Ticket]) -> None:
        for ticket in instant.items:
            if ticket is not None:
                self._release(ticket)
