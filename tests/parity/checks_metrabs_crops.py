"""Checks of virtual cameras and the crops they see."""

from __future__ import annotations

import torch

from models.metrabs.augmentation import spread_out
from models.metrabs.crops import cut_crops, pyramid_levels
from models.metrabs.virtual_camera import VirtualCameras, straight_cameras, virtual_cameras
from tests.parity.case import Case
from tests.parity.checks_metrabs import close
from tests.parity.registry import check


@check("metrabs_geometry")
def spacing(case: Case) -> None:
    case.within("gamma of one", spread_out(1).gamma, case.arrays["linspace_0p6_1_n1"], 1e-6)
    case.within("gamma of five", spread_out(5).gamma, case.arrays["linspace_0p6_1_n5"], 1e-6)
    case.within("zoom out of five", spread_out(5).scale[:2], case.arrays["linspace_0p8_1_n2_open"], 1e-6)


@check("metrabs_crops", "metrabs_crops_distorted")
def crops(case: Case) -> None:
    config, limit = case.config, case.meta["tolerance"]["matrices_atol"]
    side = config["crop_side"]
    boxes, intrinsics, distortion, up = (
        case.tensor(name, torch.float64) for name in ("boxes", "intrinsics", "distortion", "camspace_up")
    )
    augmentation = spread_out(config["num_aug"])
    case.within("aug_gamma", augmentation.gamma, case.arrays["aug_gamma"], 1e-6)
    case.within("aug_scale", augmentation.scale, case.arrays["aug_scale"], 1e-6)
    case.within("aug_flip", augmentation.mirrored, case.arrays["aug_flip"], 0.0)
    case.within("aug_rotflip", augmentation.rotation, case.arrays["aug_rotflip"], 1e-6)
    facing, scale = straight_cameras(boxes[:, :4], intrinsics, distortion, up, side)
    case.within("R_noaug", facing, case.arrays["R_noaug"], limit)
    case.within("box_scale", scale, case.arrays["box_scale"], limit)
    cameras = virtual_cameras(boxes[:, :4], intrinsics, distortion, up, augmentation, side)
    case.within("R", cameras.rotation.transpose(0, 1), case.arrays["R"], limit)
    close(case, "new_intrinsics", cameras.intrinsics.transpose(0, 1), atol=limit)
    levels = pyramid_levels(cameras.scale).T
    case.within("pyramid_level_aa1", levels, case.arrays["pyramid_level_aa1"], 0.0)
    for antialias in config["antialias_factors"]:
        ours = torch.empty(len(boxes), len(augmentation), 3, side, side)
        for image in case.tensor("image_ids").unique().tolist():
            own = case.tensor("image_ids") == image
            ours[own] = cut_crops(
                case.tensor("images_u8")[image],
                VirtualCameras(cameras.rotation[own], cameras.intrinsics[own], cameras.scale[own]),
                intrinsics[own][0],
                distortion[own][0],
                augmentation.gamma,
                side,
                antialias,
            )
        close(case, f"crops_aa{antialias}", ours.transpose(0, 1))
