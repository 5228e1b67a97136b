"""A small picture network for real time on a CPU: heatmaps of a quarter of the size, confidences, features.

Inverted residuals (Sandler et al., MobileNetV2, CVPR 2018) down to a sixteenth of the resolution, then two
light up-samplings that take up the finer maps of the way down, told by the mean of the deepest map what the
whole picture shows. Every convolution is followed by batch
normalisation that folds into it, and by ReLU, so that runtimes find nothing unusual.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.backbones.pose_resnet import VOLUME_CHANNELS, BackboneOutput

_STAGES = ((1, 16, 1, 1), (4, 24, 2, 2), (4, 40, 3, 2), (4, 80, 4, 2), (4, 112, 3, 1))
"""Expansion, channels, blocks, stride of each stage; the stem has halved the picture before."""
_STEM = 16
_HEAD = 64
_CONFIDENCE_WIDTH = 16
_START_CONFIDENCE = -1.4
"""Logit of the confidences before training: 0.2, an error of some five pixels."""


class StudioLite(nn.Module):
    """Heatmaps, features and confidences, see ``BackboneOutput``.

    The maps are meant to be read with a sharpness of 1: their softmax is the probability of the position.

    Args:
        joints: Heatmaps, and confidences.
        width: Factor on all channels.
        alg_confidences: Add one confidence per joint.
        vol_confidences: Add one confidence per volume channel.
    """

    def __init__(
        self,
        joints: int = 26,
        width: float = 1.0,
        alg_confidences: bool = True,
        vol_confidences: bool = False,
    ) -> None:
        super().__init__()
        self.joints, self.width = joints, width
        stem, head = _scaled(_STEM, width), _scaled(_HEAD, width)
        self.stem = convolution(3, stem, 3, stride=2)
        stages: list[nn.Module] = []
        channels, sizes = stem, []
        for expansion, plain, count, stride in _STAGES:
            outputs = _scaled(plain, width)
            blocks: list[nn.Module] = []
            for number in range(count):
                blocks.append(InvertedResidual(channels, outputs, expansion, stride if number == 0 else 1))
                channels = outputs
            stages.append(nn.Sequential(*blocks))
            sizes.append(outputs)
        self.stages = nn.ModuleList(stages)
        self.deep = convolution(channels, head, 1)
        # Which way a person faces is seen at the head or the feet and decides what is left everywhere else.
        # In training it must say so, which teaches it sooner than the places of limbs do.
        self.context = nn.Sequential(nn.Linear(channels, head), nn.ReLU(inplace=True))
        self.told = nn.Linear(head, head)
        self.facing = nn.Linear(head, 2)
        self.eighth = convolution(sizes[2], head, 1)
        self.quarter = convolution(sizes[1], head, 1)
        self.mix_eighth = separable(head, head)
        self.mix_quarter = separable(head, head)
        self.alg_confidences = JointConfidences(joints, head) if alg_confidences else None
        self.vol_confidences = nn.Linear(channels, VOLUME_CHANNELS) if vol_confidences else None
        self.final_layer = nn.Conv2d(head, joints, 1)
        self.feature_channels = head
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.final_layer.weight, std=0.01)
        assert self.final_layer.bias is not None
        nn.init.zeros_(self.final_layer.bias)

    def forward(self, images: Tensor) -> BackboneOutput:
        """(N, 3, H, W) normalised pictures, H and W multiples of 16, to maps a quarter as large."""
        x = self.stem(images)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        whole = x.mean(dim=(2, 3))
        volume = None if self.vol_confidences is None else self.vol_confidences(whole).sigmoid()
        context = self.context(whole)
        deep = self.deep(x) + self.told(context)[:, :, None, None]
        up = self.mix_eighth(_doubled(deep) + self.eighth(maps[2]))
        features = self.mix_quarter(_doubled(up) + self.quarter(maps[1]))
        heatmaps = self.final_layer(features)
        confidences = None if self.alg_confidences is None else self.alg_confidences(features, heatmaps)
        facing = self.facing(context) if self.training else None
        return BackboneOutput(heatmaps, features, confidences, volume, facing)


class JointConfidences(nn.Module):
    """How near the truth each joint's position is, from the features where the heatmap puts it.

    Args:
        joints: Heatmaps.
        channels: Of the features.
    """

    def __init__(self, joints: int, channels: int) -> None:
        super().__init__()
        self.joints = joints
        seen = channels + 1
        # a small network of its own for each joint
        self.hidden = nn.Conv1d(joints * seen, joints * _CONFIDENCE_WIDTH, 1, groups=joints)
        self.output = nn.Conv1d(joints * _CONFIDENCE_WIDTH, joints, 1, groups=joints)
        assert self.output.bias is not None
        nn.init.constant_(self.output.bias, _START_CONFIDENCE)

    def forward(self, features: Tensor, heatmaps: Tensor) -> Tensor:
        """(N, C, h, w) and (N, J, h, w) to (N, J) in (0, 1).

        Positions are taken as they are: no gradient flows into the heatmaps from here.
        """
        probability = heatmaps.detach().flatten(2).softmax(dim=2)
        found = probability @ features.flatten(2).transpose(1, 2)
        peak = probability.amax(dim=2, keepdim=True)
        seen = torch.cat((found, peak), dim=2).flatten(1).unsqueeze(2)
        logits: Tensor = self.output(self.hidden(seen).relu())
        return logits.squeeze(2).sigmoid()


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; with a shortcut where shapes allow."""

    def __init__(self, channels: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = channels * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [convolution(channels, wide, 1)]
        layers += [
            convolution(wide, wide, 3, stride=stride, groups=wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and channels == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to (N, outputs, h / stride, w / stride)."""
        found: Tensor = self.layers(x)
        return x + found if self.shortcut else found


def convolution(channels: int, outputs: int, size: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, outputs, size, stride, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def separable(channels: int, outputs: int) -> nn.Sequential:
    """Each channel by itself over 5 x 5 pixels, then all channels of a pixel."""
    return nn.Sequential(
        convolution(channels, channels, 5, groups=channels),
        convolution(channels, outputs, 1),
    )


def _doubled(maps: Tensor) -> Tensor:
    return nn.functional.interpolate(maps, scale_factor=2.0, mode="nearest")


def _scaled(channels: int, width: float) -> int:
    """A multiple of eight, which processors like."""
    return max(8, round(channels * width / 8) * 8)
