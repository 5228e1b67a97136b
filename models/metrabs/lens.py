"""Lens distortion of normalised points: k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4, OpenCV's model without tilt."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

COEFFICIENTS: Final = 12
_STEPS: Final = 5


def padded(coefficients: Tensor) -> Tensor:
    """(..., 4 to 12) to (..., 12); what is not given is zero."""
    return functional.pad(coefficients, (0, COEFFICIENTS - coefficients.shape[-1]))


def distort(points: Tensor, coefficients: Tensor) -> Tensor:
    """(..., K, 2) ideal to distorted points by (..., 4 to 12) coefficients."""
    radial, tangential, rest = _parts(points, padded(coefficients))
    return points * (radial + tangential) + rest


def undistort(points: Tensor, coefficients: Tensor) -> Tensor:
    """(..., K, 2) distorted to ideal points, by five steps of fixed-point iteration.

    The iterate after five steps is what published networks were trained and measured with.
    """
    coefficients = padded(coefficients)
    ideal = points
    for _ in range(_STEPS):
        radial, tangential, rest = _parts(ideal, coefficients)
        ideal = (points - rest - ideal * tangential) / radial
    return ideal


def _parts(points: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Radial factor and tangential factor (..., K, 1), and the rest (..., K, 2)."""
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = (
        coefficients[..., None, i, None] for i in range(COEFFICIENTS)
    )
    r2 = points.square().sum(dim=-1, keepdim=True)
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    x, y = points[..., :1], points[..., 1:]
    tangential = 2 * (p2 * x + p1 * y)
    rest = (r2 * (p2 + s1 + s2 * r2), r2 * (p1 + s3 + s4 * r2))
    return radial, tangential, torch.cat(rest, dim=-1)
