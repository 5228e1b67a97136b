"""Least squares over one camera's intrinsics and its board poses (Levenberg-Marquardt, poses eliminated).

The board poses of different views meet only in the intrinsics, so each step solves one 6 x 6 system per view
and one small system for the lens (Schur complement): time grows linearly with the number of views. OpenCV's
``calibrateCamera`` finds the same optimum with one dense system over everything, whose time grows with the
cube.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.distortion import LensModel
from calibration.lens_jacobian import COEFFICIENTS, distort_with_jacobian
from calibration.planar_pose import PackedViews

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MOST_ROUNDS = 60
_ENOUGH = 1e-9
"""Relative fall of the cost at which a fit is finished: the parameters then move by a tiny part of their own
standard deviation."""
_ENOUGH_FOR_POSE = 1e-6
"""The same for a single view: a thousandth of the deviations of its pose."""
_WEAK_PRIOR = (0.1 / 5.0) ** 2
"""px^2 per squared coefficient: a coefficient of 5 costs as much as one corner 0.1 px off. Too little to move
what the data determine, but it settles what they leave open: the rational model has directions in which its
quotient hardly changes, and would wander off to coefficients of billions."""
_GIVE_UP = 1e9
"""Damping at which no smaller step can help."""


@dataclass(frozen=True, eq=False)
class LensFit:
    """Intrinsics, poses, and what is left over.

    P intrinsic parameters (fx, fy, cx, cy, coefficients), V views, at most N corners each.

    Attributes:
        model: Lens model.
        intrinsics: (P,).
        free: (P,) which of them were estimated; the others were held.
        R: (V, 3, 3) camera from board.
        t: (V, 3) mm.
        residuals: (V, N, 2) predicted minus seen, px; NaN where there is no corner.
        covariance: (P, P) of the intrinsics, 0 for those held; scaled by the residuals.
    """

    model: LensModel
    intrinsics: Floats
    free: Flags
    R: Floats
    t: Floats
    residuals: Floats
    covariance: Floats

    @property
    def distances(self) -> Floats:
        """(V, N) px from each corner to its prediction, NaN where there is none."""
        return np.asarray(np.linalg.norm(self.residuals, axis=-1))

    @property
    def rms_px(self) -> float:
        """Root mean square distance."""
        return float(np.sqrt(np.nanmean(self.distances**2)))

    @property
    def K(self) -> Floats:
        """(3, 3)."""
        return intrinsic_matrix(self.intrinsics)


def names_of(model: LensModel) -> tuple[str, ...]:
    """Names of the parameters, in order."""
    return ("fx", "fy", "cx", "cy", *COEFFICIENTS[model])


def intrinsic_matrix(intrinsics: Floats) -> Floats:
    """(3, 3) K from fx, fy, cx, cy."""
    fx, fy, cx, cy = intrinsics[:4]
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def predict(model: LensModel, intrinsics: Floats, R: Floats, t: Floats, views: PackedViews) -> Floats:
    """(V, N, 2) px where the corners should be; NaN behind the camera, unless it is a fisheye."""
    return _linearised(model, intrinsics, R, t, views)[0]


def fit_lens(
    views: PackedViews,
    model: LensModel,
    intrinsics: Floats,
    free: Flags,
    R: Floats,
    t: Floats,
    *,
    outlier_px: float | None = None,
) -> LensFit:
    """Refine intrinsics and poses together.

    Args:
        views: At least four corners in each.
        model: Lens model.
        intrinsics: (P,) to start from.
        free: (P,) which of them to estimate.
        R: (V, 3, 3) camera from board, to start from.
        t: (V, 3) mm.
        outlier_px: Corners much farther off than this hardly count (Cauchy loss); None counts all alike.
    """
    state = (intrinsics.copy(), R.copy(), t.copy())
    damping = 1e-3
    linear = _linearised(model, *state, views)
    prior = np.where(np.arange(len(intrinsics)) < 4, 0.0, _WEAK_PRIOR)
    cost = _cost(linear[0], views, outlier_px) + float(prior @ state[0] ** 2)
    for _ in range(_MOST_ROUNDS):
        A, gradient, couplings, blocks, block_gradients = _normal_equations(linear, views, free, outlier_px)
        A += np.diag(prior[free])
        gradient += (prior * state[0])[free]
        fallen = 0.0
        while damping < _GIVE_UP:
            damped = blocks * (1.0 + damping * np.eye(6))
            pulled = np.linalg.solve(damped, np.concatenate([couplings, block_gradients[..., None]], axis=2))
            S = A * (1.0 + damping * np.eye(len(A))) - np.einsum("vsp,vsq->pq", couplings, pulled[..., :-1])
            right = gradient - np.einsum("vsp,vs->p", couplings, pulled[..., -1])
            try:
                step = np.linalg.solve(S, right)
            except np.linalg.LinAlgError:
                damping *= 10.0
                continue
            moves = pulled[..., -1] - pulled[..., :-1] @ step
            trial_intrinsics = state[0].copy()
            trial_intrinsics[free] -= step
            trial = (trial_intrinsics, _turned(state[1], -moves[:, :3]), state[2] - moves[:, 3:])
            trial_linear = _linearised(model, *trial, views)
            trial_cost = _cost(trial_linear[0], views, outlier_px) + float(prior @ trial_intrinsics**2)
            if trial_intrinsics[:2].min() > 0 and trial_cost <= cost:
                fallen = cost - trial_cost
                state, linear, cost = trial, trial_linear, trial_cost
                damping = max(damping / 10.0, 1e-9)
                break
            damping *= 10.0
        if fallen <= _ENOUGH * cost:
            break
    residuals = np.where(views.found[..., None], linear[0] - views.pixels, np.nan)
    covariance = _covariance(linear, views, free, prior)
    return LensFit(model, state[0], free, state[1], state[2], residuals, covariance)


def fit_poses(
    views: PackedViews,
    model: LensModel,
    intrinsics: Floats,
    R: Floats,
    t: Floats,
    *,
    outlier_px: float | None = None,
    rounds: int = 25,
) -> tuple[Floats, Floats, Floats]:
    """Refine each view's pose for given intrinsics, every view by itself.

    Returns:
        R (V, 3, 3), t (V, 3) mm, and residuals (V, N, 2) as in ``LensFit``.
    """
    none_free = np.zeros(len(intrinsics), np.bool_)
    R, t = R.copy(), t.copy()
    damping = np.full(len(views), 1e-3)
    linear = _linearised(model, intrinsics, R, t, views)
    cost = _view_costs(linear[0], views, outlier_px)
    for _ in range(rounds):
        _, _, _, blocks, gradients = _normal_equations(linear, views, none_free, outlier_px)
        damped = blocks * (1.0 + damping[:, None, None] * np.eye(6))
        moves = np.linalg.solve(damped, gradients[..., None])[..., 0]
        trial_R, trial_t = _turned(R, np.asarray(-moves[:, :3])), t - moves[:, 3:]
        trial_linear = _linearised(model, intrinsics, trial_R, trial_t, views)
        trial = _view_costs(trial_linear[0], views, outlier_px)
        better = trial <= cost
        going_on = (better & (cost - trial > _ENOUGH_FOR_POSE * cost)) | (~better & (damping < _GIVE_UP))
        R[better], t[better], cost[better] = trial_R[better], trial_t[better], trial[better]
        for old, new in zip(linear, trial_linear, strict=True):
            old[better] = new[better]
        damping = np.where(better, np.maximum(damping / 10.0, 1e-9), np.minimum(damping * 10.0, _GIVE_UP))
        if not going_on.any():
            break
    return R, t, np.where(views.found[..., None], linear[0] - views.pixels, np.nan)


def _linearised(
    model: LensModel, intrinsics: Floats, R: Floats, t: Floats, views: PackedViews
) -> tuple[Floats, Floats, Floats]:
    """Predicted px (V, N, 2), derivatives by intrinsics (V, N, 2, P) and by pose (V, N, 2, 6)."""
    turned = views.board @ R[:, :, :2].transpose(0, 2, 1)
    points = turned + t[:, None]
    if model != "fisheye":
        # A trial step may put a corner behind the camera; NaN makes its cost infinite.
        points[points[..., 2] <= 0] = np.nan
    image, by_point, by_coefficient = distort_with_jacobian(model, intrinsics[4:], points)
    focal = intrinsics[:2]
    predicted = image * focal + intrinsics[2:4]
    by_intrinsics = np.zeros((*image.shape, len(intrinsics)))
    for axis in (0, 1):
        by_intrinsics[..., axis, axis] = image[..., axis]
        by_intrinsics[..., axis, 2 + axis] = 1.0
    by_intrinsics[..., 4:] = by_coefficient * focal[:, None]
    by_point *= focal[:, None]
    by_pose = np.empty((*image.shape, 6))
    # exp(w) R X turns X by w x (R X): the columns are the cross products of R X with the rows of the
    # derivative by the point
    x, y, z = (turned[..., axis, None] for axis in range(3))
    by_pose[..., 0] = y * by_point[..., 2] - z * by_point[..., 1]
    by_pose[..., 1] = z * by_point[..., 0] - x * by_point[..., 2]
    by_pose[..., 2] = x * by_point[..., 1] - y * by_point[..., 0]
    by_pose[..., 3:] = by_point
    return predicted, by_intrinsics, by_pose


def _weights(residuals: Floats, views: PackedViews, outlier_px: float | None) -> Floats:
    """(V, N) 1 for a corner that counts in full, 0 where there is none."""
    if outlier_px is None:
        return views.found.astype(float)
    squared = (residuals**2).sum(axis=-1) / outlier_px**2
    return np.where(views.found, 1.0 / (1.0 + squared), 0.0)


def _view_costs(predicted: Floats, views: PackedViews, outlier_px: float | None) -> Floats:
    squared = ((predicted - views.pixels) ** 2).sum(axis=-1)
    if outlier_px is not None:
        squared = outlier_px**2 * np.log1p(squared / outlier_px**2)
    costs = np.where(views.found, squared, 0.0).sum(axis=-1)
    return np.where(np.isfinite(costs), costs, np.inf)


def _cost(predicted: Floats, views: PackedViews, outlier_px: float | None) -> float:
    return float(_view_costs(predicted, views, outlier_px).sum())


def _normal_equations(
    linear: tuple[Floats, Floats, Floats], views: PackedViews, free: Flags, outlier_px: float | None
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """J^T W J and J^T W r: (p, p), (p,) of the lens; couplings (V, 6, p); (V, 6, 6), (V, 6) of the poses."""
    predicted, by_intrinsics, by_pose = linear
    residuals = predicted - views.pixels
    root = np.sqrt(_weights(residuals, views, outlier_px))[..., None]
    count = len(views)
    r = np.where(root > 0, residuals * root, 0.0).reshape(count, -1)
    Ji = np.where(root[..., None] > 0, by_intrinsics[..., free] * root[..., None], 0.0)
    Ji = Ji.reshape(count, r.shape[1], int(free.sum()))
    Jp = np.where(root[..., None] > 0, by_pose * root[..., None], 0.0).reshape(count, -1, 6)
    Jp_t = Jp.transpose(0, 2, 1)
    flat = Ji.reshape(r.size, Ji.shape[-1])
    return flat.T @ flat, flat.T @ r.ravel(), Jp_t @ Ji, Jp_t @ Jp, (Jp_t @ r[..., None])[..., 0]


def _covariance(
    linear: tuple[Floats, Floats, Floats], views: PackedViews, free: Flags, prior: Floats
) -> Floats:
    covariance = np.zeros((len(free), len(free)))
    if not free.any():
        return covariance
    A, _, couplings, blocks, _ = _normal_equations(linear, views, free, None)
    S = A + np.diag(prior[free]) - np.einsum("vsp,vsq->pq", couplings, np.linalg.solve(blocks, couplings))
    squared = np.where(views.found[..., None], (linear[0] - views.pixels) ** 2, 0.0).sum()
    degrees = 2 * int(views.found.sum()) - 6 * len(views) - int(free.sum())
    scale = np.sqrt(np.maximum(np.diag(S), 1e-300))
    values, vectors = np.linalg.eigh(S / np.outer(scale, scale))
    # rounding may turn what is not determined at all into a negative: it stays very uncertain, not certain
    values = np.maximum(values, 1e-15 * values[-1])
    inverse = (vectors / values) @ vectors.T / np.outer(scale, scale)
    covariance[np.ix_(free, free)] = inverse * (squared / degrees if degrees > 0 else np.inf)
    return covariance


def _turned(R: Floats, w: Floats) -> Floats:
    """exp(w) R for each view."""
    angle: Floats = np.asarray(np.linalg.norm(w, axis=1), np.float64)
    small = angle < 1e-9
    safe = np.where(small, 1.0, angle)
    a = np.where(small, 1.0, np.sin(safe) / safe)
    b = np.where(small, 0.5, (1.0 - np.cos(safe)) / safe**2)
    cross = np.zeros((len(w), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -w[:, 2], w[:, 1], -w[:, 0]
    cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = w[:, 2], -w[:, 1], w[:, 0]
    turn = np.eye(3) + a[:, None, None] * cross + b[:, None, None] * (cross @ cross)
    return np.asarray(turn @ R)
