"""Decisions of the takes page: which takes there are, which are shown, which is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.studio import Studio
from app.takes.digest import Digest
from app.takes.digest_store import DigestStore
from app.takes.take_entry import TakeEntry, find_takes
from app.takes.take_finder import TakeFinder
from app.takes.take_order import SortKey, in_order
from app.takes.take_work import TakeWork

_RECORDING_MS: Final = 2000
"""How often takes are looked at again while one is being recorded."""


class TakesPresenter(QObject):
    """The list of takes.

    Attributes:
        finder: Knows all takes.
        work: What is done with whole takes.
        selected: Folder of the chosen one.
        opened: Folders opened beside the studio's own.
    """

    changed = pyqtSignal()
    """Takes came, went or changed, or others are shown."""
    digested = pyqtSignal(object)
    """Thumbnail and quality of the take in this folder are there."""
    selection_changed = pyqtSignal()
    opened_take = pyqtSignal(object)
    """The take in this folder should be played."""

    def __init__(self, studio: Studio, cache: Path | None = None) -> None:
        super().__init__()
        self.studio = studio
        self.selected: Path | None = None
        self.search = ""
        self.sort: SortKey = "newest"
        remembered = studio.preferences.pages.get("takes", {})
        self.opened: list[Path] = [Path(text) for text in remembered.get("opened", [])]
        self.finder = TakeFinder(lambda: [studio.takes_folder, *self.opened], self)
        self.finder.found.connect(self._found)
        self.finder.failed.connect(self._not_found)
        self.work = TakeWork(studio, self.entry, self)
        self.work.renamed.connect(self._renamed)
        self.work.deleted.connect(self._deleted)
        self.work.restored.connect(self._restored)
        self.work.undo_used.connect(self.changed)
        self._digests = DigestStore(cache, self)
        self._digests.made.connect(self.digested)
        self._digests.finished.connect(self._digests_made)
        self._active = False
        self._told: set[Path] = set()
        self._closed = False
        self._clock = QTimer(self)
        self._clock.setInterval(_RECORDING_MS)
        self._clock.timeout.connect(self.refresh)
        studio.takes_changed.connect(self.refresh)

    # The list

    @property
    def entries(self) -> list[TakeEntry]:
        """All takes."""
        return self.finder.entries

    @property
    def loading(self) -> bool:
        """Whether no take is known because nobody has finished looking."""
        return self.finder.looking and not self.entries

    @property
    def shown(self) -> list[TakeEntry]:
        """Takes that match the search, in order."""
        found = [entry for entry in self.entries if entry.matches(self.search)]
        return in_order(found, self.sort, self.digest)

    @property
    def interrupted(self) -> list[TakeEntry]:
        """Takes that wait for repair and are not being repaired."""
        return [
            entry
            for entry in self.entries
            if entry.state == "interrupted" and not self.work.tasks.active(entry.folder)
        ]

    def entry(self, folder: Path | None = None) -> TakeEntry | None:
        """The take in a folder; the selected one when none is named."""
        wanted = folder or self.selected
        return next((entry for entry in self.entries if entry.folder == wanted), None)

    def digest(self, entry: TakeEntry) -> Digest | None:
        """Thumbnail and quality of a take; None while they are not known."""
        return self._digests.digest(entry)

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

    def play(self, folder: Path) -> None:
        """Open the player."""
        entry = self.entry(folder)
        if entry is None or not entry.is_usable:
            return
        self.opened_take.emit(folder)

    def repair_all(self) -> None:
        """Repair every interrupted take."""
        for entry in self.interrupted:
            self.work.repair(entry.folder)

    # Looking

    def enter(self) -> None:
        """The page became visible."""
        self._active = True
        self.refresh()

    def leave(self) -> None:
        """The page is no longer visible: thumbnails can wait."""
        self._active = False
        self._clock.stop()
        self._digests.cancel()

    def refresh(self) -> None:
        """Look for takes, in a thread; ``changed`` follows."""
        if self._closed:
            return
        self.finder.look()
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

    def reason_to_stay(self) -> str:
        """What would be lost by quitting now."""
        return self.work.reason_to_stay()

    def shutdown(self) -> None:
        """End everything that goes on."""
        self._closed = True
        self._clock.stop()
        self.finder.close()
        self._digests.cancel()
        self.work.shutdown()
        self._digests.shutdown()
        self.finder.wait()

    # Inside

    def _found(self, differently: bool) -> None:
        self._keep_selection()
        if differently or not self.entries:
            self.changed.emit()
        self._tell_of_interrupted()
        if self._active and any(entry.state == "recording" for entry in self.entries):
            self._clock.start()
        else:
            self._clock.stop()
        self._look_at_new_ones()

    def _not_found(self, sentence: str) -> None:
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
        if self._active and not self._closed:
            self._digests.make_missing(self.shown)

    def _digests_made(self) -> None:
        self.changed.emit()
        # Takes that came meanwhile. One that cannot be judged has an entry that says so, so this ends.
        self._look_at_new_ones()

    def _renamed(self, folder: Path) -> None:
        self.selected = folder
        self.refresh()

    def _restored(self, folder: Path) -> None:
        self.selected = folder

    def _deleted(self, folder: Path) -> None:
        self.finder.forget(folder)
        self._keep_selection()
        self.changed.emit()

    def _remember(self) -> None:
        pages = self.studio.preferences.pages
        pages["takes"] = {**pages.get("takes", {}), "opened": [str(folder) for folder in self.opened]}
        self.studio.preferences.save()
