"""Marks of the take that is played."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import QObject

from app.takes.take_data import load_events, load_take
from app.takes.take_marks import TakeMarks
from app.takes.thread_job import ThreadJobs
from pipeline.take.marks import read_marks


@pytest.fixture
def marks(walk: Path, qtbot):
    owner = QObject()
    threads = ThreadJobs(owner)
    marks = TakeMarks(threads, owner)
    marks.begin(load_take(walk), *load_events(walk))
    yield marks
    threads.wait()


def test_marks_are_kept_in_the_take(marks: TakeMarks, walk: Path, qtbot):
    with qtbot.waitSignal(marks.changed):
        marks.add(10, "jump")
    assert [mark.text for mark in marks.marks] == ["start of the walk", "jump"]
    mark = marks.marks[1]
    assert mark.t_ns == marks.data.timeline.times_ns[10]
    assert marks.seconds_of(mark.t_ns) == pytest.approx(marks.data.seconds[10])
    with qtbot.waitSignal(marks.changed):
        marks.edit(mark.number, "high jump")
    assert read_marks(walk)[1].text == "high jump"
    with qtbot.waitSignal(marks.changed):
        marks.remove(mark.number)
    assert [mark.text for mark in read_marks(walk)] == ["start of the walk"]


def test_marks_made_at_once_are_all_written(marks: TakeMarks, walk: Path, qtbot):
    for instant in (20, 5, 12):
        marks.add(instant)
    qtbot.waitUntil(lambda: len(marks.marks) == 4)
    assert {mark.text for mark in read_marks(walk)} == {"start of the walk", "Mark 2", "Mark 3", "Mark 4"}


def test_what_cannot_be_written_is_said_and_the_next_is_written(marks: TakeMarks, qtbot):
    with qtbot.waitSignal(marks.failed):
        marks.remove(99)
        marks.add(3, "after")
    qtbot.waitUntil(lambda: [mark.text for mark in marks.marks][-1] == "after")


def test_what_was_written_into_a_take_that_is_closed_changes_nothing(marks: TakeMarks, walk: Path, qtbot):
    marks.add(3, "late")
    marks.begin(None, [], [])
    marks.add(4, "nowhere")
    qtbot.waitUntil(lambda: not marks._writes)
    assert marks.marks == []
    assert [mark.text for mark in read_marks(walk)] == ["start of the walk", "late"]
