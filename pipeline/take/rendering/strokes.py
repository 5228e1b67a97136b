"""Anti-aliased lines and dots at fractions of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames.frame import Image
from pipeline.take.rendering.theme import Colour

_SHIFT = 4  # OpenCV takes coordinates in sixteenths of a pixel
_FAR = 1e6  # px; beyond, its 32-bit arithmetic overflows

FixedPoints = NDArray[np.int32]
"""(..., 2) coordinates in OpenCV's fixed-point form; made once for all strokes of a figure."""


def fixed(points: NDArray[np.float64]) -> FixedPoints:
    """Pixel coordinates (..., 2) for the strokes below; NaN becomes something, so leave it out."""
    return (np.clip(np.nan_to_num(points), -_FAR, _FAR) * (1 << _SHIFT) + 0.5).astype(np.int32)


def draw_lines(image: Image, lines: FixedPoints, colour: Colour, thickness: int = 1) -> None:
    """Draw straight lines (N, 2, 2)."""
    if len(lines):
        cv2.polylines(image, list(lines.reshape(-1, 2, 1, 2)), False, colour, thickness, cv2.LINE_AA, _SHIFT)


def draw_dot(image: Image, centre: FixedPoints, radius: float, colour: Colour, thickness: int = -1) -> None:
    """Draw a filled dot, or a ring when ``thickness`` is positive."""
    x, y = int(centre[0]), int(centre[1])
    cv2.circle(image, (x, y), round(radius * (1 << _SHIFT)), colour, thickness, cv2.LINE_AA, _SHIFT)
