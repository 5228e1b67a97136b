"""Places for keypoints that no detector found, so that a network trained with such gaps can lift the rest.

Lifting networks know no gaps. One that was trained with ``filled`` poses has learnt to distrust a joint that
lies exactly between its neighbours; one that was not (all published weights) must not be given any.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.skeleton import Skeleton

Floats = NDArray[np.float64]

LEAST_PRESENT: Final = 9
"""Of 17: with fewer, more of the pose would be made up than was seen."""


def filled(keypoints: Floats, skeleton: Skeleton) -> Floats:
    """Put every missing keypoint in the middle of its present neighbours along the bones, then of those.

    Args:
        keypoints: (N, J, 2) px, NaN where missing.
        skeleton: Of the keypoints; its bones must connect all joints.

    Returns:
        (N, J, 2); a pose with fewer than ``LEAST_PRESENT`` keypoints stays as it is.
    """
    present = np.asarray(np.isfinite(keypoints).all(axis=2))
    gaps = np.asarray(~present.all(axis=1) & (present.sum(axis=1) >= LEAST_PRESENT))
    if not gaps.any():
        return keypoints
    beside = _beside(skeleton)
    places, known = np.where(present[gaps, :, None], keypoints[gaps], 0.0), present[gaps]
    while not known.all():
        count = known @ beside
        reached = ~known & (count > 0)
        middle = np.einsum("njc,jk->nkc", places, beside) / np.maximum(count, 1.0)[..., None]
        places = np.where(reached[..., None], middle, places)
        known = known | reached
    result = keypoints.copy()
    result[gaps] = places
    return result


@lru_cache
def _beside(skeleton: Skeleton) -> Floats:
    """(J, J) 1 where a bone joins two joints."""
    matrix = np.zeros((len(skeleton), len(skeleton)))
    for first, second in skeleton.bones:
        matrix[first, second] = matrix[second, first] = 1.0
    return matrix
