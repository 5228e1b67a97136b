"""What a trial solve promises, measured against what is wanted."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from calibration.bundle_covariance import NORMAL_95
from calibration.calibrator import Calibration
from pipeline.calibrate_config import LiveConfig
from pipeline.solve_process import SolveAnswer

_FOCAL = slice(6, 8)
"""Of a camera's parameters in the covariance of the joint solve, see ``bundle_kernel``."""


@dataclass(frozen=True)
class TrialFigures:
    """The uncertainty that a calibration with the views so far would have; the worst of all cameras.

    Attributes:
        position_percent: 95 % interval of a camera's place, of its distance to the reference camera.
        focal_percent: 95 % interval of a focal length, of it; 0 where all lenses are known.
        lag_ms: 95 % interval of a lag.
        rms_px: Error of the solve.
        missing: What must still be done, in sentences; empty when it is good enough.
    """

    position_percent: float
    focal_percent: float
    lag_ms: float
    rms_px: float
    missing: tuple[str, ...]


def trial_figures(
    answer: SolveAnswer, wanted: LiveConfig, *, known_lenses: Set[str] = frozenset()
) -> TrialFigures:
    """Judge a trial.

    Args:
        answer: Of the solve.
        wanted: How small the intervals must be.
        known_lenses: Cameras whose lens was given.
    """
    calibration = answer.calibration
    if calibration is None:
        return TrialFigures(np.nan, np.nan, np.nan, np.nan, (answer.failure,))
    missing = [one.sentence for one in calibration.diagnoses if one.severity == "error"]
    focal = {
        name: _focal_percent(calibration, name) for name in calibration.rig.names if name not in known_lenses
    }
    position, lag, rms = _places(calibration)
    for name, percent in focal.items():
        if percent > wanted.focal_percent:
            missing.append(
                f"tilt the board more before {name}: its focal length is known to {percent:.2f} %, wanted "
                f"are {wanted.focal_percent:g} %"
            )
    for name, percent in position.items():
        if percent > wanted.position_percent:
            missing.append(
                f"show the board to {name} and its neighbours: its place is known to {percent:.2f} % of its "
                f"distance, wanted are {wanted.position_percent:g} %"
            )
    for name, ms in lag.items():
        if ms > wanted.lag_ms:
            missing.append(
                f"keep the board moving before {name}: its lag is known to {ms:.1f} ms, wanted are "
                f"{wanted.lag_ms:g} ms"
            )
    return TrialFigures(
        max(position.values(), default=0.0),
        max(focal.values(), default=0.0),
        max(lag.values(), default=0.0),
        rms,
        tuple(missing),
    )


def _focal_percent(calibration: Calibration, camera: str) -> float:
    """95 % interval of the focal length, percent of it: after the joint solve where there was one."""
    if calibration.extrinsics is not None:
        variances = np.diag(calibration.extrinsics.uncertainty[camera].covariance)[_FOCAL]
        deviations = np.sqrt(variances) / np.diag(calibration.rig.camera(camera).K)[:2]
    else:
        lens = calibration.intrinsics[camera]
        deviations = np.array([lens.deviations[key] / lens.parameters[key] for key in ("fx", "fy")])
    return 100 * NORMAL_95 * float(deviations.max())


def _places(calibration: Calibration) -> tuple[dict[str, float], dict[str, float], float]:
    """Intervals of places (percent) and lags (ms) by camera, and the error of the solve, px."""
    extrinsics = calibration.extrinsics
    if extrinsics is None:
        return {}, {}, max(lens.rms_px for lens in calibration.intrinsics.values())
    reference = extrinsics.rig.camera(extrinsics.reference).position
    position, lag = {}, {}
    for camera in extrinsics.rig.cameras:
        if camera.name == extrinsics.reference:
            continue
        distance = float(np.linalg.norm(camera.position - reference))
        interval = float(np.linalg.norm(extrinsics.uncertainty[camera.name].position_mm))
        position[camera.name] = 100 * interval / max(distance, 1.0)
        lag[camera.name] = extrinsics.lags[camera.name].interval_ms
    return position, lag, extrinsics.rms_px
