"""Peaks of heatmaps, held against Gaussians at known places."""

from __future__ import annotations

import math

import numpy as np
import torch

from models.keypoints.studio_lite.reading import REACH, read_peaks


def hill(x: float, y: float, rows: int = 24, columns: int = 32, width: float = 1.0) -> torch.Tensor:
    """Logits whose softmax is a Gaussian of ``width`` cells at (x, y)."""
    row, column = torch.meshgrid(
        torch.arange(rows, dtype=torch.float64), torch.arange(columns, dtype=torch.float64), indexing="ij"
    )
    return -((row - y) ** 2 + (column - x) ** 2) / (2 * width**2)


def test_places_are_found_between_cells() -> None:
    random = np.random.default_rng(0)
    truth = random.uniform(6, 17, (1, 40, 2))
    maps = torch.stack([hill(float(x), float(y)) for x, y in truth[0]])[None]
    places, likely = read_peaks(maps)
    # Cutting a Gaussian of one cell at two to three cells moves its mean towards the middle of the cut by at
    # most phi(2) - phi(3) over the mass inside, 0.05 cells.
    assert np.abs(places.numpy() - truth).max() < 0.06
    # within +-2 to +-3 cells in both directions
    inside = math.erf(2.0 / math.sqrt(2.0)) ** 2
    assert inside - 1e-3 < float(likely.min())
    assert float(likely.max()) <= 1.0


def test_a_second_hill_does_not_move_the_first() -> None:
    first, second = hill(5.0, 8.0), hill(25.0, 8.0)
    both = torch.logaddexp(first + math.log(0.7), second + math.log(0.3))
    places, likely = read_peaks(both[None, None])
    assert np.abs(places.numpy()[0, 0] - (5.0, 8.0)).max() < 1e-3
    assert 0.65 < float(likely[0, 0]) < 0.7


def test_at_the_border_only_what_is_there_counts() -> None:
    places, _ = read_peaks(hill(0.0, 23.0)[None, None])
    # Of all windows the one that ends at the border holds most: half a Gaussian of one cell, in whole cells,
    # the mean of exp(-k^2 / 2) over k from 0 to one more than REACH.
    k = np.arange(REACH + 2)
    mean = (k * np.exp(-(k**2) / 2)).sum() / np.exp(-(k**2) / 2).sum()
    assert np.allclose(places.numpy()[0, 0], (mean, 23.0 - mean), atol=1e-3)


def test_a_flat_map_is_unlikely_anywhere() -> None:
    _, likely = read_peaks(torch.zeros(1, 2, 24, 32))
    assert float(likely.max()) <= (2 * REACH + 1) ** 2 / (24 * 32) + 1e-6
