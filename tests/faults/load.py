"""Who uses the processor: a capture's processes, and everybody else, sample by sample."""

from __future__ import annotations

import contextlib
import os
import time

import psutil

from tests.faults.watch import Watch


class LoadWatch(Watch):
    """Samples while its with-block runs.

    Programs that only take what is idle (SCHED_IDLE) hardly disturb anybody and are left out.

    Attributes:
        samples: (seconds since the beginning, processors used by the program and its children, processors
            used by others).
    """

    def __init__(self, program: int, every_s: float = 5.0) -> None:
        super().__init__("load-watch")
        self.samples: list[tuple[float, float, float]] = []
        self._program = program
        self._every_s = every_s

    def mean(self, column: int, part: slice = slice(None)) -> float:
        """Of a column of the samples, or of a part of them."""
        values = [sample[column] for sample in self.samples[part]]
        return sum(values) / len(values) if values else float("nan")

    def _watch(self) -> None:
        started = before_s = time.monotonic()
        before = self._seconds()
        while not self._stop.wait(self._every_s):
            now_s, now = time.monotonic(), self._seconds()
            used = [0.0, 0.0]
            for pid, (seconds, ours) in now.items():
                used[not ours] += max(0.0, seconds - before.get(pid, (0.0, ours))[0])
            took = now_s - before_s
            self.samples.append((now_s - started, used[0] / took, used[1] / took))
            before_s, before = now_s, now

    def _seconds(self) -> dict[int, tuple[float, bool]]:
        """By process, its seconds of processor and whether it is ours."""
        found = {}
        own = {self._program}
        with contextlib.suppress(psutil.Error):
            own |= {child.pid for child in psutil.Process(self._program).children(recursive=True)}
        for pid in psutil.pids():
            with contextlib.suppress(psutil.Error, OSError):
                if os.sched_getscheduler(pid) != os.SCHED_IDLE:
                    times = psutil.Process(pid).cpu_times()
                    found[pid] = (times.user + times.system, pid in own)
        return found
