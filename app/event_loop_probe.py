"""How long the event loop lets a click wait."""

from __future__ import annotations

import threading
import time
from typing import Final

from PyQt6.QtCore import QObject, pyqtSignal

_ASK_EVERY_S: Final = 0.02


class EventLoopProbe(QObject):
    """Asks the event loop from another thread whether it is there, and times the answers.

    That is what a click waits for, whatever keeps the loop busy: painting, Python's lock, a slow slot.

    Attributes:
        delays_ms: Wall time until each answer; on a busy machine others are part of it.
        cpu_ms: Processor time that the thread of the loop used meanwhile: what it was busy with itself.
    """

    _asked = pyqtSignal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.delays_ms: list[float] = []
        self.cpu_ms: list[float] = []
        self._clock = _thread_clock()
        self._stop = threading.Event()
        self._asked.connect(self._answer)  # queued, as it comes from another thread
        self._thread = threading.Thread(target=self._ask, name="event loop probe", daemon=True)

    def start(self) -> None:
        """Begin to ask, every 20 ms."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(_ASK_EVERY_S):
            self._asked.emit(time.perf_counter(), self._cpu_s())

    def _answer(self, asked_s: float, asked_cpu_s: float) -> None:
        self.delays_ms.append(1e3 * (time.perf_counter() - asked_s))
        self.cpu_ms.append(1e3 * (self._cpu_s() - asked_cpu_s))

    def _cpu_s(self) -> float:
        return time.clock_gettime(self._clock) if self._clock is not None else time.process_time()


def _thread_clock() -> int | None:
    """Clock of the present thread's processor time, readable by others; None where there is none."""
    if hasattr(time, "pthread_getcpuclockid"):
        return time.pthread_getcpuclockid(threading.get_ident())
    return None
