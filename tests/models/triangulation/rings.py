"""Cameras in a circle around a person, as tensors, for tests of learned triangulation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def ring(views: int, *, radius_mm: float = 4000.0, arc: float = 2 * np.pi) -> Tensor:
    """(V, 3, 4) float64 projections to 1280 x 720 px, looking at a point one metre above the origin."""
    matrices = []
    for view in range(views):
        angle = arc * view / views + 0.3
        height = 1500.0 + 300.0 * (view % 2)
        centre = np.array([radius_mm * np.cos(angle), radius_mm * np.sin(angle), height])
        forward = np.array([0.0, 0.0, 1000.0]) - centre
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        K = np.array([[1100.0, 0.0, 640.0], [0.0, 1100.0, 360.0], [0.0, 0.0, 1.0]])
        matrices.append(K @ np.c_[R, -R @ centre])
    return torch.from_numpy(np.array(matrices))


def people(samples: int, joints: int = 17, seed: int = 0) -> Tensor:
    """(B, J, 3) mm, about as large as a person."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(samples, joints, 3)) * [300, 300, 500] + [0, 0, 1000])
