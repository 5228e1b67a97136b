"""Poses of single cameras into one, against the answer that information theory gives."""

from __future__ import annotations

import numpy as np

from models.monocular.fusion import fuse


def test_each_is_believed_in_the_directions_that_it_knows() -> None:
    joints = np.array([[[0.0, 300.0, 10.0]], [[400.0, 0.0, 10.0]]])
    covariance = np.array([np.diag([1.0, 1e4, 1.0]), np.diag([1e4, 1.0, 1.0])])[:, None] * 100.0
    fused, spread = fuse(joints, covariance)
    # By hand: x = (0 / 1 + 400 / 1e4) / (1 + 1e-4), the same for y.
    np.testing.assert_allclose(fused[0], [400e-4 / 1.0001, 300e-4 / 1.0001, 10.0])
    np.testing.assert_allclose(spread[0], np.diag([100 / 1.0001, 100 / 1.0001, 50.0]))


def test_one_alone_stays_as_it_is_and_nobody_is_nothing() -> None:
    joints, covariance = np.full((2, 2, 3), np.nan), np.full((2, 2, 3, 3), np.nan)
    joints[1, 0], covariance[1, 0] = (1.0, 2.0, 3.0), np.diag([4.0, 5.0, 6.0])
    fused, spread = fuse(joints, covariance)
    np.testing.assert_allclose(fused[0], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(spread[0], np.diag([4.0, 5.0, 6.0]))
    assert np.isnan(fused[1]).all()
    assert np.isnan(spread[1]).all()


def test_the_covariance_tells_how_far_off_it_is() -> None:
    random = np.random.default_rng(0)
    count, views = 4000, 3
    shape = random.normal(size=(views, count, 3, 3)) * 10.0
    covariance = shape @ shape.transpose(0, 1, 3, 2) + np.eye(3)
    joints = np.einsum("vjkl,vjl->vjk", np.linalg.cholesky(covariance), random.normal(size=(views, count, 3)))
    fused, spread = fuse(joints, covariance)
    squared = np.einsum("jk,jkl,jl->j", fused, np.linalg.inv(spread), fused)
    inside = float((squared < 7.815).mean())  # 95 % of chi-square with 3 degrees
    # Only ever widened by contradictions; 4000 joints know the share to 0.35 %.
    assert 0.94 < inside < 0.99


def test_contradictions_widen_it() -> None:
    joints = np.array([[[0.0, 0.0, 0.0]], [[100.0, 0.0, 0.0]]])
    covariance = np.tile(np.eye(3), (2, 1, 1, 1))
    _, spread = fuse(joints, covariance)
    # chi2 = 2 * 50^2, 3 degrees of freedom.
    np.testing.assert_allclose(spread[0], 0.5 * np.eye(3) * 5000.0 / 3.0)
