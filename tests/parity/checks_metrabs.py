"""Checks of the MeTRAbs crop network and its parts."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from models.backbones.efficientnet_v2 import efficientnet_v2
from models.metrabs.absolute import (
    absolute_pose,
    in_view,
    normalised_points,
    on_rays,
    project,
    translation_full,
    translation_weak,
)
from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel
from models.metrabs.geometry import corner_scaling, default_intrinsics, look_at, roll
from models.metrabs.heads import HeatmapScale, MetrabsHeads, expected_points
from models.metrabs.lens import distort, undistort
from tests.parity.case import Case
from tests.parity.registry import check

CONVENTIONS = {"centered": (True, False), "plain": (False, False), "legacy": (False, True)}


def close(
    case: Case, name: str, got: Tensor, *, atol: float | None = None, unit: str = "", of: str = ""
) -> None:
    """As the metadata say: |got - expected| <= atol + rtol |expected|; noted in shares of it, times atol."""
    tolerance = case.meta["tolerance"]
    atol = tolerance["atol"] if atol is None else atol
    expected = case.arrays[of or name].astype(np.float64)
    ours = got.detach().double().numpy()
    assert ours.shape == expected.shape, f"{name}: shape {ours.shape}, expected {expected.shape}"
    share = np.abs(ours - expected) / (atol + tolerance["rtol"] * np.abs(expected))
    case.note(name, float(share.max()) * atol, atol, unit)


def crop_network(case: Case, points: int) -> MetrabsCropModel:
    """The network of a case with its weights; ``tie_heads`` as the metadata describe it."""
    config = case.config
    settings = {name: config[name] for name in MetrabsConfig.model_fields if name in config}
    network = case.filled(MetrabsCropModel(MetrabsConfig(points=points, **settings)))
    alpha = case.meta["tie_heads"]["alpha"]
    final = network.heatmap_heads.conv_final
    with torch.no_grad():
        for values in (final.weight, final.bias):
            values[points:] = values[:points].repeat(config["depth"], *[1] * (values.dim() - 1)) + (
                alpha * values[points:]
            )
    return network


@check("metrabs_geometry")
def geometry(case: Case) -> None:
    got = look_at(case.tensor("forward"), case.tensor("up"))
    # The last direction is parallel to up, where the original has no answer (NaN) but z.
    expected = case.arrays["lookat"]
    case.within("lookat", got[:-1], expected[:-1], 1e-5)
    case.within("lookat, z of the last", got[-1, 2], expected[-1, 2], 1e-5)
    for row, ((height, width), fov) in enumerate(
        zip(case.arrays["fov_shape_hw"].tolist(), case.arrays["fov_degrees"].tolist(), strict=True)
    ):
        ours = default_intrinsics(height, width, fov)
        case.within(f"field of view {row}", ours, case.arrays["fov_intrinsics"][row], 1e-6, "relative")
    # Turns around x and y are recorded too, but no part of the system makes one.
    case.within("rot_z", roll(case.tensor("angles")), case.arrays["rot_z"], 1e-6)
    for row, factor in enumerate(case.arrays["corner_scale_factors"].tolist()):
        case.within(f"corners {row}", corner_scaling(factor), case.arrays["corner_scale"][row], 1e-6)
    points = case.tensor("points")
    for name in ("d5", "d12"):
        coefficients = case.tensor(name)
        close(case, f"distorted_{name}", distort(points, coefficients))
        close(case, f"undistorted_{name}", undistort(case.tensor(f"distorted_{name}"), coefficients))
        close(case, f"distorted_single_{name}", distort(points[0], coefficients[0]))


@check("metrabs_heads")
def heads(case: Case) -> None:
    config = case.config
    network = case.filled(MetrabsHeads(config["n_points"], config["depth"], config["in_channels"]))
    with torch.inference_mode():
        logits = network.conv_final(case.tensor("features"))
        close(case, "logits", logits, atol=1e-5)
        points = config["n_points"]
        close(case, "soft_argmax_2d", expected_points(logits[:, :points])[0], atol=1e-5)
        volume = logits[:, points:].unflatten(1, (config["depth"], points)).transpose(1, 2)
        close(case, "soft_argmax_3d", expected_points(volume)[0], atol=1e-5)
        for name, (centered, legacy) in CONVENTIONS.items():
            scale = HeatmapScale(
                config["proc_side"], config["stride"], config["box_size_mm"], centered, legacy
            )
            reading = network(case.tensor("features"), scale)
            close(case, f"coords2d_{name}", reading.pixels, unit="px")
            close(case, f"coords3d_{name}", reading.metric, unit="mm")


@check("metrabs_absolute", "metrabs_absolute_tf")
def absolute(case: Case) -> None:
    pixels, metric, intrinsics = (case.tensor(name) for name in ("coords2d", "coords3d_rel", "intrinsics"))
    side, stride = case.config["proc_side"], case.config["stride_train"]
    points = normalised_points(pixels, intrinsics)
    seen = in_view(pixels, side, stride, centered=True)
    for weak in (False, True):
        kind = "weak" if weak else "full"
        for mix in (None, 0.2, 0.5, 1.0):
            name = f"abs_{kind}_mix{mix}"
            # Batch-wide normalisation is left behind on purpose; weak perspective never had it.
            target = name if weak else f"{name}_one_by_one"
            if target in case.arrays:
                close(case, target, absolute_pose(points, metric, seen, mix, weak=weak), unit="mm")
    if "abs2020_weak" in case.arrays:
        first = in_view(pixels, side, stride, margin=1.0, centered=True)
        close(case, "abs2020_weak", absolute_pose(points, metric, first, None, weak=True), unit="mm")


@check("metrabs_absolute")
def absolute_parts(case: Case) -> None:
    pixels, metric, intrinsics = (case.tensor(name) for name in ("coords2d", "coords3d_rel", "intrinsics"))
    side, stride = case.config["proc_side"], case.config["stride_train"]
    points = normalised_points(pixels, intrinsics)
    exact = case.meta["tolerance"]["exact_functions_atol"]
    close(case, "normalised2d", points, atol=1e-5)
    for name, margin in (("in_fov", 0.75), ("in_fov_border0", 0.0), ("in_fov_border_m20", -20.0)):
        ours = in_view(pixels, side, stride, margin=margin, centered=True)
        np.testing.assert_array_equal(ours.numpy(), case.arrays[name], err_msg=name)
    seen = case.tensor("in_fov")
    close(case, "ref_full_one_by_one", translation_full(points, metric, seen), unit="mm")
    close(case, "ref_weak", translation_weak(points, metric, seen), unit="mm")
    nothing = torch.zeros_like(seen)
    close(case, "ref_weak_nothing_valid", translation_weak(points, metric, nothing), unit="mm")
    depth = metric[..., 2:] + case.tensor("ref_full")[:, None, 2:]
    close(case, "back_project", on_rays(points, depth), atol=exact, unit="mm")
    close(case, "project_out", project(case.tensor("project_in"), intrinsics), atol=exact, unit="px")
    for cells in (4, 16, 32):
        for name, (centered, legacy) in CONVENTIONS.items():
            scale = HeatmapScale(side, cells, case.config["box_size_mm"], centered, legacy)
            heat = case.tensor("heat")
            for kind, got in (
                ("image", scale.to_pixels(heat[..., :2])),
                ("metric", scale.to_millimetres(heat)),
                ("25d", scale.to_pixels_and_depth(heat)),
            ):
                close(case, f"to_{kind}_s{cells}_{name}", got, atol=exact)


@check("metrabs_backbone_*")
def backbone(case: Case) -> None:
    class Holder(nn.Module):
        """The names of the case begin with ``backbone.``."""

        def __init__(self, centered: bool) -> None:
            super().__init__()
            self.backbone = efficientnet_v2(case.config["efficientnet_size"], centered_stride=centered)

    images = case.tensor("image_u8").float() / 255.0
    for name in ("centered", "plain"):
        network = case.filled(Holder(name == "centered")).backbone
        with torch.inference_mode():
            x = network[0](images)
            for number, stage in enumerate(network[1]):
                x = stage(x)
                if name == "centered":
                    means = x.abs().mean(dim=(0, 2, 3))[:8]
                    close(case, f"stage{number}_mean_abs", means)
        close(case, f"features_{name}", x)


@check("metrabs_crop_s_*")
def crop_model(case: Case) -> None:
    points = len(case.meta["joint_names"])
    network = crop_network(case, points)
    images = case.tensor("image_u8").float() / 255.0
    tolerance = case.meta["tolerance"]
    with torch.inference_mode():
        reading = network.read(images)
        poses, confidences = network(images, case.tensor("intrinsics"))
    close(case, "coords2d", reading.pixels, atol=tolerance["coords2d_atol"], unit="px")
    close(case, "coords3d_rel", reading.metric, atol=tolerance["coords3d_atol"], unit="mm")
    close(case, "poses3d_one_by_one", poses, unit="mm")
    assert ((confidences > 0) & (confidences <= 1)).all()
