import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2
from scipy.stats import special_ortho_group as rotations

from calibration.rig import Rig
from models.triangulation.benchmark import made_up_people, ring_rig
from models.triangulation.robust import RobustConfig, RobustTriangulator
from tests.models.triangulation.numpy_twin import triangulate_person

# 1 px at the centre of the ring, 4.1 m from cameras with a focal length of 1000 px.
MM_PER_PX = 4.1


def triangulator(rig: Rig, **settings: float) -> RobustTriangulator:
    return RobustTriangulator(RobustConfig(**settings), rig)


def beside(offset_mm):
    """A camera and the same one shifted sideways."""
    one = ring_rig(5).cameras[0]
    return Rig((one, replace(one, name="beside", t=one.t + np.array([offset_mm, 0.0, 0.0]))))


def bodies(rng, people=4, joints=26):
    return np.array([0.0, 0.0, 1000.0]) + rng.normal(0.0, [250.0, 250.0, 400.0], (people, joints, 3))


def seen(rig, truth, rng=None, noise_px=0.0):
    keypoints = np.moveaxis(rig.project(truth), 0, 1)
    if rng is not None:
        keypoints = keypoints + rng.normal(0.0, noise_px, keypoints.shape)
    return keypoints, np.ones(keypoints.shape[:3])


def distance(result, truth):
    return np.linalg.norm(result.joints - truth, axis=-1)


@pytest.mark.parametrize("views", [2, 3, 4, 8])
def test_recovers_truth_without_noise(views):
    rng = np.random.default_rng(views)
    rig = ring_rig(9).subset([f"cam{view + 1}" for view in range(views)])
    truth = bodies(rng)
    result = triangulator(rig)(*seen(rig, truth))
    # Undistortion is exact to 1e-9 px, which two rays 40 degrees apart turn into some 1e-8 mm.
    assert distance(result, truth).max() < 1e-6
    assert result.used.all()
    assert result.scores.min() > 0.95
    assert result.residual_px.max() < 1e-6


def test_agrees_with_the_numpy_twin():
    rng = np.random.default_rng(3)
    rig = ring_rig(6)
    robust = triangulator(rig)
    _, keypoints, scores = made_up_people(rig, 3, 26, rng)
    ideal = robust.undistort(keypoints)
    result = robust.triangulate_ideal(ideal, scores)
    for person in range(3):
        joints, covariance, used = triangulate_person(
            rig.projections,
            np.array([(c.K[0, 0] + c.K[1, 1]) / 2.0 for c in rig.cameras]),
            ideal[person],
            scores[person],
            robust.config,
        )
        assert (result.used[person] == used).all()
        # The same arithmetic in another order and frame: rounding only.
        np.testing.assert_allclose(result.joints[person], joints, atol=1e-6)
        np.testing.assert_allclose(result.covariance[person], covariance, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("views", [4, 8])
def test_covariance_covers_the_truth(views):
    rng = np.random.default_rng(11)
    rig = ring_rig(views)
    truth = bodies(rng, people=60)
    result = triangulator(rig)(*seen(rig, truth, rng, noise_px=2.0))
    error = result.joints - truth
    squared = np.einsum("nji,njik,njk->nj", error, np.linalg.inv(result.covariance), error)
    count = squared.size
    for probability in (0.5, 0.95):
        covered = (squared < chi2.ppf(probability, 3)).mean()
        # Three standard deviations of a binomial share of 1560 independent joints (1.7 % at 95 %).
        assert abs(covered - probability) < 3.0 * np.sqrt(probability * (1.0 - probability) / count)


def test_covariance_follows_scores():
    rng = np.random.default_rng(12)
    rig = ring_rig(4)
    truth = bodies(rng, people=60)
    keypoints, scores = seen(rig, truth)
    scores = rng.uniform(0.5, 1.0, scores.shape)
    # The model: a score of 0.5 means twice the noise of a score of 1.
    keypoints += rng.normal(0.0, 2.0, keypoints.shape) / scores[..., None]
    result = triangulator(rig)(keypoints, scores)
    error = result.joints - truth
    squared = np.einsum("nji,njik,njk->nj", error, np.linalg.inv(result.covariance), error)
    assert abs((squared < chi2.ppf(0.95, 3)).mean() - 0.95) < 3.0 * np.sqrt(0.95 * 0.05 / squared.size)


def test_one_gross_outlier_of_four_views_is_dropped():
    rng = np.random.default_rng(5)
    rig = ring_rig(4)
    truth = bodies(rng, people=20)
    keypoints, scores = seen(rig, truth, rng, noise_px=2.0)
    clean = triangulator(rig)(keypoints, scores)
    wrong = rng.integers(0, 4, truth.shape[:2])
    person, joint = np.indices(wrong.shape)
    angle = rng.uniform(0.0, 2.0 * np.pi, wrong.shape)
    keypoints[person, wrong, joint] += 150.0 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    result = triangulator(rig)(keypoints, scores)
    assert not result.used[person, wrong, joint].any()
    # Three of four views are left: the error grows by about a third (more where the three lie in a half
    # circle), not by the 100 mm and more that the outlier is off.
    assert np.median(distance(result, truth)) < 1.5 * np.median(distance(clean, truth))
    assert distance(result, truth).max() < 12.0 * 2.0 * MM_PER_PX
    assert (result.residual_px[person, wrong, joint] > 100.0).all()


def test_most_of_eight_views_may_be_wrong_for_a_joint():
    rng = np.random.default_rng(6)
    rig = ring_rig(8)
    truth = bodies(rng, people=20)
    keypoints, scores = seen(rig, truth, rng, noise_px=2.0)
    keypoints[:, [1, 4, 6], :3] += rng.uniform(60.0, 300.0, (20, 3, 3, 2)) * rng.choice(
        [-1, 1], (20, 3, 3, 2)
    )
    result = triangulator(rig)(keypoints, scores)
    # Five good views still outvote three random ones in all but rare conspiracies.
    assert (~result.used[:, [1, 4, 6], :3]).mean() > 0.97
    assert np.percentile(distance(result, truth)[:, :3], 95) < 8.0 * 2.0 * MM_PER_PX


def test_views_without_a_keypoint_do_not_matter():
    rng = np.random.default_rng(7)
    rig = ring_rig(6)
    truth = bodies(rng)
    keypoints, scores = seen(rig, truth, rng, noise_px=2.0)
    absent = [0, 3]
    by_nan, by_score, low = keypoints.copy(), scores.copy(), scores.copy()
    by_nan[:, absent] = np.nan
    by_score[:, absent] = 0.0
    low[:, absent] = 0.29
    rest = [1, 2, 4, 5]
    expected = triangulator(rig.subset([rig.names[v] for v in rest]))(keypoints[:, rest], scores[:, rest])
    for case in ((by_nan, scores), (keypoints, by_score), (keypoints, low)):
        result = triangulator(rig)(*case)
        np.testing.assert_allclose(result.joints, expected.joints, atol=1e-6)
        assert not result.used[:, absent].any()
        assert np.isnan(result.residual_px[:, absent]).all()


def test_fewer_than_two_views_give_nan_and_score_0():
    rng = np.random.default_rng(8)
    rig = ring_rig(4)
    truth = bodies(rng, people=1)
    keypoints, scores = seen(rig, truth)
    scores[0, 1:, 0] = 0.0
    scores[0, :, 1] = 0.0
    result = triangulator(rig)(keypoints, scores)
    assert np.isnan(result.joints[0, :2]).all()
    assert np.isnan(result.covariance[0, :2]).all()
    assert (result.scores[0, :2] == 0.0).all()
    assert not result.used[0, :, :2].any()
    assert distance(result, truth)[0, 2:].max() < 1e-6


def test_nobody_and_one_joint():
    rig = ring_rig(3)
    empty = triangulator(rig)(np.zeros((0, 3, 5, 2)), np.zeros((0, 3, 5)))
    assert empty.joints.shape == (0, 5, 3)
    assert empty.covariance.shape == (0, 5, 3, 3)
    truth = np.array([[[100.0, -50.0, 900.0]]])
    assert distance(triangulator(rig)(*seen(rig, truth)), truth).max() < 1e-6


class TestDegenerateGeometry:
    """Nothing here may raise or warn; what cannot be known is missing or has a large finite covariance."""

    def check(self, rig, keypoints, scores):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = triangulator(rig)(keypoints, scores)
        known = np.isfinite(result.joints).all(axis=-1)
        assert np.isfinite(result.covariance[known]).all()
        assert np.isnan(result.covariance[~known]).all()
        assert (result.scores[~known] == 0.0).all()
        assert ((result.scores >= 0.0) & (result.scores <= 1.0)).all()
        return result, known

    def test_repeated_cameras(self):
        rig = beside(0.0)
        truth = bodies(np.random.default_rng(0), people=1)
        _, known = self.check(rig, *seen(rig, truth))
        assert not known.any()

    def test_parallel_rays(self):
        rig = beside(300.0)
        keypoints = np.full((1, 2, 4, 2), 500.0)
        _, known = self.check(rig, keypoints, np.ones((1, 2, 4)))
        assert not known.any()

    def test_almost_parallel_rays_are_uncertain_along_the_ray(self):
        rig = beside(100.0)
        one, truth = rig.cameras[0], np.array([[[0.0, 0.0, 1000.0]]])
        result, known = self.check(rig, *seen(rig, truth))
        assert known.all()
        values, vectors = np.linalg.eigh(result.covariance[0, 0])
        towards = truth[0, 0] - one.position
        assert abs(vectors[:, 2] @ towards) / np.linalg.norm(towards) > 0.99
        assert values[2] > 400.0 * values[0]  # depth over baseline is 40, squared and rounded down

    def test_crossing_behind_the_cameras(self):
        rig = ring_rig(2 + 3).subset(["cam1", "cam2"])
        behind = np.mean([c.position for c in rig.cameras], axis=0) * 2.0
        P = rig.projections
        image = P[:, :, :3] @ behind + P[:, :, 3]
        keypoints = (image[:, :2] / image[:, 2:])[None, :, None]
        _, known = self.check(rig, keypoints, np.ones((1, 2, 1)))
        assert not known.any()

    def test_tiny_scores(self):
        rig = ring_rig(4)
        truth = bodies(np.random.default_rng(1), people=1)
        keypoints, scores = seen(rig, truth)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = triangulator(rig, min_score=0.0)(keypoints, scores * 1e-12)
        known = np.isfinite(result.joints).all(axis=-1)
        assert np.isfinite(result.covariance[known]).all()
        assert result.scores.max() < 1e-9

    def test_random_keypoints_and_infinities(self):
        rng = np.random.default_rng(2)
        rig = ring_rig(5)
        keypoints = rng.uniform(-5000.0, 5000.0, (200, 5, 3, 2))
        keypoints[rng.random((200, 5, 3)) < 0.1] = np.inf
        scores = rng.uniform(-0.5, 1.5, (200, 5, 3))
        scores[rng.random(scores.shape) < 0.1] = np.nan
        self.check(rig, keypoints, scores)

    def test_two_views_that_contradict_each_other_are_not_trusted(self):
        rng = np.random.default_rng(3)
        rig = ring_rig(5).subset(["cam1", "cam2"])
        truth = bodies(rng, people=1)
        keypoints, scores = seen(rig, truth, rng, noise_px=2.0)
        fair, _ = self.check(rig, keypoints, scores)
        keypoints[0, 0, 0, 1] += 50.0
        result, known = self.check(rig, keypoints, scores)
        # 50 px against 2 px of noise, shared by two views with one degree of freedom: some 18 deviations.
        assert known.all()
        assert result.scores[0, 0] < 0.5 * fair.scores[0, 0]
        assert np.trace(result.covariance[0, 0]) > 100.0 * np.trace(fair.covariance[0, 0])
        keypoints[0, 0, 0, 1] += 1000.0
        result, known = self.check(rig, keypoints, scores)
        assert not known[0, 0]
        assert known[0, 1:].all()


def test_order_of_cameras_people_and_joints_does_not_matter():
    rng = np.random.default_rng(9)
    rig = ring_rig(6)
    _, keypoints, scores = made_up_people(rig, 4, 26, rng)
    result = triangulator(rig)(keypoints, scores)
    n, v, j = rng.permutation(4), rng.permutation(6), rng.permutation(26)
    shuffled = triangulator(rig.subset([rig.names[view] for view in v]))(
        keypoints[n][:, v][:, :, j], scores[n][:, v][:, :, j]
    )
    # Sums in another order: rounding only.
    np.testing.assert_allclose(shuffled.joints, result.joints[n][:, j], atol=1e-6)
    np.testing.assert_allclose(shuffled.covariance, result.covariance[n][:, j], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(shuffled.scores, result.scores[n][:, j], atol=1e-9)
    assert (shuffled.used == result.used[n][:, v][:, :, j]).all()


def test_moving_the_world_moves_the_joints():
    rng = np.random.default_rng(10)
    rig = ring_rig(5)
    _, keypoints, scores = made_up_people(rig, 3, 26, rng)
    result = triangulator(rig)(keypoints, scores)
    turn, shift = rotations.rvs(3, random_state=4), np.array([4e5, -1e5, 3e4])
    moved = triangulator(rig.moved(turn, shift))(keypoints, scores)
    # Positions some 4e5 mm from the origin carry 6e-11 mm; the cancellation in t = -R c is of that size.
    np.testing.assert_allclose(moved.joints, result.joints @ turn.T + shift, atol=1e-5)
    np.testing.assert_allclose(moved.covariance, turn @ result.covariance @ turn.T, rtol=1e-5, atol=1e-5)
    assert (moved.used == result.used).all()


def test_halving_the_picture_changes_nothing_that_matters():
    """Limits follow the size of the person in the picture, so the same views are used at 1280 and at 640."""
    rng = np.random.default_rng(13)
    rig = ring_rig(5)
    small = Rig(tuple(camera.resized((640, 360)) for camera in rig.cameras))
    _, keypoints, scores = made_up_people(rig, 6, 26, rng)
    halved = (keypoints + 0.5) / 2.0 - 0.5
    floor = 0.5
    result = triangulator(rig, min_noise_px=floor)(keypoints, scores)
    same = triangulator(small, min_noise_px=floor / 2.0)(halved, scores)
    assert (same.used == result.used).all()
    np.testing.assert_allclose(same.joints, result.joints, atol=1e-5)


def test_scores_rise_with_evidence():
    rng = np.random.default_rng(14)
    rig = ring_rig(8)
    truth = bodies(rng)
    keypoints, scores = seen(rig, truth, rng, noise_px=2.0)
    every = triangulator(rig)(keypoints, scores).scores.mean()
    two = scores.copy()
    two[:, 2:] = 0.0
    assert triangulator(rig)(keypoints, two).scores.mean() < every
    assert triangulator(rig)(keypoints, 0.5 * scores).scores.mean() < 0.6 * every
    assert every <= 1.0


def test_shapes_that_do_not_fit_are_named():
    robust = triangulator(ring_rig(4))
    with pytest.raises(ValueError, match=r"\(2, 3, 26, 2\), expected \(N, 4, J, 2\)"):
        robust(np.zeros((2, 3, 26, 2)), np.zeros((2, 3, 26)))
    with pytest.raises(ValueError, match="scores have shape"):
        robust(np.zeros((2, 4, 26, 2)), np.zeros((2, 4, 25)))


def test_input_is_not_changed():
    rig = ring_rig(4)
    _, keypoints, scores = made_up_people(rig, 1, 26, np.random.default_rng(15))
    copies = keypoints.copy(), scores.copy()
    triangulator(rig)(keypoints, scores)
    np.testing.assert_array_equal(keypoints, copies[0])
    np.testing.assert_array_equal(scores, copies[1])
