"""How much boxes overlap, and which of several for the same person stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def overlaps(first: Floats, second: Floats) -> Floats:
    """(N, M) intersection over union of (N, 4+) with (M, 4+) left, top, right, bottom; 0 for empty boxes."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=-1)
    union = areas(first)[:, None] + areas(second)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float64)


def areas(boxes: Floats) -> Floats:
    """(N,) px² of (N, 4+) boxes."""
    return np.asarray(np.prod(np.clip(boxes[:, 2:4] - boxes[:, :2], 0.0, None), axis=1))


def suppress(boxes: Floats, most: float) -> Floats:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 5) left, top, right, bottom, score.
        most: Of two boxes that overlap more than this the one with the lower score goes.

    Returns:
        (M, 5), best first.
    """
    left = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[1:][overlaps(left[:1], left[1:])[0] <= most]
    return np.array(kept).reshape(-1, 5)
