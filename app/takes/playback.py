"""Playing: which instant of a take is shown when."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

SPEEDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0)

_TICK_MS: Final = 15


class Playback(QObject):
    """Goes through instants on capture time; knows nothing of what is shown at them.

    Args:
        clock: Tells the time, s.
        parent: Owner.

    Attributes:
        times: (n,) times of all instants since the start of the take, s, increasing.
        instant: The instant that should be shown.
        playing: Whether time goes on.
        speed: Seconds of the take per second.
        loop: First and last instant that are repeated, None for the whole take once.
    """

    moved = pyqtSignal(int)
    """Another instant should be shown."""
    playing_changed = pyqtSignal(bool)
    speed_changed = pyqtSignal(float)
    loop_changed = pyqtSignal()

    def __init__(self, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self.times: NDArray[np.float64] = np.zeros(0)
        self.instant = 0
        self.playing = False
        self.speed = 1.0
        self.loop: tuple[int, int] | None = None
        self._anchor = (0.0, 0.0)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.tick)

    def begin(self, times: NDArray[np.float64]) -> None:
        """Go through other instants, from the first one on; speed stays."""
        self.pause()
        self.times = times
        self.instant, self.loop = 0, None

    @property
    def count(self) -> int:
        """Number of instants."""
        return len(self.times)

    @property
    def seconds(self) -> float:
        """Time of the present instant."""
        return float(self.times[self.instant]) if self.count else 0.0

    @property
    def span(self) -> tuple[float, float]:
        """Times of the first and the last instant, s."""
        return (float(self.times[0]), float(self.times[-1])) if self.count else (0.0, 0.0)

    def instant_at(self, seconds: float) -> int:
        """The instant nearest to a time; 0 without any."""
        if self.count == 0:
            return 0
        after = int(np.clip(np.searchsorted(self.times, seconds), 1, max(1, self.count - 1)))
        after = min(after, self.count - 1)
        before = max(0, after - 1)
        return before if seconds - self.times[before] <= self.times[after] - seconds else after

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Go on from here; at the end, from the start."""
        if self.count < 2 or self.playing:
            return
        first, last = self._range()
        if not first <= self.instant < last:
            self.seek(first)
        self.playing = True
        self._anchor_here()
        self._timer.start()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop here."""
        self._timer.stop()
        if self.playing:
            self.playing = False
            self.playing_changed.emit(False)

    def tick(self) -> None:
        """Move to where the clock says; called often while playing."""
        if not self.playing:
            return
        started, take_s = self._anchor
        now_s = take_s + (self._clock() - started) * self.speed
        first, last = self._range()
        if now_s >= self.times[last]:
            if self.loop is not None:
                self._move(first)
                self._anchor_here()
            else:
                self._move(last)
                self.pause()
            return
        # The newest instant that has come: what lies ahead is not shown early.
        self._move(max(first, int(np.searchsorted(self.times, now_s, side="right")) - 1))

    def seek(self, instant: int) -> None:
        """Show this instant, or the nearest that exists; playing goes on from there."""
        if self.count:
            self._move(int(np.clip(instant, 0, self.count - 1)), always=True)
            self._anchor_here()

    def seek_time(self, seconds: float) -> None:
        """Show the instant nearest to a time."""
        if self.count:
            self.seek(self.instant_at(seconds))

    def step(self, instants: int) -> None:
        """Pause, and go some instants on or back."""
        self.pause()
        self.seek(self.instant + instants)

    def jump(self, seconds: float) -> None:
        """Go some seconds on or back; always moves, also where instants are far apart."""
        before = self.instant
        self.seek_time(self.seconds + seconds)
        if self.instant == before:
            self.seek(before + (1 if seconds > 0 else -1))

    def go_home(self) -> None:
        """To the first instant."""
        self.seek(0)

    def go_end(self) -> None:
        """To the last instant."""
        self.seek(self.count - 1)

    def set_speed(self, speed: float) -> None:
        """Seconds of the take per second, within 0.1 and 2."""
        speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
        if speed != self.speed:
            self.speed = speed
            self._anchor_here()
            self.speed_changed.emit(speed)

    def faster(self, steps: int) -> None:
        """Some steps up or down the list of speeds."""
        nearest = int(np.argmin([abs(speed - self.speed) for speed in SPEEDS]))
        self.set_speed(SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)])

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Repeat from one instant to another; None: do not repeat."""
        if loop is not None:
            first, last = sorted(int(np.clip(at, 0, max(0, self.count - 1))) for at in loop)
            loop = (first, last) if last > first else None
        if loop != self.loop:
            self.loop = loop
            self.loop_changed.emit()

    def loop_from_here(self) -> None:
        """Repeat from this instant on."""
        last = self.loop[1] if self.loop is not None and self.loop[1] > self.instant else self.count - 1
        self.set_loop((self.instant, last))

    def loop_to_here(self) -> None:
        """Repeat up to this instant."""
        first = self.loop[0] if self.loop is not None and self.loop[0] < self.instant else 0
        self.set_loop((first, self.instant))

    def toggle_loop(self) -> None:
        """Repeat the whole take, or repeat nothing."""
        self.set_loop(None if self.loop is not None else (0, self.count - 1))

    def _move(self, instant: int, *, always: bool = False) -> None:
        if instant != self.instant or always:
            self.instant = instant
            self.moved.emit(instant)

    def _range(self) -> tuple[int, int]:
        return self.loop if self.loop is not None else (0, max(0, self.count - 1))

    def _anchor_here(self) -> None:
        self._anchor = (self._clock(), self.seconds)
