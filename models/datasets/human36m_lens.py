"""The lens model of the Human3.6M calibration, which looks like OpenCV's and is not.

With normalised ``x, y`` and ``r2 = x^2 + y^2``::

    s  = 1 + k1 r2 + k2 r2^2 + k3 r2^3
    xd = x s + p1 x y + p2 (x^2 + r2)
    yd = y s + p2 x y + p1 (y^2 + r2)

(OpenCV doubles the mixed terms and the square of the own axis.)
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.network_camera import Box

Floats = NDArray[np.float64]


def distort(ideal: Floats, dist: NDArray[np.floating]) -> Floats:
    """Where the lens puts normalised points (..., 2); ``dist`` is k1 k2 p1 p2 k3."""
    x, y = ideal[..., 0], ideal[..., 1]
    k1, k2, p1, p2, k3 = (float(value) for value in dist)
    r2 = x * x + y * y
    scale = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    cross = x * y
    return np.stack(
        [x * scale + p1 * cross + p2 * (x * x + r2), y * scale + p2 * cross + p1 * (y * y + r2)], axis=-1
    )


def undistorted_part(
    picture: NDArray[np.uint8], K: NDArray[np.floating], dist: NDArray[np.floating], box: Box
) -> NDArray[np.uint8]:
    """The part ``box`` of the undistorted picture, read from the distorted one.

    Only pixels of the box are computed. The undistorted picture has the same ``K``; interpolation is cubic,
    as in the published preparation, and what lies outside either picture is black.

    Args:
        picture: (H, W, 3) as the camera took it.
        K: (3, 3) of the full picture.
        dist: (5,) k1 k2 p1 p2 k3.
        box: left, top, right, bottom in the undistorted picture.
    """
    K = np.asarray(K, np.float64)
    height, width = picture.shape[:2]
    left, top, right, bottom = box
    columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    focal, centre = K[[0, 1], [0, 1]], K[:2, 2]
    ideal = (np.stack([columns, rows], axis=-1) - centre) / focal
    source = (distort(ideal, dist) * focal + centre).astype(np.float32)
    # The published pictures end at the size of the camera's; a box that reaches beyond sees black.
    source[(columns < 0) | (columns >= width) | (rows < 0) | (rows >= height)] = -1e6
    return np.asarray(
        cv2.remap(picture, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT),
        np.uint8,
    )
