"""Losses: known values, and derivatives that exist where square roots and powers have none."""

from __future__ import annotations

import pytest
import torch

from models.training.losses import (
    absolute_error,
    joint_distance,
    smooth_squared_error,
    squared_error,
    volume_cross_entropy,
)

LOSSES = [squared_error, smooth_squared_error, absolute_error, joint_distance]


def test_values() -> None:
    truth = torch.zeros(1, 2, 3)
    prediction = torch.tensor([[[3.0, 4.0, 0.0], [100.0, 0.0, 0.0]]])
    first = torch.tensor([[[1.0], [0.0]]])
    assert squared_error(prediction, truth, first).item() == pytest.approx(25 / 3)
    assert absolute_error(prediction, truth, first).item() == pytest.approx(7 / 3)
    assert joint_distance(prediction, truth, first).item() == pytest.approx(5)
    second = 1 - first
    assert smooth_squared_error(prediction, truth, second).item() == pytest.approx(1e4**0.1 * 400**0.9 / 3)


@pytest.mark.parametrize("loss", LOSSES)
def test_derivatives_are_finite_at_a_perfect_prediction_and_without_valid_joints(loss) -> None:
    truth = torch.rand(2, 4, 3)
    for validity in (torch.ones(2, 4, 1), torch.zeros(2, 4, 1)):
        prediction = truth.clone().requires_grad_()
        value = loss(prediction, truth, validity)
        value.backward()
        assert value.item() == 0
        assert prediction.grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_right(loss) -> None:
    generator = torch.Generator().manual_seed(0)
    prediction = (30 * torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)).requires_grad_()
    truth = 30 * torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    validity = torch.tensor([1.0, 1.0, 0.0, 1.0]).double()[:, None].expand(2, 4, 1)
    assert torch.autograd.gradcheck(lambda p: loss(p, truth, validity), prediction)


def test_cross_entropy_looks_at_the_nearest_voxel() -> None:
    axis = torch.arange(4.0) * 100 + 5000
    voxels = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)[None]
    probabilities = torch.full((1, 2, 4, 4, 4), 0.25)
    probabilities[0, 0, 1, 2, 3] = 0.5
    truth = torch.tensor([[[5140.0, 5160.0, 9000.0], [0.0, 0.0, 0.0]]])
    validity = torch.tensor([[[1.0], [0.0]]])
    value = volume_cross_entropy(probabilities, voxels, truth, validity)
    assert value.item() == pytest.approx(-torch.log(torch.tensor(0.5 + 1e-6)).item() / 2)
