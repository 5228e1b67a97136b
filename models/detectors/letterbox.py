"""A picture fitted into a network's input, its proportions kept."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

GREY: Final = 114
"""What the networks were trained to see where there is no picture."""


def letterbox(image: Image, size: tuple[int, int]) -> tuple[Image, float]:
    """Fit a picture into the upper left corner of an input, grey to the right or below.

    Args:
        image: (H, W, 3).
        size: Width and height of the input.

    Returns:
        (height, width, 3) and the factor from px of the picture to px of the input.
    """
    height, width = image.shape[:2]
    factor = min(size[0] / width, size[1] / height)
    inner = max(round(width * factor), 1), max(round(height * factor), 1)
    canvas = np.full((size[1], size[0], 3), GREY, np.uint8)
    canvas[: inner[1], : inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    return canvas, factor
