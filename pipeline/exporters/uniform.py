"""Poses at an even rate, as formats without time stamps need them.

Poses come at the instants of the pictures, which jitter and have gaps. Here each person is sampled at whole
multiples of one interval: linearly between two neighbouring instants, never across a gap, which stays one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.skeleton import Skeleton
from models.skeletons import get_skeleton
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

_GAP: Final = 5.0
"""Intervals: live inference that is short of time leaves out a few instants, a pause is longer."""

_NEAR: Final = 0.25
"""Part of an interval: beside a gap an instant this near stands for the sample itself."""


@dataclass(frozen=True)
class UniformTracks:
    """All people at an even rate. N tracks, one per identity number; T samples, J joints.

    Attributes:
        skeleton: What the joints are.
        rate_hz: Samples per second.
        start_s: Time of the first sample since the start of the take.
        people: (N,) identity numbers.
        joints: (N, T, J, 3) mm, NaN where missing.
        std_mm: (N, T, J) standard deviation of a coordinate, NaN where not known.
    """

    skeleton: Skeleton
    rate_hz: float
    start_s: float
    people: tuple[int, ...]
    joints: NDArray[np.float64]
    std_mm: NDArray[np.float64]

    @property
    def samples(self) -> int:
        """Number of samples, T."""
        return int(self.joints.shape[1])

    def label(self, track: int, joint: int) -> str:
        """Name of one joint; says whose it is where there are several people."""
        name = self.skeleton.joints[joint]
        return name if len(self.people) == 1 else f"person{self.people[track]}_{name}"


def uniform_tracks(take: Take, poses: Poses) -> UniformTracks:
    """Sample the poses of a take evenly.

    The rate is the cameras' own where the poses keep up with it, else one per median interval.
    """
    skeleton = get_skeleton(poses.skeleton)
    times_s = (poses.times_ns - take.header.origin_ns) / 1e9
    interval_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0
    rate_hz = _rate(take, interval_s)
    start_s = float(times_s[0]) if len(times_s) else 0.0
    count = int(np.floor((times_s[-1] - start_s) * rate_hz + 0.5)) + 1 if len(times_s) else 0
    wanted = start_s + np.arange(count) / rate_hz
    people = tuple(int(person) for person in np.unique(poses.person[poses.person >= 0]))
    joints = np.full((len(people), count, len(skeleton), 3), np.nan)
    std_mm = np.full((len(people), count, len(skeleton)), np.nan)
    for track, person in enumerate(people):
        rows, places = np.nonzero(poses.person == person)
        variances = np.trace(poses.covariance[rows, places], axis1=-2, axis2=-1) / 3.0
        values = np.concatenate(
            [poses.joints[rows, places], np.sqrt(np.maximum(variances, 0.0))[..., None]], axis=-1
        )
        # Somebody who is not there at an instant in between leaves a gap.
        joined = (np.diff(rows) == 1) & (np.diff(times_s[rows]) <= _GAP * interval_s)
        sampled = sample(times_s[rows], values, wanted, joined, _NEAR * interval_s)
        joints[track], std_mm[track] = sampled[..., :3], sampled[..., 3]
    return UniformTracks(skeleton, rate_hz, start_s, people, joints, std_mm)


def sample(
    times: NDArray[np.float64],
    values: NDArray[np.float64],
    wanted: NDArray[np.float64],
    joined: NDArray[np.bool_],
    near: float,
) -> NDArray[np.float64]:
    """Values at other times: linear between neighbours, NaN inside gaps.

    Args:
        times: (N,) rising, at least one.
        values: (N, ...) NaN where missing.
        wanted: (M,) rising.
        joined: (N - 1,) whether there is no gap between two neighbours.
        near: A time so close stands for the wanted one where nothing can be interpolated.
    """
    after = np.clip(np.searchsorted(times, wanted), 1, max(1, len(times) - 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    shape = (-1, *[1] * (values.ndim - 1))
    distance = times[after] - times[before]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(distance > 0, (wanted - times[before]) / distance, 0.0)
    inside = (part >= 0) & (part <= 1) & np.append(joined, False)[before]
    weight = part.reshape(shape)
    between = np.where(inside.reshape(shape), (1 - weight) * values[before] + weight * values[after], np.nan)
    earlier = wanted - times[before] <= times[after] - wanted
    nearest = np.where(earlier, before, after)
    close = np.abs(times[nearest] - wanted) <= near
    alone = np.where(close.reshape(shape), values[nearest], np.nan)
    return np.asarray(np.where(np.isfinite(between), between, alone))


def _rate(take: Take, interval_s: float) -> float:
    rates = {
        float(camera["fps"])
        for camera in take.header.rig.get("cameras", ())
        if isinstance(camera, dict) and camera.get("fps")
    }
    measured = 1.0 / interval_s if interval_s > 0 else 1.0
    if len(rates) == 1:
        (nominal,) = rates
        if abs(measured - nominal) <= 0.05 * nominal:
            return nominal
    return round(measured, 3)
