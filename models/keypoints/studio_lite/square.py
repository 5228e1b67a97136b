"""Square parts of a picture, black where there is none, as small pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.keypoints.studio_lite.cut_kernel import average_square

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

MARGIN = 1.25
"""Side of the square over the larger extent of all joints, as the network was trained."""
LEAST_PX = 16
"""Nobody is seen in less."""


@dataclass(frozen=True)
class Square:
    """Whole pixels of a picture: columns ``left`` to ``left + side``, rows ``top`` to ``top + side``."""

    left: int
    top: int
    side: int

    def cut(self, image: Image, size: int, out: Image | None = None) -> Image:
        """(size, size, 3), averaged where it is smaller than the square.

        Args:
            image: (H, W, 3).
            size: Width of the result, px.
            out: (size, size, 3), filled and returned; None allocates one.
        """
        if out is None:
            out = np.empty((size, size, 3), np.uint8)
        if self.side >= size:
            pixels = np.ascontiguousarray(image).view()
            pixels.flags.writeable = False  # as those in shared memory are: code is compiled for one kind
            average_square(pixels, self.left, self.top, self.side, out)
        else:
            cv2.resize(self._padded(image), (size, size), dst=out, interpolation=cv2.INTER_LINEAR)
        return out

    def _padded(self, image: Image) -> Image:
        """Its pixels, black where the picture has none."""
        height, width = image.shape[:2]
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.left + self.side, width), min(self.top + self.side, height)
        part = image[top : max(bottom, top), left : max(right, left)]
        whole = (right - left, bottom - top) == (self.side, self.side)
        if not whole:
            padded = np.zeros((self.side, self.side, 3), np.uint8)
            padded[top - self.top : top - self.top + len(part), left - self.left : right - self.left] = part
            part = padded
        return part

    def to_picture(self, points: Floats, size: int) -> Floats:
        """Px of the picture from px (..., 2) of the cut; (0, 0) is the centre of the first pixel in both."""
        return (points + 0.5) * (self.side / size) - 0.5 + (self.left, self.top)

    def touches(self, image: Image) -> bool:
        """Whether any of it lies in the picture."""
        height, width = image.shape[:2]
        inside = self.left < width and self.top < height
        return inside and self.left + self.side > 0 and self.top + self.side > 0


def square_round(points: Floats, margin: float = MARGIN) -> Square | None:
    """The square that shows a person.

    Args:
        points: (J, 2) px of the picture; NaN where unknown.
        margin: Side over the larger extent of the points.

    Returns:
        None where fewer than three points are known or the square would be smaller than ``LEAST_PX``.
    """
    known = points[np.isfinite(points).all(axis=-1)]
    if len(known) < 3:
        return None
    low, high = known.min(axis=0), known.max(axis=0)
    side = round(float((high - low).max()) * margin)
    if side < LEAST_PX:
        return None
    # px are counted from centres: a square's middle is half a pixel before the column it starts at
    left, top = np.rint((low + high + 1.0 - side) / 2.0).astype(int).tolist()
    return Square(left, top, side)


def whole_picture(image: Image) -> Square:
    """The smallest square round a picture (H, W, 3), which lies in its middle."""
    height, width = image.shape[:2]
    side = max(height, width)
    return Square((width - side) // 2, (height - side) // 2, side)
