"""Settings that hold for every test, and the proof that tests clean up."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores, and threads that spin while they wait for one another only burn them: matrices,
    # networks and pictures of tests are small. Read when numpy, torch and OpenCV are first imported, here and
    # in the programs that tests start.
    for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(_pool, "1")

import configs  # noqa: F401 - says to numba what it must know before it is imported

# Read by Qt and matplotlib when they are first imported, so it must be set before any test module is.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")

SLOW_WEIGHT = 20
"""Tests without the mark that take as long as one with it, very roughly."""
GRACE_S = 2.0
"""Threads and processes that were told to end may still be on their way."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Words of single tests; pytest asks for options only in the conftest files that it starts with."""
    group = parser.getgroup("parity", "recorded cases")
    default = Path(__file__).resolve().parents[1].parent / "shared" / "parity"
    group.addoption("--parity-dir", default=str(default), metavar="DIR", help="folder of recorded cases")
    parser.addoption("--screenshots", default=None, metavar="DIR", help="where pictures of the desktop go")
    parser.addoption("--extended", action="store_true", help="also what takes minutes and is held elsewhere")
    group.addoption("--parity-report", default=None, metavar="FILE", help="write all deviations as json")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker ends alone with one of them."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    weights: Counter[Path] = Counter()
    for item in items:
        weights[item.path] += SLOW_WEIGHT if item.get_closest_marker("slow") else 1
    items.sort(key=lambda item: -weights[item.path])


@pytest.fixture(scope="session", autouse=True)
def logging_is_pytests_own() -> Iterator[None]:
    """A command run inside a test's process would send records elsewhere, for all tests that follow.

    For the whole session, because fixtures of modules run commands as well.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("app.cli.main.configure_logging", lambda *words: None)
        yield


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
