from __future__ import annotations

from pathlib import Path

import pytest

from configs.errors import BadInputError
from pipeline.take.events import read_events
from pipeline.take.lock import TakeLock, is_held
from pipeline.take.marks import add_mark, edit_mark, read_marks, remove_mark, settled_events
from tests.pipeline.take.synthetic_take import ORIGIN_NS, make_take


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_take(tmp_path / "walk", frames=2, sizes=[(64, 48)])


def test_marks_are_set_changed_and_taken_back_by_adding_lines(folder: Path):
    before = (folder / "events.jsonl").read_bytes()
    assert [mark.text for mark in read_marks(folder)] == ["start of the walk"]
    jump = add_mark(folder, ORIGIN_NS + 20, "jümp")
    step = add_mark(folder, ORIGIN_NS + 10, "step")
    assert [mark.text for mark in read_marks(folder)] == ["start of the walk", "step", "jümp"]
    edit_mark(folder, jump.number, "high jump")
    edit_mark(folder, 0, "walk begins")
    remove_mark(folder, step.number)
    marks = read_marks(folder)
    assert [(mark.t_ns, mark.text) for mark in marks] == [
        (ORIGIN_NS, "walk begins"),
        (ORIGIN_NS + 20, "high jump"),
    ]
    after = (folder / "events.jsonl").read_bytes()
    assert after.startswith(before), "nothing that was written is ever changed"
    events, problem = read_events(folder / "events.jsonl")
    assert problem == ""
    assert [event.kind for event in events] == [
        "mark",
        "warning",
        "mark",
        "mark",
        "mark_edited",
        "mark_edited",
        "mark_removed",
    ]


def test_readers_see_what_holds(folder: Path):
    mark = add_mark(folder, ORIGIN_NS + 20, "jump")
    edit_mark(folder, 0, "walk begins")
    edit_mark(folder, mark.number, "high jump")
    gone = add_mark(folder, ORIGIN_NS + 30, "nothing")
    remove_mark(folder, gone.number)
    events = settled_events(read_events(folder / "events.jsonl")[0])
    assert [(event.kind, event.message) for event in events] == [
        ("mark", "walk begins"),
        ("warning", "the walk is over"),
        ("mark", "high jump"),
    ]


def test_what_is_not_there_cannot_be_changed(folder: Path):
    mark = add_mark(folder, ORIGIN_NS, "here")
    remove_mark(folder, mark.number)
    for number in (mark.number, 1, 99):  # taken back, a warning, nothing
        with pytest.raises(BadInputError, match="no such mark any more"):
            edit_mark(folder, number, "other")
        with pytest.raises(BadInputError, match="no such mark any more"):
            remove_mark(folder, number)


def test_takes_being_written_and_damaged_events_are_left_alone(folder: Path):
    with TakeLock(folder):
        assert is_held(folder)
        with pytest.raises(BadInputError, match="being written right now"):
            add_mark(folder, ORIGIN_NS, "too early")
    assert not is_held(folder)
    header = folder / "take.yaml"
    text = header.read_text()
    header.write_text(text.replace("state: complete", "state: recording"))
    with pytest.raises(BadInputError, match="repair the take first"):
        add_mark(folder, ORIGIN_NS, "interrupted")
    header.write_text(text)
    with (folder / "events.jsonl").open("ab") as stream:
        stream.write(b'{"t_ns": 5, "ki')
    before = (folder / "events.jsonl").read_bytes()
    with pytest.raises(BadInputError, match="cut short"):
        add_mark(folder, ORIGIN_NS, "after damage")
    assert (folder / "events.jsonl").read_bytes() == before


def test_looking_for_a_lock_leaves_no_trace(tmp_path: Path):
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
