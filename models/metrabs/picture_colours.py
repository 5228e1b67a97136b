"""Colours of test pictures as published systems saw them: MuPoTS and 3DHP are dark, the latter has a cast."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

DATASET_GAMMA: Final = 0.67
"""Of MuPoTS TS1-5 and MPI-INF-3DHP TS1-4."""
BALANCE_3DHP: Final = (110, 145)
"""Averages of a and b in CIELAB that MPI-INF-3DHP TS1-4 are corrected for, after the gamma."""


def gamma_corrected(image: Image, gamma: float = DATASET_GAMMA) -> Image:
    """(H, W, 3) with each value to the power of ``gamma``, rounded down."""
    table = (255.0 * (np.arange(256) / 255.0) ** gamma).astype(np.uint8)
    return table[image]


def white_balanced(image: Image, average_a: int, average_b: int) -> Image:
    """(H, W, 3) RGB with a and b shifted towards grey, bright pixels more.

    Args:
        image: See above.
        average_a: What a, 128 for grey, is on average.
        average_b: The same for b.
    """
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float64)
    bright = lab[..., 0] / 255.0 * 1.1
    lab[..., 1] -= (average_a - 128) * bright
    lab[..., 2] -= (average_b - 128) * bright
    return np.asarray(cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)
