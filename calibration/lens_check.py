"""Whether supplied intrinsics are those of the camera: compared with what its board views say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.diagnosis import Diagnosis
from calibration.intrinsics import IntrinsicsConfig, IntrinsicsResult, calibrate_intrinsics
from calibration.observations import BoardObservations
from calibration.posed_views import pose_views
from configs.errors import BadInputError

Floats = NDArray[np.float64]

FOCAL_SHARE = 0.02
"""Difference of focal lengths that matters: 5 cm at 2.5 m."""
SIGMAS = 6.0
_WORSE = 1.3
"""Errors with the supplied lens over those with the own one."""
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
        if errors[0] > _WORSE * errors[1] + 0.05 or (other_focal and errors[0] > 1.05 * errors[1]):
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
