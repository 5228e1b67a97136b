"""Decisions of the player: which instant is shown when, and what is done at it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

from app.takes.picture_server import PictureServer, Size
from app.takes.series import Quantity, Series, joint_series
from app.takes.take_data import TakeData, load_events, load_take
from app.takes.thread_job import ThreadJob
from models.skeleton import Skeleton
from pipeline.frames.frame import Image
from pipeline.take.events import Event
from pipeline.take.marks import Mark, add_mark, edit_mark, read_marks, remove_mark

SPEEDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0)

_TICK_MS: Final = 15


@dataclass(frozen=True)
class Shown:
    """One instant, ready to be drawn. P people who are there.

    Attributes:
        instant: Its number.
        seconds: Its time since the start of the take.
        pictures: By camera, (H, W, 3) BGR, perhaps shrunk; None where the camera has none.
        keypoints: By camera, (P, J, 3) in px of the recorded picture; None without poses.
        joints: (P, J, 3) mm.
        person: (P,) identity numbers.
        covariance: (P, J, 3, 3) mm^2.
        jumped: Whether it does not follow the one shown before.
    """

    instant: int
    seconds: float
    pictures: dict[str, Image | None]
    keypoints: dict[str, NDArray[np.float64] | None]
    joints: NDArray[np.float64]
    person: NDArray[np.int64]
    covariance: NDArray[np.float64]
    jumped: bool


class PlayerPresenter(QObject):
    """Plays one take on capture time.

    Attributes:
        data: The take, None while none is open.
        instant: The instant that should be shown.
        playing: Whether time goes on.
        speed: Seconds of the take per second.
        loop: First and last instant that are repeated, None for the whole take once.
        marks: Marks that hold, by time.
        events: Other events, by time.
        smoothed: Whether joints after the live filter are shown.
    """

    opened = pyqtSignal()
    failed = pyqtSignal(str)
    moved = pyqtSignal(int)
    """Another instant should be shown."""
    shown = pyqtSignal(object)
    """A ``Shown`` can be drawn."""
    playing_changed = pyqtSignal(bool)
    speed_changed = pyqtSignal(float)
    loop_changed = pyqtSignal()
    marks_changed = pyqtSignal()
    series_ready = pyqtSignal(object)
    """Dict of quantity to list of ``Series``, for the last ``want_series``."""
    said = pyqtSignal(str, str)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self.data: TakeData | None = None
        self.instant = 0
        self.playing = False
        self.speed = 1.0
        self.loop: tuple[int, int] | None = None
        self.marks: list[Mark] = []
        self.events: list[Event] = []
        self.smoothed = True
        self.sizes: dict[str, Size] = {}
        self._anchor = (0.0, 0.0)
        self._server: PictureServer | None = None
        self._last_shown = -2
        self._folder: Path | None = None
        self._jobs: set[ThreadJob] = set()
        self._mark_writes: deque[tuple[TakeData, Callable[[], object]]] = deque()
        self._wanted_series: tuple[Any, ...] | None = None
        self._series_job: ThreadJob | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.tick)

    # Opening and closing

    @property
    def folder(self) -> Path | None:
        """The take that is open or being opened."""
        return self._folder

    def open(self, folder: Path) -> None:
        """Open a take in a thread; ``opened`` or ``failed`` follows."""
        self.close()
        self._folder = folder

        def loaded(result: object) -> None:
            if self._folder == folder:
                assert isinstance(result, tuple)
                self._take_over(*result)

        def failed(sentence: str) -> None:
            if self._folder == folder:
                self._folder = None
                self.failed.emit(sentence)

        self._in_thread(lambda: (load_take(folder), load_events(folder)), loaded, failed)

    def close(self) -> None:
        """Close the take."""
        self.pause()
        server, self._server = self._server, None
        if server is not None:
            server.close()
            server.deleteLater()
        self.data, self._folder = None, None
        self.marks, self.events = [], []
        self.loop = None
        self.instant, self._last_shown = 0, -2
        self._wanted_series = None

    def shutdown(self) -> None:
        """End all threads."""
        self.close()
        for job in list(self._jobs):
            job.wait()

    def _take_over(self, data: TakeData, events: tuple[list[Mark], list[Event]]) -> None:
        self.data = data
        self.marks, self.events = events
        self._server = PictureServer(data, self)
        self._server.ready.connect(partial(self._pictures_ready, data))
        self._server.problem.connect(lambda sentence: self.said.emit("warning", sentence))
        self.opened.emit()
        self.marks_changed.emit()
        for damage in data.damage:
            self.said.emit("warning", damage)
        self.seek(0)

    # Time

    @property
    def count(self) -> int:
        """Number of instants."""
        return len(self.data) if self.data is not None else 0

    @property
    def seconds(self) -> float:
        """Time of the present instant."""
        return float(self.data.seconds[self.instant]) if self.data is not None and self.count else 0.0

    @property
    def span(self) -> tuple[float, float]:
        """Times of the first and the last instant, s."""
        if self.data is None or self.count == 0:
            return (0.0, 0.0)
        return float(self.data.seconds[0]), float(self.data.seconds[-1])

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
        if self.data is None or not self.playing:
            return
        started, take_s = self._anchor
        now_s = take_s + (self._clock() - started) * self.speed
        first, last = self._range()
        if now_s >= self.data.seconds[last]:
            if self.loop is not None:
                self._move(first)
                self._anchor_here()
            else:
                self._move(last)
                self.pause()
            return
        # The newest instant that has come: what lies ahead is not shown early.
        self._move(max(first, int(np.searchsorted(self.data.seconds, now_s, side="right")) - 1))

    def seek(self, instant: int) -> None:
        """Show this instant, or the nearest that exists; playing goes on from there."""
        if self.count == 0:
            self._request()
            return
        self._move(int(np.clip(instant, 0, self.count - 1)), always=True)
        self._anchor_here()

    def seek_time(self, seconds: float) -> None:
        """Show the instant nearest to a time."""
        if self.data is not None:
            self.seek(self.data.instant_at(seconds))

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

    # Marks

    def add_mark(self, text: str = "") -> None:
        """Mark the present instant; without a text it gets a number."""
        if self.data is None or not self.count:
            return
        folder, t_ns = self.data.folder, int(self.data.timeline.times_ns[self.instant])

        def write() -> object:
            return add_mark(folder, t_ns, text.strip() or f"Mark {len(read_marks(folder)) + 1}")

        self._write_marks(write)

    def edit_mark(self, number: int, text: str) -> None:
        """Give a mark another text."""
        if self.data is not None and text.strip():
            self._write_marks(partial(edit_mark, self.data.folder, number, text.strip()))

    def remove_mark(self, number: int) -> None:
        """Take a mark back."""
        if self.data is not None:
            self._write_marks(partial(remove_mark, self.data.folder, number))

    def mark_seconds(self, t_ns: int) -> float:
        """Time of a mark or event since the start of the take."""
        return (t_ns - self.data.header.origin_ns) / 1e9 if self.data is not None else 0.0

    def _write_marks(self, write: Callable[[], object]) -> None:
        """One after the other: each locks the take for a moment."""
        data = self.data
        assert data is not None
        self._mark_writes.append((data, write))
        if len(self._mark_writes) == 1:
            self._write_next()

    def _write_next(self) -> None:
        data, write = self._mark_writes[0]

        def both() -> object:
            write()
            return load_events(data.folder)

        def written(result: object) -> None:
            if self.data is data:
                assert isinstance(result, tuple)
                self.marks, self.events = result
                self.marks_changed.emit()

        def ended() -> None:
            self._mark_writes.popleft()
            if self._mark_writes:
                self._write_next()

        self._in_thread(both, written, lambda sentence: self.said.emit("bad", sentence), ended)

    # Graphs

    def want_series(self, person: int, joints: list[str], quantities: list[Quantity]) -> None:
        """Have graphs computed in a thread; ``series_ready`` follows with the newest wish."""
        self._wanted_series = (person, tuple(joints), tuple(quantities), self.smoothed)
        self._compute_series()

    def _compute_series(self) -> None:
        data, wanted = self.data, self._wanted_series
        if self._series_job is not None or data is None or wanted is None:
            return
        person, joints, quantities, smoothed = wanted

        def compute() -> dict[Quantity, list[Series]]:
            return {
                quantity: [joint_series(data, person, joint, quantity, smoothed=smoothed) for joint in joints]
                for quantity in quantities
            }

        def computed(result: object) -> None:
            self._series_job = None
            if self.data is data and wanted == self._wanted_series:
                self.series_ready.emit(result)
            else:
                self._compute_series()

        def failed(sentence: str) -> None:
            self._series_job = None
            self.said.emit("bad", sentence)

        self._series_job = self._in_thread(compute, computed, failed)

    def set_smoothed(self, smoothed: bool) -> None:
        """Show joints after the live filter, or as measured."""
        if smoothed != self.smoothed:
            self.smoothed = smoothed
            self._request()

    # Pictures

    def picture_size(self, camera: str) -> Size | None:
        """(width, height) px of a camera's recorded pictures; None while none was decoded."""
        return self._server.size(camera) if self._server is not None else None

    def refresh(self) -> None:
        """Show the present instant again: the way of drawing has changed."""
        self._request()

    def set_sizes(self, sizes: dict[str, Size]) -> None:
        """How large each camera is shown, px; cameras that are not shown are left out."""
        if sizes != self.sizes:
            self.sizes = dict(sizes)
            self._request()

    def _move(self, instant: int, *, always: bool = False) -> None:
        if instant != self.instant or always:
            self.instant = instant
            self.moved.emit(instant)
            self._request()

    def _request(self) -> None:
        if self._server is not None and self.count:
            self._server.want(self.instant, self.sizes)

    def _pictures_ready(self, data: TakeData, instant: int, pictures: object) -> None:
        if data is not self.data:
            return  # of the take that was open before
        assert isinstance(pictures, dict)
        skeleton = data.skeleton
        joints, person = np.zeros((0, len(skeleton) if skeleton else 0, 3)), np.zeros(0, np.int64)
        covariance = np.zeros((*joints.shape, 3))
        if data.poses is not None:
            there = np.flatnonzero(data.poses.person[instant] >= 0)
            source = data.poses.smoothed if self.smoothed else data.poses.joints
            joints = np.array(source[instant, there])
            person = np.array(data.poses.person[instant, there])
            covariance = np.array(data.poses.covariance[instant, there])
        jumped = not 0 <= instant - self._last_shown <= max(3, round(3 * self.speed))
        self._last_shown = instant
        self.shown.emit(
            Shown(
                instant=instant,
                seconds=float(data.seconds[instant]),
                pictures=pictures,
                keypoints={camera: data.keypoints(instant, camera) for camera in data.cameras},
                joints=joints,
                person=person,
                covariance=covariance,
                jumped=jumped,
            )
        )

    @property
    def skeleton(self) -> Skeleton | None:
        """Of the poses."""
        return self.data.skeleton if self.data is not None else None

    def _range(self) -> tuple[int, int]:
        return self.loop if self.loop is not None else (0, max(0, self.count - 1))

    def _anchor_here(self) -> None:
        self._anchor = (self._clock(), self.seconds)

    def _in_thread(
        self,
        function: Callable[[], object],
        done: Callable[[object], None],
        failed: Callable[[str], None],
        ended: Callable[[], None] = lambda: None,
    ) -> ThreadJob:
        job = ThreadJob(function, self)
        self._jobs.add(job)
        job.done.connect(done)
        job.failed.connect(failed)
        job.ended.connect(lambda: self._jobs.discard(job))
        job.ended.connect(ended)
        job.ended.connect(job.deleteLater)
        return job.start()
