"""The picture network: shapes, what it refuses, and that its layout does not depend on the picture's."""

from __future__ import annotations

import pytest
import torch

from models.backbones.pose_resnet import LAYERS, PoseResNet


@pytest.mark.parametrize("depth", LAYERS)
@pytest.mark.parametrize("style", ["simple", "caffe"])
def test_shapes(depth: int, style: str) -> None:
    with torch.device("meta"):
        network = PoseResNet(depth, 5, style, alg_confidences=True, vol_confidences=True)
        out = network(torch.empty(2, 3, 128, 192))
    assert out.heatmaps.shape == (2, 5, 32, 48)
    assert out.features.shape == (2, 256, 32, 48)
    assert out.alg_confidences.shape == (2, 5)
    assert out.vol_confidences.shape == (2, 32)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="depth"):
        PoseResNet(20)
    with pytest.raises(ValueError, match="style"):
        PoseResNet(18, style="fancy")
    network = PoseResNet(18, alg_confidences=True).eval()
    with pytest.raises(ValueError, match="128 x 128"):
        network(torch.zeros(1, 3, 96, 96))


def test_memory_order_of_channels_does_not_matter() -> None:
    torch.manual_seed(0)
    network = PoseResNet(18, 5, alg_confidences=True).eval()
    images = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        plain = network(images)
        last = network.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    for name in ("heatmaps", "features", "alg_confidences"):
        torch.testing.assert_close(getattr(last, name), getattr(plain, name), atol=1e-4, rtol=1e-4)
