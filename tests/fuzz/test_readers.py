"""A short version of ``make fuzz``: hypothesis drives the same damage."""

from __future__ import annotations

import warnings
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.guard import TooSlow, bounded
from tests.fuzz.targets import TARGETS, Prepared
from tests.fuzz.wire import WIRE, WireTarget

BOUNDED = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), max_examples=12
)
# Those that open a whole take again and again; the long run tries them.
SLOW = {"take", "take_calibration", "take_ledger", "take_video", "take_truth"}
QUICK = [name for name in TARGETS if name not in SLOW and not name.startswith("export_")]


@pytest.mark.parametrize("name", [*QUICK, "take", "export_csv", "export_trc"])
def test_only_sentences_come_out_of_readers(name, tmp_path):
    prepared = Prepared(TARGETS[name], tmp_path)

    @BOUNDED
    @given(st.randoms(use_true_random=False))
    def damage(dice):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy, about values that make no sense
            prepared.try_bytes(prepared.damaged(dice))

    damage()


@pytest.mark.parametrize("name", WIRE)
def test_only_wire_errors_come_out_of_messages(name):
    target: WireTarget = WIRE[name]()

    @settings(BOUNDED, max_examples=60)
    @given(st.randoms(use_true_random=False))
    def damage(dice):
        target.try_bytes(target.damaged(dice))

    damage()


@BOUNDED
@given(st.sampled_from(sorted(QUICK)), st.binary(max_size=300))
def test_any_bytes(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("any")
    prepared = Prepared(TARGETS[name], folder)
    prepared.try_bytes(data)


def test_the_guard_stops_what_takes_too_long():
    with pytest.raises(TooSlow), bounded(cpu_s=0.1):
        while True:
            pass


def test_the_guard_stops_what_takes_too_much():
    with pytest.raises(MemoryError), bounded(memory_bytes=64 << 20):
        bytearray(1 << 30)


def test_damage_is_told_by_its_seed():
    target = WIRE["message_report"]()
    assert target.damaged(Random(3)) == target.damaged(Random(3))
    assert len({target.damaged(Random(seed)) for seed in range(50)}) > 40
