"""How sure the bundle adjustment is of its cameras, lenses and lags."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from calibration.band_solver import substitute_backward
from calibration.board_path_kernel import WINDOW
from calibration.bundle_adjustment import BundleProblem, BundleSolution, eliminate_path
from calibration.bundle_kernel import BAND, CAMERA, POSE
from calibration.errors import SolveError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NORMAL_95 = 1.959964
"""Half the width of a 95 % interval in standard deviations of a normal distribution."""
MOMENTS_PER_CLUSTER = 3
MOST_CLUSTERS = 200
FEWEST_CLUSTERS = 10


def camera_covariance(
    problem: BundleProblem, solution: BundleSolution, view_instant: Ints, scale: float = 1.0
) -> Floats:
    """Covariance of all camera parameters.

    Two estimates are made. One takes the noise of all corners as independent and equal. The other takes it as
    whatever the residuals of short stretches of time show (the sandwich formula), which notices errors that
    all corners of a picture share: motion blur, a bent board, a wobbling clock. Per parameter the larger of
    the two standard deviations counts.

    Args:
        problem: What was adjusted.
        solution: Its minimum.
        view_instant: (V,) the moment of each view.
        scale: Variance of the weighted residuals, 1 if the noise of the weights is right.

    Returns:
        (C * CAMERA, C * CAMERA); rad, mm, px, s. Zero for parameters that were not free.
    """
    at = solution.at
    system = eliminate_path(problem, at)
    if system is None:
        raise SolveError("the positions of the board cannot be told from its views")
    free = system.free
    size = 1.0 / np.sqrt(np.diag(system.S))
    inverse = cho_solve(cho_factor(system.S * size * size[:, None]), np.eye(len(free))) * size * size[:, None]
    solved = system.forward[:, :-1].copy()
    substitute_backward(system.factor, solved)
    covariance = inverse * scale
    scores = _cluster_scores(problem, solution, view_instant, solved, free)
    clusters = len(scores)
    if clusters >= FEWEST_CLUSTERS:
        scores = scores - scores.mean(axis=0)
        middle = scores.T @ scores * (clusters / (clusters - 1.0))
        sandwich = np.einsum("ij,jk,ki->i", inverse, middle, inverse)
        ratio = np.sqrt(np.maximum(sandwich / np.diag(covariance), 1.0))
        covariance = covariance * ratio * ratio[:, None]
    full = np.zeros((problem.free.size, problem.free.size))
    full[np.ix_(free, free)] = covariance
    return full


def _cluster_scores(
    problem: BundleProblem, solution: BundleSolution, view_instant: Ints, solved: Floats, free: Ints
) -> Floats:
    """(clusters, F): the pull of each stretch of time on the free parameters, the board's path eliminated."""
    at = solution.at
    instants = int(view_instant.max()) + 1
    per_cluster = max(MOMENTS_PER_CLUSTER, int(np.ceil(instants / MOST_CLUSTERS)))
    cluster = view_instant // per_cluster
    count = int(cluster.max()) + 1
    cameras = np.zeros((count, problem.free.size))
    columns = problem.view_camera[:, None] * CAMERA + np.arange(CAMERA)
    np.add.at(cameras, (cluster[:, None], columns), at.gradients)
    pull = np.empty((len(cluster), WINDOW, 6))
    pull[..., :3] = np.einsum("vmij,vi->vmj", at.poses.turn, at.g[:, POSE : POSE + 3])
    pull[..., 3:] = at.windows.weights[..., None] * at.g[:, None, POSE + 3 : POSE + 6]
    knots = np.zeros((count, 6 * len(problem.path)))
    places = 6 * at.windows.first[:, None] + np.arange(BAND)
    np.add.at(knots, (cluster[:, None], places), pull.reshape(-1, BAND))
    return np.asarray(cameras[:, free] - knots @ solved)
