"""The short version of the fault series: one fault of each kind that costs little time; the long one is
``make soak``."""

import random

import pytest

from tests.faults.injector import inject

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


@pytest.mark.parametrize(
    ("victim", "how"),
    [("recorder", "kill"), ("grabber", "kill"), ("supervisor", "kill"), ("recorder", "stop")],
)
def test_a_fault_costs_the_others_nothing_and_the_take_is_intact(tmp_path, victim, how):
    outcome = inject(tmp_path / "run", victim, how, random.Random(f"{victim} {how}"))
    assert outcome.intact, outcome.problems
    assert outcome.lost_by_others == 0, outcome.dropped
    assert outcome.state == "complete", "also without a repair"
    assert all(count > 20 for count in outcome.recorded.values())
    if victim in {"recorder", "grabber"}:
        assert outcome.back_s is not None, "it came back while the recording went on"
