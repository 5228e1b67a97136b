"""The picture of one person as the network was trained to see it, and the way back."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.detectors.base import Image

Floats = NDArray[np.float64]

PADDING: Final = 1.25
"""Side of the crop over that of the box; what the network was trained with."""

MEAN: Final = np.array([123.675, 116.28, 103.53], np.float32)
DEVIATION: Final = np.array([58.395, 57.12, 57.375], np.float32)
"""Of the pictures it was trained on: red, green, blue."""


def picture_from_crop(box: Floats, size: tuple[int, int]) -> Floats:
    """(2, 3) matrix from px of the crop to px of the picture.

    Args:
        box: (4+,) left, top, right, bottom of the person.
        size: Width and height of the crop; the box grows in one direction until it has these proportions.
    """
    extent = (box[2:4] - box[:2]) * PADDING
    width = max(extent[0], extent[1] * size[0] / size[1])
    scale = width / size[0]
    centre = (box[:2] + box[2:4]) / 2
    corner = centre - scale * np.array(size) / 2
    return np.array([[scale, 0.0, corner[0]], [0.0, scale, corner[1]]])


def crop(image: Image, matrix: Floats, size: tuple[int, int]) -> NDArray[np.float32]:
    """(3, height, width) normalised RGB; black outside the picture.

    Args:
        image: (H, W, 3) BGR.
        matrix: From ``picture_from_crop``.
        size: Width and height of the crop.
    """
    pixels = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    normalised = (pixels[..., ::-1].astype(np.float32) - MEAN) / DEVIATION
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))


def to_picture(points: Floats, matrix: Floats) -> Floats:
    """(..., 2) px of the crop to px of the picture."""
    return np.asarray(points * np.diagonal(matrix[:, :2]) + matrix[:, 2], np.float64)
