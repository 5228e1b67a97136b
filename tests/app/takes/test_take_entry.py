from __future__ import annotations

from pathlib import Path

import pytest

from app.takes.take_entry import find_takes, read_entry, stamp_of
from pipeline.take.lock import TakeLock
from tests.app.takes.conftest import FRAMES, age
from tests.pipeline.take.synthetic_take import PERIOD_NS


def test_a_complete_take(walk: Path):
    entry = read_entry(walk)
    assert (entry.name, entry.state, entry.problem) == ("synthetic walk", "complete", "")
    assert entry.cameras == ("cam1", "cam2", "cam3")
    assert (entry.pipeline, entry.label, entry.has_poses) == ("synthetic", "drawn", True)
    assert (entry.frames, entry.dropped) == (FRAMES, 2)
    assert entry.recorded is not None
    assert entry.recorded.year == 2025
    # Cameras are shifted by 2 ms each and jitter by some half milliseconds.
    assert entry.seconds == pytest.approx((FRAMES - 1) * PERIOD_NS / 1e9, abs=0.008)
    assert entry.is_usable


def test_interrupted_is_what_nobody_writes_any_more(interrupted: Path):
    assert read_entry(interrupted).state == "interrupted"
    assert read_entry(interrupted).seconds > 0.8, "lengths come from whole lines only"
    with TakeLock(interrupted):
        assert read_entry(interrupted).state == "recording"
    (interrupted / "take.yaml").touch()
    assert read_entry(interrupted).state == "recording", "its recorder may be about to lock it"
    age(interrupted)
    assert read_entry(interrupted).state == "interrupted"
    assert not read_entry(interrupted).is_usable


@pytest.mark.parametrize("text", ["", "version: 1\n", "version: 7\nname: x\n", "[", "name: \x00"])
def test_damaged_headers_are_shown_with_their_reason(walk: Path, text: str):
    (walk / "take.yaml").write_text(text)
    entry = read_entry(walk)
    assert entry.state == "unreadable"
    assert entry.name == "walk"
    assert entry.problem.startswith("take.yaml is damaged")
    assert not entry.is_usable


def test_takes_are_found_in_folders_and_by_themselves(walk: Path, interrupted: Path, tmp_path: Path):
    (tmp_path / "takes" / ".deleted" / "old").mkdir(parents=True)
    (tmp_path / "takes" / ".deleted" / "take.yaml").touch()
    (tmp_path / "takes" / "notes.txt").touch()
    found = list(find_takes([tmp_path / "takes", walk, tmp_path / "nowhere"]))
    assert found == [interrupted, walk]


def test_a_take_has_another_stamp_when_it_changes(walk: Path):
    age(walk)
    before = stamp_of(walk)
    (walk / "poses.npz").touch()
    assert stamp_of(walk) != before


def test_search_finds_every_word_anywhere(walk: Path):
    entry = read_entry(walk)
    for words in ("", "walk", "WALK synth", "cam2", "2025-01", "complete drawn"):
        assert entry.matches(words), words
    assert not entry.matches("walk run")
