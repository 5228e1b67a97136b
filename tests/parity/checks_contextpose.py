"""Checks of ContextPose's functions; limits as stated with the cases."""

from __future__ import annotations

import torch

from models.triangulation.cuboid import Cuboid, vertical_rotation
from models.triangulation.limb_attention import LimbAttention, limb_kernels
from models.triangulation.limb_prior import LimbPrior, limb_length_error
from models.triangulation.soft_argmax import integrate_volumes
from models.triangulation.unprojection import SamplingRule, unproject
from models.triangulation.volumetric_losses import attention_target
from tests.parity.case import Case
from tests.parity.checks_volumetric import prior_of
from tests.parity.registry import check


@check("fn_cp_attention*")
def attention(case: Case) -> None:
    prior = prior_of(case)
    for index, row in enumerate(case.meta["rows"]):
        size, side, temperature = row["shape"][0], row["cuboid_size"], row["temperature"]
        block = LimbAttention(
            row["in_channels"],
            row["out_channels"],
            prior,
            size=size,
            side_mm=side,
            temperature=temperature,
        ).eval()
        keys = row["keys"]
        case.fill.load_state(block, keys, gains=case.meta["gains"], salt=case.meta["salt"])
        with torch.inference_mode():
            mixed, weights = block(case.tensor(f"x{index}"))
        case.within(f"features {index}", mixed, case.arrays[f"out{index}"], 1e-4, "relative")
        case.within(f"attention {index}", weights, case.arrays[f"atten{index}"], 1e-5)
        kernel = limb_kernels(prior, size, side, temperature)[row["pairwise_limb"]]
        rows = kernel[:: row["pairwise_row_step"]]
        case.within(f"limb kernel {index}", rows, case.arrays[f"pairwise{index}"], 1e-6)


@check("fn_cp_misc*")
def functions(case: Case) -> None:
    arrays, params = case.arrays, case.meta["params"]
    for shape in ("square", "wide"):
        volume = unproject(
            case.tensor(f"{shape}_features"),
            case.tensor(f"{shape}_proj"),
            case.tensor(f"{shape}_coord").flatten(1, 3),
            aggregation="softmax",
            rule=SamplingRule(swapped=True),
        )
        expected = arrays[f"{shape}_softmax"]
        case.within(f"unprojection {shape}", volume.reshape(expected.shape), expected, 2e-3)
    for name in ("ga0", "ga1"):
        points = case.tensor(f"{name}_coord_aux")
        angle = torch.full((points.shape[0],), params[name]["theta"])
        rotation = vertical_rotation("mpii", angle)
        size = params[name]["volume_size"]
        corners = points[:, 0, 0, 0], points[:, -1, -1, -1]
        # The stored grid starts at the fine one's first corner; its last voxel is the fine one's fourth last.
        reach = (size - 1) / (size - 4)
        centre = corners[0] + (corners[1] - corners[0]) * reach / 2
        fine = Cuboid.around(centre, params[name]["cuboid_size"], size, rotation=rotation)
        coarse = fine.coarse(4)
        case.within(f"coarse grid {name}", coarse.coordinates(), points, 2e-3, "mm")
        target = attention_target(coarse, case.tensor(f"{name}_gt"), params[name]["sigma_voxels"])
        case.within(f"attention target {name}", target, arrays[f"{name}_mask"], 1e-6)
    error = limb_length_error(case.tensor("limb_pred"), case.tensor("limb_gt"))
    case.within("limb length error", [float(error)], [params["limb_length_error"]], 1e-5, "relative")
    prior = LimbPrior.from_joints(arrays["limb_gt"])
    case.within("limb means", prior.mean, arrays["limb_stats_mean"], 1e-5, "relative")
    case.within("limb deviations", prior.deviation, arrays["limb_stats_std"], 1e-5, "relative")
    for rule in ("softmax", "relu"):
        found = integrate_volumes(case.tensor("vol"), case.tensor("vol_coord"), softmax=rule == "softmax")
        limit, unit = (0.05, "mm") if rule == "softmax" else (1e-5, "relative")
        case.within(f"3D {rule}", found.coordinates, arrays[f"vol_keypoints_{rule}"], limit, unit)
