"""Decisions of the takes page: which takes there are, which are shown, what is done with them."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.background_job import BackgroundJob
from app.studio import Studio
from app.takes import take_jobs
from app.takes.digest import Digest, cache_folder, key_of, make_digests, read_digest
from app.takes.disposal import Deleted, delete_take, rename_take, restore_take
from app.takes.take_entry import TakeEntry, find_takes, read_entry, stamp_of
from app.takes.tasks import Task, TaskQueue
from app.takes.thread_job import ThreadJob
from app.takes.words import size_words

log = logging.getLogger(__name__)

SortKey = Literal["newest", "oldest", "name", "longest", "quality"]
SORTS: Final[dict[SortKey, str]] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "name": "Name",
    "longest": "Longest first",
    "quality": "Quality",
}

_RECORDING_MS: Final = 2000
"""How often takes are looked at again while one is being recorded."""

_GRADE_ORDER: Final = {"good": 0, "warning": 1, "bad": 2, "quiet": 3}


class TakesPresenter(QObject):
    """The list of takes and everything that is done with whole takes.

    Attributes:
        entries: All takes.
        selected: Folder of the chosen one.
        tasks: Work in the background.
        opened: Folders opened beside the studio's own.
    """

    changed = pyqtSignal()
    """Takes came, went or changed, or others are shown."""
    digested = pyqtSignal(object)
    """Thumbnail and quality of the take in this folder are there."""
    selection_changed = pyqtSignal()
    opened_take = pyqtSignal(object)
    """The take in this folder should be played."""
    processed = pyqtSignal(object)

    def __init__(self, studio: Studio, cache: Path | None = None) -> None:
        super().__init__()
        self.studio = studio
        self.cache = cache or cache_folder()
        self.entries: list[TakeEntry] = []
        self.loading = False
        self.selected: Path | None = None
        self.search = ""
        self.sort: SortKey = "newest"
        self.tasks = TaskQueue(self)
        self.tasks.ended.connect(self._task_ended)
        remembered = studio.preferences.pages.get("takes", {})
        self.opened: list[Path] = [Path(text) for text in remembered.get("opened", [])]
        self.last_deleted: Deleted | None = None
        self._digests: dict[str, Digest] = {}
        self._scan: ThreadJob | None = None
        self._again = False
        self._work: set[ThreadJob] = set()
        self._digesting: BackgroundJob | None = None
        self._active = False
        self._told: set[Path] = set()
        self._closed = False
        self._clock = QTimer(self)
        self._clock.setInterval(_RECORDING_MS)
        self._clock.timeout.connect(self.refresh)
        studio.takes_changed.connect(self.refresh)

    # The list

    @property
    def shown(self) -> list[TakeEntry]:
        """Takes that match the search, in order."""
        found = [entry for entry in self.entries if entry.matches(self.search)]
        when = lambda entry: entry.recorded.timestamp() if entry.recorded else 0.0  # noqa: E731
        if self.sort == "name":
            return sorted(found, key=lambda entry: entry.name.lower())
        if self.sort == "longest":
            return sorted(found, key=lambda entry: -entry.seconds)
        newest = sorted(found, key=when, reverse=self.sort != "oldest")
        if self.sort == "quality":
            return sorted(newest, key=self._quality)
        return newest

    @property
    def interrupted(self) -> list[TakeEntry]:
        """Takes that wait for repair and are not being repaired."""
        return [
            entry
            for entry in self.entries
            if entry.state == "interrupted" and not self.tasks.active(entry.folder)
        ]

    def entry(self, folder: Path | None = None) -> TakeEntry | None:
        """The take in a folder; the selected one when none is named."""
        wanted = folder or self.selected
        return next((entry for entry in self.entries if entry.folder == wanted), None)

    def digest(self, entry: TakeEntry) -> Digest | None:
        """Thumbnail and quality of a take; None while they are not known."""
        key = key_of(entry.folder, entry.stamp)
        if key not in self._digests:
            found = read_digest(self.cache, key)
            if found is None:
                return None
            self._digests[key] = found
        return self._digests[key]

    def set_search(self, words: str) -> None:
        """Show only takes that all these words are found in."""
        self.search = words
        self._keep_selection()
        self.changed.emit()

    def set_sort(self, key: SortKey) -> None:
        """Order of the list."""
        self.sort = key
        self.changed.emit()

    def select(self, folder: Path | None) -> None:
        """Choose a take."""
        if folder != self.selected:
            self.selected = folder
            self.selection_changed.emit()

    def enter(self) -> None:
        """The page became visible."""
        self._active = True
        self.refresh()

    def leave(self) -> None:
        """The page is no longer visible: thumbnails can wait."""
        self._active = False
        self._clock.stop()
        if self._digesting is not None:
            self._digesting.cancel()

    def refresh(self) -> None:
        """Look for takes, in a thread; ``changed`` follows."""
        if self._closed:
            return
        if self._scan is not None:
            self._again = True
            return
        known = {entry.folder: entry for entry in self.entries}
        folders = [self.studio.takes_folder, *self.opened]
        self.loading = not self.entries
        self._scan = ThreadJob(partial(_scan, folders, known), self)
        self._scan.done.connect(self._scanned)
        self._scan.failed.connect(self._scan_failed)
        self._scan.ended.connect(self._scan.deleteLater)
        self._scan.start()
        if self.loading:
            self.changed.emit()

    def open_folder(self, folder: Path) -> None:
        """Show the takes of another folder too, or one take."""
        if not any(find_takes([folder])):
            self.studio.say("warning", f"There is no take in {folder}. Choose a take, or a folder of takes.")
            return
        if folder not in self.opened and folder != self.studio.takes_folder:
            self.opened.append(folder)
            self._remember()
        self.studio.preferences.remember_folder(folder)
        self.refresh()

    def close_folder(self, folder: Path) -> None:
        """Do not show the takes of this folder any more; they stay where they are."""
        if folder in self.opened:
            self.opened.remove(folder)
            self._remember()
            self.refresh()

    # What is done with a take

    def play(self, folder: Path) -> None:
        """Open the player."""
        entry = self.entry(folder)
        if entry is None or not entry.is_usable:
            return
        self.opened_take.emit(folder)

    def repair(self, folder: Path) -> Task | None:
        """Make an interrupted take complete again."""
        entry = self.entry(folder)
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

    def repair_all(self) -> None:
        """Repair every interrupted take."""
        for entry in self.interrupted:
            self.repair(entry.folder)

    def process_again(self, folder: Path, pipeline: str) -> Task:
        """Make the poses anew with another pipeline, into a new take."""
        name = self._name(folder)
        task = Task(
            f"Processing {name} with {pipeline}",
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

    def rename(self, folder: Path, name: str) -> None:
        """Give a take another name."""
        entry = self.entry(folder)
        if entry is None or name.strip() == entry.name:
            return
        if self._is_busy(folder):
            return

        def renamed(target: object) -> None:
            assert isinstance(target, Path)
            self.selected = target
            self.refresh()

        self._in_thread(partial(rename_take, folder, name), renamed)

    def delete(self, folder: Path) -> None:
        """Move a take to the trash; ``undo_delete`` brings it back."""
        if self._is_busy(folder):
            return
        name = self._name(folder)

        def gone(deleted: object) -> None:
            assert isinstance(deleted, Deleted)
            self.last_deleted = deleted
            self.entries = [entry for entry in self.entries if entry.folder != folder]
            self._keep_selection()
            self.changed.emit()
            where = "the trash" if deleted.in_trash else str(deleted.kept.parent)
            self.studio.say("info", f"{name} was moved to {where}. Undo brings it back (Ctrl+Z).")
            self.studio.takes_changed.emit()

        self._in_thread(partial(delete_take, folder), gone)

    def undo_delete(self) -> None:
        """Bring the take that was deleted last back."""
        deleted, self.last_deleted = self.last_deleted, None
        if deleted is None:
            return

        def back(target: object) -> None:
            assert isinstance(target, Path)
            self.selected = target
            self.studio.say("good", f"{target.name} is back.")
            self.studio.takes_changed.emit()

        self.changed.emit()
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
        """End everything that goes on."""
        self._closed = True
        self._clock.stop()
        if self._digesting is not None:
            self._digesting.cancel()
        self.tasks.shutdown()
        if self._digesting is not None:
            self._digesting.wait()
        for job in [self._scan, *self._work]:
            if job is not None:
                job.wait()

    def _scanned(self, entries: object) -> None:
        assert isinstance(entries, list)
        self._scan = None
        before = self.entries
        self.entries, self.loading = entries, False
        self._keep_selection()
        if entries != before or not entries:
            self.changed.emit()
        self._tell_of_interrupted()
        recording = any(entry.state == "recording" for entry in entries)
        if recording and self._active:
            self._clock.start()
        else:
            self._clock.stop()
        if self._again:
            self._again = False
            self.refresh()
        self._look_at_new_ones()

    def _scan_failed(self, sentence: str) -> None:
        self._scan, self.loading = None, False
        self.studio.say("bad", sentence)
        self.changed.emit()

    def _tell_of_interrupted(self) -> None:
        new = [entry for entry in self.interrupted if entry.folder not in self._told]
        self._told |= {entry.folder for entry in new}
        if new and not self._active:
            what = f"The take {new[0].name} was" if len(new) == 1 else f"{len(new)} takes were"
            self.studio.say(
                "warning", f"{what} interrupted. What was recorded is safe: repair it under Takes."
            )

    def _keep_selection(self) -> None:
        """Something that is shown stays selected, if there is anything."""
        shown = self.shown
        if not any(entry.folder == self.selected for entry in shown):
            self.selected = shown[0].folder if shown else None
        self.selection_changed.emit()

    def _look_at_new_ones(self) -> None:
        """Have thumbnails and quality computed that are not known yet."""
        if not self._active or self._digesting is not None or self._closed:
            return
        missing = [
            entry.folder
            for entry in self.shown
            if entry.state not in {"recording", "unreadable"}
            and self.digest(entry) is None
            and stamp_of(entry.folder) == entry.stamp  # else a new look at the list is on its way
        ]
        if not missing:
            return
        self._digesting = BackgroundJob(make_digests, missing, self.cache, parent=self)
        self._digesting.progress.connect(lambda _, folder: self.digested.emit(Path(folder)))
        self._digesting.done.connect(self._digests_made)
        self._digesting.failed.connect(lambda sentence: log.warning("thumbnails: %s", sentence))
        self._digesting.ended.connect(self._digests_ended)
        self._digesting.start()

    def _digests_ended(self) -> None:
        job, self._digesting = self._digesting, None
        if job is not None:
            job.deleteLater()

    def _digests_made(self) -> None:
        self.changed.emit()
        # Takes that came meanwhile. One that cannot be judged has an entry that says so, so this ends.
        self._digests_ended()
        self._look_at_new_ones()

    def _quality(self, entry: TakeEntry) -> tuple[int, float]:
        digest = self.digest(entry)
        if digest is None:
            return (4, 0.0)
        figure = float(digest.figure.split()[0]) if digest.figure else 0.0
        return (_GRADE_ORDER[digest.grade], figure)

    def _task_ended(self, task: Task) -> None:
        level: Any = {"done": "good", "failed": "bad"}.get(task.state, "info")
        self.studio.say(level, f"{task.title}: {task.words}")
        if task.kind in {"repair", "process"}:
            self.studio.takes_changed.emit()
        if task.kind == "process" and task.state == "done":
            self.processed.emit(task.result.folder)

    def _is_busy(self, folder: Path) -> bool:
        active = self.tasks.active(folder)
        if active:
            self.studio.say("warning", f"{active[0].title} is not finished. Wait for it or cancel it first.")
        return bool(active)

    def _in_thread(self, function: Any, done: Any) -> None:
        job = ThreadJob(function, self)
        self._work.add(job)
        job.done.connect(done)
        job.failed.connect(lambda sentence: self.studio.say("bad", sentence))
        job.ended.connect(lambda: self._work.discard(job))
        job.ended.connect(job.deleteLater)
        job.start()

    def _remember(self) -> None:
        pages = self.studio.preferences.pages
        pages["takes"] = {**pages.get("takes", {}), "opened": [str(folder) for folder in self.opened]}
        self.studio.preferences.save()

    def _name(self, folder: Path) -> str:
        entry = self.entry(folder)
        return entry.name if entry is not None else folder.name


def _scan(folders: list[Path], known: dict[Path, TakeEntry]) -> list[TakeEntry]:
    """Entries of all takes; those that have not changed are not read again."""
    entries = []
    for folder in find_takes(folders):
        before = known.get(folder)
        settled = before is not None and before.state not in {"recording", "interrupted"}
        if before is not None and settled and before.stamp == stamp_of(folder):
            entries.append(before)
        else:
            entries.append(read_entry(folder))
    return entries


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
