"""What is done with whole takes: repairing, processing, reports, exports, renaming and the trash."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob
from app.studio import Studio
from app.takes import take_jobs
from app.takes.disposal import Deleted, delete_take, rename_take, restore_take
from app.takes.take_entry import TakeEntry
from app.takes.tasks import Task, TaskQueue
from app.takes.thread_job import ThreadJobs
from app.takes.words import size_words


class TakeWork(QObject):
    """Does it in processes and threads, one thing at a time with each take where that matters.

    Args:
        studio: Hears what came of it.
        entry: The take in a folder, None when it is not listed.
        parent: Owner.

    Attributes:
        tasks: Work in the background.
        last_deleted: What ``undo_delete`` brings back.
    """

    renamed = pyqtSignal(object)
    """A take has moved to this folder."""
    deleted = pyqtSignal(object)
    """The take in this folder is gone."""
    restored = pyqtSignal(object)
    """A deleted take is back in this folder."""
    undo_used = pyqtSignal()
    """``last_deleted`` is being brought back."""

    def __init__(
        self, studio: Studio, entry: Callable[[Path], TakeEntry | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.tasks = TaskQueue(self)
        self.tasks.ended.connect(self._task_ended)
        self.last_deleted: Deleted | None = None
        self._studio = studio
        self._entry = entry
        self._threads = ThreadJobs(self)

    # Tasks: they take long, can be called off, and go on while another page is shown

    def repair(self, folder: Path) -> Task | None:
        """Make an interrupted take complete again."""
        entry = self._entry(folder)
        if entry is None or entry.state != "interrupted" or self.tasks.active(folder):
            return None
        task = Task(
            f"Repairing {entry.name}",
            "repair",
            folder,
            lambda: BackgroundJob(take_jobs.repair, folder),
            at_once=True,
            describe=_repair_words,
        )
        return self.tasks.add(task)

    def process_again(self, folder: Path, pipeline: str) -> Task:
        """Make the poses anew with another pipeline, into a new take."""
        task = Task(
            f"Processing {self._name(folder)} with {pipeline}",
            "process",
            folder,
            lambda: BackgroundJob(take_jobs.process_again, folder, pipeline, folder.parent),
            describe=_process_words,
        )
        return self.tasks.add(task)

    def make_report(self, folder: Path) -> Task:
        """Draw the report of a take; ``tasks.ended`` tells when it can be opened."""
        task = Task(
            f"Report of {self._name(folder)}",
            "report",
            folder,
            lambda: BackgroundJob(take_jobs.make_report, folder),
            at_once=True,
            describe=lambda _: "The report is ready",
        )
        return self.tasks.add(task)

    def export(
        self, folder: Path, formats: list[str], out: Path, *, overwrite: bool = False, smoothed: bool = False
    ) -> Task:
        """Write a take in other formats."""
        task = Task(
            f"Exporting {self._name(folder)}",
            "export",
            folder,
            lambda: BackgroundJob(
                take_jobs.export, folder, formats, out, overwrite=overwrite, smoothed=smoothed
            ),
            at_once=True,
            describe=_export_words,
        )
        return self.tasks.add(task)

    # Files: it takes a moment

    def rename(self, folder: Path, name: str) -> None:
        """Give a take another name; ``renamed`` follows."""
        entry = self._entry(folder)
        if entry is None or name.strip() == entry.name or self._is_busy(folder):
            return
        self._in_thread(partial(rename_take, folder, name), self.renamed.emit)

    def delete(self, folder: Path) -> None:
        """Move a take to the trash; ``undo_delete`` brings it back."""
        if self._is_busy(folder):
            return
        name = self._name(folder)

        def gone(deleted: object) -> None:
            assert isinstance(deleted, Deleted)
            self.last_deleted = deleted
            self.deleted.emit(folder)
            where = "the trash" if deleted.in_trash else str(deleted.kept.parent)
            self._studio.say("info", f"{name} was moved to {where}. Undo brings it back (Ctrl+Z).")
            self._studio.takes_changed.emit()

        self._in_thread(partial(delete_take, folder), gone)

    def undo_delete(self) -> None:
        """Bring the take that was deleted last back."""
        deleted, self.last_deleted = self.last_deleted, None
        if deleted is None:
            return

        def back(target: object) -> None:
            assert isinstance(target, Path)
            self.restored.emit(target)
            self._studio.say("good", f"{target.name} is back.")
            self._studio.takes_changed.emit()

        self.undo_used.emit()
        self._in_thread(partial(restore_take, deleted), back)

    # The end

    def reason_to_stay(self) -> str:
        """What would be lost by quitting now."""
        active = self.tasks.active()
        if not active:
            return ""
        what = active[0].title if len(active) == 1 else f"{len(active)} tasks with takes"
        verb = "is" if len(active) == 1 else "are"
        return f"{what} {verb} not finished. Quitting stops it; what is done so far is kept."

    def shutdown(self) -> None:
        """Call all tasks off, and wait for everything to end."""
        self.tasks.shutdown()
        self._threads.wait()

    # Inside

    def _task_ended(self, task: Task) -> None:
        level = {"done": "good", "failed": "bad"}.get(task.state, "info")
        self._studio.say(level, f"{task.title}: {task.words}")
        if task.kind in {"repair", "process"}:
            self._studio.takes_changed.emit()

    def _is_busy(self, folder: Path) -> bool:
        active = self.tasks.active(folder)
        if active:
            self._studio.say("warning", f"{active[0].title} is not finished. Wait for it or cancel it first.")
        return bool(active)

    def _in_thread(self, function: Callable[[], object], done: Callable[[Any], None]) -> None:
        self._threads.run(function, done, lambda sentence: self._studio.say("bad", sentence))

    def _name(self, folder: Path) -> str:
        entry = self._entry(folder)
        return entry.name if entry is not None else folder.name


def _repair_words(result: take_jobs.Repaired) -> str:
    if not result.missing:
        return "Repaired, nothing is missing"
    return "Repaired. Missing: " + "; ".join(result.missing)


def _process_words(result: take_jobs.Processed) -> str:
    if result.cancelled:
        return f"Cancelled; the {result.instants} instants done so far are in {result.folder.name}"
    words = f"{result.instants} instants in the new take {result.folder.name}"
    return "; ".join([words, *result.notes])


def _export_words(files: list[take_jobs.ExportedFile]) -> str:
    names = ", ".join(f"{file.path.name} ({size_words(file.size_bytes)})" for file in files)
    return f"Written and read back without a difference: {names}"
