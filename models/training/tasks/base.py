"""What a task promises to the trainer: a loss to minimise and figures to judge by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from models.crops.network_input import MEAN, STD, normalised

Batch = dict[str, Tensor]


class Task(Protocol):
    """Between data and network. Has no state that changes."""

    monitor: str
    """The figure that says which weights are best; smaller is better."""

    def losses(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Scalars by name; ``loss`` is what is minimised, the others are there to be watched.

        Args:
            network: In training mode; called once.
            batch: On the network's device.
            progress: How much of the training is done, 0 to 1.
        """
        ...

    def measure(self, network: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sum and count of each figure over a batch, so that batches can be added up."""
        ...


@runtime_checkable
class ChangesNetwork(Protocol):
    """A task whose network has something that changes by the step and is no weight."""

    def begin_step(self, network: nn.Module, step: int, steps: int, steps_per_epoch: int) -> None:
        """Bring the network to where it must be for a step, counted from 0; follows from the step alone."""
        ...

    def settings_now(self, network: nn.Module, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that a card must state for the network as it is now."""
        ...


def network_input(images: Tensor) -> Tensor:
    """Normalised pictures (B, V, 3, H, W) from uint8 (B, V, H, W, 3) BGR; float32 ones pass through."""
    return normalised(images) if images.dtype == torch.uint8 else images


def input_picture(image: Tensor) -> np.ndarray:
    """(H, W, 3) uint8 BGR from one picture of a batch, in either form that ``network_input`` takes."""
    if image.dtype == torch.uint8:
        return np.ascontiguousarray(image.numpy())
    levels = (image.movedim(0, -1) * image.new_tensor(STD) + image.new_tensor(MEAN)) * 255.0
    return np.ascontiguousarray(levels.round().clamp(0, 255).to(torch.uint8).numpy())


def projected(points: Tensor, projections: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels (B, V, J, 2) and depth (B, V, J) of points (B, J, 3) under projections (B, V, 3, 4).

    Depth is in the unit of the points where the projections' last rows are unit vectors.
    """
    # float64: world coordinates of metres and pixels of a tenth need more than seven digits
    matrix, world = projections.double(), points.double()[:, None]
    homogeneous = world @ matrix[..., :3].mT + matrix[..., None, :, 3]
    depth = homogeneous[..., 2]
    safe = torch.where(depth > 1e-6, depth, torch.ones_like(depth))
    return (homogeneous[..., :2] / safe[..., None]).float(), depth.float()


def total_and_count(values: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of the counted values, and how many there are."""
    chosen = torch.where(counted, values.double(), 0.0)
    return chosen.sum(), counted.sum().double()


def to_tensors(arrays: dict[str, np.ndarray]) -> Batch:
    """Arrays as tensors that share their memory."""
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}
