"""Checks of the volumetric networks end to end; limits as stated with the cases."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.triangulation.contextpose import ContextPose, ContextPoseConfig
from models.triangulation.cuboid import pelvis
from models.triangulation.limb_prior import LimbPrior
from models.triangulation.volumetric import VolumetricConfig, VolumetricTriangulation
from models.triangulation.volumetric_losses import attention_loss, attention_target
from tests.parity.case import Case
from tests.parity.registry import check


def settings_of(config: dict[str, Any]) -> dict[str, Any]:
    """What both networks call differently from the cases."""
    return {
        "layers": config["num_layers"],
        "joints": config.get("num_joints", 17),
        "aggregation": config.get("volume_aggregation_method", "softmax"),
        "kind": config.get("kind", "mpii"),
        "voxels": config["volume_size"],
        "side_mm": config.get("cuboid_side", config.get("cuboid_size", 2500.0)),
        "multiplier": config.get("volume_multiplier", 1.0),
        "softmax": config.get("volume_softmax", True),
        "transfer": config.get("transfer_cmu_to_human36m", False),
    }


def prior_of(case: Case) -> LimbPrior:
    return LimbPrior(case.arrays["limb_mean"], case.arrays["limb_std"])


def volumetric_of(case: Case) -> VolumetricTriangulation:
    return VolumetricTriangulation(VolumetricConfig(**settings_of(case.config)))


def contextpose_of(case: Case) -> ContextPose:
    config = case.config
    return ContextPose(
        ContextPoseConfig(
            **settings_of(config),
            from_heatmaps=not config.get("use_feature_v2v", True),
            attention_channels=config.get("att_channels", 51),
            temperature=config["temperature"],
        ),
        prior_of(case),
    )


def centres_of(case: Case) -> Tensor:
    """Where the case puts its cuboids."""
    source = "keypoints_3d_gt" if case.config.get("use_gt_pelvis") else "pred_keypoints_3d"
    return pelvis(case.tensor(source)[..., :3], case.config.get("kind", "mpii"))


def run(case: Case, network: VolumetricTriangulation | ContextPose) -> tuple[Any, dict[str, Tensor]]:
    """The network's result on the case, and what went into and came out of its 3D part."""
    inner: dict[str, Tensor] = {}

    def keep(_: object, inputs: tuple[Tensor], output: Any) -> None:
        inner["volumes_in"] = inputs[0]
        inner["volumes_out"] = output[0] if isinstance(output, tuple) else output

    case.filled(network)
    handle = network.volume_net.register_forward_hook(keep)
    with torch.inference_mode():
        found = network(case.images(), case.tensor("proj_matrices"), centres_of(case), keep_volumes=True)
    handle.remove()
    return found, inner


def compare(case: Case, found: Any, inner: dict[str, Tensor]) -> None:
    arrays = case.arrays
    for name, volume in inner.items():
        scale = case.meta["output_scale"][name]
        case.within(name, case.thinned(name, volume) / scale, arrays[name] / scale, 1e-4, "relative")
        case.digest_within(name, volume, 1e-4)
    if case.config.get("volume_softmax", True):
        case.within("3D", found.joints, arrays["keypoints_3d_float64"], 0.05, "mm")
        limit = 1.2 * case.meta["float32_sum_error_mm"] + 0.05
        case.within("3D, float32", found.joints, arrays["keypoints_3d"], limit, "mm")
    else:
        case.within("3D", found.joints, arrays["keypoints_3d_float64"], 1e-5, "relative")
    case.within("base", found.cuboid.centre, arrays["base_points"], 2e-3, "mm")
    coordinates = case.thinned("coord_volumes", found.cuboid.coordinates())
    case.within("coordinates", coordinates, arrays["coord_volumes"], 2e-3, "mm")
    # A probability's error is that of its logit, 1e-4 of the largest, twice over: logit and normaliser.
    logit = 1e-4 * case.meta["output_scale"]["volumes_out"]
    case.digest_within("volumes_prob", found.volumes, 2 * logit)
    if "vol_confidences" in arrays:
        case.within("confidences", found.vol_confidences, arrays["vol_confidences"], 1e-5)
    else:
        assert case.config["volume_aggregation_method"].startswith("conf") == (
            found.vol_confidences is not None
        )


@check("vol32_*", "vol64_*")
def volumetric(case: Case) -> None:
    found, inner = run(case, volumetric_of(case))
    compare(case, found, inner)
    features = case.thinned("features", found.features)
    case.within("features", features, case.arrays["features"], 1e-4, "relative")
    case.digest_within("features", found.features, 1e-4)
    if "cuboid_position" in case.arrays:
        corner = found.cuboid.centre - found.cuboid.side / 2
        case.within("corner", corner, case.arrays["cuboid_position"], 2e-3, "mm")


@check("cp_vol*")
def contextpose(case: Case) -> None:
    found, inner = run(case, contextpose_of(case))
    compare(case, found, inner)
    arrays = case.arrays
    heatmaps = case.thinned("heatmaps", found.heatmaps)
    case.within("heatmaps", heatmaps, arrays["heatmaps"], 1e-5)
    voxels = found.cuboid.to_voxels(found.joints)
    # Recorded in float32 only, so the limit is that of the float32 joints.
    limit = (1.2 * case.meta["float32_sum_error_mm"] + 0.05) / found.cuboid.spacing
    case.within("3D, voxels", voxels, arrays["voxel_keypoints_3d"], limit, "voxels")
    case.within("attention", case.thinned("atten_global", found.attention), arrays["atten_global"], 1e-5)
    # Relative to itself an attention differs as its logits do absolutely, which are features of the network.
    case.digest_within("atten_global", found.attention, 1e-4)
    target = attention_target(found.attention_cuboid, case.tensor("keypoints_3d_gt")[..., :3])
    case.within("target", case.thinned("ga_mask_gt", target), arrays["ga_mask_gt"], 1e-6)
    loss = attention_loss(found.attention, target)
    # The difference of two nearly equal maps, each within 1e-5 of its largest value.
    case.within("attention loss", [float(loss)], [case.meta["global_attention_mse"]], 1e-4, "relative")
