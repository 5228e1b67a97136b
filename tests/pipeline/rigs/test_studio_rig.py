"""The truth of the simulated studio in the world of a calibration."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration.rig import Rig
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of, world_from_world


@pytest.fixture(scope="module")
def exact():
    devices = simulated_rig(3, (160, 120), 30.0, 0)
    return studio_calibration(devices, studio_of(devices))


def moved(rig, turn, shift):
    """The same cameras in a world where every point x of the old one is at turn x + shift."""
    cameras = [
        replace(camera, R=camera.R @ turn.T, t=camera.t - camera.R @ turn.T @ shift) for camera in rig.cameras
    ]
    return Rig(tuple(cameras))


def test_worlds_are_brought_together_exactly(exact):
    turn = Rotation.from_rotvec([0.3, -1.0, 2.0]).as_matrix()
    shift = np.array([1500.0, -300.0, 80.0])
    R, t = world_from_world(moved(exact, turn, shift), exact)
    # Double precision: numbers of some 5000 mm, a few operations.
    np.testing.assert_allclose(R, turn, atol=1e-12)
    np.testing.assert_allclose(t, shift, atol=1e-8)


def test_the_same_world_stays(exact):
    R, t = world_from_world(exact, exact)
    np.testing.assert_allclose(R, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(t, 0.0, atol=1e-8)


def test_a_wrong_scale_is_not_hidden(exact):
    larger = Rig(tuple(replace(camera, t=1.1 * camera.t) for camera in exact.cameras))
    R, _ = world_from_world(larger, exact)
    assert np.linalg.det(R) == pytest.approx(1.0, abs=1e-12)
