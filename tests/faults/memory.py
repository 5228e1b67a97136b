"""How much memory the processes of a capture use, sample by sample."""

from __future__ import annotations

import threading
import time
from typing import Self

import psutil

from tests.faults.faulty_capture import NODES, FaultyCapture


class MemoryWatch:
    """Samples while its with-block runs.

    Attributes:
        samples: (seconds since the beginning, bytes by node). Bytes are those that would be free without the
            process (USS), so that pictures in shared memory do not count once for each process.
    """

    def __init__(self, capture: FaultyCapture, every_s: float = 1.0) -> None:
        self.samples: list[tuple[float, dict[str, int]]] = []
        self._capture = capture
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch", daemon=True)

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

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
