"""Position errors on CMU Panoptic, over the joints that prediction and truth have in common.

Joints are compared by name (``models.skeletons``), because networks predict COCO or Human3.6M joints and the
truth has Panoptic's nineteen. Relative errors move the pelvis (where a skeleton has none, the middle of the
hips, and then on both sides) to the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.skeleton import Skeleton
from models.skeletons import joint_map

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PanopticResult:
    """Errors in mm.

    Attributes:
        absolute: Mean over all known joints with a prediction; NaN when there is none.
        relative: The same with the root at the origin.
        per_joint: Absolute error by joint.
        joints: Names of the compared joints.
        poses: Number of poses.
        missing_joints: Known joints without a prediction; they are in none of the means.
    """

    absolute: float
    relative: float
    per_joint: dict[str, float]
    joints: tuple[str, ...]
    poses: int
    missing_joints: int


def evaluate_panoptic(
    prediction: NDArray[np.floating],
    truth: NDArray[np.floating],
    predicted_skeleton: Skeleton,
    true_skeleton: Skeleton,
) -> PanopticResult:
    """Compare poses.

    Args:
        prediction: (N, J, 3) world mm, NaN where missing.
        truth: (N, J', 3) world mm, NaN where unknown.
        predicted_skeleton: Of the prediction.
        true_skeleton: Of the truth.

    Raises:
        BadInputError: Shapes do not fit each other or the skeletons.
    """
    for poses, skeleton in ((prediction, predicted_skeleton), (truth, true_skeleton)):
        if poses.shape != (len(truth), len(skeleton), 3):
            raise bad_input(
                f"poses have the shape {poses.shape}, expected {(len(truth), len(skeleton), 3)} "
                f"for {skeleton.name}"
            )
    order = joint_map(predicted_skeleton, true_skeleton)
    common = np.flatnonzero(order >= 0)
    p = prediction[:, order[common]].astype(np.float64)
    t = truth[:, common].astype(np.float64)
    names = tuple(true_skeleton.joints[at] for at in common)
    absolute = np.linalg.norm(p - t, axis=2)
    relative = np.linalg.norm((p - _root(p, names)) - (t - _root(t, names)), axis=2)
    known = np.isfinite(t).all(axis=2)
    return PanopticResult(
        absolute=_mean(absolute),
        relative=_mean(relative),
        per_joint={name: _mean(absolute[:, at]) for at, name in enumerate(names)},
        joints=names,
        poses=len(truth),
        missing_joints=int((known & ~np.isfinite(p).all(axis=2)).sum()),
    )


def _root(joints: Floats, names: tuple[str, ...]) -> Floats:
    if "pelvis" in names:
        return joints[:, [names.index("pelvis")]]
    middle: Floats = joints[:, [names.index("left_hip"), names.index("right_hip")]].mean(
        axis=1, keepdims=True
    )
    return middle


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
