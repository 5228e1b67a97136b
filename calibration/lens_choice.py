"""Which lens model: the simplest one that predicts unseen views as well as any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibration.distortion import Lens, LensModel
from calibration.lens_fit import LensFit, fit_lens, fit_poses, names_of, predict
from calibration.lens_guess import frontal_poses, guess_lens, settle_poses
from calibration.planar_pose import PackedViews, poses_from_normalised

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SAFETY = 2.0
"""Standard errors by which a richer model must do better on unseen views: twice is chance in 1 of 40
cases."""
_LEAST_GAIN = 0.02
"""And by this part of the squared error, below which nobody would notice: 1 % of the error."""
_ROUGH_SIGMAS = 0.03
"""Of the step at which fits end that only say how well a model predicts: that changes by a thousandth of the
part that the deviations have in it. At 0.1 corners at the limit of what counts as good changed sides."""
_FEWEST_VIEWS_TO_SPLIT = 4
_ENOUGH_TO_JUDGE = 100
"""Views of a lens that was not fitted to them: with 20 corners each, its error is then known to 2 %."""
_DOUBTFUL_FOCAL = 0.02
"""Standard deviation over focal length."""
_LOOSE_SIGMAS = 6.0
_RAYLEIGH_MEDIAN = 1.1774
_FINEST_PX = 0.05
_NEVER_WRONG_PX = 0.5


@dataclass(frozen=True)
class Candidate:
    """A lens model that was tried.

    Attributes:
        name: Such as ``pinhole with k3``.
        model: Lens model.
        held_out_px: Root mean square error on views it was not fitted to; infinite when it could not be
            fitted, NaN when there were too few views to tell.
        chosen: Whether it was taken.
        reason: Why, or why not; reads as a sentence about the model.
    """

    name: str
    model: LensModel
    held_out_px: float
    chosen: bool
    reason: str


@dataclass(frozen=True, eq=False)
class _Tried:
    name: str
    fit: LensFit
    good: Flags
    problem: str


def choose_lens(
    views: PackedViews, size: tuple[int, int], wanted: Literal["auto"] | LensModel, folds: int
) -> tuple[LensFit, tuple[Candidate, ...]]:
    """Fit every model in question so that outliers do no harm, and take the best.

    Args:
        views: At least three.
        size: (width, height) px.
        wanted: ``auto`` or the model; the pinhole model is tried with and without k3 in any case.
        folds: In how many parts views are split to predict each from the others.

    Returns:
        The fit of the model that was taken (still robust: outliers hardly count), and all candidates, the
        simplest first.
    """
    tried = _fits(views, size, wanted)
    if len(tried) == 1 or len(views) < _FEWEST_VIEWS_TO_SPLIT:
        best = next((one for one in tried if not one.problem), tried[0])
        errors = {one.name: _split_error(one.fit, views.only(one.good), folds) for one in tried}
        why = "it is what was asked for" if len(tried) == 1 else "too few views to justify a richer model"
        return best.fit, tuple(
            _candidate(
                one, errors[one.name], one is best, why if one is best else one.problem or "not needed"
            )
            for one in tried
        )
    # A corner that any model explains is no outlier, so it counts for all: a poor model cannot excuse itself.
    good = np.any([one.good for one in tried], axis=0)
    share = good.sum(axis=1) / np.maximum(views.found.sum(axis=1), 1)
    rows = np.flatnonzero((share > 0.6) & (good.sum(axis=1) >= 6))
    if len(rows) < _FEWEST_VIEWS_TO_SPLIT:
        rows = np.arange(len(views))
        good = views.found
    clean = views.only(good).chosen(rows)
    errors = {one.name: _split_error(_rows_of(one.fit, rows), clean, folds) for one in tried}
    best, reasons = tried[0], {tried[0].name: "the simplest model"}
    for one in tried[1:]:
        if one.problem:
            continue
        if best.problem or _clearly_better(errors[one.name], errors[best.name]):
            reasons[best.name] = f"{one.name} predicts unseen views better"
            best = one
            reasons[one.name] = "it predicts unseen views best"
        else:
            reasons[one.name] = f"it predicts unseen views no better than {best.name}"
    return best.fit, tuple(
        _candidate(one, errors[one.name], one is best, one.problem or reasons[one.name]) for one in tried
    )


def held_out_distances(fit: LensFit, used: PackedViews, rest: PackedViews | None, folds: int) -> Floats:
    """(M,) px of corners from the prediction of a lens that was not fitted to their views.

    With at least five views in ``rest`` those are judged (100 spread over them where there are more), else
    the used views, each by a lens fitted to the other parts. Poses are fitted to the views themselves.
    Corners of ``rest`` that are as far off as those rejected from the fit are left out. Empty where there are
    too few views to split.
    """
    if rest is None or len(rest) < 5:
        if len(used) < _FEWEST_VIEWS_TO_SPLIT:
            return np.zeros(0)
        return _split(fit, used, folds)[used.found]
    if len(rest) > _ENOUGH_TO_JUDGE:
        rest = rest.chosen(np.linspace(0, len(rest) - 1, _ENOUGH_TO_JUDGE).astype(np.intp))
    R, t = _located(fit, rest)
    sigma = max(fit.rms_px / np.sqrt(2.0), _FINEST_PX)
    limit = max(_LOOSE_SIGMAS * sigma, _NEVER_WRONG_PX)
    _, _, residuals = settle_poses(rest, fit.model, fit.intrinsics, R, t, outlier_px=3.0 * sigma, rounds=25)
    away = np.linalg.norm(residuals, axis=-1)
    with np.errstate(invalid="ignore"):
        good = rest.found & (away < limit)
    mostly = good.sum(axis=1) > 0.6 * rest.found.sum(axis=1)
    return np.asarray(away[good & mostly[:, None]])


def refit(fit: LensFit, views: PackedViews, rows: NDArray[np.intp]) -> LensFit:
    """Fit the same model again to clean views, all corners counting alike.

    Args:
        fit: Where to start.
        views: The rows of the views behind ``fit`` that are still used.
        rows: Which those are.
    """
    return fit_lens(views, fit.model, fit.intrinsics, fit.free, fit.R[rows], fit.t[rows], warm=True)


def _clearly_better(new: Floats, old: Floats) -> bool:
    """Whether mean squared errors (V,) of the same views are lower, beyond chance and by enough to matter."""
    if np.mean(new) > (1.0 - _LEAST_GAIN) * np.mean(old):
        return False
    # Differences show many small gains, ratios stay sober when one view gains enormously.
    gains = (old - new, np.log(np.maximum(old, 1e-12)) - np.log(np.maximum(new, 1e-12)))
    return any(
        float(np.mean(gain)) > _SAFETY * float(np.std(gain, ddof=1)) / np.sqrt(len(gain)) for gain in gains
    )


def fit_again(fit: LensFit, views: PackedViews) -> LensFit:
    """Fit the same model to other views, so that outliers do no harm."""
    R, t = _located(fit, views)
    return _robust(views, fit.model, fit.intrinsics, fit.free, R, t)


def _located(fit: LensFit, views: PackedViews) -> tuple[Floats, Floats]:
    """First guess of the poses of any views, through a known lens."""
    lens = Lens(fit.model, fit.intrinsics[4:])
    seen = (views.pixels - fit.intrinsics[2:4]) / fit.intrinsics[:2]
    ideal = lens.undistort(seen)
    # Where the lens does not reach, the undistorted place is as near as one gets.
    ideal = np.where(np.isfinite(ideal), ideal, seen)
    R, t = poses_from_normalised(views, ideal)
    lost = np.flatnonzero(~np.isfinite(predict(fit.model, fit.intrinsics, R, t, views)).all(axis=(1, 2)))
    if len(lost):
        R[lost], t[lost] = frontal_poses(views.chosen(lost), ideal[lost])
    return R, t


def _candidate(one: _Tried, errors: Floats, chosen: bool, reason: str) -> Candidate:
    error = float(np.sqrt(np.mean(errors))) if len(errors) else float("nan")
    if one.problem and not chosen:
        error = float("inf")
    return Candidate(one.name, one.fit.model, error, chosen, reason)


def _fits(views: PackedViews, size: tuple[int, int], wanted: str) -> list[_Tried]:
    """Robust fits, the simplest model first."""
    result = []
    centre = (np.array(size) - 1.0) / 2.0
    if wanted != "fisheye":
        focal, R, t = guess_lens(views, size, "pinhole")
        start = np.array([focal, focal, *centre, 0, 0, 0, 0, 0])
        without = _robust(views, "pinhole", start, _free("pinhole", without=("k3",)), R, t)
        fuller = _robust(views, "pinhole", without.intrinsics, _free("pinhole"), without.R, without.t)
        if wanted != "rational":
            result += [("pinhole without k3", without), ("pinhole with k3", fuller)]
            if _doubtful(without):
                few = _free("pinhole", without=("k2", "p1", "p2", "k3"))
                result.insert(0, ("pinhole with k1 only", _robust(views, "pinhole", start, few, R, t)))
        if wanted in ("auto", "rational"):
            start = np.concatenate([without.intrinsics, np.zeros(3)])
            rational = _robust(views, "rational", start, _free("rational"), without.R, without.t)
            result.append(("rational", rational))
    if wanted in ("auto", "fisheye"):
        focal, R, t = guess_lens(views, size, "fisheye")
        start = np.array([focal, focal, *centre, 0, 0, 0, 0])
        fisheye = ("fisheye", _robust(views, "fisheye", start, _free("fisheye"), R, t))
        # behind the pinhole models, which a narrow lens fits as well, before the rational one
        result.insert(len(result) - 1 if result else 0, fisheye)
    return [_judged(name, fit, views) for name, fit in result]


def _free(model: LensModel, without: Sequence[str] = ()) -> Flags:
    return np.array([name not in without for name in names_of(model)])


def _doubtful(fit: LensFit) -> bool:
    """Whether there are too few data for tangential and higher radial terms, which then wreck the rest.

    Only then, because holding a term at 0 that is not 0 makes the deviations of the others too small.
    """
    deviations = np.sqrt(np.maximum(np.diag(fit.covariance)[:2], 0.0))
    return bool((deviations > _DOUBTFUL_FOCAL * fit.intrinsics[:2]).any())


def _robust(
    views: PackedViews, model: LensModel, start: Floats, free: Flags, R: Floats, t: Floats
) -> LensFit:
    """Fit with a loss that forgives outliers, its scale following the residuals down."""
    R, t, residuals = settle_poses(views, model, start, R, t, rounds=6)
    scale = _scale(np.linalg.norm(residuals, axis=-1))
    for _ in range(4):
        fit = fit_lens(views, model, start, free, R, t, outlier_px=scale, step_sigmas=_ROUGH_SIGMAS)
        start = fit.intrinsics
        R, t, residuals = settle_poses(views, model, start, fit.R, fit.t, outlier_px=scale)
        last, scale = scale, _scale(np.linalg.norm(residuals, axis=-1))
        if scale > 0.8 * last:
            break
    return replace(fit, R=R, t=t, residuals=residuals)


def _scale(away: Floats) -> float:
    """Distance px at which a corner begins to count less: three standard deviations of the better half."""
    return 3.0 * max(float(np.nanmedian(away)) / _RAYLEIGH_MEDIAN, _FINEST_PX)


def _judged(name: str, fit: LensFit, views: PackedViews) -> _Tried:
    away = fit.distances
    finite = np.isfinite(away)
    sigma = max(float(np.median(away[finite])) / _RAYLEIGH_MEDIAN, _FINEST_PX) if finite.any() else np.inf
    good = finite & (away <= _LOOSE_SIGMAS * sigma)
    problem = ""
    turned = views.board @ fit.R[:, :, :2].transpose(0, 2, 1) + fit.t[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.linalg.norm(turned[..., :2], axis=-1) / turned[..., 2]
        beyond = (turned[..., 2] <= 0) | (radius > Lens(fit.model, fit.intrinsics[4:]).max_radius)
    if (beyond & good).sum() > 0.01 * good.sum():
        problem = "it folds within the part of the picture that was seen"
    return _Tried(name, fit, good, problem)


def _rows_of(fit: LensFit, rows: NDArray[np.intp]) -> LensFit:
    return replace(fit, R=fit.R[rows], t=fit.t[rows], residuals=fit.residuals[rows])


def _split_error(fit: LensFit, views: PackedViews, folds: int) -> Floats:
    """(V,) mean squared error of each view, predicted by a lens fitted to the other parts."""
    if len(views) < _FEWEST_VIEWS_TO_SPLIT:
        return np.zeros(0)
    squared = np.where(views.found, _split(fit, views, folds) ** 2, 0.0)
    return np.asarray(squared.sum(axis=1) / np.maximum(views.found.sum(axis=1), 1))


def _split(fit: LensFit, views: PackedViews, folds: int) -> Floats:
    """(V, N) px of each corner from the prediction of a lens fitted to the other parts."""
    part = np.arange(len(views)) % min(folds, len(views))
    away = np.full(views.found.shape, np.nan)
    for fold in range(part.max() + 1):
        out = np.flatnonzero(part == fold)
        rest = np.flatnonzero(part != fold)
        other = fit_lens(
            views.chosen(rest), fit.model, fit.intrinsics, fit.free, fit.R[rest], fit.t[rest],
            step_sigmas=_ROUGH_SIGMAS, warm=True,
        )  # fmt: skip
        _, _, residuals = fit_poses(views.chosen(out), fit.model, other.intrinsics, fit.R[out], fit.t[out])
        # A lens that cannot show a corner at all is wrong by a lot, not by nothing.
        away[out] = np.nan_to_num(np.linalg.norm(residuals, axis=-1), nan=1e3)
    return away
