"""Checks of the whole way from pictures and boxes to poses in the world."""

from __future__ import annotations

from models.metrabs.estimator import PoseEstimator
from models.metrabs.joint_layout import JointLayout, JointSelection
from tests.parity.case import Case
from tests.parity.checks_metrabs import close, crop_network
from tests.parity.registry import check


def estimator_of(case: Case) -> PoseEstimator:
    names = tuple(case.meta["joint_names"])
    skeletons = {
        name: JointSelection(tuple(indices), tuple(f"joint {index}" for index in indices), ())
        for name, indices in case.meta["skeletons"].items()
    }
    layout = JointLayout(names, (), case.tensor("joint_transform"), skeletons)
    return PoseEstimator(crop_network(case, len(names)), layout)


@check("metrabs_estimate", "metrabs_estimate_multi")
def estimate(case: Case) -> None:
    estimator = estimator_of(case)
    images = case.tensor("images_u8")
    boxes = [case.tensor(f"boxes_{index}") for index in range(len(images))]
    for name, variant in case.meta["variants"].items():
        settings = {key: value for key, value in variant.items() if not key.endswith("_given")}
        given = {
            argument: case.tensor(array)
            for argument, array in (
                ("intrinsic_matrix", "intrinsics"),
                ("distortion_coeffs", "distortion"),
                ("extrinsic_matrix", "extrinsics"),
                # Recorded without a camera's place, upwards is what it is by default.
                ("world_up_vector", "world_up"),
            )
            if variant[f"{array.replace('world_up', 'extrinsics')}_given"]
        }
        found = estimator.estimate_poses_batched(images, boxes, **given, **settings)
        for index, people in enumerate(found):
            close(case, f"{name}_poses3d_{index}", people.poses3d, unit="mm")
            limit = case.meta["tolerance"]["poses2d_atol"]
            close(case, f"{name}_poses2d_{index}", people.poses2d, atol=limit, unit="px")
