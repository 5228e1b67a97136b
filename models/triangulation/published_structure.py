"""Algebraic and volumetric triangulation computed step by step as their publication describes it.

The yardstick of ``benchmark triangulation``: layer by layer in float32, one view, one joint after the other,
with the weights of our networks. Source: Iskakov et al., "Learnable Triangulation of Human Pose", ICCV 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.triangulation.algebraic import AlgebraicTriangulation, normalised
from models.triangulation.cuboid import Cuboid, unit_grid
from models.triangulation.soft_argmax import soft_argmax_2d
from models.triangulation.unprojection import map_projections, sample_views
from models.triangulation.volume_readout import read_joints
from models.triangulation.volumetric import (
    RULES,
    VolumetricTriangulation,
    heatmap_projections,
    look_at_views,
    reduce_features,
)


def svd_per_joint(points: Tensor, projections: Tensor, weights: Tensor | None = None) -> Tensor:
    """Linear triangulation, one singular value decomposition after the other.

    Args:
        points: (B, V, J, 2) px.
        projections: (B, V, 3, 4) from world mm.
        weights: (B, V, J), of the equations; None weighs all views alike.

    Returns:
        (B, J, 3) mm in world, float64.
    """
    rows = points[..., None].double() * projections[:, :, None, 2:3] - projections[:, :, None, :2]
    if weights is not None:
        rows = rows * weights[..., None, None]
    systems = rows.transpose(1, 2).flatten(2, 3).flatten(0, 1)
    solved = torch.stack([torch.linalg.svd(system)[2][3] for system in systems])
    return (solved[:, :3] / solved[:, 3:]).reshape(len(points), -1, 3)


def algebraic_as_published(network: AlgebraicTriangulation, images: Tensor, projections: Tensor) -> Tensor:
    """Joints, (B, J, 3) mm in world; arguments as of the network."""
    samples, views = images.shape[:2]
    out = network.backbone(images.flatten(0, 1))
    maps = out.heatmaps.reshape(samples, views, *out.heatmaps.shape[1:])
    read = soft_argmax_2d(maps * network.heatmap_multiplier, softmax=network.heatmap_softmax)
    scale = maps.new_tensor([images.shape[-1] / maps.shape[-1], images.shape[-2] / maps.shape[-2]])
    points = read.coordinates * scale
    confidences = out.alg_confidences
    shaped = None if confidences is None else confidences.reshape(samples, views, -1)
    weights = normalised(maps.shape[:3], shaped, None, points)
    return svd_per_joint(points, projections, weights)


def volumetric_as_published(
    network: VolumetricTriangulation, images: Tensor, projections: Tensor, centres: Tensor
) -> Tensor:
    """Joints, (B, J, 3) mm in world; arguments as of the network, which merges views by softmax."""
    config = network.config
    seen = look_at_views(network.backbone, images, None)
    features = reduce_features(network.process_features, seen.features)
    cuboid = Cuboid.around(centres, config.side_mm, config.voxels, transfer=config.transfer)
    height, width = features.shape[-2:]
    maps = heatmap_projections(projections, (images.shape[-2], images.shape[-1]), (height, width))
    maps = map_projections(cuboid.into_projections(maps), height, width, RULES[config.sampling])
    points = unit_grid(cuboid.size, features.device)
    volumes = []
    for sample, cameras in zip(features, maps, strict=True):
        values = torch.stack(
            [
                sample_views(view[None, None], camera[None, None], points)[0][0, 0]
                for view, camera in zip(sample, cameras, strict=True)
            ]
        )
        volumes.append((values * values.softmax(dim=0)).sum(dim=0))
    volume = torch.stack(volumes).reshape(len(images), -1, *(cuboid.size,) * 3)
    logits = network.volume_net(volume)
    return read_joints(logits * config.multiplier, cuboid, softmax=config.softmax).joints
