"""Lens parameters of the finished rig with their uncertainty, wherever they were found last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calibration.bundle_covariance import NORMAL_95
from calibration.calibrator import Calibration
from calibration.lens_fit import names_of

FIRST = 6
"""Place of fx among the parameters of a camera, see ``calibration.bundle_kernel``."""


@dataclass(frozen=True)
class LensParameters:
    """Of one camera.

    Attributes:
        values: Name to value; px for fx, fy, cx, cy.
        half_widths: Name to half the width of the 95 % interval, 0 for what was held; empty if the lens was
            supplied and not refined.
        source: Where they were found.
    """

    values: dict[str, float]
    half_widths: dict[str, float]
    source: Literal["estimated", "refined with the rig", "supplied"]

    @property
    def focal_percent(self) -> float:
        """Half width of the 95 % interval of the less certain focal length; NaN if that is not stated."""
        if not self.half_widths:
            return float("nan")
        return 100.0 * max(self.half_widths[name] / self.values[name] for name in ("fx", "fy"))


def lens_parameters(calibration: Calibration, name: str) -> LensParameters:
    """The lens of one camera: of the joint solve where that refined it."""
    camera = calibration.rig.camera(name)
    names = names_of(camera.model)
    values = [*camera.K[[0, 1], [0, 1]].tolist(), *camera.K[:2, 2].tolist(), *camera.distortion.tolist()]
    named = dict(zip(names, values, strict=False))
    extrinsics = calibration.extrinsics
    if extrinsics is not None:
        variance = np.diag(extrinsics.uncertainty[name].covariance)[FIRST : FIRST + len(named)]
        if variance[0] > 0.0:
            deviations = np.sqrt(np.maximum(variance, 0.0)).tolist()
            widths = {key: NORMAL_95 * one for key, one in zip(named, deviations, strict=True)}
            return LensParameters(named, widths, "refined with the rig")
    if name in calibration.intrinsics:
        known = calibration.intrinsics[name].deviations
        return LensParameters(named, {key: NORMAL_95 * known.get(key, 0.0) for key in named}, "estimated")
    return LensParameters(named, {}, "supplied")
