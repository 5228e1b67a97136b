"""Checks of the lifting networks; limits as recorded with each case."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.lifting.fast_gridconv import FastGridConv
from models.lifting.fast_simple_baseline import FastSimpleBaseline
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.simple_baseline import SimpleBaseline, SimpleBaselineConfig
from tests.parity.case import Case, as_float64
from tests.parity.registry import check


def close(case: Case, quantity: str, got: Any, expected: Any, prefix: str = "") -> None:
    """|got - expected| <= atol + rtol |expected|, as the cases state it; noted as a share of that."""
    ours, theirs = as_float64(got), as_float64(expected)
    assert ours.shape == theirs.shape, f"{quantity}: shape {ours.shape}, expected {theirs.shape}"
    given = case.meta["tolerance"]
    allowed = given[f"{prefix}atol"] + given[f"{prefix}rtol"] * np.abs(theirs)
    case.note(quantity, float((np.abs(ours - theirs) / allowed).max()), 1.0, "of the tolerance")


def baseline_of(case: Case) -> SimpleBaseline:
    config = case.config
    return SimpleBaseline(
        SimpleBaselineConfig(
            width=config["linear_size"],
            stages=config["num_stage"],
            dropout=config["p_dropout"],
            joints_in=config.get("in_features", 32) // 2,
            joints_out=config.get("out_features", 48) // 3,
        )
    )


def gridconv_of(case: Case, **settings: Any) -> GridConv:
    config = case.config
    shape = tuple(config["grid_shape"])
    plain = "padding_mode" not in config
    learnable = case.meta["model"].endswith("autogrids")
    if shape != (5, 5) and not learnable:
        # The case never leaves the grid, so any layout does.
        settings["assignment"] = (np.arange(shape[0] * shape[1]) % 17).reshape(shape).tolist()
    return GridConv(
        GridConvConfig(
            convolution="plain" if plain else "dynamic",
            layout="learnable" if learnable else "handcrafted",
            grid_shape=shape,
            channels=config["hidden_size"],
            blocks=config["num_block"],
            padding=None if plain else config["padding_mode"],
            attention_temperature=config.get("temperature", 30.0),
            dropout=config["p_dropout"],
            initial_layout="random_prob",
            **settings,
        )
    )


@check("simple_baseline_1024*", "simple_baseline_512x3*", "simple_baseline_17in17out*")
@torch.inference_mode()
def simple_baseline(case: Case) -> None:
    network = case.filled(baseline_of(case))
    close(case, "y", network(case.tensor("x")), case.arrays["y"])
    close(case, "y, fast", FastSimpleBaseline(network)(case.tensor("x")), case.arrays["y"])


@check("gridconv_plain*")
@torch.inference_mode()
def plain(case: Case) -> None:
    network = case.filled(gridconv_of(case))
    close(case, "y", network.convolve(case.tensor("x")), case.arrays["y"])
    if "joints2d" in case.arrays:
        keypoints = case.tensor("joints2d")
        close(case, "grid", network.grids(keypoints), case.arrays["x"])
        close(case, "joints", network(keypoints), case.arrays["joints3d"])
        close(case, "joints, fast", FastGridConv(network)(keypoints), case.arrays["joints3d"])


@check("gridconv_dyn*")
@torch.inference_mode()
def dynamic(case: Case) -> None:
    network = case.filled(gridconv_of(case))
    x = case.tensor("x")
    for temperature in case.config["temperatures"]:
        network.set_attention_temperature(temperature)
        suffix = f"T{temperature:g}".replace(".", "p")
        attention = network.atten_conv1(x)
        close(case, f"attention {suffix}", attention, case.arrays[f"attention1_{suffix}"])
        if f"conv1_first8_{suffix}" in case.arrays:
            first = network.w1(x, attention)[:, :8]
            close(case, f"first layer {suffix}", first, case.arrays[f"conv1_first8_{suffix}"])
        close(case, f"y {suffix}", network.convolve(x), case.arrays[f"y_{suffix}"])
        if "joints2d" in case.arrays:
            joints = network(case.tensor("joints2d"))
            close(case, f"joints {suffix}", joints, case.arrays[f"joints3d_{suffix}"])
            fast = FastGridConv(network)(case.tensor("joints2d"))
            close(case, f"joints {suffix}, fast", fast, case.arrays[f"joints3d_{suffix}"])


@check("gridconv_auto*")
def learnable(case: Case) -> None:
    network = case.filled(gridconv_of(case))
    with torch.no_grad():
        network.sgt_layer.sgt_trans_mat.copy_(case.tensor("override/sgt_layer.sgt_trans_mat"))
    found = network.sgt_layer.assignment().reshape(1, -1)
    np.testing.assert_array_equal(found, case.arrays["assignment"])
    keypoints = case.tensor("joints2d")
    with torch.inference_mode():
        close(case, "joints", network(keypoints), case.arrays["joints3d"])
        close(case, "joints, fast", FastGridConv(network)(keypoints), case.arrays["joints3d"])
    # Only the layout trains: batch normalisation and dropout of the case are those of evaluation.
    network.sgt_layer.train()
    joints = network(keypoints)
    close(case, "joints, straight through", joints, case.arrays["joints3d_straight_through"])
    loss = torch.nn.functional.mse_loss(joints, case.tensor("target"))
    loss.backward()
    close(case, "loss", loss, case.arrays["st_loss"])
    gradient = network.sgt_layer.sgt_trans_mat.grad
    close(case, "gradient of the layout", gradient, case.arrays["st_grad"], "grad_")


def filled_variables(case: Case) -> dict[str, NDArray[np.float32]]:
    """Variables of the authors' own release, by the rule that the case states."""
    scale = float(case.meta["variable_rule"].partition("sqrt(2/in)*")[2].partition(";")[0])
    found = {}
    for name, shape in case.meta["variables"].items():
        random = case.fill.generator(name)
        if name.endswith("moving_mean"):
            value = 0.1 * random.standard_normal(shape)
        elif name.endswith(("moving_variance", "gamma")):
            value = random.uniform(0.5, 1.5, shape)
        elif len(shape) == 2:
            value = random.standard_normal(shape) * np.sqrt(2.0 / shape[0]) * scale
        else:
            value = 0.05 * random.standard_normal(shape)
        found[name] = value.astype(np.float32)
    return found


@check("simple_baseline_original*")
@torch.inference_mode()
def original(case: Case) -> None:
    from models.lifting.original_release import settings_of_original, state_of_original

    variables, limited = filled_variables(case), case.config["max_norm"]
    baked = state_of_original(variables, max_norm=limited)
    settings = settings_of_original(variables)
    network = SimpleBaseline(SimpleBaselineConfig(**settings)).eval()
    network.load_state_dict(baked)
    x: Tensor = case.tensor("x")
    close(case, "y", network(x), case.arrays["y"])
    if limited:
        live = SimpleBaseline(SimpleBaselineConfig(**settings, weight_max_norm=True)).eval()
        live.load_state_dict(state_of_original(variables, max_norm=False))
        close(case, "y, limited in use", live(x), case.arrays["y"])
        close(case, "y, limited and fast", FastSimpleBaseline(live)(x), case.arrays["y"])
