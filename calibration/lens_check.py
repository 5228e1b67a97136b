"""Whether supplied intrinsics are those of the camera: compared with what its board views say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_adjustment import LENS_PRIOR
from calibration.bundle_kernel import POSE, VIEW, view_blocks
from calibration.camera import Camera
from calibration.diagnosis import Diagnosis
from calibration.intrinsics import IntrinsicsResult, calibrate_intrinsics
from calibration.intrinsics_config import IntrinsicsConfig
from calibration.observations import BoardObservations
from calibration.posed_views import PosedViews, pose_views
from calibration.projection_kernel import INTRINSICS
from configs.errors import BadInputError

Floats = NDArray[np.float64]

FOCAL_SHARE = 0.02
"""Difference of focal lengths that matters: 5 cm at 2.5 m."""
SIGMAS = 6.0
_WORSE, _ALSO_WORSE = 1.3, 1.05
"""Errors with the supplied lens over those with the own one: where nothing else speaks against it, and where
its focal length does."""
_TELLING_PX = 0.05
_ONE_STEP = 0.8
"""Part of what a fit would find that one step of it must show: steps go a little too short or too far."""
_HUBER_PX = 3.0
_EXCHANGED = 0.015
_FEWEST_VIEWS, _MOST_VIEWS = 8, 24


@dataclass(frozen=True, eq=False)
class LensDoubt:
    """A camera whose views contradict its supplied intrinsics.

    Attributes:
        supplied: As given.
        own: From the views.
        supplied_px: Image errors of single views with the supplied lens.
        own_px: The same with the own one.
    """

    supplied: Camera
    own: IntrinsicsResult
    supplied_px: float
    own_px: float

    @property
    def ratio(self) -> float:
        """Own focal length over the supplied one."""
        return float(self.own.camera.K[0, 0] / self.supplied.K[0, 0])


def suspect_lenses(views: PosedViews, names: Sequence[str]) -> list[str]:
    """Those cameras for which one step towards a lens of their own promises what makes a doubt.

    Costs milliseconds where an own lens costs tenths of a second.

    Args:
        views: Of all cameras, each by itself.
        names: Of the cameras to look at.
    """
    data, found = views.data, []
    posed = np.isfinite(views.R[:, 0, 0])
    H, g, residuals = _normal_equations(views, posed)
    for name in names:
        k = data.cameras.index(name)
        mine = posed & (data.camera == k)
        if mine.sum() < _FEWEST_VIEWS:
            continue
        errors = residuals[mine[data.view_of_corner]]
        count = int(np.isfinite(errors).sum())
        # Gross errors count as much as they do in the equations, whose loss is linear beyond ``_HUBER_PX``.
        squares = float(np.nansum(np.minimum(errors**2, _HUBER_PX**2)))
        size = 4 + len(data.lenses[k].coefficients)
        spread = LENS_PRIOR[:size] * np.where(np.arange(size) < 4, data.intrinsics[k, 0], 1.0)
        normal = H[mine].sum(axis=0)[:size, :size] + np.diag(squares / count / spread**2)
        gradient = g[mine].sum(axis=0)[:size]
        covariance = np.linalg.inv(normal)
        step = -covariance @ gradient
        before = float(np.sqrt(2.0 * squares / count))
        after = before * float(np.sqrt(max(0.0, 1.0 + gradient @ step / squares)))
        focal, deviation = data.intrinsics[k, 0], float(np.sqrt(covariance[0, 0] * squares / count))
        far = abs(step[0]) > _ONE_STEP * max(FOCAL_SHARE * focal, SIGMAS * deviation)
        limit = 1.0 + _ONE_STEP * (_ALSO_WORSE - 1.0) if far else 1.0 + _ONE_STEP * (_WORSE - 1.0)
        if before > limit * after + (0.0 if far else _ONE_STEP * _TELLING_PX):
            found.append(name)
    return found


def _normal_equations(views: PosedViews, posed: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Of the intrinsics in each view, with its pose eliminated: (V, 12, 12), (V, 12); errors (O, 2) px."""
    data = views.data
    count, cameras = len(data.views), len(data.cameras)
    H, g, residuals = np.empty((count, VIEW, VIEW)), np.empty((count, VIEW)), np.empty_like(data.pixels)
    still = (np.broadcast_to(np.eye(3), (cameras, 3, 3)).copy(), np.zeros((cameras, 3)))
    view_blocks(
        data.starts, data.camera, data.fisheye, data.intrinsics, *still, np.nan_to_num(views.R),
        np.nan_to_num(views.t), data.points, data.pixels, posed[data.view_of_corner], np.ones(count),
        np.zeros_like(data.pixels), np.zeros(count), _HUBER_PX, True, True, residuals, H, g,
    )  # fmt: skip
    lens, pose = slice(6, 6 + INTRINSICS), slice(POSE, POSE + 6)
    H[:, pose, pose] += 1e-9 * np.eye(6)
    right = np.concatenate([H[:, pose, lens], g[:, pose, None]], axis=2)
    solved = np.linalg.solve(H[:, pose, pose], right)
    coupling = H[:, lens, pose]
    return (
        H[:, lens, lens] - coupling @ solved[..., :-1],
        g[:, lens] - (coupling @ solved[..., -1:])[..., 0],
        residuals,
    )


def doubt_lenses(
    observations: BoardObservations, supplied: Mapping[str, Camera], names: Sequence[str]
) -> list[LensDoubt]:
    """Estimate the lenses of some cameras from their views, and compare.

    Args:
        observations: Of all cameras.
        supplied: Intrinsics by camera.
        names: Of the cameras to look at.
    """
    found = []
    for name in names:
        views = observations.by_camera(name)
        config = IntrinsicsConfig(model=supplied[name].model, max_views=_MOST_VIEWS)
        if len(views) < _FEWEST_VIEWS:
            continue
        try:
            own = calibrate_intrinsics(observations, name, config)
        except BadInputError:
            continue
        mine = observations.chosen(own.views)
        mine = BoardObservations(mine.board, {name: mine.sizes[name]}, mine.views)
        errors = [
            float(np.sqrt(np.nanmedian(pose_views(mine, {name: lens}).rms_px ** 2)))
            for lens in (supplied[name], own.camera)
        ]
        doubt = LensDoubt(supplied[name], own, *errors)
        far = abs(own.camera.K[0, 0] - supplied[name].K[0, 0])
        other_focal = far > max(FOCAL_SHARE * supplied[name].K[0, 0], SIGMAS * own.deviations["fx"])
        if errors[0] > _WORSE * errors[1] + _TELLING_PX or (
            other_focal and errors[0] > _ALSO_WORSE * errors[1]
        ):
            found.append(doubt)
    return found


def lens_diagnoses(doubts: Sequence[LensDoubt], supplied: Mapping[str, Camera]) -> list[Diagnosis]:
    """What to say about them."""
    doubted = {one.supplied.name for one in doubts}
    return [
        Diagnosis("wrong_intrinsics", "error", _sentence(one, supplied, doubted), (one.supplied.name,))
        for one in doubts
    ]


def _sentence(doubt: LensDoubt, supplied: Mapping[str, Camera], doubted: set[str]) -> str:
    name, own = doubt.supplied.name, doubt.own
    given, found = doubt.supplied.K[0, 0], own.camera.K[0, 0]
    start = (
        f"the supplied intrinsics of {name} do not fit its views ({doubt.supplied_px:.2f} px, "
        f"{doubt.own_px:.2f} px with intrinsics of its own)"
    )
    advice = "supply the right ones, or none to have them estimated from this recording"
    apart = abs(found - given) > max(FOCAL_SHARE * given, SIGMAS * own.deviations["fx"])
    if not apart:
        return f"{start}, though the focal length does: distortion or centre belong to another lens; {advice}"
    size = (
        f"focal length {given:.0f} px is given, the views say {found:.0f} ± {2 * own.deviations['fx']:.0f} px"
    )
    twins = [
        other
        for other, camera in supplied.items()
        if other != name and other in doubted and abs(camera.K[0, 0] / found - 1.0) < _EXCHANGED
    ]
    if len(twins) == 1:
        return f"{start}: {size}, as is given for {twins[0]}: were the two exchanged?"
    return f"{start}: {size}; they are for another zoom, focus or picture size: {advice}"
