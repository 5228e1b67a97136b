"""Which joints a camera sees: those with nothing but their own surface in front."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.skeleton import Skeleton

_HIDDEN_MM = {
    "shoulder": 95.0,
    "elbow": 70.0,
    "wrist": 60.0,
    "hip": 150.0,
    "knee": 95.0,
    "ankle": 80.0,
    "pelvis": 175.0,
    "neck": 115.0,
    "head_top": 60.0,
    "ear": 35.0,
    "eye": 20.0,
    "nose": 20.0,
    "toe": 60.0,
    "heel": 60.0,
}
"""How much nearer than a joint its own surface may be: the thickness of the body there, seen obliquely."""


def own_thickness(skeleton: Skeleton) -> NDArray[np.float64]:
    """(J,) mm that the surface over each joint may be nearer than the joint."""
    return np.array([next(mm for part, mm in _HIDDEN_MM.items() if part in name) for name in skeleton.joints])


def seen_in(
    depth: NDArray[np.float32],
    pixels: NDArray[np.float64],
    distances: NDArray[np.float64],
    allowed: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether joints are inside a picture and visible.

    Args:
        depth: (H, W) mm along the optical axis to the nearest surface.
        pixels: (..., J, 2) of the joints; NaN counts as outside.
        distances: (..., J) mm of the joints along the optical axis.
        allowed: (J,) see ``own_thickness``.

    Returns:
        (..., J).
    """
    height, width = depth.shape
    with np.errstate(invalid="ignore"):
        inside = np.all((pixels > -0.5) & (pixels < np.array([width - 0.5, height - 0.5])), axis=-1)
    nearest = np.rint(np.where(inside[..., None], pixels, 0.0)).astype(int)
    in_front = distances - depth[nearest[..., 1], nearest[..., 0]]
    return np.asarray(inside & (distances > 0) & (in_front < allowed))
