"""Numbers about the running system: rates, drops by cause, and distributions of times."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

import numpy as np


class Distribution:
    """Percentiles of a stream of values, over the whole run and over the last few seconds.

    Memory is bounded: past ``capacity`` values the whole run is represented by every 2nd, 4th, … value.
    """

    def __init__(self, capacity: int = 20_000, recent: int = 120) -> None:
        self._capacity = capacity
        self._values: list[float] = []
        self._stride = 1
        self._recent: deque[float] = deque(maxlen=recent)
        self.count = 0

    def add(self, value: float) -> None:
        """Take one value in."""
        if self.count % self._stride == 0:
            self._values.append(value)
            if len(self._values) >= self._capacity:
                self._values = self._values[::2]
                self._stride *= 2
        self.count += 1
        self._recent.append(value)

    def summary(self) -> dict[str, float]:
        """Count, p50, p95, p99, mean and maximum over the whole run; empty when nothing was added."""
        return _percentiles(self._values, self.count)

    def recent(self) -> dict[str, float]:
        """The same over the most recent values."""
        return _percentiles(list(self._recent), len(self._recent))


def _percentiles(values: list[float], count: int) -> dict[str, float]:
    if not values:
        return {}
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {
        "count": count,
        "p50": round(float(p50), 3),
        "p95": round(float(p95), 3),
        "p99": round(float(p99), 3),
        "mean": round(float(np.mean(values)), 3),
        "max": round(float(np.max(values)), 3),
    }


class Rate:
    """Events per second by their own time stamps, over the last ``window`` events and over the whole run."""

    def __init__(self, window: int = 60) -> None:
        self._times: deque[int] = deque(maxlen=window)
        self._first_ns = 0
        self.count = 0

    def tick(self, t_ns: int) -> None:
        """Count one event."""
        if self.count == 0:
            self._first_ns = t_ns
        self.count += 1
        self._times.append(t_ns)

    @property
    def recent_hz(self) -> float:
        """Rate over the last events; 0 until there are two."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) * 1e9 / (self._times[-1] - self._times[0])

    @property
    def overall_hz(self) -> float:
        """Rate from the first event to the last; 0 until there are two."""
        if self.count < 2 or self._times[-1] <= self._first_ns:
            return 0.0
        return (self.count - 1) * 1e9 / (self._times[-1] - self._first_ns)


class StageClock:
    """Distributions of the time spent in each named stage, in ms."""

    def __init__(self) -> None:
        self._stages: dict[str, Distribution] = {}

    def add(self, stage: str, ms: float) -> None:
        """Take one time in."""
        self._stages.setdefault(stage, Distribution()).add(ms)

    def add_all(self, stages: dict[str, float]) -> None:
        """Take the times of several stages in."""
        for stage, ms in stages.items():
            self.add(stage, ms)

    def summary(self) -> dict[str, dict[str, float]]:
        """Percentiles by stage over the whole run."""
        return {stage: distribution.summary() for stage, distribution in self._stages.items()}

    def recent(self) -> dict[str, dict[str, float]]:
        """Percentiles by stage over the last few seconds."""
        return {stage: distribution.recent() for stage, distribution in self._stages.items()}


class Drops:
    """Frames that were not used, by cause."""

    def __init__(self) -> None:
        self._causes: Counter[str] = Counter()

    def add(self, cause: str, count: int = 1) -> None:
        """Count frames dropped for ``cause``."""
        self._causes[cause] += count

    def summary(self) -> dict[str, Any]:
        """Count by cause."""
        return dict(sorted(self._causes.items()))
