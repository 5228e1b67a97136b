"""A second opinion on the same picture: seen in a mirror, a network makes other mistakes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.keypoints.studio_lite.readers import Reading

_TOGETHER_PX: Final = 8.0
"""Two cells of the heatmaps: farther apart the two mean different places, and nothing lies between them."""


def merged(found: Reading, width: int, mirror: NDArray[np.intp]) -> Reading:
    """What a network says of pictures and of their mirror images, as one.

    Args:
        found: Of 2 N pictures; the second half are the mirror images, in the order of the first.
        width: Of the pictures, px.
        mirror: (J,) the joint that each one is in a mirror: left for right and the reverse.

    Returns:
        Of N pictures: means, places weighted by score; where the two are far apart, the place with the
        higher score.
    """
    half = len(found.points) // 2
    plain, there = (Reading(*(each[part] for each in found)) for part in (slice(half), slice(half, None)))
    turned = Reading(*(each[:, mirror] for each in there))
    places = np.stack([width - 1.0 - turned.points[..., 0], turned.points[..., 1]], axis=-1)
    share = (plain.scores / np.maximum(plain.scores + turned.scores, np.finfo(float).tiny))[..., None]
    apart = np.linalg.norm(plain.points - places, axis=-1, keepdims=True) > _TOGETHER_PX
    share = np.where(apart, share >= 0.5, share)
    return Reading(
        share * plain.points + (1.0 - share) * places,
        (plain.scores + turned.scores) / 2.0,
        (plain.confidences + turned.confidences) / 2.0,
    )
