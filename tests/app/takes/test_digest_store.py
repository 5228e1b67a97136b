"""Thumbnails and quality, from the cache or from a process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PyQt6.QtCore import QObject, pyqtSignal

from app.takes import digest_store
from app.takes.digest import make_digests
from app.takes.digest_store import DigestStore
from app.takes.take_entry import read_entry


class Job(QObject):
    """A ``BackgroundJob`` that works when told to; real ones run in the tests of the presenters."""

    progress = pyqtSignal(float, str)
    done = pyqtSignal(object)
    failed = pyqtSignal(str)
    ended = pyqtSignal()

    def __init__(self, function, folders: list[Path], cache: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.folders, self.cache = folders, cache
        self.cancelled = False

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        self.cancelled = True

    def wait(self) -> bool:
        return True

    def work(self) -> None:
        self.done.emit(make_digests(self.progress.emit, self.folders, self.cache))


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Those that were begun, in order."""
    begun: list[Job] = []

    def begin(*words, parent: QObject) -> Job:
        begun.append(Job(*words, parent))
        return begun[-1]

    monkeypatch.setattr(digest_store, "BackgroundJob", begin)
    return begun


@pytest.fixture
def store(tmp_path: Path, qapp) -> DigestStore:
    return DigestStore(tmp_path / "cache")


def test_missing_ones_are_made_once(store, jobs, walk, tmp_path):
    entry = read_entry(walk)
    made: list[object] = []
    store.made.connect(made.append)
    assert store.digest(entry) is None
    store.make_missing([entry])
    assert store.making
    jobs[0].work()
    jobs[0].ended.emit()
    assert made == [walk]
    assert not store.making
    digest = store.digest(entry)
    assert digest is not None
    assert digest.thumbnail is not None and digest.thumbnail.is_file()
    store.make_missing([entry])
    assert len(jobs) == 1
    assert DigestStore(tmp_path / "cache").digest(entry) == digest, "kept for the next start"


def test_takes_that_came_meanwhile_follow_in_another_process(store, jobs, walk, takes):
    shutil.copytree(walk, takes / "second")
    entries = [read_entry(walk), read_entry(takes / "second")]
    store.finished.connect(lambda: store.make_missing(entries))
    store.make_missing(entries[:1])
    store.make_missing(entries)
    assert [job.folders for job in jobs] == [[walk]], "one process at a time"
    jobs[0].work()
    assert [job.folders for job in jobs] == [[walk], [takes / "second"]]
    jobs[0].ended.emit()  # a job says that it has ended after it said what it did
    assert store.making, "the second one goes on"
    store.shutdown()
    assert jobs[1].cancelled and not jobs[0].cancelled


def test_takes_that_cannot_be_judged_now_are_left_alone(store, jobs, walk, takes):
    changing = read_entry(walk)
    os.utime(walk / "take.yaml", (1, 1))  # since it was listed: a new look is on its way
    (takes / "broken").mkdir()
    (takes / "broken" / "take.yaml").write_text("no: take")
    broken = read_entry(takes / "broken")
    assert broken.state == "unreadable"
    store.make_missing([changing, broken])
    assert not jobs


def test_called_off_it_can_begin_again(store, jobs, walk):
    entry = read_entry(walk)
    store.make_missing([entry])
    store.cancel()
    assert jobs[0].cancelled
    jobs[0].ended.emit()
    store.make_missing([entry])
    assert len(jobs) == 2
