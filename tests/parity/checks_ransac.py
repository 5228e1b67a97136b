"""Checks of the consensus baseline, with the pairs of views that the original drew."""

from __future__ import annotations

import torch

from models.triangulation.ransac import RansacTriangulation, arg_max, triangulate_consensus
from tests.parity.case import Case
from tests.parity.registry import check


@check("ransac_head*")
def head(case: Case) -> None:
    rows, columns = case.config["image_shape"]
    points = arg_max(case.tensor("heatmaps", torch.float32), (rows, columns))
    case.within("2D", points, case.arrays["keypoints_2d"], 0.0, "px")
    for name, limit in (("linear", 2e-2), ("direct", 0.5)):
        found = triangulate_consensus(
            points,
            case.tensor("proj_matrices"),
            pairs=case.tensor("pairs"),
            epsilon=case.config["reprojection_error_epsilon"],
            refine=name == "direct",
        )
        different = (found.inliers.mT != case.tensor("inliers")).sum().item()
        case.note(f"inliers {name}", different, 0.0, "views")
        case.within(f"3D {name}", found.points, case.arrays[f"keypoints_3d_{name}"], limit, "mm")


@check("ransac_resnet*")
def network(case: Case) -> None:
    config = case.config
    model = RansacTriangulation(
        config["num_layers"],
        config["num_joints"],
        direct_optimization=config["direct_optimization"],
        epsilon=config["reprojection_error_epsilon"],
    )
    case.filled(model)
    with torch.inference_mode():
        found = model(case.images(), case.tensor("proj_matrices"), pairs=case.tensor("pairs"))
    case.within("2D", found.keypoints_2d, case.arrays["keypoints_2d"], 0.0, "px")
    case.within("3D", found.keypoints_3d, case.arrays["keypoints_3d"], 0.5, "mm")
    case.digest_within("heatmaps", found.heatmaps, 1e-5)
