"""Hands the expensive parts of the triangulation networks to a runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from models.backbones.choice import Backbone
from models.backbones.pose_resnet import BackboneOutput, PoseResNet
from models.backbones.studio_lite import StudioLite
from models.runtimes.openvino_module import OpenVinoModule


def run_with_openvino(network: nn.Module, threads: int | None = None) -> None:
    """Replace backbone and 3D network of a triangulation network by OpenVINO; in place.

    Args:
        network: In evaluation mode, on the CPU, with its weights.
        threads: CPU threads; OpenVINO's choice by default.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """
    backbone = network.get_submodule("backbone")
    assert isinstance(backbone, PoseResNet | StudioLite)
    network.backbone = openvino_backbone(backbone, threads)
    if hasattr(network, "volume_net"):
        network.volume_net = openvino_volume_net(network.get_submodule("volume_net"), threads)


def openvino_backbone(backbone: Backbone, threads: int | None = None) -> OpenVinoModule:
    """A backbone with the same outputs, see ``BackboneOutput``."""
    has_alg, has_vol = backbone.alg_confidences is not None, backbone.vol_confidences is not None

    def restore(found: Sequence[Tensor]) -> BackboneOutput:
        rest: Iterator[Tensor] = iter(found[2:])
        alg = next(rest) if has_alg else None
        return BackboneOutput(found[0], found[1], alg, next(rest) if has_vol else None)

    return OpenVinoModule(backbone, _present, restore, threads)


def openvino_volume_net(volume_net: nn.Module, threads: int | None = None) -> OpenVinoModule:
    """V2V, or the 3D network of ContextPose, which also returns its attention."""

    def restore(found: Sequence[Tensor]) -> Any:
        return found[0] if len(found) == 1 else tuple(found)

    return OpenVinoModule(volume_net, _present, restore, threads)


def _present(output: Any) -> tuple[Tensor, ...]:
    if isinstance(output, Tensor):
        return (output,)
    return tuple(each for each in output if each is not None)
