import numpy as np
import pytest
from scipy.stats import special_ortho_group as rotations

from models.metrics import (
    align_similarity,
    bone_lengths,
    bone_variation,
    mpjpe,
    n_mpjpe,
    pa_mpjpe,
    reprojection_error,
)
from models.skeletons import MEASURED_BONES, get_skeleton
from models.triangulation.benchmark import ring_rig

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(0.0, 300.0, (5, 17, 3))


def test_mpjpe_is_the_mean_distance():
    prediction = TRUTH.copy()
    prediction[0, 0] += [3.0, 4.0, 0.0]
    prediction[1, 2] += [0.0, 0.0, -12.0]
    result = mpjpe(prediction, TRUTH)
    assert result.mean == pytest.approx(17.0 / 85.0)
    assert result.distances[0, 0] == pytest.approx(5.0)
    assert (result.expected, result.counted, result.missing) == (85, 85, 0)
    assert result.median == 0.0
    assert result.percentile(100.0) == pytest.approx(12.0)


def test_relative_error_ignores_the_place():
    prediction = TRUTH + np.array([100.0, -50.0, 7.0])
    assert mpjpe(prediction, TRUTH).mean == pytest.approx(np.sqrt(100.0**2 + 50.0**2 + 7.0**2))
    assert mpjpe(prediction, TRUTH, root=6).mean == pytest.approx(0.0, abs=1e-9)


def test_n_mpjpe_ignores_place_and_size_but_not_direction():
    prediction = 0.4 * TRUTH + np.array([10.0, 20.0, 30.0])
    assert n_mpjpe(prediction, TRUTH, root=0).mean == pytest.approx(0.0, abs=1e-9)
    # The best factor for p = a t + e is <p, t> / <p, p>: with one bone of 3-4-5 the remaining error is known.
    truth = np.array([[[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]]])
    turned = np.array([[[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]]])
    assert n_mpjpe(turned, truth, root=0).distances[0, 1] == pytest.approx(4.0)


def test_pa_mpjpe_ignores_similarities_only():
    turn = rotations.rvs(3, random_state=1)
    assert pa_mpjpe(1.7 * TRUTH @ turn.T + [5.0, 6.0, 7.0], TRUTH).mean == pytest.approx(0.0, abs=1e-9)
    mirrored = TRUTH * [1.0, 1.0, -1.0]
    assert pa_mpjpe(mirrored, TRUTH).mean > 50.0


def test_alignment_has_the_least_error():
    target = TRUTH[0]
    points = target + RNG.normal(0.0, 30.0, target.shape)
    best = ((align_similarity(points, target) - target) ** 2).sum()
    aligned = align_similarity(points, target)
    centre = aligned.mean(axis=0)
    for axis in np.eye(3):
        for angle in (-0.01, 0.01):
            K = np.cross(np.eye(3), axis)
            R = np.eye(3) + np.sin(angle) * K + (1.0 - np.cos(angle)) * K @ K
            assert (((aligned - centre) @ R.T + centre - target) ** 2).sum() > best
        assert ((aligned + axis - target) ** 2).sum() > best
    for scale in (0.99, 1.01):
        assert ((scale * (aligned - centre) + centre - target) ** 2).sum() > best


def test_missing_joints_are_counted_not_averaged():
    prediction, truth = TRUTH + np.array([3.0, 4.0, 0.0]), TRUTH.copy()
    prediction[0, 3] = np.nan
    prediction[1, :2, 1] = np.nan
    truth[2, 5] = np.nan
    for result in (
        mpjpe(prediction, truth),
        pa_mpjpe(prediction, truth),
        n_mpjpe(prediction, truth, root=16),
    ):
        assert (result.expected, result.counted, result.missing) == (84, 81, 3)
    assert mpjpe(prediction, truth).mean == pytest.approx(5.0)
    # A pose whose root is missing has no relative error at all.
    assert mpjpe(prediction, truth, root=3).counted == 81 - 16
    assert n_mpjpe(prediction, truth, root=3).counted == 81 - 16


def test_nothing_to_compare_is_nan_and_says_so():
    nothing = np.full((2, 4, 3), np.nan)
    for result in (mpjpe(nothing, TRUTH[:2, :4]), pa_mpjpe(nothing, TRUTH[:2, :4])):
        assert np.isnan(result.mean)
        assert np.isnan(result.median)
        assert (result.expected, result.counted) == (8, 0)
    two = TRUTH[:1, :4].copy()
    two[0, 2:] = np.nan
    assert pa_mpjpe(two, TRUTH[:1, :4]).counted == 0


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(5, 17, 3\) and \(5, 16, 3\)"):
        mpjpe(TRUTH, TRUTH[:, :16])


class TestBones:
    skeleton = get_skeleton("coco_17")

    def test_lengths(self):
        joints = np.zeros((2, 17, 3))
        joints[:, self.skeleton.index("left_elbow")] = [0.0, 30.0, 40.0]
        lengths = bone_lengths(joints, self.skeleton)
        assert lengths.shape == (2, len(MEASURED_BONES))
        assert lengths[0, MEASURED_BONES.index(("left_shoulder", "left_elbow"))] == pytest.approx(50.0)
        assert lengths[0, MEASURED_BONES.index(("left_hip", "left_knee"))] == 0.0

    def test_variation_is_standard_deviation_over_mean(self):
        joints = np.full((4, 17, 3), np.nan)
        joints[:, self.skeleton.index("left_hip")] = 0.0
        knee = self.skeleton.index("left_knee")
        joints[:, knee] = 0.0
        joints[:, knee, 2] = [-90.0, -110.0, -90.0, -110.0]
        result = bone_variation(joints, self.skeleton)
        thigh = MEASURED_BONES.index(("left_hip", "left_knee"))
        assert result.mean_mm[thigh] == pytest.approx(100.0)
        assert result.variation[thigh] == pytest.approx(0.1)
        assert result.counted[thigh] == 4
        assert result.mean == pytest.approx(0.1)
        assert np.isnan(np.delete(result.variation, thigh)).all()
        joints[1:, knee] = np.nan
        assert np.isnan(bone_variation(joints, self.skeleton).mean)
        assert bone_variation(joints, self.skeleton).counted[thigh] == 1

    def test_turning_and_moving_change_nothing(self):
        turn = rotations.rvs(3, random_state=2)
        first = bone_variation(TRUTH, self.skeleton)
        second = bone_variation(TRUTH @ turn.T + [1e3, -2e3, 3e3], self.skeleton)
        np.testing.assert_allclose(first.variation, second.variation, atol=1e-12)


def test_reprojection_error():
    rig = ring_rig(3)
    joints = np.array([[[0.0, 0.0, 1000.0], [200.0, 100.0, 600.0]]])
    keypoints = np.moveaxis(rig.project(joints), 0, 1)
    keypoints[0, 1, 0] += [6.0, -8.0]
    keypoints[0, 2, 1] = np.nan
    error = reprojection_error(rig, joints, keypoints)
    assert error.shape == (1, 3, 2)
    assert error[0, 1, 0] == pytest.approx(10.0)
    assert np.isnan(error[0, 2, 1])
    assert error[0, 0].max() < 1e-9
