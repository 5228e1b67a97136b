"""Live poses against the truth of the simulated studio."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration.rig import Rig
from models.skeletons import get_skeleton, joint_map
from pipeline.rigs.board_rig import board_rig
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of
from pipeline.session.live_truth import LiveTruth

ORIGIN_NS = 7_000_000_000
AT_NS = ORIGIN_NS + 1_500_000_000


@pytest.fixture(scope="module")
def rig():
    return simulated_rig(2, (160, 120), 30.0, 0)


@pytest.fixture(scope="module")
def studio(rig):
    return studio_of(rig)


@pytest.fixture(scope="module")
def truth(rig, studio):
    return LiveTruth.of(rig, studio_calibration(rig, studio), ORIGIN_NS)


def test_the_truth_itself_has_no_error(truth, studio):
    errors = truth.errors(AT_NS, studio.truth(1.5), "halpe_26")
    assert len(errors) == len(studio.skeleton.body)
    # Double precision of some 2000 mm.
    np.testing.assert_allclose(errors, 0.0, atol=1e-8)


def test_errors_are_distances_of_found_body_joints(truth, studio):
    joints = studio.truth(1.5) + np.array([3.0, 4.0, 12.0])
    first = studio.skeleton.body[0]
    joints[0, first] = np.nan
    errors = truth.errors(AT_NS, joints, "halpe_26")
    assert len(errors) == len(studio.skeleton.body) - 1
    np.testing.assert_allclose(errors, 13.0, atol=1e-8)


def test_another_instant_is_another_truth(truth, studio):
    errors = truth.errors(AT_NS + 500_000_000, studio.truth(1.5), "halpe_26")
    assert errors.mean() > 20, "a person who walks and gestures is elsewhere half a second later"


def test_the_world_of_the_calibration_counts(rig, studio):
    turn, shift = Rotation.from_rotvec([0.2, 0.5, -1.0]).as_matrix(), np.array([900.0, -40.0, 300.0])
    cameras = tuple(
        replace(camera, R=camera.R @ turn.T, t=camera.t - camera.R @ turn.T @ shift)
        for camera in studio_calibration(rig, studio).cameras
    )
    moved = LiveTruth.of(rig, Rig(cameras), ORIGIN_NS)
    errors = moved.errors(AT_NS, studio.truth(1.5) @ turn.T + shift, "halpe_26")
    np.testing.assert_allclose(errors, 0.0, atol=1e-8)


def test_another_skeleton_is_compared_where_both_have_joints(truth, studio):
    coco = get_skeleton("coco_17")
    joints = np.full((1, len(coco), 3), np.nan)
    for place, own in enumerate(joint_map(coco, studio.skeleton)):
        if own >= 0:
            joints[0, own] = studio.truth(1.5)[0, place] + [0.0, 0.0, 5.0]
    errors = truth.errors(AT_NS, joints, "coco_17")
    assert 0 < len(errors) <= 17
    np.testing.assert_allclose(errors, 5.0, atol=1e-8)


def test_nobody_has_no_error(truth):
    assert truth.errors(AT_NS, np.zeros((0, 26, 3)), "halpe_26").shape == (0,)
    assert truth.errors(AT_NS, np.full((1, 26, 3), np.nan), "halpe_26").shape == (0,)


def test_cameras_that_film_a_board_have_no_people(rig, studio):
    assert LiveTruth.of(board_rig(rig), studio_calibration(rig, studio), ORIGIN_NS) is None
