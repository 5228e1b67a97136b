"""A second opinion on the same picture: seen in a mirror, a network makes other mistakes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TOGETHER_PX: Final = 8.0
"""Two cells of the heatmaps: farther apart the two mean different places, and nothing lies between them."""


def merged(points: Floats, scores: Floats, width: int, mirror: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """What a network says of pictures and of their mirror images, as one.

    Args:
        points: (2 N, J, 2) px; the second half of the mirror images, in the order of the first.
        scores: (2 N, J).
        width: Of the pictures, px.
        mirror: (J,) the joint that each one is in a mirror: left for right and the reverse.

    Returns:
        (N, J, 2) px of the pictures and (N, J) scores: means, places weighted by score; where the two are
        far apart, the place with the higher score.
    """
    half = len(points) // 2
    plain, seen = points[:half], scores[:half]
    turned, seen_turned = points[half:][:, mirror], scores[half:][:, mirror]
    turned = np.stack([width - 1.0 - turned[..., 0], turned[..., 1]], axis=-1)
    share = (seen / np.maximum(seen + seen_turned, np.finfo(float).tiny))[..., None]
    apart = np.linalg.norm(plain - turned, axis=-1, keepdims=True) > _TOGETHER_PX
    share = np.where(apart, share >= 0.5, share)
    return share * plain + (1.0 - share) * turned, (seen + seen_turned) / 2.0
