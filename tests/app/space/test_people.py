"""Bodies of people against the numbers they come from."""

import numpy as np
import pytest

from app import theme
from app.space.colours import scene_colours
from app.space.people import LARGEST_MM, MOST_ELLIPSOIDS, SIGMA, middle_of, side_of, solids
from models.skeletons import get_skeleton

COLOURS = scene_colours(theme.DARK)


def test_sides_come_from_names():
    assert [side_of(name) for name in ("left_wrist", "right_big_toe", "neck")] == ["left", "right", "middle"]


def test_joints_and_bones_where_they_are(standing):
    joints, skeleton = standing
    drawn = solids(joints, skeleton, np.array([0]), COLOURS)
    np.testing.assert_array_equal(drawn.balls, joints[0])
    np.testing.assert_array_equal(drawn.tubes, joints[0][np.array(skeleton.bones)])
    left = skeleton.index("left_wrist")
    np.testing.assert_allclose(drawn.ball_colours[left], COLOURS.left)
    across = skeleton.bones.index((skeleton.index("left_shoulder"), skeleton.index("right_shoulder")))
    np.testing.assert_allclose(drawn.tube_colours[across], COLOURS.middle)


def test_missing_joints_take_their_bones_with_them(standing):
    joints, skeleton = standing
    knee = skeleton.index("left_knee")
    joints[0, knee] = np.nan
    drawn = solids(joints, skeleton, np.array([0]), COLOURS)
    gone = sum(knee in bone for bone in skeleton.bones)
    assert gone == 2
    assert len(drawn.balls) == len(skeleton) - 1
    assert len(drawn.tubes) == len(skeleton.bones) - gone
    assert np.isfinite(drawn.tubes).all()


def test_nobody():
    skeleton = get_skeleton("coco_17")
    drawn = solids(np.zeros((0, 17, 3)), skeleton, np.zeros(0, int), COLOURS)
    assert drawn.balls.shape == (0, 3)
    assert drawn.tubes.shape == (0, 2, 3)
    assert middle_of(np.full((2, 17, 3), np.nan), skeleton) is None


def test_several_people_differ_in_hue_and_one_does_not(standing):
    joints, skeleton = standing
    wrist, nose = skeleton.index("left_wrist"), skeleton.index("nose")
    alone = solids(joints, skeleton, np.array([7]), COLOURS)
    np.testing.assert_allclose(alone.ball_colours[wrist], COLOURS.left)
    pair = solids(np.concatenate([joints, joints]), skeleton, np.array([7, 8]), COLOURS)
    first, second = pair.ball_colours.reshape(2, len(skeleton), 3)
    for joint in (wrist, nose):
        assert np.abs(first[joint] - second[joint]).max() > 0.05
    for shade in (first[wrist], second[wrist]):
        assert shade[2] == shade.max(), "left stays bluish for everybody"


def test_ellipsoids_are_two_sigma(standing):
    joints, skeleton = standing
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    sigmas = np.array([4.0, 9.0, 30.0])
    covariance = np.broadcast_to(rotation * sigmas**2 @ rotation.T, (1, len(skeleton), 3, 3)).copy()
    covariance[0, 3] = np.nan
    drawn = solids(joints, skeleton, np.array([0]), COLOURS, covariance)
    shape = drawn.shapes[0]
    # The matrix of the ellipsoid is the covariance times SIGMA squared.
    np.testing.assert_allclose(shape @ shape.T, SIGMA**2 * covariance[0, 0], rtol=1e-9)
    assert np.linalg.norm(drawn.shapes[3], axis=0).max() < 10, "a dot where nothing is known"
    plain = solids(joints, skeleton, np.array([0]), COLOURS)
    assert drawn.radii.max() < 0.6 * plain.radii.max(), "bones do not hide them"


def test_ellipsoids_are_capped_in_size_and_number(standing):
    joints, skeleton = standing
    people = np.repeat(joints, 8, axis=0)
    sigmas = np.arange(1.0, people.shape[0] * people.shape[1] + 1).reshape(people.shape[:2])
    covariance = np.eye(3) * (sigmas**2)[..., None, None]
    covariance[0, 0] = np.eye(3) * 1e12
    drawn = solids(people, skeleton, np.arange(8), COLOURS, covariance)
    sizes = np.linalg.norm(drawn.shapes, axis=1).max(axis=1)
    assert sizes.max() == pytest.approx(LARGEST_MM)
    dots = sizes < 5.0
    assert (~dots).sum() == MOST_ELLIPSOIDS
    assert dots[1:10].all(), "the least uncertain ones are left out"


def test_middle_is_between_the_hips(standing):
    joints, skeleton = standing
    hips = joints[0, [skeleton.index("left_hip"), skeleton.index("right_hip")]].mean(axis=0)
    np.testing.assert_allclose(middle_of(joints, skeleton), hips)
