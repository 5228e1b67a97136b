"""How another machine's clock runs against this one's: offset, drift, and how sure that is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

_WINDOW_NS: Final = 60_000_000_000
"""Over a minute a quartz drifts evenly to some 10 us, however the room warms up."""

_MOST: Final = 600
_GRAIN_NS: Final = 10_000.0
"""Reading clocks and waking up takes at least this long, in ways the round trip does not show."""

_DRIFT_PRIOR: Final = 100e-6
"""Standard deviation: cheap quartz stays within 100 parts per million."""

_RANK: Final = 5
_HUBER: Final = 2.0
_STEP_NS: Final = 1_000_000
_WITNESSES: Final = 3
ENOUGH: Final = 8
"""Exchanges before times are mapped: among so many at least one has usually met an idle line."""


@dataclass(frozen=True)
class Exchange:
    """One ping: sent and answered by the host's clock, received and returned by the remote one, all ns."""

    t_host_ns: int
    t_received_ns: int
    t_sent_ns: int
    t_back_ns: int

    @property
    def round_trip_ns(self) -> int:
        """Time on the way, both ways together."""
        return (self.t_back_ns - self.t_host_ns) - (self.t_sent_ns - self.t_received_ns)

    @property
    def middle_ns(self) -> int:
        """Host time in the middle of the exchange."""
        return (self.t_host_ns + self.t_back_ns) // 2

    @property
    def offset_ns(self) -> int:
        """Remote minus host, if both ways took equally long."""
        return ((self.t_received_ns - self.t_host_ns) + (self.t_sent_ns - self.t_back_ns)) // 2


@dataclass(frozen=True)
class ClockEstimate:
    """A straight line through the offsets.

    Attributes:
        at_ns: Host time the offset is of.
        offset_ns: Remote minus host.
        drift: How much faster the remote clock runs, as a fraction.
        sigma_ns: Standard deviation of the offset, if the fastest ways there and back take equally long.
        bound_ns: The offset is wrong by no more than this however unequal the two ways are: half of the
            shortest round trip and three ``sigma_ns``.
        drift_sigma: Standard deviation of the drift.
        round_trip_ns: The shortest seen.
        exchanges: How many it rests on.
    """

    at_ns: int
    offset_ns: int
    drift: float
    sigma_ns: float
    bound_ns: float
    drift_sigma: float
    round_trip_ns: int
    exchanges: int

    def to_host(self, remote_ns: int) -> int:
        """Host time of an instant of the remote clock, ns."""
        since = remote_ns - self.at_ns - self.offset_ns
        return self.at_ns + since - round(since * (self.drift / (1.0 + self.drift)))

    def to_remote(self, host_ns: int) -> int:
        """Remote time of an instant of the host's clock, ns."""
        since = host_ns - self.at_ns
        return host_ns + self.offset_ns + round(since * self.drift)

    def summary(self) -> dict[str, float]:
        """For people, telemetry and the take."""
        return {
            "offset_ms": round(self.offset_ns / 1e6, 4),
            "drift_ppm": round(self.drift * 1e6, 3),
            "drift_sigma_ppm": round(self.drift_sigma * 1e6, 3),
            "sigma_us": round(self.sigma_ns / 1e3, 2),
            "bound_us": round(self.bound_ns / 1e3, 1),
            "round_trip_ms": round(self.round_trip_ns / 1e6, 4),
            "exchanges": self.exchanges,
        }


class RemoteClock:
    """Estimates offset and drift from exchanges of pings as NTP makes them (RFC 5905, section 8).

    A message that waited somewhere makes its exchange longer and shifts its offset by up to half of what it
    lost, so each exchange counts by how much longer it took than the shortest one. The line through the
    offsets is fitted by weighted least squares over the last minute, with a prior on the drift and Huber's
    weights for what fits badly although it was fast. One exchange alone always brackets the true offset:
    remote minus host lies between ``t_sent - t_back`` and ``t_received - t_host``. Several brackets in a row
    that miss the line tell that one of the clocks was set, or stood still while its machine slept.
    """

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=_MOST)
        self._doubtful: list[Exchange] = []
        self._estimate: ClockEstimate | None = None
        self.steps = 0
        """How often one of the clocks was found to have jumped."""

    def reset(self) -> None:
        """Forget everything: it is another clock now."""
        self._exchanges.clear()
        self._doubtful.clear()
        self._estimate = None

    def add(self, exchange: Exchange) -> int:
        """Take an exchange in.

        Returns:
            By how many ns the remote clock was found to have jumped against ours; 0: it did not.
        """
        if exchange.round_trip_ns < 0 or exchange.t_sent_ns < exchange.t_received_ns:
            return 0  # no clock does that; somebody is making it up, or a clock jumped within the exchange
        before = self.estimate
        if before is not None and self._misses(exchange, before):
            self._doubtful.append(exchange)
            if len(self._doubtful) < _WITNESSES:
                return 0
            witnesses, self._doubtful = self._doubtful, []
            surest = min(witnesses, key=lambda one: one.round_trip_ns)
            jump = surest.offset_ns - (before.to_remote(surest.middle_ns) - surest.middle_ns)
            self._exchanges.clear()
            self._exchanges.extend(witnesses)
            self._estimate = None
            self.steps += 1
            return jump
        self._doubtful.clear()
        self._exchanges.append(exchange)
        while exchange.middle_ns - self._exchanges[0].middle_ns > _WINDOW_NS:
            self._exchanges.popleft()
        self._estimate = None
        return 0

    @property
    def settled(self) -> bool:
        """Whether there are enough exchanges to rely on."""
        return len(self._exchanges) >= ENOUGH

    @property
    def estimate(self) -> ClockEstimate | None:
        """The line as of the newest exchange; None before the first one."""
        if self._estimate is None and self._exchanges:
            self._estimate = self._fit()
        return self._estimate

    @staticmethod
    def _misses(exchange: Exchange, estimate: ClockEstimate) -> bool:
        """Whether the line leads past what the exchange proves, by more than the line is unsure."""
        expected = estimate.to_remote(exchange.middle_ns) - exchange.middle_ns
        away = (exchange.middle_ns - estimate.at_ns) * estimate.drift_sigma
        margin = _STEP_NS + 3 * (estimate.sigma_ns + abs(away))
        low = exchange.t_sent_ns - exchange.t_back_ns - margin
        high = exchange.t_received_ns - exchange.t_host_ns + margin
        return not low <= expected <= high

    def _fit(self) -> ClockEstimate:
        newest = self._exchanges[-1]
        base_ns = newest.offset_ns  # 64-bit floats would not hold offsets of years to the nanosecond
        times = np.array([one.middle_ns - newest.middle_ns for one in self._exchanges], float)
        offsets = np.array([one.offset_ns - base_ns for one in self._exchanges], float)
        trips = np.array([one.round_trip_ns for one in self._exchanges], float)
        ranked = np.sort(trips)
        shortest = float(ranked[0])
        # Even the shortest one may have waited somewhere. Where the way can be faster still, the next
        # ones are far apart; where several are as short, that is the way.
        typical = (ranked[_RANK] - shortest) / 2 if len(ranked) > _RANK else shortest / 4
        sigmas = np.hypot(max(_GRAIN_NS, typical), (trips - shortest) / 2)
        design = np.stack([np.ones_like(times), times], 1)
        prior = np.diag([0.0, 1.0 / _DRIFT_PRIOR**2])
        weights = 1.0 / sigmas**2
        line = np.zeros(2)
        normal = np.eye(2)
        for _ in range(3):
            normal = design.T @ (design * weights[:, None]) + prior
            line = np.linalg.solve(normal, design.T @ (weights * offsets))
            residuals = np.abs(offsets - design @ line) / sigmas
            weights = np.minimum(1.0, _HUBER / np.maximum(residuals, 1e-9)) / sigmas**2
        # Noise that is larger than stated widens the uncertainty; smaller noise does not narrow it.
        spread = float(np.sum(weights * (offsets - design @ line) ** 2)) / max(1, len(times) - 2)
        covariance = np.linalg.inv(normal) * max(1.0, spread)
        # Neighbouring exchanges share their errors, so that many of them do not make it any finer.
        sigma_ns = sqrt(float(covariance[0, 0]) + (_GRAIN_NS / 2) ** 2)
        return ClockEstimate(
            at_ns=newest.middle_ns,
            offset_ns=base_ns + round(line[0]),
            drift=float(line[1]),
            sigma_ns=sigma_ns,
            bound_ns=shortest / 2 + 3 * sigma_ns,
            drift_sigma=sqrt(float(covariance[1, 1])),
            round_trip_ns=int(shortest),
            exchanges=len(times),
        )
