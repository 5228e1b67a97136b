"""The geometry of a crop: which pixel of the distorted picture lands where, and the camera that results."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from models.crops.person_box import PersonBox

Floats = NDArray[np.float64]

Alignment = Literal["exact", "published"]
"""How pixels of the crop and the crop's camera belong together.

``exact``: the camera projects a point to the pixel that shows it. ``published``: the camera is scaled without
the half pixel between border and centre, as in Learnable Triangulation (Iskakov et al. 2019); its released
weights have learnt to live with the difference, which is ``(side / width - 1) / 2`` px of the picture.
"""

NODE_STEP: Final = 8
"""Crop pixels between the nodes at which the lens is evaluated. Between nodes positions are interpolated: the
curvature of a strong webcam lens (k1 = -0.4 at 600 px focal length) leaves 0.06 px where 8 crop pixels are 15
px of the picture, the coarsest case before the picture is reduced, and a quarter of that at half the size."""


def crop_intrinsics(camera: Camera, box: PersonBox, width: int, alignment: Alignment) -> Floats:
    """(3, 3) intrinsics of the pinhole camera whose picture the square crop is, ``width`` px wide."""
    scale = width / box.side
    K = camera.K.copy()
    K[0, 0] *= scale
    K[1, 1] *= scale
    half = 0.5 if alignment == "exact" else 0.0
    # The left border of the box is the left border of the crop, at -0.5.
    K[0, 2] = (camera.K[0, 2] - box.left) * scale - half
    K[1, 2] = (camera.K[1, 2] - box.top) * scale - half
    if alignment == "published":
        # Original loader: c -= left, c *= scale, with ``left`` the centre of the first pixel inside.
        K[0, 2] -= 0.5 * scale
        K[1, 2] -= 0.5 * scale
    return K


def crop_projection(camera: Camera, box: PersonBox, width: int, alignment: Alignment) -> Floats:
    """(3, 4) projection of world mm into homogeneous crop px."""
    return crop_intrinsics(camera, box, width, alignment) @ np.column_stack([camera.R, camera.t])


def to_ideal(pixels: Floats, camera: Camera, box: PersonBox, width: int, alignment: Alignment) -> Floats:
    """Crop px (..., 2), as the crop's camera counts them, to ideal px of the whole picture (..., 2)."""
    K = crop_intrinsics(camera, box, width, alignment)
    focal, centre = np.diag(camera.K)[:2], camera.K[:2, 2]
    return (pixels - K[:2, 2]) / np.diag(K)[:2] * focal + centre


def sampling_nodes(camera: Camera, box: PersonBox, width: int) -> Floats:
    """Where the picture is read for every ``NODE_STEP``-th pixel of the crop.

    Returns:
        (N, N, 2) distorted px (x, y), for crop pixels 0, 8, 16, ... past the last one; NaN where the lens
        model reaches no picture.
    """
    steps = np.arange(-(-(width - 1) // NODE_STEP) + 1) * NODE_STEP
    along = (steps + 0.5) * (box.side / width)
    grid = np.stack(np.meshgrid(box.left + along, box.top + along), axis=-1)
    return camera.distort(grid)
