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
from calibration.rotation import rotation_angle


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

    The worlds of the two need not be the same: places and turns are compared as the first camera sees them.

    Returns:
        focal_percent (largest of all cameras and both axes), rotation_deg, position_mm, distance_percent (of
        the distances between cameras, signed mean: the scale), lag_ms; each the largest over the cameras, and
        all of them by camera.
    """
    first, first_true = calibration.cameras[0], truth.camera(calibration.cameras[0].name)
    cameras = {}
    for camera in calibration.cameras:
        true = truth.camera(camera.name)
        turn, shift = _relative(camera, first)
        true_turn, true_shift = _relative(true, first_true)
        focal = camera.K[[0, 1], [0, 1]] / true.K[[0, 1], [0, 1]] - 1.0
        cameras[camera.name] = {
            "focal_percent": 100 * float(np.abs(focal).max()),
            "rotation_deg": float(np.degrees(rotation_angle(turn @ true_turn.T))),
            "position_mm": float(np.linalg.norm(shift - true_shift)),
            "lag_ms": abs((camera.lag_ms - first.lag_ms) - (true.lag_ms - first_true.lag_ms)),
        }
    found, real = distances_mm(calibration), distances_mm(truth.subset(calibration.names))
    scale = 100 * (sum(found.values()) / sum(real.values()) - 1.0) if real else 0.0
    worst = {key: max(item[key] for item in cameras.values()) for key in next(iter(cameras.values()))}
    return {**worst, "scale_percent": scale, "cameras": cameras}


def _relative(camera: Any, first: Any) -> tuple[Any, Any]:
    """Turn (3, 3) from the first camera to this one, and this one's place in the first one's frame, mm."""
    return camera.R @ first.R.T, first.R @ (camera.position - first.position)


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
