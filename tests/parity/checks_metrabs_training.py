"""Checks of what training of MeTRAbs needs: losses, cameras, depths from bones, colours."""

from __future__ import annotations

import numpy as np
import torch

from models.metrabs.bone_depth import root_depths
from models.metrabs.losses import (
    MetrabsLosses,
    label_joints,
    off_manifold,
    recoded,
    standardised_to,
)
from models.metrabs.picture_colours import gamma_corrected, white_balanced
from models.metrabs.train_camera import TrainCamera, crop_camera
from tests.parity.case import Case
from tests.parity.checks_metrabs import close
from tests.parity.registry import check


@check("metrabs_absolute")
def alignment(case: Case) -> None:
    got = standardised_to(*(case.tensor(name) for name in ("align_pred", "align_true", "align_mask")))
    close(case, "align_out", got, atol=case.meta["tolerance"]["exact_functions_atol"], unit="px")


@check("metrabs_losses")
def losses(case: Case) -> None:
    config = case.config
    terms = MetrabsLosses(config["proc_side"], config["box_size_mm"], config["absloss_factor"])
    poses, truth, intrinsics, valid = (
        case.tensor(name) for name in ("pred3d", "true3d", "intrinsics", "mask")
    )
    flat, labels, flat_intrinsics, flat_valid = (
        case.tensor(name) for name in ("pred3d_2dbatch", "true2d_2dbatch", "intrinsics_2dbatch", "mask2d")
    )
    encoder, decoder = case.tensor("encoder"), case.tensor("decoder")
    joints = label_joints(tuple(case.meta["joint_names"]), tuple(case.meta["joint_names_2d"]))

    def spatial(values: torch.Tensor) -> torch.Tensor:
        return terms.with_depth(values, truth, intrinsics, valid)

    def pictorial(values: torch.Tensor) -> torch.Tensor:
        return terms.in_picture(values, labels, flat_intrinsics, flat_valid, joints)

    factor = config["loss2d_factor"]
    close(case, "loss_3dbatch", spatial(poses))
    close(case, "loss_2dbatch", pictorial(flat))
    loss = spatial(poses) + factor * pictorial(flat)
    close(case, "loss", loss)
    regular = off_manifold(poses, encoder, decoder) + factor * off_manifold(flat, encoder, decoder)
    close(case, "loss_regularised", loss + config["manifold_factor"] * regular)

    totals = []
    for suffix, supervised, joint_poses, matrix, share in (
        ("", spatial, poses, intrinsics, 1.0),
        ("_2dbatch", pictorial, flat, flat_intrinsics, 0.5),
    ):
        latents = case.tensor(f"pred_latent{suffix}")
        decoded = torch.einsum("nlc,lj->njc", latents, decoder)
        encoded = torch.einsum("njc,jl->nlc", joint_poses, encoder)
        parts = {
            "allhead_vs_gt": (supervised(joint_poses), 1.0),
            "latentheadreconstruction_vs_gt": (supervised(decoded), 1.0),
            "allhead_ae_vs_gt": (supervised(recoded(joint_poses, encoder, decoder)), 1.0),
            "allhead_vs_reconstr": (off_manifold(joint_poses, encoder, decoder), share),
            "latenthead_vs_latents_from_allhead": (terms.to_latents(latents, encoded, matrix), share),
        }
        for name, (part, _) in parts.items():
            close(case, f"hybrid_loss_{name}{suffix}", part)
        totals.append(sum((part * weight for part, weight in parts.values()), torch.zeros(())))
        close(case, f"hybrid_loss{suffix or '_3dbatch'}", totals[-1])
    close(case, "hybrid_loss", totals[0] + factor * totals[1])
    # The case aligned points to one and a half times themselves, three pixels on.
    given = case.tensor("aligned2d_in")
    close(case, "aligned2d", standardised_to(given, 1.5 * given + 3.0, valid), atol=0.01, unit="px")


@check("metrabs_bone_depth")
def bone_depth(case: Case) -> None:
    arrays = case.arrays
    got = root_depths(arrays["x"], arrays["delta_z"], arrays["edges"], arrays["bone_lengths"])
    close(case, "z_offset", torch.from_numpy(got), unit="mm")
    pose = arrays["x"] * (arrays["delta_z"] + got[:, None])[..., None]
    close(case, "pose", torch.from_numpy(pose), unit="mm")


@check("metrabs_colour")
def colours(case: Case) -> None:
    case.within("gamma_lut", gamma_corrected(np.arange(256, dtype=np.uint8)), case.arrays["gamma_lut"], 0.0)
    limit = case.meta["tolerance"]["atol"]
    image = case.arrays["image"]
    case.within("gamma_0p67", gamma_corrected(image), case.arrays["gamma_0p67"], 0.0)
    balanced = white_balanced(image, 110, 145)
    case.within("white_balance_110_145", balanced, case.arrays["white_balance_110_145"], limit)


DIRECTION = 3e-4
"""The original goes through points 1 mm ahead of the camera, in the world and in single precision.

At 2 to 4 m from the origin these are rounded by 1.2e-4 in each coordinate; repeated so, its directions are
ours to 4e-8.
"""


@check("metrabs_train_camera")
def train_camera(case: Case) -> None:
    arrays = case.arrays
    for row in range(len(arrays["cam_R"])):
        camera = TrainCamera(*(arrays[f"cam_{name}"][row] for name in ("R", "t", "K", "dist")))
        crop = crop_camera(camera, arrays["box"][row], 256, np.array([0.0, 0.0, 1.0]))
        turned = crop.zoomed(arrays["zoom"][row]).rolled(arrays["roll"][row])
        final = turned.mirrored()
        for name, rotation in (
            ("crop_R", crop.rotation),
            ("aug_R", turned.rotation),
            ("flip_R", final.rotation),
            ("rot_to_orig_cam", camera.rotation @ final.rotation.T),
        ):
            case.within(f"{name} {row}", rotation, arrays[name][row], DIRECTION)
        for name, intrinsics in (("crop_K", crop.intrinsics), ("aug_K", turned.intrinsics)):
            # A box is about 0.2 across as seen from a distance of 1: both of its sides are rounded.
            case.within(f"{name} {row}", intrinsics, arrays[name][row], 2 * DIRECTION / 0.2, "relative")
        recorded = TrainCamera(arrays["flip_R"][row], camera.centre, arrays["aug_K"][row], np.zeros(5))
        limit, world = case.meta["tolerance"]["atol"], arrays["world"][row]
        case.within(f"camcoords {row}", recorded.to_camera(world), arrays["camcoords"][row], limit, "mm")
        case.within(f"imcoords {row}", recorded.to_picture(world), arrays["imcoords"][row], limit, "px")
