"""What a detector says about one picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Found:
    """Corners, or why there are none.

    Attributes:
        ids: (N,) numbers of corners, rising; empty where none were found.
        pixels: (N, 2) px of the picture as it was given.
        mirrored: Seen from behind.
        inverted: White on black.
        spacing_px: Distance of neighbouring corners.
        reason: For people, why there are none; "" where there are.
        evidence: Whether anything like a board was there, so that the reason is worth telling.
    """

    ids: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    pixels: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    mirrored: bool = False
    inverted: bool = False
    spacing_px: float = float("nan")
    reason: str = ""
    evidence: bool = False
