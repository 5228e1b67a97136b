"""How good the poses of a take are, joint by joint and camera by camera."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from models.metrics import bone_variation, reprojection_error
from models.skeleton import Skeleton
from models.skeletons import MEASURED_BONES, get_skeleton, joint_map
from pipeline.take.instants import nearest
from pipeline.take.poses_file import Poses
from pipeline.take.take import Truth

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoneMeasure:
    """Length of one bone over the take; a rigid bone measured well does not vary.

    Attributes:
        name: Such as "left_hip - left_knee".
        mean_mm: Mean length.
        variation_percent: Standard deviation over the mean.
    """

    name: str
    mean_mm: float
    variation_percent: float


@dataclass(frozen=True)
class PoseMeasures:
    """Figures of all poses. T instants, V views, J joints; NaN where nothing is known.

    Attributes:
        skeleton: What the joints are.
        cameras: View names.
        times_s: (T,) since the start of the take.
        people: (T,) how many were there.
        found: (J,) share of person-instants at which the joint has a position.
        joint_score: (J,) mean 3D score where found.
        view_score: (V,) mean 2D score of the views.
        view_score_over_time: (T, V), NaN where the view has no picture.
        deviation_mm: (J,) median standard deviation of the position, root mean square over the axes.
        error_px: (T, P, V, J) reprojection error of the keypoints that were used; None uncalibrated.
        bones: The measured bones, per person averaged.
        swapped: (T, V) whether left and right were exchanged.
        one_camera: (T,) share of the joints found that a single camera saw; NaN where nobody was found.
    """

    skeleton: Skeleton
    cameras: tuple[str, ...]
    times_s: Floats
    people: NDArray[np.int64]
    found: Floats
    joint_score: Floats
    view_score: Floats
    view_score_over_time: Floats
    deviation_mm: Floats
    error_px: Floats | None
    bones: tuple[BoneMeasure, ...]
    swapped: NDArray[np.bool_]
    one_camera: Floats

    def body_errors(self) -> Floats:
        """Reprojection errors of the body joints, px."""
        if self.error_px is None:
            return np.zeros(0)
        errors = self.error_px[..., list(self.skeleton.body)]
        return np.asarray(errors[np.isfinite(errors)])

    @property
    def body_found_percent(self) -> float:
        """Share of body joints with a position, where somebody was there."""
        return 100.0 * float(np.mean(self.found[list(self.skeleton.body)]))

    @property
    def bone_variation_percent(self) -> float:
        """Mean over the bones; NaN without any."""
        return float(np.mean([bone.variation_percent for bone in self.bones])) if self.bones else float("nan")


def measure_poses(poses: Poses, rig: Rig | None, origin_ns: int) -> PoseMeasures | None:
    """Measure the poses of a take; None when nobody was ever seen."""
    there = poses.person >= 0
    if not there.any():
        return None
    skeleton = get_skeleton(poses.skeleton)
    joints = poses.joints[there]
    found = np.isfinite(joints).all(axis=-1)
    scores = np.where(found, poses.scores[there], np.nan)
    # A view without a picture has no score; one whose picture shows nobody has score 0.
    filmed = there[:, :, None] & (poses.view_times_ns >= 0)[:, None]
    view_scores = np.where(filmed[..., None], poses.keypoints[..., 2], np.nan)
    variance = np.trace(poses.covariance[there], axis1=-2, axis2=-1) / 3.0
    error_px = None
    if rig is not None and set(poses.cameras) <= set(rig.names):
        error_px = _reprojection(poses, rig.subset(poses.cameras))
    return PoseMeasures(
        skeleton=skeleton,
        cameras=poses.cameras,
        times_s=(poses.times_ns - origin_ns) / 1e9,
        people=there.sum(axis=1),
        found=found.mean(axis=0),
        joint_score=mean(scores, (0,)),
        view_score=mean(view_scores, (0, 1, 3)),
        view_score_over_time=mean(view_scores, (1, 3)),
        deviation_mm=_median(np.sqrt(np.maximum(variance, 0.0))),
        error_px=error_px,
        bones=tuple(_bones(poses, skeleton)),
        swapped=np.asarray(poses.swapped.any(axis=1)),
        one_camera=_share_of_one_camera(poses),
    )


def _share_of_one_camera(poses: Poses) -> Floats:
    found = np.isfinite(poses.joints).all(axis=-1).sum(axis=(1, 2))
    alone = poses.one_camera.sum(axis=(1, 2))
    return np.where(found > 0, alone / np.maximum(found, 1), np.nan)


def _reprojection(poses: Poses, rig: Rig) -> Floats:
    T, P, V, J, _ = poses.keypoints.shape
    joints, keypoints = poses.joints.reshape(T * P, J, 3), poses.keypoints.reshape(T * P, V, J, 3)
    error = reprojection_error(rig, joints, keypoints[..., :2]).reshape(T, P, V, J)
    return np.where(poses.used, error, np.nan)


def _bones(poses: Poses, skeleton: Skeleton) -> list[BoneMeasure]:
    """The measured bones that the skeleton has, averaged over the people."""
    bones = tuple(bone for bone in MEASURED_BONES if set(bone) <= set(skeleton.joints))
    people = np.unique(poses.person[poses.person >= 0])
    each = [bone_variation(poses.joints[poses.person == person], skeleton, bones) for person in people]
    lengths = mean(np.array([variation.mean_mm for variation in each]), (0,))
    variations = mean(np.array([variation.variation for variation in each]), (0,))
    return [
        BoneMeasure(f"{first} – {second}", float(length), 100.0 * float(variation))
        for (first, second), length, variation in zip(bones, lengths, variations, strict=True)
        if np.isfinite(variation)
    ]


def swapped_ranges(swapped: NDArray[np.bool_]) -> str:
    """Instants as text, neighbours joined: ``"3-7, 12"``."""
    numbers = np.flatnonzero(swapped)
    if not len(numbers):
        return ""
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    parts = []
    for start, stop in pairwise([0, *breaks.tolist(), len(numbers)]):
        first, last = int(numbers[start]), int(numbers[stop - 1])
        parts.append(f"{first}" if first == last else f"{first}–{last}")
    return ", ".join(parts)


@dataclass(frozen=True)
class TruthMeasures:
    """Distance to the truth of a simulated take.

    Attributes:
        joints: Names of the joints that both skeletons have.
        body: (J',) which of them are body joints.
        error_mm: (T, P, J') distances; NaN where nobody or nothing was found.
        found: Share of body joints of the truth's people that were found, 0 to 1.
    """

    joints: tuple[str, ...]
    body: NDArray[np.bool_]
    error_mm: Floats
    found: float

    def body_errors(self) -> Floats:
        """Distances of the body joints, mm."""
        errors = self.error_mm[..., self.body]
        return np.asarray(errors[np.isfinite(errors)])


def measure_truth(poses: Poses, truth: Truth) -> TruthMeasures | None:
    """Compare poses with the truth; None when they share no instant or no joint.

    Each person found is compared with the nearest true person of that instant.
    """
    skeleton, real = get_skeleton(poses.skeleton), get_skeleton(truth.skeleton)
    places = joint_map(skeleton, real)
    shared = np.flatnonzero(places >= 0)
    if len(truth.times_ns) == 0 or len(poses) == 0 or not len(shared) or truth.joints.shape[1] == 0:
        return None
    at = nearest(truth.times_ns, poses.times_ns)
    # Truth is written at the very instants of the poses; a millisecond is 1 to 5 mm of a walking person.
    close = np.abs(truth.times_ns[at] - poses.times_ns) <= 1_000_000
    if not close.any():
        return None
    predicted = poses.joints[:, :, None][..., places[shared], :]
    distance = np.linalg.norm(predicted - truth.joints[at][:, None][..., shared, :], axis=-1)
    typical = np.where(np.isfinite(distance).any(axis=-1), mean(distance, (3,)), np.inf)
    closest = typical.argmin(axis=2)
    error = np.take_along_axis(distance, closest[:, :, None, None], axis=2)[:, :, 0]
    error[~close] = np.nan
    body = np.isin(shared, real.body)
    expected = int(close.sum()) * truth.joints.shape[1] * int(body.sum())
    found = int(np.isfinite(error[..., body]).sum()) / expected if expected else 0.0
    return TruthMeasures(tuple(real.joints[joint] for joint in shared), body, error, found)


def mean(values: Floats, axes: tuple[int, ...]) -> Floats:
    """Mean over the values that are there, NaN where there is none."""
    there = np.isfinite(values)
    count = there.sum(axis=axes)
    total = np.where(there, values, 0.0).sum(axis=axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _median(values: Floats) -> Floats:
    """(N, J) to (J,), NaN where nothing is known."""
    columns = [column[np.isfinite(column)] for column in values.T]
    return np.array([float(np.median(column)) if len(column) else np.nan for column in columns])
