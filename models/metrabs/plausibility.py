"""Which estimates are no people, or the same person twice.

Poses are in the frame of the camera, mm, J joints. The limits are those of the published system.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor

SAME_PERSON: Final = 0.4
"""Similarity above which the less certain of two poses is dropped."""
_NEAR_MM: Final = 300.0
_SPREAD_MM: Final = 200.0
_BONE_RATIO: Final = (0.1, 3.0)
_BONE_MM: Final = 300.0

Compared = Literal["largest", "smallest"]
"""Which quarter of the joint distances decides whether two poses are one."""


def scale_aligned(poses: Tensor) -> Tensor:
    """(..., K, J, 3) poses scaled to the same root mean square, that of all K together."""
    size = poses.square().mean(dim=(-2, -1), keepdim=True)
    common = size.mean(dim=-3, keepdim=True)
    return poses * (common / size.clamp_min(torch.finfo(size.dtype).tiny)).sqrt()


def similarity(first: Tensor, second: Tensor, compared: Compared = "largest") -> Tensor:
    """(..., J, 3) twice to (...): 1 for the same pose, 0 where the compared joints are 300 mm apart."""
    both = torch.zeros_like(first + second)  # expands either
    pair = scale_aligned(torch.stack([first + both, second + both], dim=-3))
    distances = (pair[..., 0, :, :] - pair[..., 1, :, :]).norm(dim=-1)
    quarter = max(distances.shape[-1] // 4, 1)
    chosen = distances.topk(quarter, dim=-1, largest=compared == "largest").values
    alike: Tensor = (1.0 - chosen / _NEAR_MM).clamp_min(0.0).mean(dim=-1)
    return alike


def distinct(
    poses: Tensor,
    scores: Tensor,
    valid: Tensor,
    threshold: float = SAME_PERSON,
    compared: Compared = "largest",
) -> Tensor:
    """Indices of the poses to keep, in their order: from the most certain on, none similar to a kept one.

    Args:
        poses: (n, J, 3).
        scores: (n,) of the detections.
        valid: (n,) bool; others are dropped first.
        threshold: See ``SAME_PERSON``.
        compared: The published system compares the largest distances; people close to each other are told
            apart better so, and the same person seen twice with one wrong arm worse.
    """
    alike = similarity(poses[:, None], poses[None], compared) > threshold
    kept: list[int] = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        if bool(valid[index]) and not bool(alike[index, kept].any()):
            kept.append(index)
    return torch.tensor(sorted(kept), dtype=torch.long, device=poses.device)


def bones_plausible(poses: Tensor, edges: Tensor, mean_lengths: Tensor) -> Tensor:
    """(n, J, 3) to (n,) bool: no bone is both far from its usual length in proportion and in millimetres.

    Args:
        poses: See above.
        edges: (E, 2) joints.
        mean_lengths: (E,) mm, usual lengths.
    """
    lengths = (poses[:, edges[:, 0]] - poses[:, edges[:, 1]]).norm(dim=-1)
    ratio = lengths / mean_lengths
    wrong = (ratio < _BONE_RATIO[0]) | (ratio > _BONE_RATIO[1])
    wrong &= (lengths - mean_lengths).abs() > _BONE_MM
    fine: Tensor = ~wrong.any(dim=1)
    return fine


def point_spread(poses: Tensor) -> Tensor:
    """(n, A, J, 3) variants to (n, J) mm: standard deviation over the variants, their sizes made equal."""
    return scale_aligned(poses).var(dim=1, correction=0).sum(dim=-1).sqrt()


def variants_agree(poses: Tensor) -> Tensor:
    """(n, A, J, 3) to (n,) bool: more than a quarter of the joints scatter by less than 200 mm."""
    steady: Tensor = (point_spread(poses) < _SPREAD_MM).sum(dim=1)
    return steady > poses.shape[2] // 4


def fills_box(points: Tensor, boxes: Tensor) -> Tensor:
    """(n, J, 2) px and (n, 4 or more) left, top, width, height to (n,) bool.

    True where the box around the points covers more than half of the given one; points that are NaN
    (behind the camera) do not count.
    """
    low = points.nan_to_num(nan=torch.inf).amin(dim=1)
    high = points.nan_to_num(nan=-torch.inf).amax(dim=1)
    start, size = boxes[:, :2], boxes[:, 2:4]
    shared = (torch.minimum(high, start + size) - torch.maximum(low, start)).clamp_min(0.0)
    return shared.prod(dim=1) > 0.5 * size.prod(dim=1)
