import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.simulation.anatomy import BONE, PARENT, Anatomy
from models.simulation.kinematics import bend_leg, forward_kinematics, local_rotations, turned

# all of it is float64; 1e-12 leaves room for the rounding of a few dozen operations
ROUNDING = 1e-12


def test_local_rotations_are_bow_after_lean_after_turn():
    angles = np.random.default_rng(0).uniform(-3, 3, (20, 3))
    expected = [Rotation.from_euler("YXZ", [bow, lean, turn]).as_matrix() for bow, lean, turn in angles]
    assert np.abs(local_rotations(angles) - expected).max() < ROUNDING


def test_turned_adds_a_turn_about_the_vertical():
    rotation = Rotation.from_rotvec([0.3, -0.2, 0.9])
    expected = (Rotation.from_euler("z", 0.7) * rotation).as_matrix()
    assert np.abs(turned(rotation.as_matrix(), 0.7) - expected).max() < ROUNDING


def test_forward_kinematics_chains_rotations_and_offsets():
    offsets = Anatomy().offsets()
    local = local_rotations(np.random.default_rng(1).uniform(-1, 1, (len(offsets), 3)))
    root = np.array([100.0, -50.0, 900.0])
    rotations, origins = forward_kinematics(PARENT, offsets, root, local)
    assert np.array_equal(origins[0], root)
    chain = [BONE[name] for name in ("pelvis", "abdomen", "chest", "left_upper_arm", "left_forearm")]
    rotation, origin = local[0], root
    for bone in chain[1:]:
        origin = origin + rotation @ offsets[bone]
        rotation = rotation @ local[bone]
    assert np.abs(rotations[chain[-1]] - rotation).max() < ROUNDING
    assert np.abs(origins[chain[-1]] - origin).max() < 1e-9  # mm, numbers around 1000


@pytest.mark.parametrize("distance", [300.0, 600.0, 830.0])
def test_bent_leg_ends_at_the_ankle_with_the_knee_in_front(distance):
    hip = np.array([10.0, 20.0, 900.0])
    ankle = hip + distance * np.array([0.2, -0.1, -1.0]) / np.linalg.norm([0.2, -0.1, -1.0])
    thigh, shin = bend_leg(hip, ankle, 425.0, 412.0, 0.4)
    for rotation in (thigh, shin):
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() < ROUNDING
        assert np.linalg.det(rotation) == pytest.approx(1.0)
    knee = hip - 425.0 * thigh[:, 2]
    assert np.abs(knee - 412.0 * shin[:, 2] - ankle).max() < 1e-9
    front = np.array([np.cos(0.4), np.sin(0.4), 0.0])
    assert (knee - (hip + ankle) / 2) @ front > 0
