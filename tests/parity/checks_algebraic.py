"""Checks of soft-argmax, linear triangulation and the algebraic network; limits as stated with the cases."""

from __future__ import annotations

import torch

from models.triangulation.algebraic import AlgebraicTriangulation, triangulate_heatmaps
from models.triangulation.dlt import project, triangulate_linear
from models.triangulation.soft_argmax import integrate_volumes, soft_argmax_2d, soft_argmax_3d
from tests.parity.case import Case
from tests.parity.registry import check


@check("fn_soft_argmax*")
def soft_argmax(case: Case) -> None:
    for multiplier in (1, 100):
        for rule in ("softmax", "relu"):
            found = soft_argmax_2d(case.tensor("heatmaps") * multiplier, softmax=rule == "softmax")
            name = f"coords2d_{multiplier}_{rule}"
            case.within(name, found.coordinates, case.arrays[name], 2e-3, "px")
            if rule == "softmax":
                case.within(f"maps {name}", found.maps, case.arrays[f"maps2d_{multiplier}_{rule}"], 3e-5)
    for rule in ("softmax", "relu"):
        softmax = rule == "softmax"
        voxels = soft_argmax_3d(case.tensor("volumes"), softmax=softmax)
        case.within(f"voxel3d_{rule}", voxels.coordinates, case.arrays[f"voxel3d_{rule}"], 2e-3, "voxels")
        placed = integrate_volumes(case.tensor("volumes"), case.tensor("coord_volumes"), softmax=softmax)
        # Without a softmax positions are sums of unnormalised values: 1e-5 of the largest coordinate.
        limit, unit = (0.05, "mm") if softmax else (1e-5, "relative")
        case.within(f"coords3d_{rule}", placed.coordinates, case.arrays[f"coords3d_{rule}"], limit, unit)
        case.within(f"probs3d_{rule}", placed.maps, case.arrays[f"probs3d_{rule}"], 3e-5, "relative")
    heatmaps = case.tensor("heatmaps").requires_grad_()
    (soft_argmax_2d(heatmaps * 100).coordinates * case.tensor("grad_weights")).sum().backward()
    case.within("gradient", heatmaps.grad, case.arrays["grad_heatmaps"], 3e-5, "relative")


@check("fn_dlt*")
def linear_triangulation(case: Case) -> None:
    for name in case.arrays:
        views, _, rest = name.partition("_")
        projections = case.tensor(f"{views}_proj")
        if name.endswith("_float64"):
            kind, weighting = rest.split("_")[:2]
            confidences = case.tensor(f"{views}_conf") if weighting == "conf" else None
            found = triangulate_linear(case.tensor(f"{views}_{kind}_points"), projections, confidences)
            assert found.determined.all()
            case.within(name, found.points, case.arrays[name], 1e-3, "mm")
            plain = name.removesuffix("_float64")
            observed = case.meta["observed"][plain]["reference_minus_float64_mm"]
            case.within(plain, found.points, case.arrays[plain], 1.5 * observed + 1e-3, "mm")
        elif name.endswith("_numpy_reprojection"):
            kind = rest.split("_")[0]
            points = case.tensor(f"{views}_{kind}_points", torch.float64)
            joints = case.tensor(f"{views}_{kind}_numpy")
            seen_at, _ = project(projections.double(), joints)
            half = torch.linalg.vector_norm(seen_at - points, dim=-1) / 2
            case.within(name, half.mT, case.arrays[name], 1e-3, "px")
        elif name.endswith("_numpy"):
            found = triangulate_linear(case.tensor(f"{views}_{rest.split('_')[0]}_points"), projections)
            case.within(name, found.points, case.arrays[name], 1e-3, "mm")
        elif name.endswith("_grad_points"):
            points = case.tensor(f"{views}_grad_points_in").requires_grad_()
            weights = case.tensor(f"{views}_grad_conf_in").requires_grad_()
            found = triangulate_linear(points, projections, weights)
            (found.points * case.tensor(f"{views}_grad_weights")).sum().backward()
            # Double precision on both sides; singular values of the recorded solver lie 1e6 apart.
            case.within(f"{views} gradient by points", points.grad, case.arrays[name], 1e-6, "relative")
            expected = case.arrays[f"{views}_grad_conf"]
            case.within(f"{views} gradient by weights", weights.grad, expected, 1e-6, "relative")


@check("algebraic_head*")
def head(case: Case) -> None:
    rows, columns = case.config["image_shape"]
    for rule in ("softmax", "relu"):
        for weighting in ("conf", "noconf"):
            variant = f"{weighting}_{rule}"
            found = triangulate_heatmaps(
                case.tensor("heatmaps"),
                case.tensor("confidences_raw") if weighting == "conf" else None,
                case.tensor("proj_matrices"),
                image_shape=(rows, columns),
                softmax=rule == "softmax",
                multiplier=case.config["heatmap_multiplier"],
            )
            arrays = case.arrays
            case.within(f"2D {variant}", found.keypoints_2d, arrays[f"keypoints_2d_{variant}"], 2e-3, "px")
            case.within(f"weights {variant}", found.confidences, arrays[f"confidences_{variant}"], 3e-6)
            exact = arrays[f"keypoints_3d_float64_{variant}"]
            # 2D points may differ by rounding of the soft-argmax, so the limit of a whole network applies,
            # and the solver alone is held to a thousandth of a millimetre on the recorded points.
            case.within(f"3D {variant}", found.keypoints_3d, exact, 0.2, "mm")
            points = case.tensor(f"keypoints_2d_{variant}")
            weights = case.tensor(f"confidences_{variant}")
            solved = triangulate_linear(points, case.tensor("proj_matrices"), weights)
            case.within(f"solver {variant}", solved.points, exact, 1e-3, "mm")


@check("alg_*")
def network(case: Case) -> None:
    config = case.config
    model = AlgebraicTriangulation(
        config["num_layers"],
        config["num_joints"],
        use_confidences=config["use_confidences"],
        heatmap_softmax=config["heatmap_softmax"],
        heatmap_multiplier=config["heatmap_multiplier"],
    )
    case.filled(model)
    with torch.inference_mode():
        found = model(case.images(), case.tensor("proj_matrices"))
    arrays = case.arrays
    case.within("3D", found.keypoints_3d, arrays["keypoints_3d_float64"], 0.2, "mm")
    case.within("2D", found.keypoints_2d, arrays["keypoints_2d"], 2e-3, "px")
    case.within("weights", found.confidences, arrays["confidences"], 3e-6)
    case.within("heatmaps", case.thinned("heatmaps", found.heatmaps), arrays["heatmaps"], 3e-5)
    case.digest_within("heatmaps", found.heatmaps, 3e-5)
