"""The algebraic model: views that come and go, gradients, export."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.triangulation.algebraic import FLOOR, AlgebraicTriangulation, triangulate_heatmaps
from models.triangulation.dlt import project
from tests.models.triangulation.rings import people, ring

SIDE, CELLS = 128, 32


def crops(views: int, samples: int = 2) -> Tensor:
    """(B, V, 3, 4) projections to pictures of 128 px, the person in the middle."""
    to_crop = torch.tensor([[0.16, 0.0, -0.16 * 640 + 64], [0.0, 0.16, -0.16 * 360 + 64], [0.0, 0.0, 1.0]])
    return (to_crop.double() @ ring(views)).expand(samples, -1, -1, -1)


def maps_of(projections: Tensor, joints: Tensor) -> Tensor:
    """Parabolic maps whose soft-argmax is the projection."""
    place = project(projections, joints)[0] * CELLS / SIDE
    cells = torch.arange(CELLS, dtype=torch.float64)
    x = (cells - place[..., :1]).square()
    y = (cells - place[..., 1:]).square()
    return -(y.unsqueeze(-1) + x.unsqueeze(-2)) * 0.005


def test_ideal_maps_give_the_truth_whatever_views_are_there() -> None:
    projections, joints = crops(5), people(2, 4) * 0.5 + torch.tensor([0.0, 0.0, 500.0])
    maps = maps_of(projections, joints)
    present = torch.tensor([[True] * 5, [True, False, True, True, False]])
    maps[1, 1] = torch.nan
    maps[1, 4] = 0.0
    confidences = torch.rand(2, 5, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    found = triangulate_heatmaps(maps, confidences, projections, present, image_shape=(SIDE, SIDE))
    # Soft-argmax of a map exp(-d^2 / 2) sampled at every cell is exact to 1e-8 cells; the rest is float32.
    torch.testing.assert_close(found.keypoints_3d.double(), joints, atol=0.05, rtol=0)
    assert found.determined.all()
    assert not found.confidences[1, [1, 4]].any()
    expected = 1 + present.sum(dim=1) * FLOOR
    torch.testing.assert_close(found.confidences.sum(dim=1), expected[:, None].expand(-1, 4).float())


def test_confidences_that_are_all_zero_count_alike() -> None:
    projections, joints = crops(3), people(2, 4) * 0.5 + torch.tensor([0.0, 0.0, 500.0])
    maps = maps_of(projections, joints)
    found = triangulate_heatmaps(maps, torch.zeros(2, 3, 4), projections, image_shape=(SIDE, SIDE))
    torch.testing.assert_close(found.keypoints_3d.double(), joints, atol=0.05, rtol=0)


@pytest.fixture(scope="module")
def network() -> AlgebraicTriangulation:
    torch.manual_seed(0)
    return AlgebraicTriangulation(18, 5).eval()


def test_every_trained_part_gets_a_gradient(network: AlgebraicTriangulation) -> None:
    images = torch.randn(1, 3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    network.zero_grad()
    network(images, crops(3, 1)).keypoints_3d.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        if "final_layer.bias" not in name:  # a softmax ignores what is added to the whole map
            assert parameter.grad.any(), name
    network.zero_grad()


def test_exported_it_gives_the_same(network: AlgebraicTriangulation) -> None:
    images = torch.randn(1, 2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    projections = crops(2, 1)
    with torch.no_grad():
        expected = network(images, projections)
        found = torch.export.export(network, (images, projections)).module()(images, projections)
    torch.testing.assert_close(found.keypoints_3d, expected.keypoints_3d, atol=0.05, rtol=1e-4)
    torch.testing.assert_close(found.keypoints_2d, expected.keypoints_2d, atol=1e-3, rtol=0)


def test_half_precision_ends_before_the_positions(network: AlgebraicTriangulation) -> None:
    images = torch.randn(1, 2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = network(images, crops(2, 1))
    assert found.keypoints_2d.dtype == found.keypoints_3d.dtype == torch.float32
