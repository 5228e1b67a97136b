"""Finds the board in recorded pictures of all cameras, side by side on all cores."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.board_detector import BoardDetector
from calibration.footage import Footage, grey_frames
from calibration.observations import BoardObservations, BoardView
from calibration.saddle_points import find_saddle_points

Grey = NDArray[np.uint8]

# Pictures kept of each camera for the question why the board was not found.
_SAMPLES = 6
_REASONS = 200


@dataclass(frozen=True)
class CameraTally:
    """How the search went for one camera.

    Attributes:
        frames: Pictures looked at.
        found: Pictures with the board.
        refused: Frame number and reason where something like a board was not accepted; at most 200.
        kept: Pictures without the board, spread over the footage.
    """

    frames: int
    found: int
    refused: tuple[tuple[int, str], ...]
    kept: tuple[Grey, ...] = field(repr=False)

    @cached_property
    def samples(self) -> tuple[Grey, ...]:
        """Some of ``kept``, those with most corner-like points first: what ``explain_missing`` wants.

        Sorted out when asked for: that takes a tenth of a second per camera, and most recordings need no
        explanation.
        """
        ranked = sorted(self.kept, key=lambda picture: -len(find_saddle_points(picture, 640)))
        return tuple(ranked[:_SAMPLES])


@dataclass(frozen=True)
class FootageDetection:
    """Views of all cameras and how the search went for each of them."""

    observations: BoardObservations
    cameras: Mapping[str, CameraTally]


def detect_in_footage(
    board: Board,
    footage: Mapping[str, Footage],
    *,
    workers: int | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> FootageDetection:
    """Look for the board in every picture.

    Reading and searching leave Python's lock alone, so threads keep all cores busy; each camera is one
    thread's work, so that the result does not depend on who was faster.

    Args:
        board: What to look for.
        footage: By camera, see ``calibration.footage``.
        workers: Cameras at a time; None for one per core.
        progress: Called with camera and frames done, from any thread, one call at a time. What it raises
            stops the work and comes out here.

    Raises:
        BadInputError: A file cannot be read.
    """
    stop = threading.Event()
    lock = threading.Lock()

    def tell(camera: str, done: int) -> None:
        if progress is not None:
            with lock:
                progress(camera, done)

    def work(item: Footage) -> tuple[list[BoardView], CameraTally, tuple[int, int]]:
        try:
            return _detect_in_one(board, item, stop, tell)
        except BaseException:
            stop.set()
            raise

    count = workers or min(len(footage), _cores())
    with (
        _one_thread_each(count),
        ThreadPoolExecutor(max(1, count), thread_name_prefix="board-search") as pool,
    ):
        try:
            # The longest first, so that no core waits for a long one that began last.
            order = sorted(
                footage, key=lambda name: -sum(path.stat().st_size for path in footage[name].files)
            )
            futures = {name: pool.submit(work, footage[name]) for name in order}
            results = {name: futures[name].result() for name in footage}
        finally:
            stop.set()
    return FootageDetection(
        BoardObservations(
            board,
            {name: size for name, (_, _, size) in results.items()},
            tuple(view for views, _, _ in results.values() for view in views),
        ),
        {name: tally for name, (_, tally, _) in results.items()},
    )


def _detect_in_one(
    board: Board, footage: Footage, stop: threading.Event, tell: Callable[[str, int], None]
) -> tuple[list[BoardView], CameraTally, tuple[int, int]]:
    detector = BoardDetector(board, effort="video" if footage.is_video else "stills")
    views: list[BoardView] = []
    refused: list[tuple[int, str]] = []
    samples = _Samples()
    done = 0
    size = (0, 0)
    for number, time_ns, grey in grey_frames(footage):
        if stop.is_set():
            break
        size = (grey.shape[1], grey.shape[0])
        detection = detector.find(footage.camera, grey, frame=number, time_ns=time_ns)
        if detection.view is not None:
            views.append(detection.view)
        else:
            samples.offer(done, grey)
            if detection.evidence and len(refused) < _REASONS:
                refused.append((number, detection.reason))
        done += 1
        tell(footage.camera, done)
    return views, CameraTally(done, len(views), tuple(refused), samples.pictures()), size


@contextlib.contextmanager
def _one_thread_each(workers: int) -> Iterator[None]:
    """Keep OpenCV from starting threads of its own in every worker; they would wait for each other."""
    before = cv2.getNumThreads()
    if workers > 1:
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Samples:
    """Every so-many-th picture; the step doubles when there are too many, so the end is as well covered."""

    def __init__(self) -> None:
        self._step = 1
        self._kept: list[tuple[int, Grey]] = []

    def offer(self, number: int, grey: Grey) -> None:
        if number % self._step:
            return
        self._kept.append((number, grey.copy()))
        if len(self._kept) > 2 * _SAMPLES:
            self._step *= 2
            self._kept = [(k, picture) for k, picture in self._kept if k % self._step == 0]

    def pictures(self) -> tuple[Grey, ...]:
        return tuple(picture for _, picture in self._kept)
