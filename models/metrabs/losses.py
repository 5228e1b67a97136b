"""What training of MeTRAbs minimises: Sarandi et al., T-BIOM 2020 and, with latent points, WACV 2023.

All are mean absolute differences, in metres; pixels count as metres by the size of the volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.backbones.efficientnet_v2 import STRIDE
from models.metrabs.absolute import VIEW_MARGIN, in_view, project

NEAR_MM: Final = 300.0
"""People nearer than this are not supervised in the picture, nor in place."""
FAR_MM: Final = 10_000.0
"""Beyond, errors of the distance count less."""
AROUND: Final = -20.0
"""Labels may be this many strides outside the crop."""


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean of (..., C) over (...) bool; 0 where nothing is valid."""
    weight = valid[..., None].to(values.dtype).expand_as(values)
    return (values * weight).sum() / weight.sum().clamp_min(1.0)


def standardised_to(points: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """(N, J, C) points moved and scaled, each sample by one factor, to mean and spread of a target.

    Args:
        points: See above.
        target: (N, J, C).
        valid: (N, J) joints that count for means and spreads.
    """
    weight = valid[..., None].to(points.dtype)
    weight = weight / weight.sum(dim=1, keepdim=True).clamp_min(1.0)
    means = [(weight * values).sum(dim=1, keepdim=True) for values in (points, target)]
    own, wanted = (
        ((weight * (values - mean).square()).sum(dim=(1, 2), keepdim=True) + 1e-10).sqrt()
        for values, mean in zip((points, target), means, strict=True)
    )
    return (points - means[0]) / own * wanted + means[1]


@dataclass(frozen=True)
class MetrabsLosses:
    """Losses for one size of crops.

    Attributes:
        side: Width and height of crops, px.
        box_mm: Extent of the volume.
        absolute_factor: Of errors of the place.
        centered_stride: See ``efficientnet_v2``.
    """

    side: int = 256
    box_mm: float = 2200.0
    absolute_factor: float = 0.1
    centered_stride: bool = True

    @property
    def metres_per_pixel(self) -> float:
        """What a pixel of the crop counts."""
        return self.box_mm / self.side / 1000.0

    def with_depth(
        self, poses: Tensor, truth: Tensor, intrinsics: Tensor, valid: Tensor, *, absolute: bool = True
    ) -> Tensor:
        """Shape, picture and, unless training has just begun, place.

        Args:
            poses: (N, J, 3) mm in the frame of the crop's camera.
            truth: (N, J, 3).
            intrinsics: (N, 3, 3) of the crops.
            valid: (N, J) joints with a truth.
            absolute: Whether the place counts.
        """
        apart = poses - truth
        shape = self.of_shape(poses, truth, valid)
        seen, wanted = project(poses, intrinsics), project(truth, intrinsics)
        ahead = (poses[..., 2] > 1.0) & (truth[..., 2] > NEAR_MM)
        usable = valid & ahead & self._in_view(seen, VIEW_MARGIN) & self._in_view(wanted, AROUND)
        picture = masked_mean((seen - wanted).abs(), usable) * self.metres_per_pixel
        loss = shape + picture
        if absolute:
            damping = (FAR_MM / truth[..., 2:].abs()).clamp_max(1.0)
            place = (2.0 * apart[..., :2].abs() + damping * apart[..., 2:].abs()) / 3.0
            near = valid & (truth[..., 2] > NEAR_MM)
            loss = loss + self.absolute_factor * masked_mean(place, near) / 1000.0
        return loss

    def in_picture(
        self, poses: Tensor, labels: Tensor, intrinsics: Tensor, valid: Tensor, joints: Tensor
    ) -> Tensor:
        """Labels in pixels only.

        Args:
            poses: (N, J, 3) mm.
            labels: (N, L, 2) px.
            intrinsics: (N, 3, 3).
            valid: (N, L).
            joints: (J, L) from ``label_joints``.
        """
        seen = torch.einsum("njc,jl->nlc", project(poses, intrinsics), joints.to(poses))
        usable = valid & self._in_view(seen, VIEW_MARGIN) & self._in_view(labels, AROUND)
        return masked_mean((seen - labels).abs(), usable) * self.metres_per_pixel

    def of_shape(self, poses: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
        """Shape alone, each pose about the mean of its valid joints; arguments as in ``with_depth``."""
        weight = valid[..., None].to(poses.dtype)
        weight = weight / weight.sum(dim=1, keepdim=True).clamp_min(1.0)
        apart = poses - truth
        return masked_mean((apart - (weight * apart).sum(dim=1, keepdim=True)).abs(), valid) / 1000.0

    def aligned_in_picture(self, poses: Tensor, labels: Tensor, valid: Tensor, joints: Tensor) -> Tensor:
        """Labels in pixels for poses that are nowhere: laid over them first.

        Args:
            poses: (N, J, 3) mm; x and y are compared.
            labels: (N, L, 2) px.
            valid: (N, L).
            joints: (J, L) from ``label_joints``.
        """
        flat = torch.einsum("njc,jl->nlc", poses[..., :2], joints.to(poses))
        apart = (standardised_to(flat, labels, valid) - labels).abs()
        return masked_mean(apart, valid) * self.metres_per_pixel

    def to_latents(self, latents: Tensor, target: Tensor, intrinsics: Tensor) -> Tensor:
        """Predicted latent points (N, L, 3) against those of the predicted joints, in space and picture.

        The target is not moved by this loss.
        """
        target = target.detach()
        flat = project(latents, intrinsics) - project(target, intrinsics)
        return (latents - target).abs().mean() / 1000.0 + flat.abs().mean() * self.metres_per_pixel

    def _in_view(self, pixels: Tensor, margin: float) -> Tensor:
        return in_view(pixels, self.side, STRIDE, margin=margin, centered=self.centered_stride)


def off_manifold(poses: Tensor, encoder: Tensor, decoder: Tensor) -> Tensor:
    """What (N, J, 3) poses lose on the way through (J, L) latent points and back, (L, J)."""
    return (poses - recoded(poses, encoder, decoder)).abs().mean() / 1000.0


def recoded(poses: Tensor, encoder: Tensor, decoder: Tensor) -> Tensor:
    """(N, J, 3) through latent points and back."""
    return torch.einsum("njc,jk->nkc", poses, encoder @ decoder)


def label_joints(names: tuple[str, ...], labels: tuple[str, ...]) -> Tensor:
    """(J, L) weights: a label is the mean of all joints whose names begin with its name."""
    starts = torch.tensor([[float(name.startswith(label)) for label in labels] for name in names])
    return starts / starts.sum(dim=0)
