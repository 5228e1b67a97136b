"""Decisions of the player: the take that is open, and what is shown of it at an instant."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, pyqtSignal

from app.takes.picture_server import PictureServer, Size
from app.takes.playback import Playback
from app.takes.series import Quantity
from app.takes.series_maker import SeriesMaker
from app.takes.take_data import TakeData, load_events, load_take
from app.takes.take_marks import TakeMarks
from app.takes.thread_job import ThreadJobs
from models.skeleton import Skeleton
from pipeline.frames.frame import Image
from pipeline.take.events import Event
from pipeline.take.marks import Mark


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
        playback: Which instant is shown when.
        marks: Its marks and events.
        series: Its graphs.
        smoothed: Whether joints after the live filter are shown.
    """

    opened = pyqtSignal()
    failed = pyqtSignal(str)
    shown = pyqtSignal(object)
    """A ``Shown`` can be drawn."""
    said = pyqtSignal(str, str)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.data: TakeData | None = None
        self.smoothed = True
        self.sizes: dict[str, Size] = {}
        self._threads = ThreadJobs(self)
        self.playback = Playback(clock, self)
        self.marks = TakeMarks(self._threads, self)
        self.series = SeriesMaker(self._threads, self)
        self.playback.moved.connect(self.refresh)
        self.marks.failed.connect(self._say_bad)
        self.series.failed.connect(self._say_bad)
        self._server: PictureServer | None = None
        self._last_shown = -2
        self._folder: Path | None = None

    # Opening and closing

    @property
    def folder(self) -> Path | None:
        """The take that is open or being opened."""
        return self._folder

    @property
    def skeleton(self) -> Skeleton | None:
        """Of the poses."""
        return self.data.skeleton if self.data is not None else None

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

        self._threads.run(lambda: (load_take(folder), load_events(folder)), loaded, failed)

    def close(self) -> None:
        """Close the take."""
        self.playback.begin(np.zeros(0))
        server, self._server = self._server, None
        if server is not None:
            server.close()
            server.deleteLater()
        self.data, self._folder = None, None
        self.marks.begin(None, [], [])
        self.series.begin(None)
        self._last_shown = -2

    def shutdown(self) -> None:
        """End all threads."""
        self.close()
        self._threads.wait()

    def _take_over(self, data: TakeData, events: tuple[list[Mark], list[Event]]) -> None:
        self.data = data
        self.playback.begin(data.seconds)
        self.marks.begin(data, *events)
        self.series.begin(data)
        self._server = PictureServer(data, self)
        self._server.ready.connect(partial(self._pictures_ready, data))
        self._server.problem.connect(lambda sentence: self.said.emit("warning", sentence))
        self.opened.emit()
        self.marks.changed.emit()
        for damage in data.damage:
            self.said.emit("warning", damage)
        self.playback.seek(0)

    def _say_bad(self, sentence: str) -> None:
        self.said.emit("bad", sentence)

    # At the present instant

    def mark_here(self, text: str = "") -> None:
        """Mark it; without a text the mark gets a number."""
        self.marks.add(self.playback.instant, text)

    def refresh(self) -> None:
        """Show it again: the instant or the way of drawing has changed."""
        if self._server is not None and self.playback.count:
            self._server.want(self.playback.instant, self.sizes)

    def set_smoothed(self, smoothed: bool) -> None:
        """Show joints after the live filter, or as measured."""
        if smoothed != self.smoothed:
            self.smoothed = smoothed
            self.refresh()

    def set_sizes(self, sizes: dict[str, Size]) -> None:
        """How large each camera is shown, px; cameras that are not shown are left out."""
        if sizes != self.sizes:
            self.sizes = dict(sizes)
            self.refresh()

    def picture_size(self, camera: str) -> Size | None:
        """(width, height) px of a camera's recorded pictures; None while none was decoded."""
        return self._server.size(camera) if self._server is not None else None

    def want_series(self, person: int, joints: list[str], quantities: list[Quantity]) -> None:
        """Have graphs of the joints that are shown computed; ``series.ready`` follows."""
        self.series.want(person, joints, quantities, smoothed=self.smoothed)

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
        jumped = not 0 <= instant - self._last_shown <= max(3, round(3 * self.playback.speed))
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
