"""What the uncertainty of cameras means for points between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.bundle_kernel import CAMERA
from calibration.rig import Rig
from calibration.rotation import fit_rigid, rotation_angle, rotation_from_vector
from calibration.volume_uncertainty import seen_by, volume_uncertainty
from calibration.world_frame import triangulate_exactly
from models.simulation.studio_rig import ring_of_cameras

SIDE = np.linspace(-900.0, 900.0, 4)
POINTS = np.stack(np.meshgrid(SIDE, SIDE, [200.0, 900.0, 1700.0]), axis=-1).reshape(-1, 3)


def rig() -> Rig:
    return ring_of_cameras([4], 4, (640, 480))


def deviations() -> np.ndarray:
    """Small ones of 4 cameras: 0.3 mrad, 1 mm, 0.5 px, and as much of the first coefficients as that."""
    one = np.zeros(CAMERA)
    one[:3], one[3:6], one[6:10], one[10:12] = 3e-4, 1.0, 0.5, 2e-3
    return np.tile(one, 4)


def changed(rig: Rig, step: np.ndarray) -> Rig:
    cameras = []
    for camera, one in zip(rig.cameras, step.reshape(-1, CAMERA), strict=True):
        K = camera.K.copy()
        K[[0, 1, 0, 1], [0, 1, 2, 2]] += one[6:10]
        distortion = camera.distortion + one[10:15]
        R = rotation_from_vector(one[:3]) @ camera.R
        cameras.append(replace(camera, K=K, distortion=distortion, R=R, t=camera.t + one[3:6]))
    return replace(rig, cameras=tuple(cameras))


def test_it_predicts_what_random_errors_of_the_cameras_do_to_points():
    true, random, spread = rig(), np.random.default_rng(1), deviations()
    predicted = volume_uncertainty(true, np.diag(spread**2), POINTS)
    assert predicted is not None
    seen = seen_by(true, POINTS)
    pixels = np.where(seen[..., None], true.project(POINTS), np.nan)
    errors, places, turns = [], [], []
    for _ in range(300):
        wrong = changed(true, random.normal(size=len(spread)) * spread)
        found = triangulate_exactly(wrong, pixels)
        good = np.isfinite(found[:, 0])
        R, t = fit_rigid(found[good], POINTS[good])
        laid = wrong.moved(R, t)
        pairs = list(zip(laid.cameras, true.cameras, strict=True))
        errors.append(np.linalg.norm(found @ R.T + t - POINTS, axis=1))
        places.append([np.linalg.norm(a.position - b.position) for a, b in pairs])
        turns.append([np.degrees(rotation_angle(a.R @ b.R.T)) for a, b in pairs])
    measured = np.sqrt(np.mean(np.array(errors) ** 2, axis=0))
    # 300 draws tell a standard deviation to 4 %; a point has three axes, and the worst of 48 is looked at.
    np.testing.assert_allclose(predicted.points_mm, measured, rtol=0.15, equal_nan=True)
    assert predicted.rms_mm == pytest.approx(np.sqrt(np.nanmean(measured**2)), rel=0.06)
    # The three axes together lie between once and sqrt(3) times the least known one.
    for one, all_axes in ((predicted.place_mm, places), (predicted.turn_deg, turns)):
        ratio = np.sqrt(np.mean(np.array(all_axes) ** 2, axis=0)) / one
        assert (ratio > 0.9).all()
        assert (ratio < 1.1 * np.sqrt(3)).all()


def test_it_does_not_matter_where_the_world_is():
    """All cameras moving as one is no uncertainty at all."""
    true = rig()
    # Turned only: what a turn of a camera does to its centre depends on where the origin is.
    R, t = rotation_from_vector(np.array([0.3, -0.2, 1.0])), np.zeros(3)
    covariance = np.diag(deviations() ** 2)
    here, there = (
        volume_uncertainty(true, covariance, POINTS),
        volume_uncertainty(true.moved(R, t), covariance, POINTS @ R.T + t),
    )
    assert here is not None
    assert there is not None
    np.testing.assert_allclose(here.points_mm, there.points_mm, rtol=1e-4)
    np.testing.assert_allclose(here.place_mm, there.place_mm, rtol=1e-4)
    shift = np.zeros((4 * CAMERA, 3))
    for number, camera in enumerate(true.cameras):
        shift[number * CAMERA + 3 : number * CAMERA + 6] = camera.R
    together = volume_uncertainty(true, 100.0 * shift @ shift.T, POINTS)
    assert together is not None
    assert together.rms_mm < 1e-3
    assert together.place_mm.max() < 1e-3


def test_cameras_that_share_nothing_are_told_apart():
    true = rig()
    turn = rotation_from_vector(np.array([0.0, np.pi, 0.0]))
    away = replace(true.cameras[0], R=turn @ true.cameras[0].R, t=turn @ true.cameras[0].t)
    pair = Rig((away, true.cameras[1]))
    assert volume_uncertainty(pair, np.eye(2 * CAMERA), POINTS) is None
