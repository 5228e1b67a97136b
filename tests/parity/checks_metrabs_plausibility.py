"""Checks of the filter of implausible poses."""

from __future__ import annotations

import numpy as np

from models.metrabs.plausibility import (
    bones_plausible,
    distinct,
    fills_box,
    point_spread,
    scale_aligned,
    similarity,
    variants_agree,
)
from tests.parity.case import Case
from tests.parity.checks_metrabs import close
from tests.parity.registry import check


@check("metrabs_plausibility")
def plausibility(case: Case) -> None:
    poses, scores, valid = (case.tensor(name) for name in ("poses", "scores", "valid"))
    close(case, "similarity", similarity(poses[:, None], poses[None]))
    close(case, "scale_aligned", scale_aligned(poses), unit="mm")
    for name, usable in (("nms_all", valid | True), ("nms_valid", valid)):
        kept = distinct(poses, scores, usable, case.config["nms_threshold"])
        np.testing.assert_array_equal(kept.numpy(), case.arrays[name], err_msg=name)
    variants = case.tensor("aug_poses")
    close(case, "point_stdev_population", point_spread(variants), unit="mm")
    edges = case.tensor("poses").new_tensor(case.meta["joint_edges"]).long()
    answers = {
        "consistent_population_std": variants_agree(variants),
        "plausible": bones_plausible(case.tensor("plaus_in"), edges, case.tensor("mean_bones")),
        "box_consistent": fills_box(case.tensor("poses2d"), case.tensor("boxes")),
    }
    for name, answer in answers.items():
        np.testing.assert_array_equal(answer.numpy(), case.arrays[name], err_msg=name)
