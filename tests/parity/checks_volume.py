"""Checks of cuboids, unprojection and the 3D network alone; limits as stated with the cases."""

from __future__ import annotations

import torch

from models.triangulation.cuboid import Cuboid, pelvis, rotation_about, unit_grid, vertical_rotation
from models.triangulation.unprojection import (
    SamplingRule,
    map_projections,
    merge_views,
    sample_views,
    unproject,
)
from models.triangulation.v2v import V2VModel
from tests.parity.case import Case
from tests.parity.registry import check

SWAPPED_STRETCHED = SamplingRule(stretched=True, swapped=True)


@check("v2v_*")
def v2v(case: Case) -> None:
    net = case.filled(V2VModel(case.config["input_channels"], case.config["output_channels"]))
    volume = torch.from_numpy(case.fill.expand(case.arrays["x_low"], case.meta["x_block"], 3))
    with torch.inference_mode():
        logits = net(volume)
    scale = case.meta["output_scale"]
    case.within("logits", case.thinned("y", logits) / scale, case.arrays["y"] / scale, 1e-4, "relative")
    case.digest_within("y", logits, 1e-4)


@check("fn_unproject*")
def unprojection(case: Case) -> None:
    for shape in ("square", "wide"):
        features = case.tensor(f"{shape}_features")
        projections = case.tensor(f"{shape}_proj")
        points = case.tensor(f"{shape}_coord").flatten(1, 3)
        confidences = case.tensor(f"{shape}_conf")
        for aggregation in ("sum", "max", "softmax", "conf"):
            expected = case.arrays[f"{shape}_out_{aggregation}"]
            height, width = features.shape[3:]
            rows = map_projections(projections, height, width, SWAPPED_STRETCHED)
            values, visible = sample_views(features, rows, points)
            plain = merge_views(values, visible, aggregation, confidences, None, mask_unseen=False)
            case.within(f"{shape} {aggregation}", plain.reshape(expected.shape), expected, 2e-3)
            kernel = unproject(
                features,
                projections,
                points,
                aggregation=aggregation,
                confidences=confidences,
                rule=SWAPPED_STRETCHED,
            )
            case.within(f"{shape} {aggregation}, kernel", kernel.reshape(expected.shape), expected, 2e-3)


@check("fn_cuboid*")
def cuboid(case: Case) -> None:
    for row in case.meta["rows"]:
        name, kind, size = row["name"], row["kind"], row["volume_size"]
        centre = pelvis(case.tensor(f"{name}_keypoints")[None], kind)
        case.within(f"{name} base", centre[0], case.arrays[f"{name}_base"], 2e-3, "mm")
        rotation = vertical_rotation(kind, torch.tensor([row["theta"]]))
        placed = Cuboid.around(centre, row["cuboid_side"], size, rotation=rotation, transfer=row["transfer"])
        case.within(name, placed.coordinates()[0], case.arrays[name], 2e-3, "mm")
        # The same points by way of the projections: a projection that reads world x, y, z itself.
        axes = torch.eye(3, 4)[None, None]
        rows = placed.into_projections(axes)[0, 0]
        points = unit_grid(size, torch.device("cpu")) @ rows[:, :3].T + rows[:, 3]
        expected = case.arrays[name].reshape(-1, 3)
        case.within(f"{name}, folded", points, expected, 2e-3, "mm")
    for name, turn in case.meta["rotations"].items():
        axis = torch.tensor(turn["axis"], dtype=torch.float64)
        angle = torch.tensor([turn["theta"]], dtype=torch.float64)
        case.within(name, rotation_about(axis, angle)[0], case.arrays[name], 1e-12)
