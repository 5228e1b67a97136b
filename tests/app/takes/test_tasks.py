from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import QObject, pyqtSignal

from app.takes.tasks import Task, TaskQueue

FOLDER = Path("walk")


class Job(QObject):
    """Says what it is told to say, like a ``BackgroundJob``."""

    progress = pyqtSignal(float, str)
    done = pyqtSignal(object)
    failed = pyqtSignal(str)
    cancelled = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.started = self.asked_to_stop = False

    def start(self) -> None:
        self.started = True

    def cancel(self) -> None:
        self.asked_to_stop = True

    def wait(self, timeout_s: float = 0.0) -> bool:
        return True


@pytest.fixture
def queue(qapp) -> TaskQueue:
    return TaskQueue()


def add(queue: TaskQueue, **settings) -> tuple[Task, Job]:
    job = Job()
    return queue.add(Task("Working", "process", FOLDER, lambda: job, **settings)), job  # type: ignore[arg-type,return-value]


def test_tasks_run_one_after_the_other_and_urgent_ones_at_once(queue: TaskQueue):
    first, first_job = add(queue)
    second, second_job = add(queue)
    urgent, urgent_job = add(queue, at_once=True)
    assert [task.state for task in (first, second, urgent)] == ["running", "waiting", "running"]
    assert urgent_job.started
    assert not second_job.started
    urgent_job.done.emit(1)
    assert second.state == "waiting", "an urgent task makes no room in the queue"
    first_job.done.emit("result")
    assert (first.state, first.result, first.share) == ("done", "result", 1.0)
    assert second.state == "running"
    assert second_job.started


def test_progress_words_and_failures(queue: TaskQueue):
    task, job = add(queue, describe=lambda result: f"made {result}")
    job.progress.emit(0.25, "5 of 20")
    assert (task.share, task.words) == (0.25, "5 of 20")
    job.done.emit(20)
    assert task.words == "made 20"
    task, job = add(queue)
    job.failed.emit("the disk is full")
    assert (task.state, task.words) == ("failed", "the disk is full")


def test_cancel_waits_for_what_is_being_saved(queue: TaskQueue):
    running, job = add(queue)
    waiting, later = add(queue)
    ended: list[Task] = []
    queue.ended.connect(ended.append)
    waiting.cancel()
    assert waiting.state == "cancelled"
    running.cancel()
    assert running.state == "stopping"
    assert job.asked_to_stop
    assert queue.active() == [running]
    job.progress.emit(0.9, "late words")
    assert "keeping" in running.words
    job.done.emit("half")  # what is done so far may be a result
    assert running.state == "done"
    assert ended == [waiting, running]
    assert not later.started


def test_ended_tasks_can_be_dismissed(queue: TaskQueue):
    task, job = add(queue)
    queue.remove(task)
    assert queue.tasks == [task], "what runs stays"
    job.cancelled.emit()
    queue.remove(task)
    assert queue.tasks == []


def test_only_the_last_results_stay_in_sight(queue: TaskQueue):
    for _ in range(6):
        _, job = add(queue)
        job.done.emit(None)
    active, _ = add(queue)
    assert len(queue.tasks) == 4
    assert queue.tasks[-1] is active


def test_shutdown_stops_everything_and_starts_nothing(queue: TaskQueue):
    first, job = add(queue)
    _, later = add(queue)
    queue.shutdown()
    assert job.asked_to_stop
    job.cancelled.emit()
    assert first.state == "cancelled"
    assert not later.started


def test_active_tasks_of_one_take(queue: TaskQueue):
    task, job = add(queue)
    assert queue.active(FOLDER) == [task]
    assert queue.active(Path("other")) == []
    job.done.emit(None)
    assert queue.active() == []
