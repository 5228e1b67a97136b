"""Errors of lifted poses as their publications count them.

Protocol #1 compares poses as they are, the pelvis of both at the origin; Protocol #2 first moves each
prediction onto the truth by the best similarity. Both average over all 17 joints, the pelvis included,
which is exact by definition where a network does not predict it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input

Floats = NDArray[np.float64]


class Alignment(NamedTuple):
    """Similarities of N poses; ``points = scale * prediction @ rotation + shift``.

    Attributes:
        points: (N, J, 3) the aligned predictions.
        scale: (N,).
        rotation: (N, 3, 3) for rows of coordinates.
        shift: (N, 3).
        residual: (N,) squared error that is left, relative to the spread of the truth.
    """

    points: Floats
    scale: Floats
    rotation: Floats
    shift: Floats
    residual: Floats


def procrustes(prediction: Floats, truth: Floats, *, scaled: bool = True) -> Alignment:
    """Best similarity, or rigid motion, of each prediction onto its truth; never a reflection.

    Gower 1975, all poses in one go.

    Args:
        prediction: (N, J, 3), any unit.
        truth: (N, J, 3), the same.
        scaled: Whether the size may change.

    Raises:
        BadInputError: Shapes differ, a joint is missing, or all joints of a pose are in one place.
    """
    prediction, truth = _checked(prediction, truth)
    middle, target = prediction.mean(axis=1, keepdims=True), truth.mean(axis=1, keepdims=True)
    p, t = prediction - middle, truth - target
    p_size, t_size = (np.linalg.norm(each, axis=(1, 2), keepdims=True) for each in (p, t))
    if (p_size == 0.0).any() or (t_size == 0.0).any():
        raise bad_input("a pose with all joints in one place cannot be aligned")
    u, singular, vt = np.linalg.svd(np.swapaxes(t / t_size, 1, 2) @ (p / p_size))
    mirrored = np.linalg.det(u @ vt) < 0.0
    vt[mirrored, -1] *= -1.0
    singular[mirrored, -1] *= -1.0
    rotation = np.swapaxes(u @ vt, 1, 2)
    trace = singular.sum(axis=1)
    p_norm, t_norm = p_size[:, 0, 0], t_size[:, 0, 0]
    if scaled:
        scale, residual = trace * t_norm / p_norm, 1.0 - trace**2
    else:
        scale = np.ones_like(trace)
        residual = 1.0 + (p_norm / t_norm) ** 2 - 2.0 * trace * p_norm / t_norm
    shift = target - scale[:, None, None] * middle @ rotation
    points = scale[:, None, None] * prediction @ rotation + shift
    return Alignment(points, scale, rotation, shift[:, 0], residual)


@dataclass(frozen=True)
class LiftingErrors:
    """Of one protocol, in the unit of the poses.

    Attributes:
        mean_over_frames: Over all joints of all frames.
        mean_over_actions: Mean of ``actions``, each counting the same: the figure of the publications.
        actions: Mean error by action, alphabetical.
        axes: Mean absolute error along x, y and z, averaged over actions.
        joints: (J,) mean error over all frames.
        frames: How many.
    """

    mean_over_frames: float
    mean_over_actions: float
    actions: dict[str, float]
    axes: tuple[float, float, float]
    joints: Floats
    frames: int


def lifting_errors(
    prediction: Floats, truth: Floats, actions: Sequence[str], *, aligned: bool = False
) -> LiftingErrors:
    """Protocol #1, or #2 with ``aligned``.

    Args:
        prediction: (N, J, 3), the pelvis at the origin.
        truth: (N, J, 3), the same unit.
        actions: N names; takes of an action (``Walking 1``) count together.
        aligned: Move each prediction onto the truth by a similarity first.

    Raises:
        BadInputError: Shapes differ, there is nothing to compare, or a joint is missing.
    """
    prediction, truth = _checked(prediction, truth)
    if len(actions) != len(truth):
        raise bad_input(f"there are {len(truth)} poses and {len(actions)} names of actions")
    if aligned:
        prediction = procrustes(prediction, truth).points
    difference = prediction - truth
    distances = np.linalg.norm(difference, axis=2)
    names, which = np.unique([action_of(each) for each in actions], return_inverse=True)
    frames = np.bincount(which)
    by_action = np.bincount(which, distances.mean(axis=1)) / frames
    by_axis = [np.bincount(which, np.abs(difference[..., axis]).mean(axis=1)) / frames for axis in range(3)]
    x, y, z = (float(each.mean()) for each in by_axis)
    return LiftingErrors(
        mean_over_frames=float(distances.mean()),
        mean_over_actions=float(by_action.mean()),
        actions=dict(zip(names.tolist(), by_action.tolist(), strict=True)),
        axes=(x, y, z),
        joints=distances.mean(axis=0),
        frames=len(truth),
    )


def action_of(name: str) -> str:
    """``Walking`` of ``Walking 1`` and of ``Walking 1.60457274.h5``."""
    return name.partition(".")[0].partition(" ")[0]


def _checked(prediction: Floats, truth: Floats) -> tuple[Floats, Floats]:
    prediction, truth = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if prediction.shape != truth.shape or truth.ndim != 3 or truth.shape[2] != 3 or not len(truth):
        raise bad_input(
            f"poses have the shapes {prediction.shape} and {truth.shape}, expected the same (N, J, 3)"
        )
    if not (np.isfinite(prediction).all() and np.isfinite(truth).all()):
        raise bad_input("poses have missing joints; lifting protocols count all of them")
    return prediction, truth
