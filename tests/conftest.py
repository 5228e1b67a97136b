"""Settings that hold for every test, and the proof that tests clean up."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import configs  # noqa: F401 - says to numba what it must know before it is imported

# Read by Qt and matplotlib when they are first imported, so it must be set before any test module is.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")

GRACE_S = 2.0
"""Threads and processes that were told to end may still be on their way."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Words of single tests; pytest asks for options only in the conftest files that it starts with."""
    group = parser.getgroup("parity", "recorded cases")
    default = Path(__file__).resolve().parents[1].parent / "shared" / "parity"
    group.addoption("--parity-dir", default=str(default), metavar="DIR", help="folder of recorded cases")
    parser.addoption("--screenshots", default=None, metavar="DIR", help="where pictures of the desktop go")
    group.addoption("--parity-report", default=None, metavar="FILE", help="write all deviations as json")


def leftovers() -> set[str]:
    """What must not outlive the tests that made it: processes, threads, blocks of shared memory."""
    blocks = Path("/dev/shm").glob(f"posestage-{os.getpid()}-*")  # there is no such folder but on Linux
    return (
        {f"process {child.name}" for child in multiprocessing.active_children()}
        | {f"thread {thread.name}" for thread in threading.enumerate() if not thread.daemon}
        | {f"shared memory {block.name}" for block in blocks}
    )


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail a module whose tests leave something running."""
    before = leftovers()
    yield
    deadline = time.monotonic() + GRACE_S
    while (left := leftovers() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"left behind: {', '.join(sorted(left))}"
