"""Which takes there are in some folders, found out in a thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from app.takes.take_entry import TakeEntry, find_takes, read_entry, stamp_of
from app.takes.thread_job import ThreadJob


class TakeFinder(QObject):
    """Looks when told to; told again meanwhile, it looks once more afterwards.

    Args:
        folders: Gives the folders to look in, takes or folders of takes.
        parent: Owner.

    Attributes:
        entries: All takes, as they were found last.
    """

    found = pyqtSignal(bool)
    """It has looked; whether takes came, went or changed."""
    failed = pyqtSignal(str)

    def __init__(self, folders: Callable[[], list[Path]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[TakeEntry] = []
        self._folders = folders
        self._job: ThreadJob | None = None
        self._again = False
        self._closed = False

    @property
    def looking(self) -> bool:
        """Whether a look is under way."""
        return self._job is not None

    def look(self) -> None:
        """Look for takes; ``found`` or ``failed`` follows."""
        if self._closed:
            return
        if self._job is not None:
            self._again = True
            return
        known = {entry.folder: entry for entry in self.entries}
        job = self._job = ThreadJob(partial(_scan, self._folders(), known), self)
        job.done.connect(self._found)
        job.failed.connect(self._failed)
        job.ended.connect(job.deleteLater)
        job.start()

    def forget(self, folder: Path) -> None:
        """A take that is known to be gone before anybody has looked again."""
        self.entries = [entry for entry in self.entries if entry.folder != folder]

    def close(self) -> None:
        """Look no more."""
        self._closed = True

    def wait(self) -> None:
        """Wait for a look that is under way."""
        if self._job is not None:
            self._job.wait()

    def _found(self, entries: object) -> None:
        assert isinstance(entries, list)
        self._job = None
        before, self.entries = self.entries, entries
        self.found.emit(entries != before)
        self._look_again()

    def _failed(self, sentence: str) -> None:
        self._job = None
        self.failed.emit(sentence)
        self._look_again()

    def _look_again(self) -> None:
        if self._again:
            self._again = False
            self.look()


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
