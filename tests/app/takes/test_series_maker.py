"""Graphs of the take that is played, in the background."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import QObject

from app.takes.series_maker import SeriesMaker
from app.takes.take_data import load_take
from app.takes.thread_job import ThreadJobs
from tests.app.takes.conftest import FRAMES


@pytest.fixture
def maker(walk: Path, qtbot):
    owner = QObject()
    threads = ThreadJobs(owner)
    maker = SeriesMaker(threads, owner)
    maker.begin(load_take(walk))
    yield maker
    threads.wait()


def test_the_newest_wish_is_answered(maker: SeriesMaker, qtbot):
    with qtbot.waitSignal(maker.ready) as ready:
        maker.want(0, ["nose", "left_wrist"], ["z", "speed"], smoothed=True)
    result = ready.args[0]
    assert [line.joint for line in result["z"]] == ["nose", "left_wrist"]
    assert len(result["speed"][0].values) == FRAMES
    results: list[dict] = []
    maker.ready.connect(results.append)
    for quantity in ("x", "speed", "y"):
        maker.want(0, ["nose"], [quantity], smoothed=True)
    qtbot.waitUntil(lambda: maker._job is None)
    assert [list(result) for result in results] == [["y"]]


def test_a_failure_is_said_and_the_next_wish_is_answered(maker: SeriesMaker, qtbot):
    with qtbot.waitSignal(maker.failed):
        maker.want(0, ["no such joint"], ["x"], smoothed=True)
    with qtbot.waitSignal(maker.ready):
        maker.want(0, ["nose"], ["x"], smoothed=True)


def test_graphs_of_a_take_that_is_closed_are_dropped(maker: SeriesMaker, qtbot):
    results: list[dict] = []
    maker.ready.connect(results.append)
    maker.want(0, ["nose"], ["x"], smoothed=True)
    maker.begin(None)
    maker.want(0, ["nose"], ["y"], smoothed=True)
    qtbot.waitUntil(lambda: maker._job is None)
    assert results == []
