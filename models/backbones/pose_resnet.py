"""The picture network of all learned triangulators: residual trunk, three up-samplings, one map per joint."""

from __future__ import annotations

from typing import NamedTuple, get_args

from torch import Tensor, nn

from models.backbones.confidence_head import ConfidenceHead
from models.backbones.residual_blocks import BasicBlock, Bottleneck, Style

LAYERS: dict[int, tuple[type[BasicBlock | Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}
"""Depth: block and number of blocks in each of the four layers."""

FEATURES = 256
"""Channels of the feature map that the heatmaps are made from."""

VOLUME_CHANNELS = 32
"""Channels that features are reduced to before they enter a volume; one volume confidence for each."""


class BackboneOutput(NamedTuple):
    """What the backbone says about N pictures of H x W px.

    Attributes:
        heatmaps: (N, J, H/4, W/4) raw values, no activation.
        features: (N, 256, H/4, W/4), what the heatmaps were made from.
        alg_confidences: (N, J) in (0, 1), or None without that head.
        vol_confidences: (N, 32) in (0, 1), or None without that head.
        facing: (N, 2) direction of the person's left in the picture and into it, or None; only in training.
    """

    heatmaps: Tensor
    features: Tensor
    alg_confidences: Tensor | None
    vol_confidences: Tensor | None
    facing: Tensor | None = None


class PoseResNet(nn.Module):
    """ResNet with three transposed convolutions (Xiao et al., Simple Baselines, ECCV 2018) and confidences.

    Names, order and shapes of the parameters are those of the weights that Iskakov et al. (ICCV 2019)
    released, which expect pictures with blue first, normalised as ``models/crops`` does.

    Args:
        depth: 18, 34, 50, 101 or 152.
        joints: Heatmaps, and outputs of the confidence head.
        style: Where bottlenecks halve the resolution; "caffe" uses bottlenecks at every depth.
        alg_confidences: Add the head with one confidence per joint.
        vol_confidences: Add the head with one confidence per volume channel.
        final_channels: Outputs of the last layer where they are not the joints.

    Raises:
        ValueError: No such depth or style.
    """

    def __init__(
        self,
        depth: int = 152,
        joints: int = 17,
        style: Style = "simple",
        alg_confidences: bool = False,
        vol_confidences: bool = False,
        final_channels: int | None = None,
    ) -> None:
        super().__init__()
        if depth not in LAYERS:
            raise ValueError(f"depth is one of {', '.join(map(str, LAYERS))}, not {depth}")
        if style not in get_args(Style):
            raise ValueError(f"style is one of {', '.join(get_args(Style))}, not {style!r}")
        block, counts = LAYERS[depth]
        if style == "caffe":
            block = Bottleneck
        self.depth, self.joints, self.style = depth, joints, style
        self.feature_channels = FEATURES
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = residual_layer(block, 64, 64, counts[0], 1, style)
        self.layer2 = residual_layer(block, 64 * block.expansion, 128, counts[1], 2, style)
        self.layer3 = residual_layer(block, 128 * block.expansion, 256, counts[2], 2, style)
        self.layer4 = residual_layer(block, 256 * block.expansion, 512, counts[3], 2, style)
        trunk = 512 * block.expansion
        # The heads stand before the up-sampling: the order of entries is part of the file format.
        self.alg_confidences = ConfidenceHead(trunk, joints) if alg_confidences else None
        self.vol_confidences = ConfidenceHead(trunk, VOLUME_CHANNELS) if vol_confidences else None
        self.deconv_layers = upsampling(trunk, FEATURES)
        self.final_layer = nn.Conv2d(FEATURES, final_channels or joints, 1)
        self._start()

    def forward(self, images: Tensor) -> BackboneOutput:
        """(N, 3, H, W) normalised pictures to heatmaps, features and confidences."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        alg = None if self.alg_confidences is None else self.alg_confidences(x)
        vol = None if self.vol_confidences is None else self.vol_confidences(x)
        features = self.deconv_layers(x)
        return BackboneOutput(self.final_layer(features), features, alg, vol)

    def _start(self) -> None:
        """Random start: He et al. (ICCV 2015) in the trunk, small maps (Xiao et al.) behind it."""
        for name, module in self.named_modules():
            if isinstance(module, nn.ConvTranspose2d) or name == "final_layer":
                nn.init.normal_(module.weight, std=0.001)
                if name == "final_layer":
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Conv2d) and "confidences" not in name:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def residual_layer(
    block: type[BasicBlock | Bottleneck], channels: int, width: int, count: int, stride: int, style: Style
) -> nn.Sequential:
    """``count`` blocks, the first with the stride."""
    outputs = width * block.expansion
    first = block(channels, width, stride, style)
    return nn.Sequential(first, *(block(outputs, width, 1, style) for _ in range(count - 1)))


def upsampling(channels: int, width: int) -> nn.Sequential:
    """Three transposed convolutions, each doubling rows and columns."""
    layers: list[nn.Module] = []
    for inputs in (channels, width, width):
        layers += [
            nn.ConvTranspose2d(inputs, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
