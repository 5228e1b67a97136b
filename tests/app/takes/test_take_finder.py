"""Takes found in a thread."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.takes import take_finder
from app.takes.take_entry import read_entry
from app.takes.take_finder import TakeFinder


@pytest.fixture
def finder(takes: Path, qtbot):
    finder = TakeFinder(lambda: [takes])
    yield finder
    finder.close()
    finder.wait()


def look(finder: TakeFinder, qtbot) -> bool:
    with qtbot.waitSignal(finder.found) as heard:
        finder.look()
    return heard.args[0]


def test_it_says_whether_something_is_different(finder, walk, takes, qtbot):
    assert look(finder, qtbot)
    assert [entry.folder for entry in finder.entries] == [walk]
    assert not finder.looking
    assert not look(finder, qtbot)
    shutil.copytree(walk, takes / "second")
    assert look(finder, qtbot)
    finder.forget(walk)
    assert [entry.folder.name for entry in finder.entries] == ["second"]
    assert look(finder, qtbot), "it was there all the same"


def test_only_takes_that_may_have_changed_are_read_again(finder, walk, interrupted, qtbot, monkeypatch):
    look(finder, qtbot)
    read: list[Path] = []

    def noted(folder: Path):
        read.append(folder)
        return read_entry(folder)

    monkeypatch.setattr(take_finder, "read_entry", noted)
    look(finder, qtbot)
    assert read == [interrupted]


def test_asked_while_it_looks_it_looks_once_more(finder, walk, qtbot):
    looks: list[bool] = []
    finder.found.connect(looks.append)
    finder.look()
    finder.look()
    finder.look()
    qtbot.waitUntil(lambda: not finder.looking)
    assert looks == [True, False]


def test_a_failure_is_told_and_the_next_look_succeeds(finder, walk, qtbot, monkeypatch):
    def broken(folder: Path):
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(take_finder, "read_entry", broken)
        with qtbot.waitSignal(finder.failed) as heard:
            finder.look()
        assert "the disk is gone" in heard.args[0]
    assert look(finder, qtbot)


def test_closed_it_looks_no_more(finder, walk):
    finder.close()
    finder.look()
    assert not finder.looking
