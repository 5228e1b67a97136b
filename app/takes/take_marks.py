"""Marks and events of the take that is played; marks can be made, renamed and taken back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QObject, pyqtSignal

from app.takes.take_data import TakeData, load_events
from app.takes.thread_job import ThreadJobs
from pipeline.take.events import Event
from pipeline.take.marks import Mark, add_mark, edit_mark, read_marks, remove_mark


class TakeMarks(QObject):
    """Reads and writes them beside the take, in threads.

    Args:
        threads: Where work goes on.
        parent: Owner.

    Attributes:
        marks: Marks that hold, by time.
        events: Other events, by time.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, threads: ThreadJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.data: TakeData | None = None
        self.marks: list[Mark] = []
        self.events: list[Event] = []
        self._threads = threads
        self._writes: deque[tuple[TakeData, Callable[[], object]]] = deque()

    def begin(self, data: TakeData | None, marks: list[Mark], events: list[Event]) -> None:
        """Those of another take, or of none; says nothing."""
        self.data, self.marks, self.events = data, marks, events

    def seconds_of(self, t_ns: int) -> float:
        """Time of a mark or event since the start of the take."""
        return (t_ns - self.data.header.origin_ns) / 1e9 if self.data is not None else 0.0

    def add(self, instant: int, text: str = "") -> None:
        """Mark an instant; without a text it gets a number."""
        if self.data is None or not len(self.data):
            return
        folder, t_ns = self.data.folder, int(self.data.timeline.times_ns[instant])

        def write() -> object:
            return add_mark(folder, t_ns, text.strip() or f"Mark {len(read_marks(folder)) + 1}")

        self._write(self.data, write)

    def edit(self, number: int, text: str) -> None:
        """Give a mark another text."""
        if self.data is not None and text.strip():
            self._write(self.data, partial(edit_mark, self.data.folder, number, text.strip()))

    def remove(self, number: int) -> None:
        """Take a mark back."""
        if self.data is not None:
            self._write(self.data, partial(remove_mark, self.data.folder, number))

    def _write(self, data: TakeData, write: Callable[[], object]) -> None:
        """One after the other: each locks the take for a moment."""
        self._writes.append((data, write))
        if len(self._writes) == 1:
            self._write_next()

    def _write_next(self) -> None:
        data, write = self._writes[0]

        def both() -> object:
            write()
            return load_events(data.folder)

        def written(result: object) -> None:
            if self.data is data:
                assert isinstance(result, tuple)
                self.marks, self.events = result
                self.changed.emit()

        def ended() -> None:
            self._writes.popleft()
            if self._writes:
                self._write_next()

        self._threads.run(both, written, self.failed.emit, ended)
