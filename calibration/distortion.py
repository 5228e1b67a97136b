"""Lens distortion on normalised coordinates (x/z, y/z; no unit): OpenCV's three models.

================  ============================================  =================================
model             coefficients                                  meaning
================  ============================================  =================================
``pinhole``       k1 k2 p1 p2 [k3]                              Brown-Conrady, radial polynomial
``rational``      k1 k2 p1 p2 k3 k4 k5 k6                       radial quotient of two cubics
``fisheye``       k1 k2 k3 k4                                   Kannala-Brandt, angle polynomial
================  ============================================  =================================

A fitted polynomial is meaningful only up to the radius where it stops growing: beyond it, the model folds
the outside of the field of view back into the picture. ``Lens`` knows that radius and answers NaN beyond it
instead of an invented position.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast, get_args

import cv2
import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from calibration.errors import InvalidCameraError

LensModel = Literal["pinhole", "rational", "fisheye"]
LENS_MODELS: tuple[LensModel, ...] = get_args(LensModel)
COEFFICIENT_COUNTS: dict[LensModel, tuple[int, ...]] = {"pinhole": (4, 5), "rational": (8,), "fisheye": (4,)}

Floats = NDArray[np.float64]

# Stop after 200 rounds or at an error of 1e-12 (1e-9 px at a focal length of 1000 px). OpenCV's default of
# 5 rounds is visibly wrong in the corners of a webcam; lenses close to folding need some 100 rounds.
_CRITERIA = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-12)
# An inverse is accepted when distorting it again returns within this distance: 1e-6 is a thousandth of a
# pixel at a focal length of 1000 px.
_INVERSE_TOLERANCE = 1e-6
# Newton on the angle of a fisheye, from a table good to 1e-6: two rounds, more only right at the fold.
_FISHEYE_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Lens:
    """A distortion model with its coefficients.

    Args:
        model: One of ``LENS_MODELS``.
        coefficients: (n,) in OpenCV's order, see the table of this module.

    Raises:
        InvalidCameraError: Unknown model, wrong number of coefficients, or one that is not finite.
    """

    model: LensModel
    coefficients: Floats

    def __post_init__(self) -> None:
        if self.model not in LENS_MODELS:
            raise InvalidCameraError("model", f"must be one of {', '.join(LENS_MODELS)}, not {self.model!r}")
        k = self.coefficients
        counts = COEFFICIENT_COUNTS[self.model]
        if k.ndim != 1 or len(k) not in counts:
            wanted = " or ".join(map(str, counts))
            found = len(k) if k.ndim == 1 else f"an array of shape {k.shape}"
            raise InvalidCameraError(
                "distortion", f"of the {self.model} model needs {wanted} coefficients, not {found}"
            )
        if not np.isfinite(k).all():
            raise InvalidCameraError("distortion", f"contains a number that is not finite: {k.tolist()}")

    def distort(self, ideal: Floats) -> Floats:
        """Where the lens puts ideal points.

        Args:
            ideal: (..., 2) normalised coordinates of a pinhole camera.

        Returns:
            (..., 2) normalised, NaN for NaN input and beyond ``max_radius``.
        """
        x, y = ideal[..., 0], ideal[..., 1]
        squared = x * x + y * y
        result: Floats = np.empty(ideal.shape)
        if self.model == "fisheye":
            radius = np.sqrt(squared)
            theta = np.arctan(radius)
            # At the optical axis both are 0; the quotient's limit is 1.
            scale = np.where(radius < 1e-12, 1.0, self._angle(theta) / np.maximum(radius, 1e-12))
            np.multiply(ideal, scale[..., None], out=result)
        else:
            k1, k2, p1, p2, k3, k4, k5, k6 = self._eight
            radial = 1.0 + squared * (k1 + squared * (k2 + squared * k3))
            if self.model == "rational":
                radial = radial / (1.0 + squared * (k4 + squared * (k5 + squared * k6)))
            cross = 2.0 * x * y
            result[..., 0] = x * radial + p1 * cross + p2 * (squared + 2.0 * x * x)
            result[..., 1] = y * radial + p2 * cross + p1 * (squared + 2.0 * y * y)
        if np.isfinite(self.max_radius):
            result[squared > self.max_radius**2] = np.nan
        return result

    def undistort(self, distorted: Floats) -> Floats:
        """Inverse of ``distort``.

        Args:
            distorted: (..., 2) normalised coordinates as the lens shows them.

        Returns:
            (..., 2) normalised, NaN for NaN input and where no ideal point has that image.
        """
        flat = np.ascontiguousarray(distorted.reshape(-1, 1, 2))
        if not len(flat):
            return np.empty(distorted.shape)
        if self.model == "fisheye":
            ideal = self._undistort_fisheye(flat)
        else:
            ideal = cast(Floats, cv2.undistortPoints(flat, _IDENTITY, self.coefficients, criteria=_CRITERIA))
        if np.isfinite(self.max_radius):
            # The iteration always answers something; only re-distorting tells whether it is a solution.
            error = np.abs(self.distort(ideal) - flat).max(axis=-1)
            ideal[~(error < _INVERSE_TOLERANCE)] = np.nan
        # A point with one coordinate missing is missing.
        ideal[np.isnan(ideal).any(axis=-1)] = np.nan
        return ideal.reshape(distorted.shape)

    @cached_property
    def max_radius(self) -> float:
        """Largest ideal radius (tangent of the angle to the axis) that the model maps one to one; may be inf.

        Tangential terms are left out: they are two orders of magnitude below the radial ones in real lenses.
        """
        if self.model == "fisheye":
            return float(np.tan(self._max_angle)) if self._max_angle < np.pi / 2 else float("inf")
        k1, k2, _, _, k3, k4, k5, k6 = self._eight
        above, below = Polynomial([1.0, k1, k2, k3]), Polynomial([1.0, k4, k5, k6])
        # d/dr of r * above(r^2) / below(r^2), times below^2, written in s = r^2.
        twice_s = Polynomial([0.0, 2.0])
        slope = (above + twice_s * above.deriv()) * below - twice_s * above * below.deriv()
        return float(np.sqrt(min(_first_root(slope), _first_root(below))))

    @cached_property
    def _max_angle(self) -> float:
        k1, k2, k3, k4 = self.coefficients
        slope = Polynomial([1.0, 3 * k1, 5 * k2, 7 * k3, 9 * k4])
        return min(float(np.sqrt(_first_root(slope))), np.pi / 2)

    @cached_property
    def _angle_table(self) -> tuple[Floats, Floats]:
        """Angles to the axis and their images, both rising: where Newton's method starts."""
        # Just below the fold (or 90 degrees), where the slope is still positive and the tangent finite.
        angles = np.linspace(0.0, self._max_angle * (1.0 - 1e-9), 1024)
        return angles, self._angle(angles)

    @cached_property
    def _eight(self) -> tuple[float, ...]:
        padded = np.zeros(8)
        padded[: len(self.coefficients)] = self.coefficients
        return tuple(padded.tolist())

    def _angle(self, theta: Floats) -> Floats:
        k1, k2, k3, k4 = self.coefficients.tolist()
        s = theta * theta
        return cast(Floats, theta * (1.0 + s * (k1 + s * (k2 + s * (k3 + s * k4)))))

    def _undistort_fisheye(self, distorted: Floats) -> Floats:
        # OpenCV clips the distorted angle to 90 degrees, which is wrong for lenses that stretch the border.
        k1, k2, k3, k4 = self.coefficients.tolist()
        target = np.sqrt((distorted * distorted).sum(axis=-1))
        angles, images = self._angle_table
        theta = np.interp(target, images, angles)
        for _ in range(_FISHEYE_ROUNDS):
            s = theta * theta
            slope = 1.0 + s * (3 * k1 + s * (5 * k2 + s * (7 * k3 + s * 9 * k4)))
            step = (self._angle(theta) - target) / slope
            theta = np.minimum(np.maximum(theta - step, 0.0), angles[-1])
            if not (np.abs(step) > 1e-13).any():
                break
        missed = ~(np.abs(self._angle(theta) - target) < _INVERSE_TOLERANCE)
        scale = np.where(target > 1e-12, np.tan(theta) / np.maximum(target, 1e-12), 1.0)
        scale[missed] = np.nan
        return distorted * scale[..., None]


def _first_root(polynomial: Polynomial) -> float:
    """Smallest positive real root, or inf.

    Leading coefficients below 1e-14 do nothing within any field of view, but would ruin the other roots.
    """
    roots = polynomial.trim(1e-14).roots()
    real = roots.real[(np.abs(roots.imag) < 1e-9 * np.maximum(1.0, np.abs(roots))) & (roots.real > 0)]
    return float(real.min()) if len(real) else float("inf")


_IDENTITY = np.eye(3)
