"""Measures of pose quality.

Missing joints are NaN and never averaged silently: every figure says what it counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from models.skeleton import Skeleton
from models.skeletons import MEASURED_BONES, Bones, bone_indices

Floats = NDArray[np.float64]

MIN_ALIGN = 3
"""Joints needed to align a pose by a similarity."""


@dataclass(frozen=True)
class JointErrors:
    """Distances between estimated and true joints.

    Attributes:
        distances: (..., J) mm, NaN where the truth, the estimate or what the alignment needs is missing.
        expected: How many joints have a truth.
    """

    distances: Floats
    expected: int

    @property
    def counted(self) -> int:
        """How many joints the figures stand on."""
        return int(np.isfinite(self.distances).sum())

    @property
    def missing(self) -> int:
        """How many joints have a truth but no comparable estimate."""
        return self.expected - self.counted

    @property
    def mean(self) -> float:
        """Mean over the counted joints, mm; NaN when there is none."""
        return float(np.nanmean(self.distances)) if self.counted else float("nan")

    @property
    def median(self) -> float:
        """Median over the counted joints, mm; NaN when there is none."""
        return self.percentile(50.0)

    def percentile(self, percent: float) -> float:
        """Percentile over the counted joints, mm; NaN when there is none."""
        return float(np.nanpercentile(self.distances, percent)) if self.counted else float("nan")


def mpjpe(prediction: Floats, truth: Floats, *, root: int | None = None) -> JointErrors:
    """Mean per joint position error.

    Args:
        prediction: (..., J, 3) mm.
        truth: (..., J, 3) mm, the same frame of reference.
        root: Joint that is brought to coincide first (relative error); None compares positions as they are.
    """
    prediction, truth = _same_shape(prediction, truth)
    expected = _expected(truth)
    if root is not None:
        prediction = prediction - prediction[..., root : root + 1, :]
        truth = truth - truth[..., root : root + 1, :]
    return JointErrors(np.linalg.norm(prediction - truth, axis=-1), expected)


def n_mpjpe(prediction: Floats, truth: Floats, *, root: int) -> JointErrors:
    """Root-relative error after scaling each predicted pose to the truth by least squares.

    Rhodin et al. 2018. A pose whose root is missing does not count.
    """
    prediction, truth = _same_shape(prediction, truth)
    expected = _expected(truth)
    prediction = prediction - prediction[..., root : root + 1, :]
    truth = truth - truth[..., root : root + 1, :]
    both = np.isfinite(prediction + truth).all(axis=-1, keepdims=True)
    p, t = (np.where(both, values, 0.0) for values in (prediction, truth))
    size = (p * p).sum(axis=(-2, -1))
    scale = np.where(size > 0.0, (p * t).sum(axis=(-2, -1)) / np.where(size > 0.0, size, 1.0), np.nan)
    return JointErrors(np.linalg.norm(scale[..., None, None] * prediction - truth, axis=-1), expected)


def pa_mpjpe(prediction: Floats, truth: Floats) -> JointErrors:
    """Error after the best similarity (rotation, translation, scale; no reflection) of each predicted pose.

    Umeyama 1991. A pose with fewer than three joints in common does not count.

    Args:
        prediction: (..., J, 3) mm.
        truth: (..., J, 3) mm.
    """
    prediction, truth = _same_shape(prediction, truth)
    shape, expected = truth.shape, _expected(truth)
    flat = prediction.reshape(-1, *shape[-2:]), truth.reshape(-1, *shape[-2:])
    distances = np.full(flat[0].shape[:2], np.nan)
    for row, (p, t) in enumerate(zip(*flat, strict=True)):
        both = np.isfinite(p).all(axis=1) & np.isfinite(t).all(axis=1)
        if both.sum() >= MIN_ALIGN:
            distances[row, both] = np.linalg.norm(align_similarity(p[both], t[both]) - t[both], axis=1)
    return JointErrors(distances.reshape(shape[:-1]), expected)


def align_similarity(points: Floats, target: Floats) -> Floats:
    """``points`` (N, 3) moved onto ``target`` (N, 3) by the similarity with the least squared error."""
    centre, target_centre = points.mean(axis=0), target.mean(axis=0)
    p, t = points - centre, target - target_centre
    u, singular, vt = np.linalg.svd(p.T @ t)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    rotation = (u * signs) @ vt
    spread = float((p * p).sum())
    scale = float((singular * signs).sum()) / spread if spread > 0.0 else 0.0
    aligned: Floats = scale * p @ rotation + target_centre
    return aligned


def bone_lengths(joints: Floats, skeleton: Skeleton, bones: Bones = MEASURED_BONES) -> Floats:
    """(..., B) mm lengths of named bones of ``joints`` (..., J, 3); NaN where an end is missing."""
    ends = bone_indices(skeleton, bones)
    lengths: Floats = np.linalg.norm(joints[..., ends[:, 0], :] - joints[..., ends[:, 1], :], axis=-1)
    return lengths


@dataclass(frozen=True)
class BoneVariation:
    """How constant bones are over time.

    Attributes:
        mean_mm: (B,) mean length, NaN for a bone never seen.
        variation: (B,) standard deviation over mean (0.04 = 4 %), NaN for a bone seen fewer than two times.
        counted: (B,) poses that show the bone.
    """

    mean_mm: Floats
    variation: Floats
    counted: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """Mean variation of the bones that have one; NaN when none has."""
        known = self.variation[np.isfinite(self.variation)]
        return float(known.mean()) if len(known) else float("nan")


def bone_variation(joints: Floats, skeleton: Skeleton, bones: Bones = MEASURED_BONES) -> BoneVariation:
    """Coefficient of variation of bone lengths of one person, ``joints`` (T, J, 3) mm."""
    lengths = bone_lengths(joints, skeleton, bones)
    seen = np.isfinite(lengths)
    counted = seen.sum(axis=0)
    mean = np.where(counted > 0, np.where(seen, lengths, 0.0).sum(axis=0) / np.maximum(counted, 1), np.nan)
    deviation = np.where(seen, lengths - mean, 0.0)
    spread = np.sqrt((deviation**2).sum(axis=0) / np.maximum(counted, 1))
    variation = np.where((counted > 1) & (mean > 0.0), spread / np.where(mean > 0.0, mean, 1.0), np.nan)
    return BoneVariation(mean, variation, counted.astype(np.int64))


def reprojection_error(rig: Rig, joints: Floats, keypoints: Floats) -> Floats:
    """Distance in the picture between keypoints and reprojected joints.

    Args:
        rig: V cameras.
        joints: (N, J, 3) mm in world.
        keypoints: (N, V, J, 2) distorted px.

    Returns:
        (N, V, J) px, NaN where either is missing or the joint is not in front of the camera.
    """
    reprojected = np.moveaxis(rig.project(joints), 0, 1)
    error: Floats = np.linalg.norm(reprojected - np.asarray(keypoints, np.float64), axis=-1)
    return error


def _expected(truth: Floats) -> int:
    return int(np.isfinite(truth).all(axis=-1).sum())


def _same_shape(prediction: Floats, truth: Floats) -> tuple[Floats, Floats]:
    prediction, truth = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if prediction.shape != truth.shape or prediction.ndim < 2 or prediction.shape[-1] != 3:
        raise ValueError(
            f"poses have shapes {prediction.shape} and {truth.shape}, expected the same (..., J, 3)"
        )
    return prediction, truth
