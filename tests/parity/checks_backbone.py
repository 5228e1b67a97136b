"""Checks of the picture network."""

from __future__ import annotations

import torch

from models.backbones.pose_resnet import PoseResNet
from tests.parity.case import Case
from tests.parity.registry import check


def backbone_of(case: Case) -> PoseResNet:
    config = case.config
    return PoseResNet(
        config["num_layers"],
        config["num_joints"],
        config["style"],
        config["alg_confidences"],
        config["vol_confidences"],
    )


@check("pose_resnet*_keys")
def layout(case: Case) -> None:
    own = {name: list(value.shape) for name, value in backbone_of(case).state_dict().items()}
    assert list(own.items()) == list(case.keys.items())


@check("pose_resnet18*", "pose_resnet50*", "pose_resnet152*")
def outputs(case: Case) -> None:
    if "image_block" not in case.meta:
        return  # names only: checked by ``layout``
    network = case.filled(backbone_of(case))
    with torch.inference_mode():
        out = network(case.images())
    scale = case.meta["output_scale"]["features"]
    case.within("heatmaps", case.thinned("heatmaps", out.heatmaps), case.arrays["heatmaps"], 1e-5)
    features = case.thinned("features", out.features) / scale
    case.within("features", features, case.arrays["features"] / scale, 1e-4, "relative")
    for name in ("alg_confidences", "vol_confidences"):
        head = getattr(out, name)
        assert (head is None) == (name not in case.arrays)
        if head is not None:
            case.within(name, head, case.arrays[name], 1e-5)
    case.digest_within("heatmaps", out.heatmaps, 1e-5)
    case.digest_within("features", out.features, 1e-4)
