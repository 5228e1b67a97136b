"""Checks of what lifting networks are fed with and measured by; limits as recorded with each case."""

from __future__ import annotations

import numpy as np
import torch

from models.datasets.human36m_camera_table import studio_camera
from models.datasets.lifting_samples import select_samples
from models.evaluation.lifting import lifting_errors, procrustes
from models.lifting.semantic_grid import INITIAL_LAYOUTS, GridLayout
from models.lifting.statistics import (
    DIM_USE_2D,
    DIM_USE_3D,
    WITHOUT_TRUNK,
    RowStatistics,
    raw_dimensions,
)
from models.training.schedules import attention_temperature, continuous_rate
from tests.parity.case import Case
from tests.parity.checks_lifting import close
from tests.parity.registry import check


@check("simple_baseline_data*")
def data(case: Case) -> None:
    arrays, about = case.arrays, case.meta["camera"]
    camera = studio_camera(arrays["w0"], about["subject"], about["name"])
    for field, ours in (
        ("R", camera.rotation),
        ("T", camera.centre[:, None]),
        ("f", camera.focal[:, None]),
        ("c", camera.middle[:, None]),
        ("k", camera.radial[:, None]),
        ("p", camera.tangential[:, None]),
    ):
        close(case, f"camera {field}", ours, arrays[f"cam_{field}"])
    seen = camera.to_camera(arrays["world"])
    pixels, depth = camera.project(arrays["world"])
    close(case, "in the camera", seen, arrays["cam_pts"])
    close(case, "back in world", camera.to_world(seen), arrays["world"])
    close(case, "projected", pixels, arrays["proj"])
    close(case, "depth", depth, arrays["depth"])
    poses = seen.reshape(3, 32, 3)
    close(case, "root", poses[:, 0], arrays["root"])
    close(case, "from the root", (poses - poses[:, :1]).reshape(3, 96), arrays["centred"])
    # The recorded "back" has its root added again; it stays in the camera's axes.
    close(case, "root added again", seen, arrays["back"])
    close(case, "rows of keypoints", pixels.reshape(3, 64), arrays["pts2d"])
    np.testing.assert_array_equal(raw_dimensions(WITHOUT_TRUNK, 3), arrays["dim_use3_predict14"])
    for kind, used in (("2", DIM_USE_2D), ("3", DIM_USE_3D)):
        np.testing.assert_array_equal(used, arrays[f"dim_use{kind}"])
        statistics = RowStatistics.of(arrays[f"data{kind}"], used)
        close(case, f"mean {kind}D", statistics.mean, arrays[f"mean{kind}"])
        close(case, f"deviation {kind}D", statistics.std, arrays[f"std{kind}"])
        normalised = statistics.normalise(arrays[f"data{kind}"])
        close(case, f"normalised {kind}D", normalised, arrays[f"normalised{kind}"])
        close(case, f"restored {kind}D", statistics.unnormalise(normalised), arrays[f"unnormalised{kind}"])
    rates = [continuous_rate(int(step)) for step in arrays["lr_steps"]]
    case.within("learning rates", rates, arrays["lr_values"], 1e-9, "relative")


@check("simple_baseline_eval*")
def baseline_errors(case: Case) -> None:
    arrays = case.arrays
    statistics = RowStatistics(arrays["stat_mean"], arrays["stat_std"], arrays["stat_dim_use"])
    rows = {kind: statistics.unnormalise(arrays[f"{kind}_norm"]) for kind in ("pred", "target")}
    for kind, row in rows.items():
        close(case, f"restored {kind}", row, arrays[f"{kind}_unnorm"])
    columns = np.r_[0:3, statistics.dim_use]
    prediction, truth = (rows[kind][:, columns].reshape(-1, 17, 3) for kind in ("pred", "target"))
    nobody = [""] * len(truth)
    first = lifting_errors(prediction, truth, nobody)
    second = lifting_errors(prediction, truth, nobody, aligned=True)
    close(case, "protocol 1", first.mean_over_frames, arrays["mpjpe_p1"])
    close(case, "protocol 1 by joint", first.joints, arrays["per_joint_p1"])
    close(case, "protocol 2", second.mean_over_frames, arrays["mpjpe_p2"])
    aligned = procrustes(prediction, truth)
    close(case, "aligned", aligned.points, arrays["aligned"])
    close(case, "scale", aligned.scale, arrays["align_scale"])
    close(case, "rotation", aligned.rotation, arrays["align_rot"])
    close(case, "shift", aligned.shift, arrays["align_shift"])
    close(case, "residual", aligned.residual, arrays["align_d"])
    rigid = procrustes(prediction[:1], truth[:1], scaled=False)
    close(case, "aligned, same size", rigid.points[0], arrays["noscale_Z"])
    close(case, "residual, same size", rigid.residual[0], arrays["noscale_d"])
    close(case, "rotation, same size", rigid.rotation[0], arrays["noscale_rot"])
    loss = torch.nn.functional.mse_loss(case.tensor("pred_norm"), case.tensor("target_norm"))
    close(case, "loss", loss, arrays["loss"])


@check("gridconv_eval*")
def grid_errors(case: Case) -> None:
    arrays = case.arrays
    prediction, truth = arrays["pred_m"] * 1000.0, arrays["target_m"] * 1000.0
    for number in (1, 2):
        found = lifting_errors(prediction, truth, arrays["action"].tolist(), aligned=number == 2)
        assert list(found.actions) == arrays["actions"].tolist()
        close(case, f"mean {number}", found.mean_over_actions, arrays[f"mean_p{number}"])
        close(case, f"actions {number}", list(found.actions.values()), arrays[f"per_action_p{number}"])
        close(case, f"axes {number}", found.axes, arrays[f"per_axis_p{number}"])


@check("gridconv_layout*")
def layouts(case: Case) -> None:
    layout = GridLayout.handcrafted()
    for kind in ("2d", "3d"):
        grids = layout.grids(case.arrays[f"joints_{kind}"])
        close(case, f"grid {kind}", grids, case.arrays[f"grid_{kind}"])
        close(case, f"back {kind}", layout.joints(grids), case.arrays[f"back_{kind}"])
        inverse = layout.joints(case.arrays[f"randgrid_{kind}"])
        close(case, f"inverse {kind}", inverse, case.arrays[f"randgrid_inv_{kind}"])
    for name, table in INITIAL_LAYOUTS.items():
        np.testing.assert_array_equal(table, case.arrays[f"prior_{name}"])
    found = [attention_temperature(int(epoch), int(at), 7) for epoch, at in case.arrays["temp_epoch_iter"]]
    close(case, "temperature", found, case.arrays["temp_linear"])
    assert attention_temperature(10, 0, 7) == case.arrays["temp_after"]


@check("gridconv_dataset*")
def samples(case: Case) -> None:
    given = {kind: {} for kind in ("in2d", "in3d")}
    for name, values in case.arrays.items():
        kind, *key = name.split("|")
        if kind in given:
            given[kind][tuple(key)] = values
    # Both spellings of the key are in use.
    poses = {
        key: {("joint_3d", "joints_3d")[at % 2]: values}
        for at, (key, values) in enumerate(given["in3d"].items())
    }
    layout = GridLayout.handcrafted()
    for drift in (0, 1):
        found = select_samples(given["in2d"], poses, "test", drop_drifted=bool(drift))
        about = [
            f"{subject}|{take}|{camera}|{frame}"
            for subject, take, camera, frame in zip(
                found.subject, found.take, found.camera, found.frame, strict=True
            )
        ]
        for grid in (0, 1):
            suffix = f"drift{drift}_grid{grid}"
            assert about == case.arrays[f"info_{suffix}"].tolist()
            for name, values in (("x", found.keypoints), ("t", found.joints)):
                ours = layout.grids(values) if grid else values
                close(case, f"{name} {suffix}", ours, case.arrays[f"{name}_{suffix}"])
