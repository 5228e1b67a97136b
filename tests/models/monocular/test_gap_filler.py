"""What one camera sees, against a truth that moves."""

from __future__ import annotations

import numpy as np
import pytest

from models.monocular.gap_filler import Filled, GapConfig, GapFiller
from models.simulation.studio import Studio, StudioConfig
from models.skeletons import joint_map
from tests.models.monocular.oracle import HALPE, Oracle

FPS = 30
STEP_NS = 1_000_000_000 // FPS
LIFTED = joint_map(Oracle().skeleton, HALPE) >= 0
"""Joints that the model speaks of; toes, eyes and ears take their depth from others."""


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(StudioConfig(seed=2, cameras=2, size=(640, 480)))


class Scene:
    """Exact keypoints of both cameras, and the filler that sees them."""

    def __init__(self, studio: Studio, model: Oracle, config: GapConfig | None = None) -> None:
        self.studio, self.model = studio, model
        self.filler = GapFiller(
            config or GapConfig(), model, studio.rig, HALPE, min_score=0.3, score_scale_mm=100.0
        )
        self.step = 0

    @property
    def truth(self) -> np.ndarray:
        return self.studio.truth(1.0 + self.step / FPS)[0]

    def run(self, steps: int, missing: np.ndarray | None = None, views: int = 2) -> Filled:
        """Some instants; ``missing`` joints are seen by the first camera alone."""
        lost = np.zeros(26, bool) if missing is None else missing
        for _ in range(steps):
            self.step += 1
            keypoints = self.studio.rig.project(self.truth)
            self.model.saw(self.studio.rig.cameras[0], self.truth)
            scores = np.ones((2, 26))
            scores[1, lost] = 0.0
            keypoints[1, lost] = np.nan
            if views == 0:
                scores[:] = 0.0
            joints = np.where(lost[:, None], np.nan, self.truth)
            used = np.tile(~lost, (2, 1))
            covariance = np.where(lost[:, None, None], np.nan, np.eye(3))
            found = Filled(joints, np.where(lost, 0.0, 1.0), covariance, used)
            images = [np.zeros((480, 640, 3), np.uint8)] * 2
            filled = self.filler(found, keypoints, scores, images, self.step * STEP_NS)
        return filled


EVERYTHING = np.ones(26, bool)


def test_what_was_wrong_a_moment_ago_is_taken_off(studio: Studio) -> None:
    model = Oracle(factor=1.07)
    model.depths_mm = np.random.default_rng(0).normal(0.0, 80.0, 17)
    scene = Scene(studio, model)
    scene.run(20)
    assert not model.calls, "nobody is asked while both cameras see everything"
    filled = scene.run(1, EVERYTHING)
    error = np.linalg.norm(filled.joints - scene.truth, axis=1)
    # The same error as before, 33 ms later: 6 % of an 80 mm error have decayed, half a second's motion of the
    # limbs blurs the rest; without corrections the factor alone makes 7 % of 4 m.
    assert np.median(error[LIFTED]) < 15.0
    assert error.max() < 80.0
    assert filled.used.sum(axis=0).tolist() == [1] * 26
    assert filled.used[0].all()


def test_the_person_has_the_size_that_several_cameras_measured(studio: Studio) -> None:
    scene = Scene(studio, Oracle(factor=1.2), GapConfig(distance_s=0.01, depth_s=0.01))
    scene.run(5)
    filled = scene.run(60, EVERYTHING)
    # Only the lengths of bones are left of what was known; a pose without other errors is exact then. Bones
    # are medians of 5 instants of an exact truth.
    error = np.linalg.norm(filled.joints - scene.truth, axis=1)
    assert error[LIFTED].max() < 20.0


def test_uncertainty_points_at_the_camera_and_grows(studio: Studio) -> None:
    scene = Scene(studio, Oracle())
    scene.run(20)
    wrist = HALPE.index("left_wrist")
    camera = studio.rig.cameras[0]
    along = []
    for _ in range(4):
        filled = scene.run(10, EVERYTHING)
        variance, axes = np.linalg.eigh(filled.covariance[wrist])
        sight = filled.joints[wrist] - camera.position
        assert abs(axes[:, 2] @ sight) / np.linalg.norm(sight) == pytest.approx(1.0, abs=1e-6)
        np.testing.assert_allclose(np.sqrt(variance[:2]), Oracle().uncertainty.across_mm)
        along.append(float(np.sqrt(variance[2])))
    assert all(np.diff(along) > 0.0)
    assert along[0] > 2.0 * Oracle().uncertainty.across_mm
    assert filled.scores[wrist] == pytest.approx(1.0 / (1.0 + variance.sum() / 100.0**2))


def test_joints_that_others_see_settle_the_distance(studio: Studio) -> None:
    model = Oracle(factor=0.9)
    scene = Scene(studio, model)
    scene.run(3)
    model.factor = 1.1  # what was learnt is no longer true
    arm = np.isin(np.arange(26), [HALPE.index("left_wrist"), HALPE.index("left_elbow")])
    filled = scene.run(1, arm)
    error = np.linalg.norm(filled.joints - scene.truth, axis=1)
    assert error[arm].max() < 25.0, "20 % of 4 m otherwise"
    assert (filled.used.sum(axis=0) == np.where(arm, 1, 2)).all()
    np.testing.assert_array_equal(filled.joints[~arm], scene.truth[~arm])


def test_the_skeleton_is_continuous_although_single_pictures_err(studio: Studio) -> None:
    model, random = Oracle(), np.random.default_rng(1)
    scene = Scene(studio, model)
    scene.run(20)
    pelvis = HALPE.index("pelvis")
    errors = []
    for _ in range(60):
        model.factor = float(np.exp(random.normal(0.0, 0.03)))  # as DistanceConfig.noise says
        filled = scene.run(1, EVERYTHING)
        errors.append(filled.joints[pelvis] - scene.truth[pelvis])
    size = np.linalg.norm(errors, axis=1)
    jumps = np.linalg.norm(np.diff(errors, axis=0), axis=1)
    # But for bones, whose lengths take the factor off here: the very filter is tested for itself.
    assert size.max() < 60.0
    assert jumps.max() < 40.0


def test_nothing_is_filled_without_knowing_the_person(studio: Studio) -> None:
    scene = Scene(studio, Oracle())
    assert np.isnan(scene.run(1, EVERYTHING).joints).all(), "nobody was ever seen by two"
    short = Scene(studio, Oracle(), GapConfig(longest_s=1.0))
    short.run(3)
    assert np.isfinite(short.run(29, EVERYTHING).joints).all()
    assert np.isnan(short.run(3, EVERYTHING).joints).all(), "too long ago"
    blind = Scene(studio, Oracle())
    blind.run(3)
    assert np.isnan(blind.run(1, EVERYTHING, views=0).joints).all(), "no camera sees anything"
    scene.run(3)
    scene.filler.reset()
    assert np.isnan(scene.run(1, EVERYTHING).joints).all(), "forgotten"


def test_a_model_that_looks_at_pictures_gets_those_of_the_last_moment(studio: Studio) -> None:
    model = Oracle(needs_image=True)
    scene = Scene(studio, model)
    scene.run(20)
    scene.run(1, EVERYTHING)
    assert len(model.calls) == 2, "now and the last moment"
    assert {name for _, name in model.calls} == {"cam1"}
    scene.run(1, EVERYTHING)
    assert len(model.calls) == 3, "the last moment is looked at once"


def test_a_second_gap_starts_from_what_was_seen_in_between(studio: Studio) -> None:
    model = Oracle()
    scene = Scene(studio, model)
    scene.run(20)
    model.depths_mm = np.full(17, 300.0)  # which no bone tells
    scene.run(10, EVERYTHING)
    model.depths_mm = np.zeros(17)
    scene.run(6)
    filled = scene.run(1, EVERYTHING)
    error = np.linalg.norm(filled.joints - scene.truth, axis=1)
    # One picture at 30 fps after all was known; the filter had followed the person some 100 mm away.
    assert np.median(error[LIFTED]) < 15.0
