"""Rates and temperatures at the steps where they change."""

from __future__ import annotations

import pytest
import torch

from models.training.lifting_losses import LIFTING_LOSSES, euclidean_distance
from models.training.schedules import (
    attention_temperature,
    continuous_rate,
    epoch_rate,
    gumbel_temperature,
    staircase_rate,
    two_phase_factor,
)


def test_the_staircase_changes_at_its_stairs_only() -> None:
    assert staircase_rate(99_999) == staircase_rate(2) == staircase_rate(1)
    assert staircase_rate(100_000) == staircase_rate(199_999) == pytest.approx(0.96e-3)
    assert continuous_rate(150_000) == pytest.approx(1e-3 * 0.96**1.5)


def test_epochs_fall_as_published() -> None:
    """With 10: the first epoch, then ten at a time; with 1: each."""
    assert [epoch_rate(epoch) for epoch in (0, 1, 10, 11)] == pytest.approx([1e-3, 9.6e-4, 9.6e-4, 9.216e-4])
    assert epoch_rate(3, every=1) == pytest.approx(1e-3 * 0.96**3)


def test_temperatures_fall_to_their_ends() -> None:
    assert attention_temperature(0, 0, 7) == 30.0
    assert attention_temperature(9, 6, 7) == pytest.approx(1.0 + 29.0 / 70.0)
    assert attention_temperature(12, 3, 7) == 1.0
    assert gumbel_temperature(0.0) == 1.0 and gumbel_temperature(1.0) == pytest.approx(0.1)
    assert gumbel_temperature(0.5) == pytest.approx(0.1**0.5)


def test_the_distance_of_a_grid_is_taken_over_coordinates() -> None:
    """Cells that are off by (3, 4, 0) are 5 away, whatever the width of the grid."""
    truth = torch.zeros(2, 3, 4, 6)
    grid = truth + torch.tensor([3.0, 4.0, 0.0])[:, None, None]
    assert float(euclidean_distance(grid, truth)) == pytest.approx(5.0)
    joints = torch.tensor([3.0, 4.0, 0.0]).expand(2, 17, 3)
    values = {name: float(loss(joints, torch.zeros(2, 17, 3))) for name, loss in LIFTING_LOSSES.items()}
    assert values == pytest.approx({"l2": 25.0 / 3.0, "l1": 7.0 / 3.0, "sqrtl2": 5.0})


def test_the_distance_of_nothing_has_a_gradient() -> None:
    prediction = torch.zeros(1, 17, 3, requires_grad=True)
    euclidean_distance(prediction, torch.zeros(1, 17, 3)).backward()
    assert prediction.grad is not None and bool((prediction.grad == 0.0).all())


def test_two_phases_fall_as_published() -> None:
    # Sarandi et al.: to a third in 92 % of the steps; then from a thirtieth by 0.3.
    assert two_phase_factor(0, 1000) == 1.0
    assert two_phase_factor(460, 1000) == pytest.approx((1 / 3) ** 0.5)
    assert two_phase_factor(920, 1000) == pytest.approx(1 / 30)
    assert two_phase_factor(960, 1000) == pytest.approx(0.3**0.5 / 30)
