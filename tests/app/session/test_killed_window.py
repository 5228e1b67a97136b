"""A window that is killed while it records leaves a take that is complete, or that repair completes."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from tests.support.recording_window import record_for_ever

pytestmark = pytest.mark.timeout(120)

PATIENCE_S = 60.0


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def frames_on_disk(folder):
    return [
        len(ledger.read_bytes().splitlines())
        for ledger in (folder / "ledger").glob("*.csv")
        if (folder / "take.yaml").exists()
    ]


def segments():
    shared = Path("/dev/shm")
    return {path.name for path in shared.glob("posestage-*")} if shared.is_dir() else set()


def test_a_window_that_is_killed_while_recording_loses_nothing(tmp_path):
    folder = tmp_path / "take"
    process = multiprocessing.get_context("spawn").Process(target=record_for_ever, args=(folder,))
    process.start()
    wait_for(lambda: len(frames := frames_on_disk(folder)) == 2 and min(frames) > 30)
    nodes = [psutil.Process(child.pid) for child in psutil.Process(process.pid).children(recursive=True)]
    seen = min(frames_on_disk(folder))
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE_S)
    process.close()
    wait_for(lambda: not any(node.is_running() for node in nodes))
    take = Take.open(folder)
    if take.header.state == "recording":
        assert repair_take(folder).changed
        take = Take.open(folder)
    assert take.header.state in {"complete", "repaired"}
    for camera in take.cameras:
        totals = take.header.totals[camera]
        assert totals.captured == totals.recorded + sum(totals.dropped.values())
        assert totals.recorded >= seen - 2, "at most the last second may be missing; here nothing should be"
        assert sum(1 for _ in take.frames(camera)) == totals.recorded
    assert not [name for name in segments() if int(name.split("-")[1]) in {node.pid for node in nodes}]
