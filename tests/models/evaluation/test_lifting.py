"""Lifting protocols against poses whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from configs.errors import BadInputError
from models.evaluation.lifting import action_of, lifting_errors, procrustes
from models.metrics import pa_mpjpe

RANDOM = np.random.default_rng(3)
TRUTH = RANDOM.normal(scale=400.0, size=(20, 17, 3))


def test_a_similarity_is_found_and_taken_away() -> None:
    rotation = Rotation.random(20, rng=RANDOM).as_matrix()
    scale = RANDOM.uniform(0.5, 2.0, 20)
    moved = scale[:, None, None] * TRUTH @ rotation + RANDOM.normal(scale=1e3, size=(20, 1, 3))
    found = procrustes(moved, TRUTH)
    np.testing.assert_allclose(found.points, TRUTH, atol=1e-8)
    np.testing.assert_allclose(found.scale, 1.0 / scale, rtol=1e-10)
    np.testing.assert_allclose(found.rotation, np.swapaxes(rotation, 1, 2), atol=1e-10)
    assert np.abs(found.residual).max() < 1e-10
    assert lifting_errors(moved, TRUTH, ["a"] * 20, aligned=True).mean_over_frames < 1e-8


def test_a_mirror_image_is_not_aligned_away() -> None:
    found = procrustes(TRUTH * [-1.0, 1.0, 1.0], TRUTH)
    np.testing.assert_allclose(np.linalg.det(found.rotation), 1.0, atol=1e-10)
    assert np.linalg.norm(found.points - TRUTH, axis=2).mean() > 100.0


def test_agrees_with_the_measure_of_single_poses() -> None:
    prediction = TRUTH + RANDOM.normal(scale=60.0, size=TRUTH.shape)
    ours = lifting_errors(prediction, TRUTH, ["a"] * 20, aligned=True)
    assert ours.mean_over_frames == pytest.approx(pa_mpjpe(prediction, TRUTH).mean, rel=1e-10)


def test_actions_count_alike_and_takes_count_together() -> None:
    """One frame 30 mm off along x in one action, three exact ones in two takes of another."""
    prediction = TRUTH[:4].copy()
    prediction[0] += [30.0, 0.0, 0.0]
    actions = ["Walking 1.60457274", "Sitting", "Sitting 2.55011271.h5", "Sitting"]
    found = lifting_errors(prediction, TRUTH[:4], actions)
    assert found.actions == pytest.approx({"Sitting": 0.0, "Walking": 30.0}, abs=1e-9)
    assert found.mean_over_actions == pytest.approx(15.0)
    assert found.mean_over_frames == pytest.approx(7.5)
    assert found.axes == pytest.approx((15.0, 0.0, 0.0), abs=1e-9)
    assert found.frames == 4
    assert action_of("SittingDown 1") == "SittingDown"


def test_what_cannot_be_compared_is_a_sentence() -> None:
    hole = TRUTH.copy()
    hole[3, 2] = np.nan
    for prediction, part in ((hole, "missing"), (TRUTH[:3], "shapes"), (np.zeros_like(TRUTH), "one place")):
        with pytest.raises(BadInputError, match=part):
            lifting_errors(prediction, TRUTH, ["a"] * 20, aligned=True)
    with pytest.raises(BadInputError, match="names"):
        lifting_errors(TRUTH, TRUTH, ["a"])
