"""Peaks of heatmaps, held against Gaussians at known places."""

from __future__ import annotations

import math

import numpy as np
import torch

from models.keypoints.studio_lite import peak_kernel
from models.keypoints.studio_lite.peak_kernel import read_probabilities
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


def test_compiled_code_reads_the_same() -> None:
    assert peak_kernel._REACH == REACH
    maps = torch.randn((3, 9, 24, 32), generator=torch.Generator().manual_seed(4)) * 2.5
    corners = torch.stack([hill(x, y) for x in (0.0, 31.0) for y in (0.0, 23.0)]).float()
    maps[0, :4] = corners + 0.01 * maps[0, :4]
    maps[1, 0] = 0.0  # all windows alike but those at the border: the first is taken
    expected_places, expected_likely = read_peaks(maps)
    probability = maps.flatten(2).softmax(dim=2).reshape(maps.shape).numpy()
    places, likely = np.empty((3, 9, 2)), np.empty((3, 9))
    read_probabilities(probability, places, likely)
    # 25 numbers of float32 are added in another order: 25 * 6e-8, times the largest place, 31.
    assert np.abs(places - expected_places.numpy()).max() < 5e-5
    assert np.abs(likely - expected_likely.numpy()).max() < 2e-6
