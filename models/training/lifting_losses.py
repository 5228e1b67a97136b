"""What training of lifting networks minimises.

Martinez et al. 2017 and Kang et al. 2023 compare all numbers of a batch alike: coordinates of joints, or of
grid cells, where a joint counts once for each of its cells.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

TINY = 1e-12
"""Keeps the derivative of a square root at zero finite; far below the rounding of metres squared."""


def squared_distance(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean squared difference of all numbers."""
    return functional.mse_loss(prediction, truth)


def absolute_distance(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of all numbers."""
    return functional.l1_loss(prediction, truth)


def euclidean_distance(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of joints (B, J, 3), or of the cells of grids (B, 3, H, W).

    The published program takes the length along the columns of a grid, which is no distance.
    """
    axis = 1 if prediction.ndim == 4 else -1
    return ((prediction - truth).square().sum(dim=axis) + TINY).sqrt().mean()


LIFTING_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l2": squared_distance,
    "l1": absolute_distance,
    "sqrtl2": euclidean_distance,
}
"""By their published names."""
