"""A take as a row of instants: the pictures, keypoints and poses that belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.frames.frame import Image
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

Keypoints = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""(J, 3) u, v, score and (J,) whether the view took part in the joint."""


@dataclass(frozen=True)
class Timeline:
    """Which recorded picture of each camera is shown at each instant.

    Attributes:
        times_ns: (T,) the instants.
        rows: (T, V) place in the camera's recorded frames, -1 where it has none; V in order of the take.
        grouped: (T, V) whether the picture was grouped with the others of the instant; otherwise it is just
            the nearest one, to be looked at.
    """

    times_ns: NDArray[np.int64]
    rows: NDArray[np.intp]
    grouped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.times_ns)

    @property
    def rate_hz(self) -> float:
        """Instants per second; 0 when there are fewer than two."""
        if len(self) < 2:
            return 0.0
        return float(1e9 / np.median(np.diff(self.times_ns)))


@dataclass(frozen=True)
class Instant:
    """Everything known about one instant.

    Attributes:
        number: Place in the timeline.
        time_ns: When.
        pictures: One picture per camera, None where it has none.
        keypoints: Per camera, those of each person.
        swapped: (V,) whether left and right were exchanged for somebody in this view.
        joints: (P, J, 3) mm of the people that are there.
        person: Their identity numbers.
    """

    number: int
    time_ns: int
    pictures: tuple[Image | None, ...]
    keypoints: tuple[list[Keypoints], ...]
    swapped: NDArray[np.bool_]
    joints: NDArray[np.float64]
    person: tuple[int, ...]


def build_timeline(take: Take, poses: Poses | None) -> Timeline:
    """Instants of the poses, or without poses those of the camera with the most pictures."""
    captured = [
        np.array([row.t_capture_ns for row in take.ledger(camera).recorded], np.int64)
        for camera in take.cameras
    ]
    if poses is not None and len(poses):
        times = poses.times_ns
        wanted = np.full((len(times), len(captured)), -1, np.int64)
        for view, camera in enumerate(poses.cameras):
            if camera in take.cameras:
                wanted[:, take.cameras.index(camera)] = poses.view_times_ns[:, view]
    else:
        times = max(captured, key=len, default=np.zeros(0, np.int64))
        wanted = np.repeat(times[:, None], len(captured), axis=1)
    grouped = wanted >= 0
    wanted = np.where(grouped, wanted, times[:, None])
    rows = np.full(wanted.shape, -1, np.intp)
    for at, times_ns in enumerate(captured):
        if len(times_ns) == 0 or len(times) == 0:
            continue
        row = nearest(times_ns, wanted[:, at])
        interval = float(np.median(np.diff(times_ns))) if len(times_ns) > 1 else 1e9
        close = np.abs(times_ns[row] - wanted[:, at]) <= 0.6 * interval
        rows[:, at] = np.where(close, row, -1)
    return Timeline(times, rows, np.asarray(grouped & (rows >= 0)))


def nearest(times_ns: NDArray[np.int64], wanted_ns: NDArray[np.int64]) -> NDArray[np.intp]:
    """For each wanted time the index of the nearest of ``times_ns``, which rise and are not empty."""
    after = np.clip(np.searchsorted(times_ns, wanted_ns), 1, max(1, len(times_ns) - 1))
    if len(times_ns) == 1:
        return np.zeros(len(wanted_ns), np.intp)
    earlier = wanted_ns - times_ns[after - 1] <= times_ns[after] - wanted_ns
    return np.asarray(after - earlier, np.intp)


def instants(
    take: Take, poses: Poses | None, timeline: Timeline, numbers: Sequence[int]
) -> Iterator[Instant]:
    """Go through some instants of a take, decoding each needed picture once.

    Args:
        take: The take.
        poses: Its poses, if any.
        timeline: From ``build_timeline`` with the same poses.
        numbers: Which instants, rising.
    """
    feeds = [_Feed(take, camera, timeline.rows[list(numbers), at]) for at, camera in enumerate(take.cameras)]
    for number in numbers:
        pictures = tuple(
            feed.picture(int(row)) for feed, row in zip(feeds, timeline.rows[number], strict=True)
        )
        yield _instant(take, poses, timeline, number, pictures)


class _Feed:
    """Pictures of one camera, in order."""

    def __init__(self, take: Take, camera: str, rows: NDArray[np.intp]) -> None:
        wanted = {int(row) for row in rows if row >= 0}
        self._pictures = take.pictures(camera, wanted) if wanted else iter(())
        self._row = -1
        self._image: Image | None = None

    def picture(self, row: int) -> Image | None:
        if row < 0:
            return None
        while self._row < row:
            found = next(self._pictures, None)
            if found is None:
                break
            self._row, self._image = found
        return self._image if self._row == row else None


def _instant(
    take: Take, poses: Poses | None, timeline: Timeline, number: int, pictures: tuple[Image | None, ...]
) -> Instant:
    cameras = take.cameras
    keypoints: tuple[list[Keypoints], ...] = tuple([] for _ in cameras)
    swapped = np.zeros(len(cameras), bool)
    time_ns = int(timeline.times_ns[number])
    if poses is None or not len(poses):
        return Instant(number, time_ns, pictures, keypoints, swapped, np.zeros((0, 0, 3)), ())
    places = np.flatnonzero(poses.person[number] >= 0)
    for view, camera in enumerate(poses.cameras):
        if camera not in cameras:
            continue
        at = cameras.index(camera)
        swapped[at] = bool(poses.swapped[number, places, view].any())
        for place in places:
            points = poses.keypoints[number, place, view]
            if np.isfinite(points[:, 0]).any():
                keypoints[at].append((points, poses.used[number, place, view]))
    person = tuple(int(value) for value in poses.person[number, places])
    return Instant(number, time_ns, pictures, keypoints, swapped, poses.joints[number, places], person)
