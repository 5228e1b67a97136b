"""A take opened for looking at: times, poses, drops, events; pictures stay on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from models.skeleton import Skeleton
from models.skeletons import get_skeleton
from pipeline.take.events import Event, read_events
from pipeline.take.header import TakeHeader
from pipeline.take.instants import Timeline, build_timeline
from pipeline.take.marks import EDITED, MARK, REMOVED, Mark, resolve_marks
from pipeline.take.poses_file import Poses, map_poses
from pipeline.take.take import Take
from pipeline.take.writer import EVENTS, POSES_FILE


@dataclass(frozen=True)
class Drop:
    """Frames of a camera that were captured but not recorded.

    Attributes:
        camera: Whose.
        seconds: (N,) when, s since the start of the take.
        causes: Why, the most frequent first.
    """

    camera: str
    seconds: NDArray[np.float64]
    causes: tuple[str, ...]


@dataclass(frozen=True)
class TakeData:
    """Everything the player needs at hand. T instants, V cameras of the take.

    Attributes:
        folder: The take.
        header: Its header.
        timeline: Which picture of each camera belongs to each instant.
        seconds: (T,) the instants, s since the start of the take.
        captured_ns: By camera: capture times of its recorded frames.
        videos: By camera: its video; cameras without one are left out.
        poses: Poses, read from the disk where they are looked at; None without any.
        skeleton: Of the poses.
        people: Identity numbers, those who were there longest first.
        drops: Cameras that lost frames.
        damage: What is wrong with ledgers and events.
    """

    folder: Path
    header: TakeHeader
    timeline: Timeline
    seconds: NDArray[np.float64]
    captured_ns: dict[str, NDArray[np.int64]]
    videos: dict[str, Path]
    poses: Poses | None
    skeleton: Skeleton | None
    people: tuple[int, ...]
    drops: tuple[Drop, ...]
    damage: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.timeline)

    @property
    def rig(self) -> Rig | None:
        """Geometry of the cameras."""
        return self.header.calibration

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return self.header.cameras

    def keypoints(self, instant: int, camera: str) -> NDArray[np.float64] | None:
        """(P, J, 3) u, v (px of the recorded picture), score of everybody there; None without poses."""
        if self.poses is None or camera not in self.poses.cameras:
            return None
        view = self.poses.cameras.index(camera)
        there = np.flatnonzero(self.poses.person[instant] >= 0)
        return np.asarray(self.poses.keypoints[instant, there, view])


def load_take(folder: Path) -> TakeData:
    """Open a take; for a thread, long takes need a moment.

    Raises:
        BadInputError: It is no take, or damaged beyond use.
        InterruptedTakeError: It has to be repaired first.
    """
    take = Take.open(folder)
    take_poses = folder / POSES_FILE
    poses = map_poses(take_poses) if take_poses.is_file() else take.poses()
    timeline = build_timeline(take, poses)
    origin_ns = take.header.origin_ns
    captured, drops, damage = {}, [], []
    for camera in take.cameras:
        ledger = take.ledger(camera)
        captured[camera] = np.array([row.t_capture_ns for row in ledger.recorded], np.int64)
        if ledger.totals.dropped:
            lost = [row.t_capture_ns for row in ledger if row.fate == "dropped"]
            causes = sorted(ledger.totals.dropped, key=lambda cause: -ledger.totals.dropped[cause])
            drops.append(Drop(camera, (np.array(lost, np.int64) - origin_ns) / 1e9, tuple(causes)))
        if ledger.problem:
            damage.append(f"{camera}: {ledger.problem}")
    videos = {camera: path for camera in take.cameras if (path := take.video_path(camera)) is not None}
    people: tuple[int, ...] = ()
    if poses is not None:
        numbers, counts = np.unique(poses.person[poses.person >= 0], return_counts=True)
        people = tuple(int(number) for number in numbers[np.argsort(-counts, kind="stable")])
    return TakeData(
        folder=folder,
        header=take.header,
        timeline=timeline,
        seconds=(timeline.times_ns - origin_ns) / 1e9,
        captured_ns=captured,
        videos=videos,
        poses=poses,
        skeleton=get_skeleton(poses.skeleton) if poses is not None else None,
        people=people,
        drops=tuple(drops),
        damage=tuple(damage),
    )


def load_events(folder: Path) -> tuple[list[Mark], list[Event]]:
    """Marks that hold, and all other events, both by time."""
    path = folder / EVENTS
    events = read_events(path)[0] if path.is_file() else []
    # What a remote camera's clock did stands there every minute, for programs.
    others = [event for event in events if event.kind not in {MARK, EDITED, REMOVED, "clock"}]
    return resolve_marks(events), sorted(others, key=lambda event: event.t_ns)
