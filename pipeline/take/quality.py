"""How good the poses of a take are, in figures that need no ground truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.take.report.pose_measures import PoseMeasures, measure_poses
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
        bone_variation_percent: Mean coefficient of variation of the measured bone lengths; None without any.
        bone_lengths_mm: Mean length by bone.
        body_joints_found_percent: Share of body joints that have a 3D position, over all instants.
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
    """Compute the figures of a complete take; None when nobody was ever seen or there is no calibration."""
    take = Take.open(folder)
    poses = take.poses()
    if poses is None:
        return None
    measures = measure_poses(poses, take.calibration, take.header.origin_ns)
    if measures is None or measures.error_px is None:
        return None
    body = list(measures.skeleton.body)
    error = measures.error_px[..., body]
    seen = poses.keypoints[..., body, 2] >= SEEN_FROM
    return TakeQuality(
        instants=len(poses),
        body_reprojection_px=_summary(measures.body_errors()),
        body_reprojection_by_camera_px=_means(error, 2, measures.cameras),
        body_reprojection_by_joint_px=_means(error, 3, [measures.skeleton.joints[joint] for joint in body]),
        bone_variation_percent=measures.bone_variation_percent if measures.bones else None,
        bone_lengths_mm={bone.name: bone.mean_mm for bone in measures.bones},
        body_joints_found_percent=measures.body_found_percent * float((measures.people > 0).mean()),
        observations_seen=int(seen.sum()),
        observations_dropped=int((seen & ~np.isfinite(error)).sum()),
        swapped_frames=_swapped(measures),
    )


def _summary(values: NDArray[np.float64]) -> dict[str, float] | None:
    if not values.size:
        return None
    mean, median = float(values.mean()), float(np.median(values))
    return {"mean": mean, "median": median, "p95": float(np.percentile(values, 95))}


def _means(error: NDArray[np.float64], axis: int, names: Any) -> dict[str, float]:
    """Mean error by the items of one axis of (T, P, V, J); items without any value are left out."""
    items = np.moveaxis(error, axis, 0)
    return {
        name: float(item[np.isfinite(item)].mean())
        for name, item in zip(names, items, strict=True)
        if np.isfinite(item).any()
    }


def _swapped(measures: PoseMeasures) -> dict[str, list[int]]:
    return {
        name: np.flatnonzero(measures.swapped[:, view]).tolist() for view, name in enumerate(measures.cameras)
    }
