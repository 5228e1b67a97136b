"""People made of coloured dots, one per keypoint, that the small networks of these tests can tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.keypoints.rtmpose.model import RtmPose, RtmPoseConfig
from tests.support.onnx_networks import FIRST_LEVEL, LEVEL_STEP, constant_detector, dot_simcc

JOINTS = 17
SIZE = (48, 64)
"""Width and height of the crops."""

RADIUS = 6
"""Half the side of a dot, px of the picture."""

PICTURE = (480, 640)

LAYOUT = np.array([[(joint * 7) % JOINTS / (JOINTS - 1), joint / (JOINTS - 1)] for joint in range(JOINTS)])
"""Where the dots lie in a person's box, 0..1, so that no two share a row or a column."""


def person_at(box: tuple[float, float, float, float]) -> np.ndarray:
    """(17, 2) whole px of the centres of a person's dots."""
    left, top, right, bottom = box
    return np.round(LAYOUT * [right - left, bottom - top] + [left, top])


def draw(people: list[np.ndarray], hidden: tuple[int, ...] = ()) -> np.ndarray:
    """A black picture with everybody's dots."""
    image = np.zeros((*PICTURE, 3), np.uint8)
    for points in people:
        for joint, (x, y) in enumerate(points.astype(int)):
            if joint in hidden:
                continue
            rows, columns = (
                slice(max(y - RADIUS, 0), y + RADIUS + 1),
                slice(max(x - RADIUS, 0), x + RADIUS + 1),
            )
            image[rows, columns, 1:] = FIRST_LEVEL + joint * LEVEL_STEP, 255
    return image


def make_model(
    folder: Path,
    boxes: list[tuple[float, ...]],
    cameras: int = 1,
    *,
    batch: int | str = "batch",
    **settings: object,
) -> RtmPose:
    """A model whose detector answers ``boxes`` (left, top, right, bottom, score), px, to every picture."""
    side = 640  # the pictures' longer side: px of the input are px of the picture
    detector = constant_detector(folder / "detector.onnx", np.array(boxes, float).reshape(-1, 5), side)
    pose = dot_simcc(folder / "pose.onnx", JOINTS, SIZE, batch=batch)
    config = RtmPoseConfig(
        **{
            "pose": str(pose),
            "skeleton": "coco_17",
            "detector": str(detector),
            "detector_family": "yolox",
            "device": "cpu",
            "threads": 1,
            **settings,
        }
    )
    return RtmPose(config, [f"cam{number}" for number in range(cameras)])
