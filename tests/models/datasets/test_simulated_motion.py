"""Simulated poses: geometry that holds, errors of the size that was asked for, splits that share nothing."""

from __future__ import annotations

import numpy as np

from models.datasets.simulated_motion import SimulatedMotion, SimulatedMotionConfig
from models.lifting.keypoint_order import TARGET
from models.lifting.virtual_camera import CENTRE_PX, FOCAL_PX, place
from tests.models.datasets.tiny_lifting import CLEAN

SMALL = {"poses": 400, "bodies": 3, "samples": 400}
MEASURED = [joint for joint in range(17) if TARGET.joints[joint] != "spine"]


def test_exact_keypoints_are_those_of_the_joints() -> None:
    for split in ("train", "studio"):
        found = SimulatedMotion(SimulatedMotionConfig(**SMALL, **CLEAN), split).views(np.arange(200), 0)  # type: ignore[arg-type]
        np.testing.assert_array_equal(found.joints[:, 0], 0.0)
        where = place(found.joints, found.keypoints, np.ones(found.keypoints.shape[:2]))
        seen = found.joints + where[:, None]
        again = seen[..., :2] / seen[..., 2:] * FOCAL_PX + CENTRE_PX
        # The spine is the middle of two keypoints, which perspective does not quite keep: the place errs.
        np.testing.assert_allclose(again[:, MEASURED], found.keypoints[:, MEASURED], atol=4.0)
        thighs = np.linalg.norm(found.joints[:, 1] - found.joints[:, 2], axis=1)
        # 425 mm at 1750 mm of height; heights are 1500 to 2000 mm, single precision stored them
        assert thighs.min() > 364.0 and thighs.max() < 486.0


def test_errors_have_the_size_that_was_asked_for() -> None:
    settings = CLEAN | {"noise": 0.01}
    noisy = SimulatedMotion(SimulatedMotionConfig(**SMALL, **settings), "train").views(np.arange(400), 0)
    exact = SimulatedMotion(SimulatedMotionConfig(**SMALL, **CLEAN), "train").views(np.arange(400), 0)
    np.testing.assert_array_equal(noisy.joints, exact.joints)
    depth = place(exact.joints, exact.keypoints, np.ones((400, 17)))[:, 2]
    shares = (noisy.keypoints - exact.keypoints)[:, 11:] / (FOCAL_PX * 1700.0 / depth)[:, None, None]
    # Deviations are log-normal about 0.01 with 0.5, cut at 1.1: their root mean square is 0.0122.
    assert abs(np.sqrt((shares**2).mean()) - 0.0122) < 0.0012


def test_gaps_lie_between_their_neighbours() -> None:
    settings = CLEAN | {"missing": 1.0}
    found = SimulatedMotion(SimulatedMotionConfig(**SMALL, **settings), "train").views(np.arange(400), 0)
    exact = SimulatedMotion(SimulatedMotionConfig(**SMALL, **CLEAN), "train").views(np.arange(400), 0)
    assert np.isfinite(found.keypoints).all()
    changed = (np.abs(found.keypoints - exact.keypoints) > 1e-9).any(axis=2)
    assert changed.sum(axis=1).max() == 4
    # the spine is in the middle of its neighbours already; one to four of 17 are lost
    assert changed.sum(axis=1).min() >= 0 and 2.0 < changed.sum(axis=1).mean() < 3.0
    wrist, elbow = TARGET.index("left_wrist"), TARGET.index("left_elbow")
    lost = changed[:, wrist] & ~changed[:, elbow]
    assert lost.any()
    np.testing.assert_allclose(found.keypoints[lost, wrist], exact.keypoints[lost, elbow])


def test_a_request_gives_the_same_answer_and_an_epoch_other_cameras() -> None:
    config = SimulatedMotionConfig(**SMALL)
    first, second = SimulatedMotion(config, "train"), SimulatedMotion(config, "train")
    second.batch(np.arange(7), 3)
    for name, values in first.batch(np.arange(20), 0).items():
        np.testing.assert_array_equal(values, second.batch(np.arange(20), 0)[name])
    assert (
        np.abs(first.batch(np.arange(20), 1)["joints"] - first.batch(np.arange(20), 0)["joints"]).max() > 0.1
    )
    lengths = [
        np.linalg.norm(each.joints[:, 1] - each.joints[:, 2], axis=1).round(2)
        for each in (
            SimulatedMotion(config, split).views(np.arange(400), 0)  # type: ignore[arg-type]
            for split in ("train", "val", "studio")
        )
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not set(lengths[one]) & set(lengths[other])  # no body is in two splits
