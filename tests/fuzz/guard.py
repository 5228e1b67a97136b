"""Bounds for code that reads what nobody should have written: processor time and memory."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

CPU_S = 10.0
"""Of this process, not of the clock: the slowest valid input takes less than a tenth of it."""
MEMORY_BYTES = 1 << 30
"""Address space beyond what the process has. The largest valid input takes some ten MB, and a new thread with
its stack and its heap 200 MB."""


class TooSlow(BaseException):
    """A reader worked for longer than allowed."""


@contextlib.contextmanager
def bounded(cpu_s: float = CPU_S, memory_bytes: int = MEMORY_BYTES) -> Iterator[None]:
    """Raise TooSlow or MemoryError where the body takes too much.

    Where the system knows no such limits (Windows, macOS), or outside the main thread, the body runs freely.
    """
    statm = Path("/proc/self/statm")
    if threading.current_thread() is not threading.main_thread() or not statm.is_file():
        yield
        return
    import resource

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"took more than {cpu_s:g} s of processor time")

    old_handler = signal.signal(signal.SIGVTALRM, stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    present = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + memory_bytes, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGVTALRM, old_handler)
