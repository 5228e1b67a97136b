"""The figures of a calibration as plain data, and how far it is from a known truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from calibration.board_footage import CameraTally
from calibration.calibrator import Calibration
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsResult
from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.rotation import fit_rigid, rotation_angle
from calibration.volume_uncertainty import FEWEST_POINTS, seen_by
from calibration.world_frame import triangulate_exactly

STUDIO_HALF_MM, STUDIO_TOP_MM = 1000.0, 2000.0
"""Where people are in the simulated studio."""


def calibration_figures(
    calibration: Calibration,
    observations: BoardObservations,
    tallies: Mapping[str, CameraTally] | None = None,
) -> dict[str, Any]:
    """Everything worth knowing, by camera and in all.

    Args:
        calibration: What came out.
        observations: What it was made from.
        tallies: How the search for the board went, where pictures were searched.
    """
    extrinsics = calibration.extrinsics
    cameras = {}
    for camera in calibration.rig.cameras:
        figures: dict[str, Any] = {
            "pictures": tallies[camera.name].frames if tallies and camera.name in tallies else None,
            "views": len(observations.by_camera(camera.name)),
            "size": camera.size,
            "model": camera.model,
            "focal_px": [float(camera.K[0, 0]), float(camera.K[1, 1])],
            "position_mm": camera.position,
            "lag_ms": camera.lag_ms,
        }
        if (lens := calibration.intrinsics.get(camera.name)) is not None:
            figures["intrinsics"] = _lens_figures(lens)
        if extrinsics is not None:
            figures |= _place_figures(extrinsics, camera.name)
        cameras[camera.name] = figures
    result: dict[str, Any] = {
        "board": calibration.board.words(),
        "cameras": cameras,
        "quality": dict(calibration.rig.quality or {}),
        "diagnoses": [asdict(diagnosis) for diagnosis in calibration.diagnoses],
        "solve_seconds": dict(calibration.seconds),
    }
    if extrinsics is not None:
        result |= {
            "rms_px": extrinsics.rms_px,
            "rms_without_lags_px": extrinsics.rms_without_lags_px,
            "corner_noise_px": extrinsics.sigma_px,
            "instants": len(extrinsics.board),
            "distances_mm": distances_mm(calibration.rig),
            "view_graph": {
                "shared": extrinsics.graph.shared,
                "tree": extrinsics.graph.tree,
                "loops": [asdict(loop) for loop in extrinsics.graph.loops],
            },
            "rejected": [asdict(item) for item in extrinsics.rejected],
        }
    return result


def distances_mm(rig: Rig) -> dict[str, float]:
    """Distance of every two cameras, by their names joined with a comma."""
    cameras = rig.cameras
    return {
        f"{one.name},{other.name}": float(np.linalg.norm(one.position - other.position))
        for place, one in enumerate(cameras)
        for other in cameras[place + 1 :]
    }


def compare_with_truth(calibration: Rig, truth: Rig) -> dict[str, Any]:
    """How far a calibration is from the simulated cameras it is of.

    The worlds of the two need not be the same. Points all over the middle of the studio are filmed by the
    true cameras and triangulated by the calibrated ones; the world is laid where these points fit best.

    Returns:
        focal_percent (largest of both axes), rotation_deg, position_mm, lag_ms (relative to the first
        camera), each the largest over the cameras, and all of them by camera; volume_mm, the root mean square
        error of the points; scale_percent, by which distances between cameras are too long; and of the world
        as it was before: up_deg, how far its Z is from the vertical, and floor_mm, how far its Z = 0 is from
        the floor in the middle of the studio.
    """
    true = truth.subset(calibration.names)
    R, t, volume_mm = _laid_over(calibration, true)
    laid = calibration.moved(R, t)
    first, first_true = calibration.cameras[0], true.cameras[0]
    cameras = {}
    for camera, real in zip(laid.cameras, true.cameras, strict=True):
        focal = camera.K[[0, 1], [0, 1]] / real.K[[0, 1], [0, 1]] - 1.0
        cameras[camera.name] = {
            "focal_percent": 100 * float(np.abs(focal).max()),
            "rotation_deg": float(np.degrees(rotation_angle(camera.R @ real.R.T))),
            "position_mm": float(np.linalg.norm(camera.position - real.position)),
            "lag_ms": abs((camera.lag_ms - first.lag_ms) - (real.lag_ms - first_true.lag_ms)),
        }
    found, wanted = distances_mm(calibration), distances_mm(true)
    scale = 100 * (sum(found.values()) / sum(wanted.values()) - 1.0) if wanted else 0.0
    worst = {key: max(item[key] for item in cameras.values()) for key in next(iter(cameras.values()))}
    return {
        **worst,
        "volume_mm": volume_mm,
        "scale_percent": scale,
        "up_deg": float(np.degrees(np.arccos(np.clip(R[2, 2], -1.0, 1.0)))),
        "floor_mm": abs(float(t[2])),
        "cameras": cameras,
    }


def _laid_over(calibration: Rig, truth: Rig) -> tuple[Any, Any, float]:
    """R (3, 3) and t (3,) that lay a calibration's world over the true one; what is left of points, mm."""
    side = np.linspace(-STUDIO_HALF_MM, STUDIO_HALF_MM, 5)
    points = np.stack(np.meshgrid(side, side, np.linspace(0.0, STUDIO_TOP_MM, 5)), axis=-1).reshape(-1, 3)
    seen = seen_by(truth, points)
    points, seen = points[seen.sum(axis=0) >= 2], seen[:, seen.sum(axis=0) >= 2]
    if len(points) < FEWEST_POINTS:  # these cameras look at different things: the first one is believed
        one, real = calibration.cameras[0], truth.cameras[0]
        R = real.R.T @ one.R
        return R, real.position - R @ one.position, float("nan")
    placed = triangulate_exactly(calibration, np.where(seen[..., None], truth.project(points), np.nan))
    R, t = fit_rigid(placed, points)
    return R, t, float(np.sqrt(((placed @ R.T + t - points) ** 2).sum(axis=1).mean()))


def _lens_figures(lens: IntrinsicsResult) -> dict[str, Any]:
    return {
        "rms_px": lens.rms_px,
        "held_out_px": lens.held_out_px,
        "noise_px": lens.noise_px,
        "views": len(lens.views),
        "coverage": lens.coverage.share,
        "parameters": lens.parameters,
        "deviations": lens.deviations,
        "uncertainty_px": float(np.nanmax(lens.uncertainty_px)),
        "rejected_views": [asdict(view) for view in lens.rejected_views],
        "rejected_corners": len(lens.rejected_corners),
    }


def _place_figures(extrinsics: ExtrinsicsResult, camera: str) -> dict[str, Any]:
    uncertainty, lag = extrinsics.uncertainty[camera], extrinsics.lags[camera]
    return {
        "rms_px": extrinsics.camera_rms_px.get(camera),
        "position_95_mm": uncertainty.position_mm,
        "rotation_95_deg": uncertainty.rotation_deg,
        "lag_95_ms": lag.interval_ms,
    }
