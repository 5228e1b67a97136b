"""How much of a take's poses a single camera saw: such joints are rough along its line of sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.pose_frame import PoseFrame
from pipeline.take.events import Event
from pipeline.take.poses_file import map_poses

MOST_SPANS = 200
"""In the summary; a joint that comes and goes makes many."""


def one_camera_summary(poses_file: Path, origin_ns: int) -> dict[str, Any]:
    """For ``take.yaml``.

    Args:
        poses_file: A ``poses.npz``.
        origin_ns: Time that is 0 s.

    Returns:
        ``joints_percent``, the share of all joints found; ``instants``, at which a person had any; and
        ``spans_s``, from when to when most of a person's joints were such. Empty when there are none.
    """
    if not poses_file.is_file():
        return {}
    poses = map_poses(poses_file)
    alone = poses.one_camera
    if not alone.any():
        return {}
    found = np.isfinite(poses.joints).all(axis=-1)
    mostly = (2 * alone.sum(axis=2) > found.sum(axis=2)).any(axis=1)
    times_s = (poses.times_ns - origin_ns) / 1e9
    spans = [[round(float(times_s[at]), 3) for at in span] for span in runs(mostly)]
    return {
        "joints_percent": round(100.0 * float(alone.sum()) / float(found.sum()), 2),
        "instants": int(alone.any(axis=(1, 2)).sum()),
        "spans_s": spans[:MOST_SPANS],
    }


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]


class OneCameraWatch:
    """Notices when the others lose a person whom one camera still sees, and when they see them again."""

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._cameras: set[str] = set()
        self._last_ns = 0

    def __call__(self, frame: PoseFrame) -> Event | None:
        """Look at the next instant; an event when such a time has ended. A rig of one camera has none."""
        if len(frame.cameras) < 2:
            return None
        alone = frame.one_camera
        mostly = 2 * alone.sum(axis=1) > np.isfinite(frame.joints).all(axis=-1).sum(axis=1)
        if mostly.any():
            if self._since_ns is None:
                self._since_ns = frame.time_ns
            views = np.asarray((frame.used & alone[:, None]).any(axis=(0, 2)))
            self._cameras.update(name for name, view in zip(frame.cameras, views, strict=True) if view)
            self._last_ns = frame.time_ns
            return None
        return self.ended()

    def ended(self) -> Event | None:
        """The event of a time that nothing follows."""
        if self._since_ns is None:
            return None
        if self._last_ns == self._since_ns:  # a single instant is no news
            self._since_ns = None
            self._cameras.clear()
            return None
        seconds = (self._last_ns - self._since_ns) / 1e9
        names = " or ".join(sorted(self._cameras))
        event = Event(
            self._since_ns,
            "one_camera",
            f"only {names} saw the person for {seconds:.2f} s; the poses are rough along its line of sight",
            {"until_ns": self._last_ns},
        )
        self._since_ns = None
        self._cameras.clear()
        return event
