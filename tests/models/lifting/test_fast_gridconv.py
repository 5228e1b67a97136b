"""The fast form gives the numbers of the plain one, for every padding, layout and batch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from models.lifting.fast_gridconv import FastGridConv
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.published_structure import as_published


def trained(**settings: Any) -> GridConv:
    """With statistics as after training, so that folding them matters."""
    torch.manual_seed(0)
    network = GridConv(GridConvConfig(channels=24, blocks=1, attention_temperature=1.5, **settings))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 2.0)
            torch.nn.init.normal_(module.bias)
    return network.eval()


def table(rows: int, columns: int) -> list[list[int]]:
    return (np.arange(rows * columns) % 17).reshape(rows, columns).tolist()


NETWORKS: list[dict[str, Any]] = [{"padding": pair} for pair in itertools.product("czr", repeat=2)]
NETWORKS += [
    {"convolution": "plain"},
    {"padding": ("c", "r"), "layout": "learnable", "initial_layout": "learnt_type2"},
    {"padding": ("z", "r"), "grid_shape": (4, 6), "assignment": table(4, 6)},
    {"padding": ("r", "c"), "grid_shape": (2, 3), "assignment": table(2, 3)},
    {"convolution": "plain", "grid_shape": (3, 4), "assignment": table(3, 4)},
]


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_same_numbers(settings: dict[str, Any]) -> None:
    network = trained(**settings)
    fast = FastGridConv(network)
    for batch in (0, 1, 3, 65):
        keypoints = torch.randn(batch, 17, 2)
        with torch.inference_mode():
            expected = network(keypoints)
        # Sums of some 200 products in another order: a few times the rounding of single precision.
        limit = 1e-5 * float(expected.abs().max()) if batch else 0.0
        torch.testing.assert_close(fast(keypoints), expected, atol=limit, rtol=0.0)


def test_the_published_structure_gives_the_same() -> None:
    network = trained(padding=("c", "r"))
    keypoints = torch.randn(5, 17, 2)
    with torch.inference_mode():
        expected = network(keypoints)
        found = as_published(network)(keypoints)
    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=0.0)
