"""Work in a process of its own, seen from the event loop."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from app.background_job import BackgroundJob
from configs.errors import bad_input


def add(report, a, b):
    report(0.5, "half way")
    return a + b, os.getpid()


def refuse(report):
    raise bad_input("is too small", file="rig.yaml", key="size", value=3)


def stumble(report):
    return 1 // 0


def die(report):
    os._exit(7)


def wait_for_ever(report, path: Path):
    report(-1.0, "waiting")
    try:
        while True:
            time.sleep(0.02)
    except KeyboardInterrupt:
        path.write_text("saved")
        raise


def ended(qtbot, job) -> None:
    with qtbot.waitSignal(job.ended, timeout=30_000):
        job.start()
    assert job.wait()
    assert not job.running


def test_result_and_progress_come_from_another_process(qtbot):
    job = BackgroundJob(add, 2, b=3)
    told, results = [], []
    job.progress.connect(lambda share, what: told.append((share, what)))
    job.done.connect(results.append)
    ended(qtbot, job)
    assert told == [(0.5, "half way")]
    assert results[0][0] == 5
    assert results[0][1] != os.getpid()


def test_bad_input_arrives_as_its_sentence(qtbot):
    job = BackgroundJob(refuse)
    failures = []
    job.failed.connect(failures.append)
    ended(qtbot, job)
    assert failures == ["rig.yaml: size = 3: is too small"]


@pytest.mark.parametrize(("function", "words"), [(stumble, "ZeroDivisionError"), (die, "code 7")])
def test_what_nobody_expected_is_told(qtbot, function, words):
    job = BackgroundJob(function)
    failures = []
    job.failed.connect(failures.append)
    ended(qtbot, job)
    assert failures[0].startswith("Unexpected problem")
    assert words in failures[0]


def test_cancel_lets_the_work_save_itself(qtbot, tmp_path):
    job = BackgroundJob(wait_for_ever, tmp_path / "kept")
    ends = []
    job.done.connect(lambda _: ends.append("done"))
    job.failed.connect(lambda _: ends.append("failed"))
    job.cancelled.connect(lambda: ends.append("cancelled"))
    with qtbot.waitSignal(job.progress, timeout=30_000):
        job.start()
    with qtbot.waitSignal(job.ended, timeout=30_000):
        job.cancel()
    assert job.wait()
    assert ends == ["cancelled"]
    assert (tmp_path / "kept").read_text() == "saved"


def test_cancel_is_heard_also_where_the_window_was_started_by_a_script_in_the_background(qtbot, tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job = BackgroundJob(wait_for_ever, tmp_path / "kept")
        with qtbot.waitSignal(job.progress, timeout=30_000):
            job.start()
        with qtbot.waitSignal(job.ended, timeout=30_000):
            job.cancel()
        assert job.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "kept").read_text() == "saved"


def test_the_event_loop_goes_on(qtbot):
    job = BackgroundJob(add, 1, 1)
    beats = []
    from PyQt6.QtCore import QTimer

    clock = QTimer()
    clock.timeout.connect(lambda: beats.append(None))
    clock.start(5)
    ended(qtbot, job)
    clock.stop()
    assert len(beats) > 5


def test_a_job_whose_window_is_gone_ends_quietly(qtbot, recwarn):
    from PyQt6 import sip

    job = BackgroundJob(add, 1, 1)
    job.start()
    sip.delete(job)
    assert job.wait(30)
