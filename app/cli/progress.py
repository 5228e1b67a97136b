"""Progress on a terminal as a bar, elsewhere as a quiet line every few seconds."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import rich.console
    import rich.progress

LINE_EVERY_S = 5.0


class ProgressBar(ABC):
    """How far one piece of work has come. Calling it is ``update``, so it can be handed on as a callback."""

    def __init__(self, title: str, total: float | None, unit: str) -> None:
        self.title = title
        self.done = 0.0
        self.total = total
        self.unit = unit
        self.note = ""

    def advance(self, amount: float = 1.0, note: str | None = None) -> None:
        """So much more is done."""
        self.update(self.done + amount, note=note)

    def update(self, done: float, total: float | None = None, note: str | None = None) -> None:
        """So much is done in all.

        Args:
            done: Amount done since the start, in the bar's unit.
            total: New total, when it became known.
            note: A few words shown beside the bar until the next note.
        """
        self.done = done
        if total is not None:
            self.total = total
        if note is not None:
            self.note = note
        self._show()

    __call__ = update

    @property
    def text(self) -> str:
        """Such as ``"30 of 120 frames (25 %)"``."""
        if self.total is None:
            return _amount(self.done, self.unit)
        percent = f" ({100 * self.done / self.total:.0f} %)" if self.total else ""
        if self.unit == "B":
            return f"{_amount(self.done, 'B')} of {_amount(self.total, 'B')}{percent}"
        return f"{self.done:.0f} of {_amount(self.total, self.unit)}{percent}"

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 - plain lines have nothing to take down
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @abstractmethod
    def _show(self) -> None: ...


class LineProgress(ProgressBar):
    """For files and pipes: nothing for work of a few seconds, else a line now and then."""

    def __init__(self, title: str, total: float | None, unit: str) -> None:
        super().__init__(title, total, unit)
        self._next_line = time.monotonic() + LINE_EVERY_S

    def _show(self) -> None:
        now = time.monotonic()
        if now >= self._next_line:
            self._next_line = now + LINE_EVERY_S
            note = f", {self.note}" if self.note else ""
            sys.stderr.write(f"{self.title}: {self.text}{note}\n")
            sys.stderr.flush()


class RichProgress(ProgressBar):
    """For terminals: a bar that disappears when the work is done.

    Bars inside bars are lines of one ``bars``, which is on the screen as long as the outermost is.
    """

    def __init__(self, bars: rich.progress.Progress, title: str, total: float | None, unit: str) -> None:
        super().__init__(title, total, unit)
        self._bars = bars
        self._outermost = False
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> Self:
        self._outermost = not self._bars.live.is_started
        self._task = self._bars.add_task(self.title, total=self.total, text=self.text, note="")
        if self._outermost:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._bars.remove_task(self._task)
        if self._outermost:
            self._bars.stop()

    def _show(self) -> None:
        assert self._task is not None, "enter the progress bar before updating it"
        self._bars.update(self._task, completed=self.done, total=self.total, text=self.text, note=self.note)


def bars_on(screen: rich.console.Console) -> rich.progress.Progress:
    """An empty stack of bars for a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[text]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=screen,
        transient=True,
    )


def _amount(value: float, unit: str) -> str:
    if unit != "B":
        return f"{value:.0f} {unit}".rstrip()
    for step in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {step}"
        value /= 1000
    return f"{value:.1f} GB"
