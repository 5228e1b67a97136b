"""Which picture network a triangulation network stands on."""

from __future__ import annotations

from typing import Literal

from torch import nn

from models.backbones.pose_resnet import PoseResNet
from models.backbones.residual_blocks import Style
from models.backbones.studio_lite import StudioLite

BackboneKind = Literal["pose_resnet", "studio_lite"]
"""``pose_resnet`` is the one of all published weights."""

Backbone = PoseResNet | StudioLite
"""Both return a ``BackboneOutput`` and say in ``feature_channels`` how many channels its features have."""


def build_backbone(
    kind: BackboneKind,
    depth: int,
    joints: int,
    style: Style,
    *,
    alg_confidences: bool = False,
    vol_confidences: bool = False,
) -> Backbone:
    """A backbone with random weights; ``depth`` and ``style`` are of ``PoseResNet`` alone."""
    if kind == "studio_lite":
        return StudioLite(joints, alg_confidences=alg_confidences, vol_confidences=vol_confidences)
    return PoseResNet(depth, joints, style, alg_confidences, vol_confidences)


def freeze_final_layer(backbone: nn.Module) -> None:
    """Exclude the layer that makes heatmaps from training."""
    for parameter in backbone.get_submodule("final_layer").parameters():
        parameter.requires_grad_(False)
