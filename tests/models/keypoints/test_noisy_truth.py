import numpy as np
import pytest

from configs.errors import BadInputError
from models.keypoints.noisy_truth import HIDDEN_SCORE, VISIBLE_SCORE, NoisyTruth, NoisyTruthConfig
from models.keypoints.registry import KEYPOINT_MODELS
from models.simulation.studio import Studio, StudioConfig

ORIGIN_NS = 123_456_789_000
STUDIO = StudioConfig(seed=4, people=2)
CAMERAS = ("cam1", "cam2", "cam3", "cam4")
PICTURE = np.zeros((480, 640, 3), np.uint8)


def model(**changes):
    config = {"studio": STUDIO, "origin_ns": ORIGIN_NS, **changes}
    return NoisyTruth(NoisyTruthConfig(**config), CAMERAS)


def at(t_s):
    return [ORIGIN_NS + round(t_s * 1e9)] * len(CAMERAS)


def test_says_what_it_is():
    assert KEYPOINT_MODELS.load("noisy_truth") is NoisyTruth
    one = model()
    assert "truth projected with noise" in one.name
    assert one.hashes == {}
    assert one.skeleton.name == "halpe_26"


def test_without_noise_it_is_the_projected_truth():
    studio = Studio(STUDIO)
    detections = model(noise_px=0.0).detect([PICTURE] * 4, at(2.5))
    for camera, found in zip(CAMERAS, detections, strict=True):
        expected = studio.rig.camera(camera).project(studio.truth(2.5))
        visible = studio.visibility(camera, 2.5)
        assert len(found) == 2
        seen = found.scores > 0
        assert np.abs(found.keypoints[seen] - expected[found.track][seen]).max() < 1e-9
        assert np.array_equal(found.scores == VISIBLE_SCORE, visible[found.track])
        assert np.isnan(found.keypoints[~seen]).all()


def test_noise_has_the_asked_strength_and_hidden_joints_more_of_it():
    studio, noisy = Studio(STUDIO), model(noise_px=2.0)
    errors = {VISIBLE_SCORE: [], HIDDEN_SCORE: []}
    for t in np.arange(0.0, 12.0, 0.4):
        for camera, found in zip(CAMERAS, noisy.detect([PICTURE] * 4, at(t)), strict=True):
            expected = studio.rig.camera(camera).project(studio.truth(t))[found.track]
            for score, collected in errors.items():
                collected.append((found.keypoints - expected)[found.scores == score].ravel())
    visible, hidden = (np.concatenate(errors[score]) for score in (VISIBLE_SCORE, HIDDEN_SCORE))
    assert len(hidden) > 500
    # the estimate of a standard deviation from n samples scatters by 1/sqrt(2 n) of itself: five times that
    assert visible.std() == pytest.approx(2.0, rel=5 / np.sqrt(2 * len(visible)))
    assert hidden.std() == pytest.approx(6.0, rel=5 / np.sqrt(2 * len(hidden)))
    assert abs(visible.mean()) < 5 * 2.0 / np.sqrt(len(visible))


def test_the_same_instant_gives_the_same_keypoints_whatever_came_before():
    first, second = model(), model()
    second.detect([PICTURE] * 4, at(9.0))
    second.reset()
    for one, other in zip(
        first.detect([PICTURE] * 4, at(1.0)), second.detect([PICTURE] * 4, at(1.0)), strict=True
    ):
        assert np.array_equal(one.keypoints, other.keypoints, equal_nan=True)
    reseeded = model(seed=1).detect([PICTURE] * 4, at(1.0))
    assert not np.array_equal(reseeded[0].keypoints, one.keypoints, equal_nan=True)


def test_a_view_without_a_picture_sees_nobody_and_each_view_has_its_own_time():
    times = at(1.0)
    times[2] += 500_000_000
    found = model(noise_px=0.0).detect([PICTURE, None, PICTURE, PICTURE], times)
    assert [len(view) for view in found] == [2, 0, 2, 2]
    studio = Studio(STUDIO)
    expected = studio.rig.camera("cam3").project(studio.truth(1.5))
    seen = found[2].scores > 0
    assert np.abs(found[2].keypoints[seen] - expected[seen]).max() < 1e-9


def test_triangulates_back_to_the_truth():
    studio = Studio(STUDIO)
    found = model(noise_px=0.5).detect([PICTURE] * 4, at(3.0))
    for person in range(2):
        pixels = np.stack([view.keypoints[list(view.track).index(person)] for view in found])
        joints = studio.rig.triangulate(pixels)
        # 0.5 px (1.5 hidden) at 4 m with f = 500 px is 4 (12) mm per view
        assert np.nanmedian(np.linalg.norm(joints - studio.truth(3.0)[person], axis=1)) < 15.0


def test_a_camera_that_the_studio_does_not_have_is_explained():
    with pytest.raises(BadInputError, match=r"webcam.*cam1"):
        NoisyTruth(NoisyTruthConfig(studio=STUDIO), ("cam1", "webcam"))


def test_views_must_match():
    with pytest.raises(ValueError, match="4 views"):
        model().detect([PICTURE], [0])
