"""Thumbnails and quality of takes as pages need them: at once from the cache, the rest a moment later."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob
from app.takes.digest import Digest, cache_folder, key_of, make_digests, read_digest
from app.takes.take_entry import TakeEntry, stamp_of

log = logging.getLogger(__name__)


class DigestStore(QObject):
    """Reads digests and has missing ones made by a process, one process at a time.

    Args:
        cache: Where digests are kept; None for the user's own cache.
        parent: Owner.
    """

    made = pyqtSignal(object)
    """That of the take in this folder is there."""
    finished = pyqtSignal()
    """All that were asked for have been looked at."""

    def __init__(self, cache: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache or cache_folder()
        self._known: dict[str, Digest] = {}
        self._job: BackgroundJob | None = None

    @property
    def making(self) -> bool:
        """Whether a process is at work."""
        return self._job is not None

    def digest(self, entry: TakeEntry) -> Digest | None:
        """Thumbnail and quality of a take; None while they are not known."""
        key = key_of(entry.folder, entry.stamp)
        if key not in self._known:
            found = read_digest(self._cache, key)
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]

    def make_missing(self, entries: Iterable[TakeEntry]) -> None:
        """Have those made that are not known yet; nothing while others are being made."""
        if self._job is not None:
            return
        missing = [
            entry.folder
            for entry in entries
            if entry.state not in {"recording", "unreadable"}
            and self.digest(entry) is None
            and stamp_of(entry.folder) == entry.stamp  # else a new look at the list is on its way
        ]
        if not missing:
            return
        job = self._job = BackgroundJob(make_digests, missing, self._cache, parent=self)
        job.progress.connect(lambda _, folder: self.made.emit(Path(folder)))
        job.done.connect(lambda _: self._done(job))
        job.failed.connect(lambda sentence: log.warning("thumbnails: %s", sentence))
        job.ended.connect(partial(self._ended, job))
        job.start()

    def cancel(self) -> None:
        """Make no more for now; what is made so far is kept."""
        if self._job is not None:
            self._job.cancel()

    def shutdown(self) -> None:
        """Make no more, and wait for the process to end."""
        if self._job is not None:
            self._job.cancel()
            self._job.wait()

    def _done(self, job: BackgroundJob) -> None:
        self._ended(job)  # so that who hears this can have others made
        self.finished.emit()

    def _ended(self, job: BackgroundJob) -> None:
        if self._job is job:
            self._job = None
            job.deleteLater()
