"""Graphs of joints: what is drawn over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from app.takes.take_data import TakeData

Quantity = Literal["x", "y", "z", "speed", "score", "error", "deviation"]

_GAP: Final = 5.0
"""Intervals from which on a line is interrupted, also between neighbouring instants: inference that is short
of time leaves out a few."""


@dataclass(frozen=True)
class QuantityWords:
    """How a quantity is called.

    Attributes:
        short: On buttons.
        title: On graphs.
        unit: Of its values.
    """

    short: str
    title: str
    unit: str


QUANTITIES: Final[dict[Quantity, QuantityWords]] = {
    "x": QuantityWords("X", "Position x", "mm"),
    "y": QuantityWords("Y", "Position y", "mm"),
    "z": QuantityWords("Z", "Height z", "mm"),
    "speed": QuantityWords("Speed", "Speed", "m/s"),
    "score": QuantityWords("Score", "Score", ""),
    "error": QuantityWords("Reprojection", "Reprojection error", "px"),
    "deviation": QuantityWords("Uncertainty", "Uncertainty", "mm"),
}


@dataclass(frozen=True)
class Series:
    """One line of a graph.

    Attributes:
        joint: Name of the joint.
        seconds: (N,) rising; has an extra entry inside each gap.
        values: (N,) NaN where unknown and inside gaps.
    """

    joint: str
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]


def joint_series(data: TakeData, person: int, joint: str, quantity: Quantity, *, smoothed: bool) -> Series:
    """Values of one joint of one person over the whole take.

    Args:
        data: The take, with poses.
        person: Identity number.
        joint: Name of the joint.
        quantity: What is wanted.
        smoothed: Positions and speed after the live filter instead of as measured.
    """
    assert data.poses is not None
    assert data.skeleton is not None
    poses, index = data.poses, data.skeleton.index(joint)
    rows, places = np.nonzero(poses.person == person)
    seconds = data.seconds[rows]
    # A person who is not there at an instant leaves a gap; so does a pause.
    joined = (np.diff(rows) == 1) & (np.diff(seconds) <= _GAP * _interval(data))
    source = poses.smoothed if smoothed else poses.joints
    if quantity in {"x", "y", "z"}:
        values = source[rows, places, index, "xyz".index(quantity)]
    elif quantity == "speed":
        values = speed(seconds, source[rows, places, index], joined)
    elif quantity == "score":
        values = poses.scores[rows, places, index]
    elif quantity == "deviation":
        variance = np.trace(poses.covariance[rows, places, index], axis1=-2, axis2=-1) / 3.0
        values = np.sqrt(np.maximum(variance, 0.0))
    else:
        values = _reprojection(data, rows, places, index)
    return Series(joint, *with_gaps(seconds, np.asarray(values, np.float64), joined))


def speed(
    seconds: NDArray[np.float64], positions: NDArray[np.float64], joined: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(N,) m/s by central differences of (N, 3) mm; NaN at the ends and beside gaps and missing positions.

    Args:
        seconds: (N,) rising.
        positions: (N, 3) mm, NaN where missing.
        joined: (N - 1,) whether there is no gap between two neighbours.
    """
    values = np.full(len(seconds), np.nan)
    if len(seconds) < 3:
        return values
    way = np.linalg.norm(positions[2:] - positions[:-2], axis=-1) / 1000.0
    near = joined[:-1] & joined[1:]
    values[1:-1] = np.where(near, way / np.maximum(seconds[2:] - seconds[:-2], 1e-9), np.nan)
    return values


def with_gaps(
    seconds: NDArray[np.float64], values: NDArray[np.float64], joined: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same with a NaN inside each gap, so that no line bridges it."""
    after = np.flatnonzero(~joined) + 1
    middle = (seconds[after - 1] + seconds[after]) / 2
    return np.insert(seconds, after, middle), np.insert(values, after, np.nan)


def _reprojection(
    data: TakeData, rows: NDArray[np.intp], places: NDArray[np.intp], index: int
) -> NDArray[np.float64]:
    """(N,) px: mean over the views that took part; NaN without calibration."""
    poses, rig = data.poses, data.rig
    assert poses is not None
    if rig is None:
        return np.full(len(rows), np.nan)
    points = poses.joints[rows, places, index]
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for view, camera in enumerate(poses.cameras):
        if camera not in rig.names:
            continue
        seen = poses.keypoints[rows, places, view, index, :2]
        distance = np.linalg.norm(rig.camera(camera).project(points) - seen, axis=-1)
        counts = poses.used[rows, places, view, index] & np.isfinite(distance)
        total += np.where(counts, distance, 0.0)
        count += counts
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _interval(data: TakeData) -> float:
    return float(np.median(np.diff(data.seconds))) if len(data) > 1 else 1.0
