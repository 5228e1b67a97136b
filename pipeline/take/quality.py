"""How good the poses of a take are, in figures that need no ground truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import bone_variation
from models.skeletons import bone_indices, get_skeleton
from pipeline.take.take import Take

SEEN_FROM = 0.3
"""Score from which an observation counts as seen: below it the triangulation does not look at it either."""


@dataclass(frozen=True)
class TakeQuality:
    """Figures of one take, on the body joints (shoulders, elbows, wrists, hips, knees, ankles) unless said.

    Attributes:
        instants: Number of instants with poses (people or not).
        body_reprojection_px: mean, median, p95 of the distance between keypoints that were used and the
            projected joint; None without any.
        body_reprojection_by_camera_px: Mean by camera.
        body_reprojection_by_joint_px: Mean by joint.
        bone_variation_percent: Mean coefficient of variation of the measured bone lengths.
        bone_lengths_mm: Mean length by bone.
        body_joints_found_percent: Share of body joints that have a 3D position.
        observations_seen: Body keypoints with a score worth looking at.
        observations_dropped: Of these, those that the robust triangulation left out.
        swapped_frames: By camera: numbers of the instants at which left and right were exchanged back.
    """

    instants: int
    body_reprojection_px: dict[str, float] | None
    body_reprojection_by_camera_px: dict[str, float]
    body_reprojection_by_joint_px: dict[str, float]
    bone_variation_percent: float | None
    bone_lengths_mm: dict[str, float]
    body_joints_found_percent: float
    observations_seen: int
    observations_dropped: int
    swapped_frames: dict[str, list[int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def take_quality(folder: Path) -> TakeQuality | None:
    """Compute the figures of a complete take; None when it has no poses or no calibration."""
    take = Take.open(folder)
    poses, rig = take.poses(), take.calibration
    if poses is None or rig is None or not len(poses):
        return None
    skeleton = get_skeleton(poses.skeleton)
    body = list(skeleton.body)
    rig = rig.subset(poses.cameras)
    residual = _residuals(poses.joints, poses.keypoints, rig)[:, :, :, body]
    used = poses.used[..., body] & np.isfinite(residual)
    seen = poses.keypoints[..., body, 2] >= SEEN_FROM
    there = poses.person >= 0
    joints = poses.joints[there]
    found = np.isfinite(joints[:, body]).all(axis=-1)
    # An instant without anybody is an instant without body joints: it lowers the share.
    expected = max(len(poses), len(joints)) * len(body)
    lengths, variation = _bones(joints, skeleton.name)
    return TakeQuality(
        instants=len(poses),
        body_reprojection_px=_summary(residual[used]),
        body_reprojection_by_camera_px={
            name: float(residual[:, :, view][used[:, :, view]].mean())
            for view, name in enumerate(poses.cameras)
            if used[:, :, view].any()
        },
        body_reprojection_by_joint_px={
            skeleton.joints[joint]: float(residual[..., place][used[..., place]].mean())
            for place, joint in enumerate(body)
            if used[..., place].any()
        },
        bone_variation_percent=variation,
        bone_lengths_mm=lengths,
        body_joints_found_percent=100.0 * int(found.sum()) / expected,
        observations_seen=int(seen.sum()),
        observations_dropped=int((seen & ~used).sum()),
        swapped_frames={
            name: [int(at) for at in np.flatnonzero(poses.swapped[:, :, view].any(axis=1))]
            for view, name in enumerate(poses.cameras)
        },
    )


def _residuals(joints: NDArray[np.float64], keypoints: NDArray[np.float64], rig: Any) -> NDArray[np.float64]:
    """(T, P, V, J) px between keypoints and projected joints."""
    instants, people, count, _ = joints.shape
    projected = rig.project(joints.reshape(-1, 3)).reshape(len(rig), instants, people, count, 2)
    distance: NDArray[np.float64] = np.linalg.norm(np.moveaxis(projected, 0, 2) - keypoints[..., :2], axis=-1)
    return distance


def _summary(values: NDArray[np.float64]) -> dict[str, float] | None:
    if not values.size:
        return None
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)),
    }


def _bones(joints: NDArray[np.float64], name: str) -> tuple[dict[str, float], float | None]:
    skeleton = get_skeleton(name)
    pairs = bone_indices(skeleton)
    lengths = np.linalg.norm(joints[:, pairs[:, 0]] - joints[:, pairs[:, 1]], axis=-1)
    known = np.isfinite(lengths).sum(axis=0) >= 2
    if not known.any():
        return {}, None
    names = [f"{skeleton.joints[a]} - {skeleton.joints[b]}" for a, b in pairs]
    means = np.nanmean(lengths[:, known], axis=0)
    kept = [name for name, is_known in zip(names, known, strict=True) if is_known]
    return dict(zip(kept, means.tolist(), strict=True)), 100.0 * float(
        np.mean(bone_variation(joints, skeleton).variation[known])
    )
