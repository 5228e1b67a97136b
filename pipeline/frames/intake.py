"""The receiving end of all grabbers: pictures in shared memory, grouped into instants, newest first.

Latest wins: whoever works on pictures asks for the newest whole instant, and what came before it is let go.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from pipeline.frames.frame import Image
from pipeline.frames.ring import FrameRingReader, RingError
from pipeline.frames.synchronizer import SyncedSet, Synchronizer
from pipeline.wire.bus import Receiver, WireError
from pipeline.wire.messages import FrameReady
from pipeline.wire.telemetry import Drops

log = logging.getLogger(__name__)

FRAME_QUEUE: Final = 4000
_PERIOD_AND_A_BIT: Final = 4
"""Quarters of a period up to which every frame is asked for."""


_AHEAD_NS: Final = 10_000_000_000
"""A capture time may lie ahead of our clock by so much: those of other machines are known to within less."""


@dataclass(frozen=True)
class Ticket:
    """A picture waiting in shared memory."""

    t_capture_ns: int
    camera: str
    frame: int
    ring: str
    slot: int
    generation: int


Instant = SyncedSet[Ticket]


class FrameIntake:
    """Takes announcements in, gives instants out, frees the memory of what is not used.

    Args:
        receiver: Bound where the grabbers announce their frames.
        synchronizer: Groups them.
        rates_hz: Nominal frame rates.
    """

    def __init__(
        self, receiver: Receiver, synchronizer: Synchronizer[Ticket], rates_hz: Sequence[float]
    ) -> None:
        self._receiver = receiver
        self._synchronizer = synchronizer
        self._rings: dict[str, FrameRingReader] = {}
        self._busy_ns = 0.0
        self._wanted_quarters = 4
        self._since_ns = time.monotonic_ns()
        self._shortest_period_ns = 1e9 / max(rates_hz)
        self._drops = Drops()

    def newest(self) -> Instant | None:
        """Wait some ms for announcements; the newest whole instant, if there is one."""
        wait_ms = 5 if self._synchronizer.pending else 50
        for message in self._receiver.receive_all(timeout_ms=wait_ms):
            ready: FrameReady = message.payload
            if ready.camera not in self._synchronizer.cameras:
                continue
            if not _is_ring_of(ready):
                self._receiver.refuse(WireError(f"{ready.camera}: the ring of another", "foreign_ring"))
                continue
            if message.t_capture_ns > time.monotonic_ns() + _AHEAD_NS:
                # Taken for true it would make every later frame one of the past.
                self._receiver.refuse(WireError(f"{ready.camera}: a frame of the future", "from_the_future"))
                continue
            self._attach(ready)
            ticket = Ticket(
                message.t_capture_ns, ready.camera, ready.index, ready.ring, ready.slot, ready.generation
            )
            if ticket.t_capture_ns < self._since_ns:
                # It waited for an inference that was not there, for seconds or for hours.
                self._drops.add("before_start")
                self._release(ticket)
                continue
            self._synchronizer.push(ready.camera, ticket, time.monotonic_ns())
        sets = self._synchronizer.pop(time.monotonic_ns())
        for ticket in self._synchronizer.take_discarded():
            self._release(ticket)
        for old in sets[:-1]:
            self._drops.add("superseded")
            self.release(old)
        return sets[-1] if sets else None

    def picture(self, ticket: Ticket | None) -> Image | None:
        """(H, W, 3) BGR in shared memory, or None where the camera has a gap or its memory is gone."""
        ring = self._rings.get(ticket.ring) if ticket is not None else None
        return ring.view(ticket.slot, ticket.generation) if ring is not None and ticket is not None else None

    def still_valid(self, instant: Instant) -> bool:
        """Whether no grabber restarted and reused the memory meanwhile; counts it where one did."""
        if all(self._valid(ticket) for ticket in instant.items):
            return True
        self._drops.add("overwritten")
        return False

    def release(self, instant: Instant) -> None:
        """Give the memory back to the grabbers."""
        for ticket in instant.items:
            if ticket is not None:
                self._release(ticket)

    def set_pace(self, busy_ns: int) -> None:
        """Ask the cameras for as many frames as can be worked on, so that they pick the same instants.

        Without it, cameras faster than the work would each drop other frames and hardly any instant would be
        seen by all of them.

        Args:
            busy_ns: How long the last instant took.
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

    def drops(self) -> dict[str, int]:
        """Instants and frames that were not used, by cause."""
        return {**self._drops.summary(), **self._synchronizer.drops.summary()}

    def skew_ms(self) -> dict[str, dict[str, float]]:
        """Distance of each camera's frames from their instants."""
        return {name: item.summary() for name, item in self._synchronizer.skew_ms.items()}

    def jitter_ms(self) -> dict[str, dict[str, float]]:
        """How unevenly each camera takes its pictures."""
        return {name: item.summary() for name, item in self._synchronizer.jitter_ms.items()}

    def refused(self) -> dict[str, int]:
        """Announcements that were none, by kind."""
        return self._receiver.refused.summary()

    def close(self) -> None:
        """Let go of the shared memory."""
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()

    def _attach(self, ready: FrameReady) -> None:
        if ready.ring in self._rings:
            return
        for old in [known for known in self._rings if known.split("-", 2)[2] == ready.camera]:
            self._rings.pop(old).close()  # its grabber was replaced
        try:
            self._rings[ready.ring] = FrameRingReader(ready.ring, free_before=ready.generation)
        except RingError:
            log.info("ring %s was gone before it could be read", ready.ring)

    def _valid(self, ticket: Ticket | None) -> bool:
        ring = self._rings.get(ticket.ring) if ticket is not None else None
        return ring is None or ticket is None or ring.valid(ticket.slot, ticket.generation)

    def _release(self, ticket: Ticket) -> None:
        ring = self._rings.get(ticket.ring)
        if ring is not None:
            ring.release(ticket.slot, ticket.generation)


def _is_ring_of(ready: FrameReady) -> bool:
    """Whether the shared memory is called as that camera's ring would be: nothing else is ever opened."""
    prefix, _, rest = ready.ring.partition("-")
    pid, _, camera = rest.partition("-")
    return bool(prefix) and pid.isdigit() and camera == ready.camera
