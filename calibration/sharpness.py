"""How sharp the picture is at the corners of a board."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SMALLEST_CONTRAST = 4.0  # grey values; below is noise


def corner_sharpness(grey: NDArray[np.uint8], pixels: NDArray[np.float64], spacing_px: float) -> float:
    """Steepest brightness slope near the corners over the contrast there, 1/px, median over the corners.

    Four edges meet in every corner, so there is always one across which blur of any direction shows.

    Args:
        grey: (H, W).
        pixels: (N, 2) px of corners.
        spacing_px: Distance of neighbouring corners; a third of it, up to 30 px, is looked at all around.

    Returns:
        About 0.5 for the sharpest picture possible, 0.1 where an edge is 10 px wide; NaN without contrast.
    """
    height, width = grey.shape
    reach = int(np.clip(spacing_px / 3, 2, 30))
    if min(height, width) < 2 * reach + 3:
        return float("nan")
    at = np.rint(pixels).astype(np.intp)
    at[:, 0] = np.clip(at[:, 0], reach + 1, width - reach - 2)
    at[:, 1] = np.clip(at[:, 1], reach + 1, height - reach - 2)
    offsets = np.arange(-reach - 1, reach + 2)
    patches = grey[
        at[:, 1, None, None] + offsets[None, :, None], at[:, 0, None, None] + offsets[None, None, :]
    ].astype(np.float32)
    slope_x = (patches[:, 1:-1, 2:] - patches[:, 1:-1, :-2]) / 2
    slope_y = (patches[:, 2:, 1:-1] - patches[:, :-2, 1:-1]) / 2
    slope = np.sqrt(slope_x**2 + slope_y**2).reshape(len(at), -1)
    flat = patches.reshape(len(at), -1)
    low, high = np.percentile(flat, (5, 95), axis=1)
    contrast = high - low
    # Not the very largest, which noise makes.
    steepest = np.percentile(slope, 97, axis=1)
    clear = contrast >= _SMALLEST_CONTRAST
    return float(np.median(steepest[clear] / contrast[clear])) if clear.any() else float("nan")
