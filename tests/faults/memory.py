"""How much memory the processes of a capture use, sample by sample."""

from __future__ import annotations

import time

import psutil

from tests.faults.faulty_capture import NODES, FaultyCapture
from tests.faults.watch import Watch


class MemoryWatch(Watch):
    """Samples while its with-block runs.

    Attributes:
        samples: (seconds since the beginning, bytes by node). Bytes are those that would be free without the
            process (USS), so that pictures in shared memory do not count once for each process.
    """

    def __init__(self, capture: FaultyCapture, every_s: float = 1.0) -> None:
        super().__init__("memory-watch")
        self.samples: list[tuple[float, dict[str, int]]] = []
        self._capture = capture
        self._every_s = every_s

    def peak(self, node: str, after_s: float = 0.0) -> int:
        """Most bytes of a node."""
        return max((used.get(node, 0) for at, used in self.samples if at >= after_s), default=0)

    def _watch(self) -> None:
        started = time.monotonic()
        while not self._stop.wait(self._every_s):
            used = {}
            for name in ("supervisor", *NODES):
                try:
                    used[name] = self._capture.node(name).memory_full_info().uss
                except (AssertionError, psutil.Error):
                    continue  # being restarted, or ended
            self.samples.append((time.monotonic() - started, used))
