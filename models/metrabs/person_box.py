"""A box round a person, from keypoints: what a detector would have found."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MARGIN: Final = 0.1
"""Of the longer side, added on every side: detectors' boxes, which networks are trained with, reach to the
ends of hands, feet and head."""


def box_round(keypoints: NDArray[np.floating]) -> NDArray[np.float64]:
    """(4,) left, top, width, height px round keypoints (K, 2), K at least 1."""
    low, high = keypoints.min(axis=0), keypoints.max(axis=0)
    margin = MARGIN * float((high - low).max())
    box: NDArray[np.float64] = np.array([*(low - margin), *(high - low + 2.0 * margin)], np.float64)
    return box
