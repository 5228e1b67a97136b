"""Distance of a 2.5D pose from the lengths of its bones (Sarandi et al., T-BIOM 2020, the 2.5D baseline)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from configs.errors import bad_input

Floats = NDArray[np.float64]

START_MM = 2000.0


def root_depths(
    points: Floats, relative_depth: Floats, edges: NDArray[np.integer], lengths: Floats
) -> Floats:
    """Depths of the roots that make bones as long as they should be, by least squares from 2 m on.

    Bone (i, j) of the pose x (dz + Z) has the length sqrt(Z^2 a.a + 2 Z a.b + b.b) with a = x_i - x_j and
    b = x_i dz_i - x_j dz_j.

    Args:
        points: (N, J, 3) normalised points with z = 1.
        relative_depth: (N, J) mm behind the root.
        edges: (E, 2) joints.
        lengths: (E,) mm, or (N, E).

    Returns:
        (N,) mm.
    """
    if points.shape[:2] != relative_depth.shape or points.shape[2:] != (3,):
        raise bad_input(f"points have the shape {points.shape}, depths {relative_depth.shape}")
    x = points.astype(np.float64)
    first, second = edges[:, 0], edges[:, 1]
    a = x[:, first] - x[:, second]
    moved = x * relative_depth.astype(np.float64)[..., None]
    b = moved[:, first] - moved[:, second]
    terms = zip(
        (a * a).sum(-1), (a * b).sum(-1), (b * b).sum(-1), np.broadcast_to(lengths, a.shape[:2]), strict=True
    )
    return np.array([_depth(*each) for each in terms])


def _depth(aa: Floats, ab: Floats, bb: Floats, lengths: Floats) -> float:
    def size(z: Floats) -> Floats:
        # Rounding may push the length of a bone along the ray below zero.
        result: Floats = np.sqrt(np.maximum(z * z * aa + 2.0 * z * ab + bb, 1e-12))
        return result

    solved = least_squares(
        lambda z: size(z) - lengths,
        START_MM,
        jac=lambda z: ((z * aa + ab) / size(z))[:, None],
        method="lm",
    )
    return float(solved.x[0])
