"""The variants of each crop that an estimate is averaged over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.metrabs.geometry import roll

GAMMA: Final = 2.2
"""Of pictures as cameras store them; crops are resampled in linear light."""
_TURN: Final = math.radians(25.0)


@dataclass(frozen=True)
class Augmentation:
    """A variants of a crop.

    Attributes:
        gamma: (A,) exponent of the brightness of the final crop.
        scale: (A,) zoom.
        rotation: (A, 3, 3) float64 turns around the line of sight, mirrored where ``mirrored``.
        mirrored: (A,) left and right exchanged.
    """

    gamma: Tensor
    scale: Tensor
    rotation: Tensor
    mirrored: Tensor

    def __len__(self) -> int:
        return len(self.scale)


def spread_out(count: int) -> Augmentation:
    """The published variants: turned by -25 to 25 degrees, every other one mirrored, zoomed by 0.8 to 1.1.

    One variant alone is straight, but brighter by a gamma of 0.8.

    Args:
        count: A, at least 1.
    """
    middle = count // 2
    gamma = _evenly(0.6, 1.0, count)
    angle = _evenly(-_TURN, _TURN, count)
    # The smaller half ends before 1, where the larger one begins.
    smaller = _evenly(0.8, 1.0, middle + 1)[:middle]
    larger = torch.linspace(1.0, 1.1, count - middle, dtype=torch.float64)
    mirrored = (torch.arange(count) - middle) % 2 == 1
    return _assembled(gamma, torch.cat([smaller, larger]), angle, mirrored)


def unchanged() -> Augmentation:
    """One variant, the crop as the camera saw it: fastest, and not what the published programs do for one."""
    one = torch.ones(1, dtype=torch.float64)
    return _assembled(one, one, torch.zeros_like(one), torch.zeros(1, dtype=torch.bool))


def _assembled(gamma: Tensor, scale: Tensor, angle: Tensor, mirrored: Tensor) -> Augmentation:
    rotation = roll(-angle)
    rotation[mirrored, 0] *= -1.0
    return Augmentation(gamma, scale, rotation, mirrored)


def _evenly(first: float, last: float, count: int) -> Tensor:
    """``count`` values from first to last; one alone lies in the middle."""
    if count == 1:
        return torch.tensor([(first + last) / 2.0], dtype=torch.float64)
    return torch.linspace(first, last, count, dtype=torch.float64)
