"""What a take's own poses say about the clocks of its cameras: a suggestion, applied only when asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from calibration.rig import Rig
from models.triangulation.camera_lags import CameraLags, LagConfig, ViewTrack, estimate_lags
from pipeline.take.poses_file import Poses

LONGEST_S: Final = 60.0
"""From the middle of a take: longer stretches cost time and bring little."""
_STEP_MS: Final = 66.0
WORTH_MS: Final = 1.0
"""Smaller differences from what the calibration says are not worth a word."""


def lags_from_poses(rig: Rig, poses: Poses) -> CameraLags | None:
    """Estimate the lags of a take's cameras from the keypoints of whoever is in it longest.

    Args:
        rig: The take's calibration.
        poses: Of the take, with keypoints.

    Returns:
        Lags, or None where nobody is seen for long enough, or by one camera only.
    """
    people, counts = np.unique(poses.person[poses.person >= 0], return_counts=True)
    if not len(people) or len(rig) < 2 or rig.names != poses.cameras:
        return None
    row, place = np.nonzero(poses.person == people[counts.argmax()])
    middle = np.median(poses.times_ns[row])
    near = np.abs(poses.times_ns[row] - middle) <= LONGEST_S / 2 * 1e9
    row, place = row[near], place[near]
    tracks = []
    for view in range(len(rig)):
        times = poses.view_times_ns[row, view]
        keypoints = poses.keypoints[row, place, view]
        seen = (times >= 0) & (keypoints[..., 2] > 0).any(axis=1)
        times, keypoints = times[seen], keypoints[seen]
        rising = np.concatenate([[True], np.diff(times) > 0]) if len(times) else np.zeros(0, bool)
        tracks.append(ViewTrack(times[rising], keypoints[rising, :, :2], keypoints[rising, :, 2]))
    return estimate_lags(rig, tracks, LagConfig(step_ms=_STEP_MS))


def with_lags(rig: Rig, lags: CameraLags) -> Rig:
    """The rig with the lags that are observable; the others stay as they are."""
    cameras = tuple(
        replace(camera, lag_ms=round(float(lag), 3)) if told else camera
        for camera, lag, told in zip(rig.cameras, lags.lag_ms, lags.observable, strict=True)
    )
    return replace(rig, cameras=cameras)


def lags_to_dict(rig: Rig, lags: CameraLags) -> dict[str, Any]:
    """Plain data: what is found for each camera, what the calibration says, and whether to do something."""
    cameras = {
        name: {
            "lag_ms": _rounded(lags.lag_ms[at]),
            "std_ms": _rounded(lags.std_ms[at]),
            "drift_ppm": _rounded(lags.drift_ppm[at]),
            "drift_std_ppm": _rounded(lags.drift_std_ppm[at]),
            "observable": bool(lags.observable[at]),
            "applied_ms": rig.cameras[at].lag_ms - rig.cameras[0].lag_ms,
        }
        for at, name in enumerate(lags.cameras)
    }
    late = [name for name, item in cameras.items() if _differs(item)]
    return {
        "cameras": cameras,
        "error_px": _rounded(lags.error_px),
        "error_with_px": _rounded(lags.error_with_px),
        "worth_applying": late,
    }


def _differs(item: dict[str, Any]) -> bool:
    if not item["observable"]:
        return False
    difference = abs(item["lag_ms"] - item["applied_ms"])
    return bool(difference > max(WORTH_MS, 3 * item["std_ms"]))


def _rounded(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
