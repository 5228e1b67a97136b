"""The short version of the fault series: every kind of process once; the long one is ``make soak``."""

import random
import signal
import time

import pytest

from tests.faults.faulty_capture import FaultyCapture
from tests.faults.injector import inject
from tests.faults.outcome import Outcome, judge

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_inference_a_camera_and_the_recorder_are_killed_in_one_take_and_the_others_lose_nothing(tmp_path):
    dice = random.Random(3)
    camera = f"cam{dice.randint(1, 4)}"
    with FaultyCapture(tmp_path, 12.0) as capture:
        capture.wait_until_recording()
        fault_ns = time.monotonic_ns()
        for victim in ("inference", f"grabber-{camera}", "recorder"):
            time.sleep(dice.uniform(0.2, 1.5))
            capture.node(victim).send_signal(signal.SIGKILL)
        assert capture.wait_until_ended([]) == 0, capture.said
    outcome = judge(Outcome(f"grabber-{camera}", "kill", 0.0), capture.take, fault_ns, 1 / capture.fps)
    assert outcome.intact, outcome.problems
    assert outcome.state == "complete", "also without a repair"
    assert outcome.lost_by_others == 0, outcome.dropped
    assert all(count > 20 for count in outcome.recorded.values())
    assert len(capture.events("recorder_restart")) == 1
    told = " ".join(capture.result()["events"])
    for victim in ("inference", f"grabber-{camera}", "recorder"):
        assert f"{victim}: ended unexpectedly" in told


def test_a_program_that_is_killed_leaves_a_whole_take_and_no_process(tmp_path):
    outcome = inject(tmp_path / "run", "supervisor", "kill", random.Random(4))
    assert outcome.intact, outcome.problems
    assert outcome.state == "complete", "the nodes closed it in order"
    assert outcome.lost_by_others == 0, outcome.dropped
    assert all(count > 0 for count in outcome.recorded.values())
