"""The forms of a network that are timed against each other say the same."""

from __future__ import annotations

import pytest
import torch

from models.backbones.efficientnet_v2 import efficientnet_v2
from models.compared_forms import compare
from models.inference_benchmark import benchmark_inference, fold_batch_norm


def test_lifters_in_all_forms_agree() -> None:
    before = torch.get_num_threads()
    found = benchmark_inference((1,), rounds=1, crops=())
    assert torch.get_num_threads() == before
    assert found["threads"] == 1
    baseline, grid = (found["networks"][name]["1"] for name in ("simple_baseline", "gridconv"))
    assert baseline["published structure"]["ratio"] == 1.0
    assert baseline["published structure"]["largest_difference"] == 0.0
    # sums of 1024 products in single precision, through six layers
    assert baseline["folded"]["largest_difference"] < 1e-4
    assert grid["shared products"]["largest_difference"] < 0.05  # mm
    assert grid["shared products"]["wall_ms"] > 0.0
    assert found["networks"]["metrabs_crop"] == {}


def test_differences_of_poses_are_distances() -> None:
    still = torch.zeros(2, 3, 3)
    moved = torch.tensor([3.0, 4.0, 0.0]).expand(2, 3, 3) / 1000.0
    found = compare({"first": lambda: still, "second": lambda: moved}, 1, 1000.0)
    assert found["second"].largest_difference == pytest.approx(5.0)
    assert found["second"].mean_difference == pytest.approx(5.0)


def test_folding_keeps_every_number() -> None:
    torch.manual_seed(0)
    network = efficientnet_v2("s", centered_stride=True).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(images)
        fold_batch_norm(network)
        after = network(images)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    # forty layers of single precision
    assert float((after - before).abs().max()) < 1e-3 * float(before.abs().max())
