"""One pose from those that several cameras made on their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fuse(joints: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Most likely places, each camera believed in the directions that it knows.

    Along its line of sight a camera says little, so two of them agree where their lines of sight meet.

    Args:
        joints: (V, J, 3) mm in world, NaN where a camera says nothing.
        covariance: (V, J, 3, 3) mm^2, NaN where a joint is.

    Returns:
        (J, 3) and (J, 3, 3), NaN where no camera says anything. Where cameras contradict each other by more
        than they should, the covariance grows accordingly (chi-square per degree of freedom).
    """
    there: NDArray[np.bool_] = np.asarray(np.isfinite(joints).all(axis=2))
    information = np.zeros_like(covariance)
    information[there] = np.linalg.inv(covariance[there])
    known = there.any(axis=0)
    fused = np.full(joints.shape[1:], np.nan)
    spread = np.full(covariance.shape[1:], np.nan)
    spread[known] = np.linalg.inv(information.sum(axis=0)[known])
    weighted = np.einsum("vjkl,vjl->jk", information, np.where(there[..., None], joints, 0.0))
    fused[known] = np.einsum("jkl,jl->jk", spread[known], weighted[known])
    off = np.where(there[..., None], joints - fused, 0.0)
    chi2 = np.einsum("vjk,vjkl,vjl->j", off, information, off)
    freedom = 3.0 * (there.sum(axis=0) - 1)
    excess = np.where(freedom > 0, chi2 / np.maximum(freedom, 1.0), 1.0)
    spread *= np.maximum(excess, 1.0)[:, None, None]
    return fused, spread
