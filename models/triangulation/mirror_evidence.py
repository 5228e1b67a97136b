"""Evidence on left and right: do the views agree, and is the person anatomically possible.

A network that cannot tell front from back exchanges left and right of a whole person in one view, for many
frames, at full confidence. No single view shows that; several do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from models.skeleton import Skeleton

Floats = NDArray[np.float64]

Comparison = Callable[[NDArray[np.intp], NDArray[np.intp]], tuple[Floats, Floats]]
"""Weighted distance and weight, (V, N) each, between N keypoints and N joints given by their indices."""


class SidePairs:
    """Left and right joints of limbs and trunk, which lie far enough apart to tell the sides."""

    def __init__(self, skeleton: Skeleton) -> None:
        pairs = [pair for pair in skeleton.pairs if pair[0] in skeleton.body]
        self.left = np.array([left for left, _ in pairs], np.intp)
        self.right = np.array([right for _, right in pairs], np.intp)


def against_joints(
    joints: Floats, ideal: Floats, scores: Floats, projections: Floats, pairs: SidePairs
) -> tuple[Floats, Floats]:
    """Compare each view with a body in space, as labelled and with the sides exchanged.

    Args:
        joints: (J, 3) mm in world, NaN where unknown.
        ideal: (V, J, 2) ideal px.
        scores: (V, J), 0 where missing.
        projections: (V, 3, 4) ideal px from world.
        pairs: The joints that count.

    Returns:
        Error as labelled and error when mirrored, (V,) each: mean distance in mm at the depth of the joint,
        weighted by score; NaN for a view without any keypoint in common with ``joints``.
    """
    image = np.einsum("vij,nj->vni", projections[:, :, :3], joints) + projections[:, None, :, 3]
    depth = image[..., 2]
    visible = np.isfinite(depth) & (depth > 0.0)
    depth = np.where(visible, depth, 1.0)
    reprojected = image[..., :2] / depth[..., None]
    # Rows of P are fx r1 + cx r3, ..., r3 with orthonormal r: the part of the first across r3 is fx long.
    first, axis = projections[:, 0, :3], projections[:, 2, :3]
    focal = np.linalg.norm(first - (first * axis).sum(axis=-1, keepdims=True) * axis, axis=-1)
    mm_per_px = depth / focal[:, None]

    def error(of: NDArray[np.intp], to: NDArray[np.intp]) -> tuple[Floats, Floats]:
        distance = np.linalg.norm(ideal[:, of] - reprojected[:, to], axis=-1) * mm_per_px[:, to]
        weight = np.where(visible[:, to] & np.isfinite(distance), scores[:, of], 0.0)
        return weight * np.where(weight > 0.0, distance, 0.0), weight

    return _weigh(error, pairs)


def against_view(
    seed: int, ideal: Floats, scores: Floats, epipolar: Floats, pairs: SidePairs
) -> tuple[Floats, Floats]:
    """Compare each view with view ``seed`` by the distance of keypoints from epipolar lines.

    Args:
        seed: Index of the view that the others are compared with.
        ideal: (V, J, 2) ideal px.
        scores: (V, J), 0 where missing.
        epipolar: (V, 3, 3) fundamental matrices: the line in view v of pixel x in ``seed`` is ``epipolar[v]
            @ x``.
        pairs: The joints that count.

    Returns:
        As ``against_joints``, in px of each view.
    """
    lines = np.einsum("vij,nj->vni", epipolar, np.append(ideal[seed], np.ones((ideal.shape[1], 1)), axis=1))
    length = np.linalg.norm(lines[..., :2], axis=-1)
    lines /= np.where(length > 0.0, length, 1.0)[..., None]

    def error(of: NDArray[np.intp], to: NDArray[np.intp]) -> tuple[Floats, Floats]:
        distance = np.abs((ideal[:, of] * lines[:, to, :2]).sum(axis=-1) + lines[:, to, 2])
        weight = np.where(
            np.isfinite(distance) & (length[:, to] > 0.0), scores[:, of] * scores[seed, to], 0.0
        )
        return weight * np.where(weight > 0.0, distance, 0.0), weight

    return _weigh(error, pairs)


def _weigh(compare: Comparison, pairs: SidePairs) -> tuple[Floats, Floats]:
    """Weighted mean error (V,) of keypoints against joints of the same side, and of the other side."""
    own = np.append(pairs.left, pairs.right)
    other = np.append(pairs.right, pairs.left)
    means = []
    for target in (own, other):
        error, weight = compare(own, target)
        total = weight.sum(axis=1)
        means.append(np.where(total > 0.0, error.sum(axis=1) / np.where(total > 0.0, total, 1.0), np.nan))
    return means[0], means[1]


def preference(as_labelled: Floats, mirrored: Floats) -> Floats:
    """(V,) in [-1, 1]: positive when the labels fit better as they are than mirrored; 0 when unknown."""
    total = as_labelled + mirrored
    known = np.isfinite(total) & (total > 0.0)
    balance: Floats = np.where(known, (mirrored - as_labelled) / np.where(known, total, 1.0), 0.0)
    return balance


def fundamental_matrices(rig: Rig) -> Floats:
    """(V, V, 3, 3): ``F[s, v] @ x`` is the line in view v on which the ideal pixel x of view s must lie."""
    views = len(rig)
    inverse_K = [np.linalg.inv(camera.K) for camera in rig.cameras]
    result = np.zeros((views, views, 3, 3))
    for s, source in enumerate(rig.cameras):
        for v, target in enumerate(rig.cameras):
            R = target.R @ source.R.T
            x, y, z = target.t - R @ source.t
            cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
            result[s, v] = inverse_K[v].T @ cross @ R @ inverse_K[s]
    return result


def chirality(joints: Floats, skeleton: Skeleton) -> float:
    """Whether left is where anatomy puts it, seen from the direction in which nose and toes point.

    Args:
        joints: (J, 3) mm in world.
        skeleton: What they are.

    Returns:
        In [-1, 1]: positive when left lies at ``up x forward``, negative when the body is mirrored, 0 when
        the skeleton or the visible joints do not tell.
    """

    def joint(*names: str) -> Floats:
        for name in names:
            if name in skeleton.joints:
                found: Floats = joints[skeleton.index(name)]
                return found
        return np.full(3, np.nan)

    left = joint("left_shoulder") - joint("right_shoulder") + joint("left_hip") - joint("right_hip")
    up = joint("left_shoulder") + joint("right_shoulder") - joint("left_hip") - joint("right_hip")
    forwards = [2.0 * joint("nose") - joint("left_ear") - joint("right_ear")]
    forwards += [
        joint(f"{side}_big_toe", f"{side}_foot_index") - joint(f"{side}_heel") for side in ("left", "right")
    ]
    forward = np.zeros(3)
    for direction in forwards:
        length = float(np.linalg.norm(direction))
        if np.isfinite(length) and length > 0.0:
            forward += direction / length
    expected = np.cross(up, forward)
    scale = float(np.linalg.norm(expected) * np.linalg.norm(left))
    return float(expected @ left) / scale if np.isfinite(scale) and scale > 0.0 else 0.0
