"""A square of a picture made smaller by averaging, compiled: one pass over its pixels, no copies."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numba import njit
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def average_square(image: Image, left: int, top: int, side: int, out: Image) -> None:
    """Fill ``out`` with the mean of the part of the picture under each of its pixels.

    As OpenCV's ``INTER_AREA`` on the square cut out and padded with black, to a rounding of the last grey
    level.

    Args:
        image: (H, W, 3), C-contiguous.
        left: First column of the square, may lie outside the picture, as the other sides may.
        top: First row.
        side: Width and height, px; not smaller than ``out``.
        out: (S, S, 3).
    """
    height, width = image.shape[0], image.shape[1]
    size = out.shape[0]
    scale = side / size
    # Pixels of the square under each one of the result: the first and the last of them count in part.
    begins, ends = np.empty(size, np.int64), np.empty(size, np.int64)
    heads, tails = np.empty(size, np.float32), np.empty(size, np.float32)
    for place in range(size):
        low, high = place * scale, (place + 1) * scale
        begins[place], ends[place] = floor(low), min(ceil(high - 1e-9), side) - 1
        heads[place] = begins[place] + 1.0 - low
        # With a single pixel the head is all of it.
        tails[place] = high - ends[place] if ends[place] > begins[place] else 0.0
    gain = np.float32(1.0 / (scale * scale))
    first, last = max(left, 0), min(left + side, width)
    start, samples = (first - left) * 3, max(last - first, 0) * 3
    line = np.zeros(side * 3, np.float32)
    inside = line[start : start + samples]
    flat = image.reshape(height, width * 3)
    for row in range(size):
        inside[:] = np.float32(0.0)
        for y in range(max(begins[row], -top), min(ends[row], height - 1 - top) + 1):
            weight = np.float32(1.0)
            if y == begins[row]:
                weight = heads[row]
            elif y == ends[row]:
                weight = tails[row]
            source = flat[y + top, first * 3 : first * 3 + samples]
            for k in range(samples):
                inside[k] += weight * np.float32(source[k])
        for column in range(size):
            # unsigned, because signed indices may count from the end, which takes time to check
            at, end = np.uintp(3 * begins[column]), np.uintp(3 * ends[column])
            weight, tail = heads[column], tails[column]
            blue = weight * line[at] + tail * line[end]
            green = weight * line[at + np.uintp(1)] + tail * line[end + np.uintp(1)]
            red = weight * line[at + np.uintp(2)] + tail * line[end + np.uintp(2)]
            at += np.uintp(3)
            while at < end:
                blue += line[at]
                green += line[at + np.uintp(1)]
                red += line[at + np.uintp(2)]
                at += np.uintp(3)
            # Half a level is added before the fraction is cut off; means lie in 0..255.
            out[row, column, 0] = np.uint8(blue * gain + np.float32(0.5))
            out[row, column, 1] = np.uint8(green * gain + np.float32(0.5))
            out[row, column, 2] = np.uint8(red * gain + np.float32(0.5))
