"""A picture and its mirror image as one."""

from __future__ import annotations

import numpy as np
import pytest

from models.keypoints.studio_lite.both_ways import merged
from models.keypoints.studio_lite.model import StudioLiteConfig, StudioLiteKeypoints
from models.keypoints.studio_lite.readers import Reading
from models.simulation.studio import Studio, StudioConfig
from models.skeletons import get_skeleton

MIRROR = get_skeleton("halpe_26").mirror
WIDTH = 96
ASIDE, BELOW = np.array([3.0, 0.0]), np.array([0.0, 20.0])


def in_a_mirror(points: np.ndarray) -> np.ndarray:
    """What a network without mistakes says of the mirror image."""
    return ((WIDTH - 1, 0) + (-1, 1) * points)[:, MIRROR]


def read(points: np.ndarray, scores: np.ndarray) -> Reading:
    return Reading(points, scores, scores)


def test_both_agree_and_sides_are_kept() -> None:
    random = np.random.default_rng(0)
    truth, scores = random.uniform(0, WIDTH, (3, 26, 2)), random.uniform(0.1, 1.0, (3, 26))
    trust = random.uniform(0.1, 1.0, (3, 26))
    both = [np.concatenate([each, each[:, MIRROR]]) for each in (scores, trust)]
    found = merged(Reading(np.concatenate([truth, in_a_mirror(truth)]), *both), WIDTH, MIRROR)
    assert np.abs(found.points - truth).max() < 1e-9
    assert np.abs(found.scores - scores).max() < 1e-12
    assert np.abs(found.confidences - trust).max() < 1e-12


def test_opposite_mistakes_vanish_and_the_surer_one_counts_more() -> None:
    truth = np.random.default_rng(1).uniform(20, 70, (1, 26, 2))
    points = np.concatenate([truth + ASIDE, in_a_mirror(truth - ASIDE)])
    even, *_ = merged(read(points, np.full((2, 26), 0.8)), WIDTH, MIRROR)
    assert np.abs(even - truth).max() < 1e-9
    uneven, scores, _ = merged(read(points, np.repeat([[0.9], [0.3]], 26, axis=1)), WIDTH, MIRROR)
    assert np.abs(uneven - truth - (1.5, 0)).max() < 1e-9
    assert np.abs(scores - 0.6).max() < 1e-12


def test_nothing_lies_between_two_places() -> None:
    truth = np.random.default_rng(2).uniform(20, 70, (1, 26, 2))
    points = np.concatenate([truth, in_a_mirror(truth + BELOW)])
    for sure, place in ((0.9, truth), (0.2, truth + BELOW)):
        found, scores, _ = merged(read(points, np.repeat([[sure], [0.5]], 26, axis=1)), WIDTH, MIRROR)
        assert np.abs(found - place).max() < 1e-9
        assert np.abs(scores - (sure + 0.5) / 2).max() < 1e-12
    nobody, scores, _ = merged(read(points, np.zeros((2, 26))), WIDTH, MIRROR)
    assert np.isfinite(nobody).all()
    assert (scores == 0).all()


def test_the_network_of_the_program_says_the_same_in_a_mirror() -> None:
    studio = Studio(StudioConfig(cameras=2, size=(320, 240)))
    pictures = [studio.render(camera, 1.5) for camera in studio.rig.names]
    found = []
    for mirrored in (False, True):
        config = StudioLiteConfig(crop_px=96, picture_px=160, runtime="torch", mirrored=mirrored)
        model = StudioLiteKeypoints(config, studio.rig.names)
        found.append(model.detect(pictures, [0, 0]))
        model.close()
    for plain, both in zip(*found, strict=True):
        assert len(plain) == len(both) == 1
        extent = np.ptp(plain.keypoints[0], axis=0).max()
        moved = np.linalg.norm(plain.keypoints[0] - both.keypoints[0], axis=-1)
        assert 0.0 < np.median(moved) < 0.03 * extent  # sides mixed up: a third of it at shoulders and hips
        assert np.median(both.scores[0]) == pytest.approx(np.median(plain.scores[0]), abs=0.2)
