"""Frames of several cameras grouped into instants, by capture time.

A virtual shutter follows the cameras: it expects the next instant one period of the slowest camera after the
last one, and takes from each camera the frame nearest to it. A set is complete when no camera can deliver a
nearer frame any more, or when a camera has been waited for long enough; what it lacks is an explicit gap.
Index numbers play no part, so cameras may start at different times, lose frames, run at different rates, or
leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Generic, Protocol, TypeVar

from pydantic import Field

from configs.loading import Config
from pipeline.wire.telemetry import Distribution, Drops


class SynchronizerConfig(Config):
    """How patient the synchronizer is."""

    max_skew_ms: float | None = Field(default=None, gt=0)
    """Largest distance of a frame from its instant; None: half a period of the slowest camera."""

    max_wait_ms: float = Field(default=150.0, ge=0)
    """How long after an instant a missing frame is waited for. Cameras that keep up are never waited for so
    long; on a machine that does not keep up, fewer whole instants are worth more than many torn ones."""

    gone_after_ms: float = Field(default=500.0, gt=0)
    """A camera silent for this long is not waited for until it returns."""


class Timed(Protocol):
    """Anything with a capture time."""

    @property
    def t_capture_ns(self) -> int:
        """When it was captured, monotonic ns."""
        ...


Item = TypeVar("Item", bound=Timed)


@dataclass(frozen=True)
class SyncedSet(Generic[Item]):
    """One instant: the median capture time of its items, and one item or gap per camera."""

    time_ns: int
    items: tuple[Item | None, ...]


class _Camera(Generic[Item]):
    """What is known of one camera's stream."""

    def __init__(self, period_ns: int, lag_ns: int) -> None:
        self.pending: deque[Item] = deque()
        self.period_ns = float(period_ns)
        self.lag_ns = lag_ns
        self.last_time_ns: int | None = None
        self.last_interval_ns = 0
        self.last_arrival_ns: int | None = None

    def time_of(self, item: Item) -> int:
        """When the scene in the picture took place."""
        return item.t_capture_ns - self.lag_ns

    def note(self, item: Item, now_ns: int) -> float | None:
        """Take a frame in; returns how far the one before is from the middle of its neighbours, ms."""
        uneven_ms = None
        if self.last_time_ns is not None:
            interval = self.time_of(item) - self.last_time_ns
            if max(interval, self.last_interval_ns) < 1.8 * self.period_ns and self.last_interval_ns:
                uneven_ms = abs(interval - self.last_interval_ns) / 2e6
            self.last_interval_ns = interval
            if interval < 1.8 * self.period_ns:  # a longer one is a lost frame, not a slower camera
                self.period_ns += 0.05 * (interval - self.period_ns)
            elif interval < 20 * self.period_ns:
                self.period_ns += 0.01 * (interval - self.period_ns)
        self.last_time_ns = self.time_of(item)
        self.last_arrival_ns = now_ns
        return uneven_ms


class Synchronizer(Generic[Item]):
    """Groups items by capture time. Pure logic: time comes in as an argument.

    Args:
        cameras: Camera names; the order of ``SyncedSet.items``.
        rates_hz: Nominal frame rate of each camera; measured rates take over.
        config: Patience.
        lags_ms: By how much the scene in each camera's pictures is older than their time stamps say, from the
            calibration; None: not at all.
        live: False for files: nothing arrives late, so a camera is waited for until ``end_of_stream``.
    """

    def __init__(
        self,
        cameras: Sequence[str],
        rates_hz: Sequence[float],
        config: SynchronizerConfig | None = None,
        *,
        lags_ms: Sequence[float] | None = None,
        live: bool = True,
    ) -> None:
        self.cameras = tuple(cameras)
        self.config = config or SynchronizerConfig()
        self._live = live
        self._streams: dict[str, _Camera[Item]] = {
            name: _Camera(round(1e9 / rate), round(lag * 1e6))
            for name, rate, lag in zip(cameras, rates_hz, lags_ms or [0.0] * len(cameras), strict=True)
        }
        self._ended: set[str] = set()
        self._last_ns: int | None = None
        self._expected_ns: int | None = None
        self._absent: set[str] = set()
        self._discarded: list[Item] = []
        self.drops = Drops()
        self.skew_ms = {name: Distribution() for name in cameras}
        """How much later than its instant each camera's picture was taken, signed."""
        self.jitter_ms = {name: Distribution() for name in cameras}
        """How far each picture was taken from the middle of its neighbours; 0 for an even shutter. Of
        shutter times with an own deviation s each, it is 0.83 s in the median."""

    def push(self, camera: str, item: Item, now_ns: int) -> None:
        """Take a frame in. Frames of one camera come in order."""
        stream = self._streams[camera]
        time_ns = stream.time_of(item)
        if stream.last_time_ns is not None and time_ns <= stream.last_time_ns:
            self._discard(item, "out_of_order")
            return
        self._ended.discard(camera)
        uneven_ms = stream.note(item, now_ns)
        if uneven_ms is not None:
            self.jitter_ms[camera].add(uneven_ms)
        last_ns, expected_ns = self._last_ns, self._expected_ns
        if last_ns is not None and expected_ns is not None and 2 * time_ns < last_ns + expected_ns:
            # Nearer to the instant that has gone than to the one to come.
            self._discard(item, "late" if camera in self._absent else "surplus")
        else:
            stream.pending.append(item)

    def end_of_stream(self, camera: str) -> None:
        """Nothing more will come from this camera for now."""
        self._ended.add(camera)

    def pop(self, now_ns: int) -> list[SyncedSet[Item]]:
        """All instants that are complete or have been waited for long enough."""
        sets = []
        while (found := self._next(now_ns)) is not None:
            sets.append(found)
        return sets

    def take_discarded(self) -> list[Item]:
        """Items that will not be part of any set (late, surplus); the caller frees them."""
        discarded, self._discarded = self._discarded, []
        return discarded

    @property
    def pending(self) -> int:
        """Number of frames waiting for their set."""
        return sum(len(stream.pending) for stream in self._streams.values())

    def _next(self, now_ns: int) -> SyncedSet[Item] | None:
        if not any(stream.pending for stream in self._streams.values()):
            return None
        expected_ns = self._instant(now_ns)
        if expected_ns is None:
            return None
        waited = self._live and now_ns >= expected_ns + self.config.max_wait_ms * 1e6
        if not waited and not all(self._settled(name, expected_ns, now_ns) for name in self.cameras):
            return None
        chosen = tuple(self._choose(name, expected_ns) for name in self.cameras)
        times = [
            self._streams[name].time_of(item)
            for name, item in zip(self.cameras, chosen, strict=True)
            if item is not None
        ]
        if not times:
            # Nobody filmed this instant: move on to the earliest frame there is.
            self._expected_ns = min(self._heads(), default=None)
            return self._next(now_ns)
        self._absent = {name for name, item in zip(self.cameras, chosen, strict=True) if item is None}
        time_ns = median_low(times)
        self._last_ns = time_ns
        self._expected_ns = time_ns + round(self._slowest_period_ns(now_ns))
        for name, item in zip(self.cameras, chosen, strict=True):
            if item is not None:
                self.skew_ms[name].add((self._streams[name].time_of(item) - time_ns) / 1e6)
        return SyncedSet(time_ns, chosen)

    def _instant(self, now_ns: int) -> int | None:
        """The instant the virtual shutter is waiting for; None while it is too early to say."""
        if self._expected_ns is not None:
            return self._expected_ns
        heads = self._heads()
        missing = [
            name for name in self.cameras if not self._streams[name].pending and name not in self._ended
        ]
        if missing and (not self._live or now_ns < min(heads) + self.config.gone_after_ms * 1e6):
            return None
        # All filming now: the shutter starts in the middle of the first period that all of them share.
        period = self._slowest_period_ns(now_ns)
        together = [time for time in heads if time > max(heads) - period] if self._live else heads
        self._expected_ns = median_low(together) if self._live else min(heads)
        return self._expected_ns

    def _heads(self) -> list[int]:
        return [stream.time_of(stream.pending[0]) for stream in self._streams.values() if stream.pending]

    def _settled(self, name: str, expected_ns: int, now_ns: int) -> bool:
        """Whether no nearer frame of this camera can still come."""
        stream = self._streams[name]
        if stream.pending and stream.time_of(stream.pending[-1]) >= expected_ns:
            return True
        if name in self._ended or (self._live and self._gone(stream, now_ns)):
            return True
        if stream.pending:
            newest = stream.time_of(stream.pending[-1])
            return newest + stream.period_ns - expected_ns >= expected_ns - newest
        return False

    def _gone(self, stream: _Camera[Item], now_ns: int) -> bool:
        return (
            stream.last_arrival_ns is None
            or now_ns - stream.last_arrival_ns > self.config.gone_after_ms * 1e6
        )

    def _choose(self, name: str, expected_ns: int) -> Item | None:
        stream, skew_ns = self._streams[name], self._skew_ns()
        pending, time_of = stream.pending, stream.time_of
        best: Item | None = None
        while pending and time_of(pending[0]) <= expected_ns + skew_ns:
            if best is not None:
                if abs(time_of(pending[0]) - expected_ns) > abs(time_of(best) - expected_ns):
                    break
                self._discard(best, "surplus")
            best = pending.popleft()
        if best is not None and time_of(best) < expected_ns - skew_ns:
            self._discard(best, "surplus")
            return None
        return best

    def _discard(self, item: Item, cause: str) -> None:
        self.drops.add(cause)
        self._discarded.append(item)

    def _skew_ns(self) -> float:
        if self.config.max_skew_ms is not None:
            return self.config.max_skew_ms * 1e6
        return 0.5 * max(stream.period_ns for stream in self._streams.values())

    def _slowest_period_ns(self, now_ns: int) -> float:
        live = [
            stream.period_ns
            for name, stream in self._streams.items()
            if name not in self._ended and not (self._live and self._gone(stream, now_ns))
        ]
        return max(live or [stream.period_ns for stream in self._streams.values()])
