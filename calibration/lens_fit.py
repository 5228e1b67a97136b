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
from calibration.lens_jacobian import COEFFICIENTS
from calibration.lens_kernel import (
    LEAST_DAMPING,
    MOST_DAMPING,
    POSE,
    damped_step,
    eliminate_poses,
    linearise_views,
    moved_poses,
    refine_poses,
)
from calibration.planar_pose import PackedViews
from calibration.projection_kernel import INTRINSICS

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

_MOST_ROUNDS = 60
_COLD_DAMPING, _WARM_DAMPING = 1e-3, 1e-7
_WEAK_PRIOR = (0.1 / 5.0) ** 2
"""px^2 per squared coefficient: a coefficient of 5 costs as much as one corner 0.1 px off. Too little to move
what the data determine, but it settles what they leave open: the rational model has directions in which its
quotient hardly changes, and would wander off to coefficients of billions."""


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
    return _Linearised(model, intrinsics, np.zeros(0, np.int64), R, t, views, 0.0).predicted


def fit_lens(
    views: PackedViews,
    model: LensModel,
    intrinsics: Floats,
    free: Flags,
    R: Floats,
    t: Floats,
    *,
    outlier_px: float | None = None,
    step_sigmas: float = 0.01,
    warm: bool = False,
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
        step_sigmas: Finished when a step moves the parameters by less than this many of their standard
            deviations.
        warm: The start is near: take full steps from the first one.
    """
    which = np.flatnonzero(free).astype(np.int64)
    forgiven = 0.0 if outlier_px is None else outlier_px**2
    prior = np.where(np.arange(len(intrinsics)) < 4, 0.0, _WEAK_PRIOR)
    at = _Linearised(model, intrinsics, which, R, t, views, forgiven)
    cost = at.cost + float(prior @ at.intrinsics**2)
    # A step of d standard deviations lowers the cost by d^2 times the variance, which is the cost per degree
    # of freedom.
    degrees = max(2 * int(views.found.sum()) - POSE * len(views) - len(which), 1)
    enough = step_sigmas**2 / degrees
    damping = _WARM_DAMPING if warm else _COLD_DAMPING
    for _ in range(_MOST_ROUNDS):
        fallen = 0.0
        while damping < MOST_DAMPING:
            trial = at.moved(damping, prior)
            trial_cost = np.inf if trial is None else trial.cost + float(prior @ trial.intrinsics**2)
            if trial is not None and trial_cost <= cost:
                fallen = cost - trial_cost
                at, cost = trial, trial_cost
                damping = max(damping / 10.0, LEAST_DAMPING)
                break
            damping *= 10.0
        if fallen <= enough * cost:
            break
    residuals = np.where(views.found[..., None], at.predicted - views.pixels, np.nan)
    return LensFit(model, at.intrinsics, free, at.R, at.t, residuals, _covariance(at, views, prior))


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
    R, t = np.array(R, np.float64, order="C"), np.array(t, np.float64, order="C")
    predicted = np.empty(views.pixels.shape)
    forgiven = 0.0 if outlier_px is None else outlier_px**2
    if len(views):
        refine_poses(
            model == "fisheye", _padded(intrinsics), R, t, views.board, views.pixels, views.found, forgiven,
            rounds, predicted,
        )  # fmt: skip
    return R, t, np.where(views.found[..., None], predicted - views.pixels, np.nan)


class _Linearised:
    """Intrinsics and poses with predictions, cost and normal equations.

    Attributes:
        intrinsics: (P,).
        R: (V, 3, 3).
        t: (V, 3) mm.
        predicted: (V, N, 2) px.
        cost: Sum of the losses, px^2.
    """

    def __init__(
        self, model: LensModel, intrinsics: Floats, which: Ints, R: Floats, t: Floats, views: PackedViews,
        forgiven: float,
    ) -> None:  # fmt: skip
        self.model, self.intrinsics, self.which, self.views, self.forgiven = (
            model, intrinsics, which, views, forgiven,
        )  # fmt: skip
        self.R, self.t = np.ascontiguousarray(R), np.ascontiguousarray(t)
        size = len(which) + POSE
        self.predicted = np.empty(views.pixels.shape)
        self.H, self.g = np.empty((len(views), size, size)), np.empty((len(views), size))
        self.cost = linearise_views(
            model == "fisheye", _padded(intrinsics), which, self.R, self.t, views.board, views.pixels,
            views.found, forgiven, self.predicted, self.H, self.g,
        )  # fmt: skip

    def reduced(self, damping: float) -> tuple[Floats, Floats, Floats]:
        """The lens alone, poses eliminated: (P, P), (P,), and (V, 6, P + 1) that gives the poses' steps."""
        count = len(self.which)
        S, right = np.zeros((count, count)), np.zeros(count)
        pulled = np.empty((len(self.views), POSE, count + 1))
        eliminate_poses(self.H, self.g, damping, S, right, pulled)
        return S, right, pulled

    def moved(self, damping: float, prior: Floats) -> _Linearised | None:
        """After one step; None where there is none."""
        S, right, pulled = self.reduced(damping)
        step, values = np.empty(len(self.which)), self.intrinsics[self.which]
        if not damped_step(S, right, self.H, damping, prior[self.which], values, step):
            return None
        intrinsics = self.intrinsics.copy()
        intrinsics[self.which] -= step
        if not np.isfinite(step).all() or intrinsics[:2].min() <= 0.0:
            return None
        R, t = np.empty_like(self.R), np.empty_like(self.t)
        moved_poses(self.R, self.t, pulled, step, R, t)
        return _Linearised(self.model, intrinsics, self.which, R, t, self.views, self.forgiven)


def _padded(intrinsics: Floats) -> Floats:
    return np.concatenate([intrinsics, np.zeros(INTRINSICS - len(intrinsics))])


def _covariance(at: _Linearised, views: PackedViews, prior: Floats) -> Floats:
    covariance = np.zeros((len(at.intrinsics), len(at.intrinsics)))
    which = at.which
    if not len(which):
        return covariance
    alike = _Linearised(at.model, at.intrinsics, which, at.R, at.t, views, 0.0) if at.forgiven else at
    S = alike.reduced(0.0)[0] + np.diag(prior[which])
    squared = np.where(views.found[..., None], (at.predicted - views.pixels) ** 2, 0.0).sum()
    degrees = 2 * int(views.found.sum()) - POSE * len(views) - len(which)
    scale = np.sqrt(np.maximum(np.diag(S), 1e-300))
    values, vectors = np.linalg.eigh(S / np.outer(scale, scale))
    # rounding may turn what is not determined at all into a negative: it stays very uncertain, not certain
    values = np.maximum(values, 1e-15 * values[-1])
    inverse = (vectors / values) @ vectors.T / np.outer(scale, scale)
    covariance[np.ix_(which, which)] = inverse * (squared / degrees if degrees > 0 else np.inf)
    return covariance
