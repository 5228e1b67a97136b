"""Keypoints from two one-dimensional answers: SimCC, Li et al., ECCV 2022."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def decode_simcc(
    across: NDArray[np.float32], down: NDArray[np.float32], size: tuple[int, int]
) -> tuple[Floats, Floats]:
    """The bin with the best answer in each direction.

    Args:
        across: (N, K, X) answers along x; X is a multiple of the crop's width.
        down: (N, K, Y) answers along y.
        size: Width and height of the crop, px.

    Returns:
        points: (N, K, 2) px of the crop, NaN where there is no positive answer.
        scores: (N, K) in [0, 1], the weaker of the two best answers; 0 where there is none.
    """
    x, y = across.argmax(axis=-1), down.argmax(axis=-1)
    best_x = np.take_along_axis(across, x[..., None], axis=-1)[..., 0]
    best_y = np.take_along_axis(down, y[..., None], axis=-1)[..., 0]
    scores = np.minimum(best_x, best_y).astype(np.float64)
    bins_per_px = across.shape[-1] / size[0], down.shape[-1] / size[1]
    points = np.stack([x / bins_per_px[0], y / bins_per_px[1]], axis=-1)
    seen = np.isfinite(scores) & (scores > 0)
    points[~seen] = np.nan
    return points, np.where(seen, np.clip(scores, 0, 1), 0.0)
