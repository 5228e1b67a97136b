"""The yardstick of the benchmark computes what our networks compute."""

from __future__ import annotations

import pytest
import torch

from models.checkpoints.opening import untrained_network
from models.trained_scale import scale_scores, settle_batch_norm
from models.triangulation.algebraic import AlgebraicTriangulation
from models.triangulation.benchmark import ring_rig
from models.triangulation.published_structure import algebraic_as_published, volumetric_as_published
from models.triangulation.volumetric import VolumetricTriangulation

VIEWS = 3
AGREES_MM = 1e-6
"""In double precision; rooms are some 1e4 mm wide and both ways lose a few of sixteen digits."""


READ_SINGLY_MM = 0.05
"""The algebraic network reads maps in single precision: 1e-5 px, where a pixel is some 20 mm for views that
agree and up to 100 times as much for random ones, which do not."""


def pictures(side: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, VIEWS, 3, side, side, generator=generator, dtype=torch.float64)
    scale = torch.diag(torch.tensor([side / 1280, side / 720, 1.0], dtype=torch.float64))
    projections = scale @ torch.from_numpy(ring_rig(VIEWS).projections.copy())
    centres = torch.tensor([[0.0, 0.0, 900.0], [300.0, -200.0, 1000.0]], dtype=torch.float64)
    return images, projections.expand(2, -1, -1, -1), centres


def test_algebraic() -> None:
    network = untrained_network("algebraic", {"layers": 18}, source="test").network.double()
    assert isinstance(network, AlgebraicTriangulation)
    images, projections, _ = pictures(128)
    settle_batch_norm(network.backbone, lambda: network.backbone(images[0]))
    with torch.no_grad():
        maps = network.backbone(images[0]).heatmaps
        scale_scores(network.backbone.final_layer, maps, network.heatmap_multiplier)
        peaks = (network.backbone(images[0]).heatmaps * network.heatmap_multiplier).flatten(2)
        assert float((peaks - peaks.mean(dim=2, keepdim=True)).std()) == pytest.approx(4.0)
        found = network(images, projections).keypoints_3d
        expected = algebraic_as_published(network, images, projections)
    assert float((found - expected).norm(dim=-1).max()) < READ_SINGLY_MM


def test_volumetric() -> None:
    settings = {"layers": 18, "voxels": 32, "small": True}
    network = untrained_network("volumetric", settings, source="test").network.double()
    assert isinstance(network, VolumetricTriangulation)
    with torch.no_grad():
        found = network(*pictures(64)).joints
        expected = volumetric_as_published(network, *pictures(64))
    assert float((found - expected).norm(dim=-1).max()) < AGREES_MM
