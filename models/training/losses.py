"""What training of triangulators minimises.

Iskakov et al., Learnable Triangulation of Human Pose, ICCV 2019, sections 3.1 and 3.2. Predictions and ground
truth come in the same unit; the published settings multiply millimetres by 0.1 first. A joint with the
validity 0 counts nowhere.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMOOTH_FROM = 400.0
"""Squared error per coordinate from which ``smooth_squared_error`` flattens, in scaled units squared."""
SMOOTH_POWER = 0.1
"""Power of the squared error beyond."""
TINY = 1e-12
"""Keeps the derivative of a square root at zero finite: the error it adds is below single precision."""


def squared_error(prediction: Tensor, truth: Tensor, validity: Tensor) -> Tensor:
    """Mean squared error of the coordinates.

    Args:
        prediction: (B, J, 3).
        truth: (B, J, 3).
        validity: (B, J, 1), 0 or 1.
    """
    squares = (truth - prediction).square() * validity
    return squares.sum() / coordinates(prediction, validity)


def smooth_squared_error(
    prediction: Tensor, truth: Tensor, validity: Tensor, threshold: float = SMOOTH_FROM
) -> Tensor:
    """Mean squared error whose squares d grow as d^0.1 * threshold^0.9 beyond the threshold.

    Arguments as in ``squared_error``.
    """
    squares = (truth - prediction).square() * validity
    large = squares > threshold
    # The power has no finite derivative at zero, and unused branches must not produce one.
    flat = torch.where(large, squares, threshold).pow(SMOOTH_POWER) * threshold ** (1.0 - SMOOTH_POWER)
    return torch.where(large, flat, squares).sum() / coordinates(prediction, validity)


def absolute_error(prediction: Tensor, truth: Tensor, validity: Tensor) -> Tensor:
    """Mean absolute error of the coordinates; arguments as in ``squared_error``."""
    return ((truth - prediction).abs() * validity).sum() / coordinates(prediction, validity)


def joint_distance(prediction: Tensor, truth: Tensor, validity: Tensor) -> Tensor:
    """Mean distance of the joints; arguments as in ``squared_error``.

    The derivative of a joint that is exactly right is zero.
    """
    squares = ((truth - prediction).square() * validity).sum(dim=-1)
    distances = torch.where(squares > TINY, squares, TINY).sqrt()
    return torch.where(squares > TINY, distances, 0.0).sum() / validity.sum().clamp(min=1.0)


def volume_cross_entropy(
    probabilities: Tensor, voxels: Tensor, truth: Tensor, validity: Tensor, floor: float = 1e-6
) -> Tensor:
    """Minus the logarithm of the probability at the voxel nearest to each true joint, mean over all joints.

    Args:
        probabilities: (B, J, X, Y, Z).
        voxels: (B, X, Y, Z, 3) positions, the unit of the truth (not scaled).
        truth: (B, J, 3).
        validity: (B, J, 1), 0 or 1. Invalid joints add nothing but are counted, as in the original.
        floor: Added to the probability.
    """
    places = voxels.flatten(1, 3)
    with torch.no_grad():
        # |v - g|^2 without |g|^2, relative to the middle so that single precision keeps the order of voxels.
        middle = places.mean(dim=1, keepdim=True)
        relative, wanted = places - middle, truth - middle
        distance = relative.square().sum(-1).unsqueeze(1) - 2.0 * wanted @ relative.mT
        nearest = distance.argmin(dim=-1, keepdim=True)
    chosen = probabilities.flatten(2).gather(-1, nearest)
    return -(validity * (chosen + floor).log()).mean()


def coordinates(prediction: Tensor, validity: Tensor) -> Tensor:
    """Number of valid coordinates, that of one joint at least."""
    return prediction.shape[-1] * validity.sum().clamp(min=1.0)
