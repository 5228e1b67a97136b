"""One camera's intrinsics from views of a board: which views, which lens, how certain, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.coverage import Coverage, measure_coverage
from calibration.intrinsics_config import FEWEST_VIEWS, IntrinsicsConfig
from calibration.intrinsics_warnings import intrinsics_warnings
from calibration.lens_choice import Candidate, choose_lens, fit_again, held_out_distances, refit
from calibration.lens_fit import LensFit, names_of, predict
from calibration.observations import BoardObservations, BoardView
from calibration.planar_pose import PackedViews, homography_residuals, pack
from calibration.projection_uncertainty import projection_uncertainty
from calibration.view_selection import select_views, why_implausible
from configs.errors import bad_input, did_you_mean

Floats = NDArray[np.float64]

_ROUNDS = 4
"""Of rejecting and fitting again; the second rarely finds more."""
_FINEST_PX = 0.05
"""Corner positions are not known better than this."""
_NEVER_WRONG_PX = 0.5
"""A corner this near is not a wrong one, however close the others are: far, oblique and moving boards are
measured that well and no better."""
_RAYLEIGH_MEDIAN = 1.1774
"""Median distance of a corner from its prediction for unit noise along x and y."""
_VIEW_TIMES_TYPICAL = 4.0
"""A view whose error is this many times the typical one has another cause than noise."""
_MOST_BAD_CORNERS = 0.4


@dataclass(frozen=True)
class RejectedView:
    """A view that was not used. ``reason`` reads as a sentence about the picture."""

    frame: int
    reason: str


@dataclass(frozen=True)
class RejectedCorner:
    """A corner that was not used, of a view that was. ``reason`` reads as a sentence about the corner."""

    frame: int
    corner: int
    reason: str


@dataclass(frozen=True, eq=False)
class IntrinsicsResult:
    """What came out.

    P parameters: fx, fy, cx, cy and the coefficients of the lens model.

    Attributes:
        camera: Calibrated; R and t are those of the world's origin, unknown here.
        rms_px: Root mean square distance of the used corners from their predictions.
        held_out_px: The same on views the lens was not fitted to (their poses were); NaN with fewer than
            four views.
        noise_px: Standard deviation of a corner's position along x and along y.
        covariance: (P, P), 0 for a parameter that was held at 0.
        views: The used views, in order of time.
        view_rms_px: (V,) root mean square distance of each.
        view_tilt_deg: (V,) angle between the board's normal and the optical axis.
        rejected_views: With reasons.
        rejected_corners: With reasons.
        unused: How many good views were left out because ``max_views`` others say as much.
        candidates: Lens models that were tried, best guess first by simplicity.
        coverage: Where in the picture the used corners are.
        uncertainty_px: (rows, columns) standard deviation of where the camera sees a far point, see
            ``projection_uncertainty``.
        warnings: Sentences about what makes the result doubtful, each with what to do.
    """

    camera: Camera
    rms_px: float
    held_out_px: float
    noise_px: float
    covariance: Floats
    views: tuple[BoardView, ...]
    view_rms_px: Floats
    view_tilt_deg: Floats
    rejected_views: tuple[RejectedView, ...]
    rejected_corners: tuple[RejectedCorner, ...]
    unused: int
    candidates: tuple[Candidate, ...]
    coverage: Coverage
    uncertainty_px: Floats
    warnings: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, float]:
        """Name to value, px for fx, fy, cx, cy."""
        camera = self.camera
        values = [*camera.K[[0, 1], [0, 1]].tolist(), *camera.K[:2, 2].tolist(), *camera.distortion.tolist()]
        return dict(zip(names_of(camera.model), values, strict=True))

    @cached_property
    def deviations(self) -> dict[str, float]:
        """Name to standard deviation; 0 for a parameter that was held."""
        deviations = np.sqrt(np.maximum(np.diag(self.covariance), 0.0)).tolist()
        return dict(zip(names_of(self.camera.model), deviations, strict=True))


def calibrate_intrinsics(
    observations: BoardObservations, camera: str, config: IntrinsicsConfig | None = None
) -> IntrinsicsResult:
    """Estimate one camera's intrinsics.

    Args:
        observations: Views of the board; wrong ones may be among them.
        camera: Whose.
        config: None for the defaults.

    Raises:
        BadInputError: There is no such camera, or it has fewer than three usable views.
    """
    config = config or IntrinsicsConfig()
    if camera not in observations.sizes:
        names = observations.cameras
        raise bad_input(
            "no board views of such a camera",
            value=camera,
            allowed=", ".join(names) or None,
            hint=did_you_mean(camera, names),
        )
    board, size = observations.board, observations.sizes[camera]
    all_views = observations.by_camera(camera)
    rejected: list[RejectedView] = []
    usable: list[BoardView] = []
    for view, reason in zip(all_views, why_implausible(board, all_views), strict=True):
        if reason is None:
            usable.append(view)
        else:
            rejected.append(RejectedView(view.frame, reason))
    _need_views(camera, usable, rejected)
    chosen = [usable[index] for index in select_views(board, usable, size, config.max_views)]
    packed = pack(board, chosen)
    fit, candidates = choose_lens(packed, size, config.model, config.folds)
    for _ in range(_ROUNDS):
        fit, kept, found, wrong = _without_outliers(fit, packed, config)
        rejected += [RejectedView(chosen[index].frame, reason) for index, reason in wrong.items()]
        left_out = len(usable) - len(chosen)
        out = {id(chosen[index]) for index in wrong}
        usable = [view for view in usable if id(view) not in out]
        chosen = [chosen[index] for index in kept]
        packed, found = packed.chosen(kept), found[kept]
        _need_views(camera, chosen, rejected)
        if not wrong or not left_out:
            break
        # The places of wrong views are taken by others that were left out.
        chosen = [usable[index] for index in select_views(board, usable, size, config.max_views)]
        packed = pack(board, chosen)
        fit = fit_again(fit, packed)
    else:
        found = packed.found
    corners = _rejected_corners(chosen, packed, found, fit)
    used = packed.only(found)
    rest = [view for view in usable if id(view) not in {id(one) for one in chosen}]
    distances = held_out_distances(fit, used, pack(board, rest) if rest else None, config.folds)
    return _result(camera, size, fit, chosen, used, distances, rejected, corners, len(rest), candidates)


def _need_views(camera: str, views: Sequence[BoardView], rejected: Sequence[RejectedView]) -> None:
    if len(views) >= FEWEST_VIEWS:
        return
    why = "".join(f"; picture {one.frame}: {one.reason}" for one in rejected[:3])
    more = f"; and {len(rejected) - 3} more were rejected" if len(rejected) > 3 else ""
    raise bad_input(
        f"{len(views)} usable views of the board are too few for intrinsics, at least {FEWEST_VIEWS} are "
        "needed"
        f"{why}{more}",
        key=f"camera {camera}",
        hint="show the board from more directions, larger, and hold it still",
    )


def _without_outliers(
    fit: LensFit, packed: PackedViews, config: IntrinsicsConfig
) -> tuple[LensFit, NDArray[np.intp], NDArray[np.bool_], dict[int, str]]:
    """Reject corners and views and fit again until nothing changes.

    Returns:
        The fit; the indices of the views it used; (V, N) the corners it used; reason by view rejected.
    """
    found = packed.found.copy()
    kept = np.arange(len(packed))
    wrong: dict[int, str] = {}
    for _ in range(_ROUNDS):
        # Corners are judged anew in each round, against a lens that the worst ones no longer pull at.
        current = packed.chosen(kept)
        away = _distances(fit, current)
        sigma = max(float(np.median(away[found[kept]])) / _RAYLEIGH_MEDIAN, _FINEST_PX)
        good = current.found & (away <= max(config.outlier_sigmas * sigma, _NEVER_WRONG_PX))
        reasons = [_why_wrong(current, row, away[row], good[row], sigma) for row in range(len(kept))]
        wrong |= {int(kept[row]): reason for row, reason in enumerate(reasons) if reason is not None}
        stay = np.array([row for row, reason in enumerate(reasons) if reason is None], np.intp)
        settled = len(stay) == len(kept) and np.array_equal(good, found[kept])
        found[kept] = good
        kept = kept[stay]
        if len(kept) < FEWEST_VIEWS:
            break
        # The first fit was robust, so it is repeated even when nothing was rejected.
        fit = refit(fit, packed.only(found).chosen(kept), stay)
        if settled:
            break
    return fit, kept, found, wrong


def _distances(fit: LensFit, views: PackedViews) -> Floats:
    """(V, N) px of each corner from its prediction; infinite where there is none."""
    away = np.linalg.norm(predict(fit.model, fit.intrinsics, fit.R, fit.t, views) - views.pixels, axis=-1)
    return np.where(np.isfinite(away), away, np.inf)


def _why_wrong(
    packed: PackedViews, index: int, distances: Floats, good: NDArray[np.bool_], sigma: float
) -> str | None:
    found = packed.found[index]
    typical = sigma * np.sqrt(2.0)
    error = float(np.sqrt(np.mean(np.minimum(distances[found], 1e6) ** 2)))
    bad = int(found.sum() - good.sum())
    if bad > _MOST_BAD_CORNERS * found.sum():
        flat = float(np.sqrt(np.nanmean(homography_residuals(packed.chosen(np.array([index]))) ** 2)))
        if flat > 20 * typical and error > 20 * typical:
            return (
                f"its corners do not lie on a flat board ({flat:.1f} px off the best plane, others "
                f"{typical:.2f} px off the lens): a wrong detection"
            )
        return (
            f"{bad} of its {found.sum()} corners do not fit the lens of the other views ({error:.2f} px, "
            f"others {typical:.2f} px): the board moved during the exposure, is bent, or was detected wrongly"
        )
    rest = float(np.sqrt(np.mean(distances[good] ** 2)))
    if rest > max(_VIEW_TIMES_TYPICAL * typical, _NEVER_WRONG_PX):
        return (
            f"it does not fit the other views ({rest:.2f} px, others {typical:.2f} px): "
            "the board moved during the exposure or is bent"
        )
    return None


def _rejected_corners(
    views: Sequence[BoardView], packed: PackedViews, found: NDArray[np.bool_], fit: LensFit
) -> list[RejectedCorner]:
    away = _distances(fit, packed)
    typical = fit.rms_px
    return [
        RejectedCorner(
            view.frame,
            int(packed.ids[row, column]),
            f"it lies {away[row, column]:.2f} px from where the lens and its {int(found[row].sum())} "
            "neighbours "
            f"put it, the others {typical:.2f} px",
        )
        for row, view in enumerate(views)
        for column in np.flatnonzero(packed.found[row] & ~found[row])
    ]


def _result(
    name: str,
    size: tuple[int, int],
    fit: LensFit,
    views: Sequence[BoardView],
    packed: PackedViews,
    held_out: Floats,
    rejected: Sequence[RejectedView],
    corners: Sequence[RejectedCorner],
    unused: int,
    candidates: Sequence[Candidate],
) -> IntrinsicsResult:
    camera = Camera(name, size, fit.model, fit.K, fit.intrinsics[4:], np.eye(3), np.zeros(3))
    coverage = measure_coverage([packed.pixels[row][packed.found[row]] for row in range(len(packed))], size)
    uncertainty = projection_uncertainty(camera, fit.covariance, coverage.counts > 0)
    squared = fit.distances**2
    degrees = 2 * int(packed.found.sum()) - 6 * len(packed) - int(fit.free.sum())
    tilt = np.degrees(np.arccos(np.clip(np.abs(fit.R[:, 2, 2]), 0.0, 1.0)))
    result = IntrinsicsResult(
        camera=camera,
        rms_px=fit.rms_px,
        held_out_px=float(np.sqrt(np.mean(held_out**2))) if len(held_out) else float("nan"),
        noise_px=float(np.sqrt(np.nansum(squared) / max(degrees, 1))),
        covariance=fit.covariance,
        views=tuple(views),
        view_rms_px=np.sqrt(np.nanmean(squared, axis=1)),
        view_tilt_deg=tilt,
        rejected_views=tuple(sorted(rejected, key=lambda one: one.frame)),
        rejected_corners=tuple(corners),
        unused=unused,
        candidates=tuple(candidates),
        coverage=coverage,
        uncertainty_px=uncertainty,
        warnings=(),
    )
    warnings = intrinsics_warnings(
        camera=camera,
        deviations=result.deviations,
        rms_px=result.rms_px,
        held_out_px=result.held_out_px,
        coverage=coverage,
        uncertainty_px=uncertainty,
        lean=fit.R[:, :2, 2],
        sharpness=[view.sharpness for view in views],
        rejected=len(rejected),
    )
    return replace(result, warnings=warnings)
