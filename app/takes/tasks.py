"""Work on takes that goes on in the background, and its queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob

TaskState = Literal["waiting", "running", "stopping", "done", "failed", "cancelled"]

_ENDED_KEPT: Final = 3
"""Results that stay in sight until they are dismissed; older ones make room."""

_AT_ONCE: Final = 1
"""Jobs run one after the other: each uses all cores it can get."""


class Task(QObject):
    """One piece of work.

    Attributes:
        title: What is done, as a heading.
        folder: The take it is about.
        kind: ``repair``, ``process``, ``report`` or ``export``.
        state: How far it is.
        share: Part done, below 0 for "who knows".
        words: What is being done, or what came of it.
        result: What the job returned.
    """

    changed = pyqtSignal()
    finished = pyqtSignal()

    def __init__(
        self,
        title: str,
        kind: str,
        folder: Path,
        job: Callable[[], BackgroundJob],
        *,
        at_once: bool = False,
        describe: Callable[[Any], str] = lambda _: "Done",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.title, self.kind, self.folder = title, kind, folder
        self.at_once = at_once
        self.state: TaskState = "waiting"
        self.share = -1.0
        self.words = "Waiting"
        self.result: Any = None
        self._make_job = job
        self._describe = describe
        self._job: BackgroundJob | None = None

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in {"waiting", "running", "stopping"}

    def start(self) -> None:
        """Begin."""
        self._job = self._make_job()
        self._job.progress.connect(self._progress)
        self._job.done.connect(self._done)
        self._job.failed.connect(self._failed)
        self._job.cancelled.connect(self._cancelled)
        self._set("running", "Starting")
        self._job.start()

    def cancel(self) -> None:
        """Call it off; what was done so far is kept."""
        if self.state == "waiting":
            self._end("cancelled", "Cancelled before it began")
        elif self.state == "running" and self._job is not None:
            self._set("stopping", "Stopping, keeping what is done")
            self._job.cancel()

    def wait(self, timeout_s: float) -> None:
        """Wait for its process to end."""
        if self._job is not None:
            self._job.wait(timeout_s)

    def _progress(self, share: float, words: str) -> None:
        if self.state == "running":
            self.share = share
            self._set("running", words)

    def _done(self, result: object) -> None:
        self.result = result
        self.share = 1.0
        self._end("done", self._describe(result))

    def _failed(self, sentence: str) -> None:
        self._end("failed", sentence)

    def _cancelled(self) -> None:
        self._end("cancelled", "Cancelled")

    def _set(self, state: TaskState, words: str) -> None:
        self.state, self.words = state, words
        self.changed.emit()

    def _end(self, state: TaskState, words: str) -> None:
        self._set(state, words)
        self.finished.emit()


class TaskQueue(QObject):
    """Runs tasks one after the other; those marked ``at_once`` begin without waiting."""

    added = pyqtSignal(object)
    removed = pyqtSignal(object)
    ended = pyqtSignal(object)
    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tasks: list[Task] = []
        self._closing = False

    def add(self, task: Task) -> Task:
        """Put a task at the end of the queue."""
        task.setParent(self)
        ended = [other for other in self.tasks if not other.is_active]
        for other in ended[: max(0, len(ended) - _ENDED_KEPT)]:
            self.remove(other)
        self.tasks.append(task)
        task.changed.connect(self.changed)
        task.finished.connect(lambda: self._task_ended(task))
        self.added.emit(task)
        self._next()
        return task

    def remove(self, task: Task) -> None:
        """Forget a task that has ended."""
        if task in self.tasks and not task.is_active:
            self.tasks.remove(task)
            self.removed.emit(task)
            task.deleteLater()

    def active(self, folder: Path | None = None) -> list[Task]:
        """Tasks that wait or run, of one take or of all."""
        return [task for task in self.tasks if task.is_active and folder in {None, task.folder}]

    def shutdown(self) -> None:
        """Call everything off and wait until it has saved what it has."""
        self._closing = True
        for task in list(self.tasks):
            task.cancel()
        for task in self.tasks:
            task.wait(12.0)  # a job may need 10 s: 5 to save what it has, 5 to end

    def _task_ended(self, task: Task) -> None:
        self.ended.emit(task)
        self.changed.emit()
        self._next()

    def _next(self) -> None:
        if self._closing:
            return
        running = sum(task.state in {"running", "stopping"} and not task.at_once for task in self.tasks)
        for task in list(self.tasks):
            if task.state != "waiting":
                continue
            if task.at_once:
                task.start()
            elif running < _AT_ONCE:
                running += 1
                task.start()
