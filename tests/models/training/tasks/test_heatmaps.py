"""Losses and figures of a backbone's training, for networks whose answers are known."""

from __future__ import annotations

from math import log

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from calibration.camera import Camera
from models.backbones.pose_resnet import BackboneOutput
from models.crops.cropper import Cropper
from models.crops.person_box import PersonBox
from models.skeletons import get_skeleton
from models.training.tasks.base import network_input, projected
from models.training.tasks.heatmaps import HeatmapTask, gaussians, left_of_people

WIDTH, CELLS = 64, 16


class Oracle(nn.Module):
    """Puts every joint ``off`` px to the right of its true place, with fixed confidence."""

    def __init__(self, places: torch.Tensor, off: float = 0.0, confidence: float = 0.5) -> None:
        super().__init__()
        self.places, self.off, self.confidence = places, off, confidence

    def forward(self, images: torch.Tensor) -> BackboneOutput:
        there = self.places.flatten(0, 1) / (WIDTH / CELLS)
        there = there + torch.tensor([self.off * CELLS / WIDTH, 0.0])
        maps = gaussians(there, CELLS, CELLS, 1.0).log()
        confidences = torch.full(maps.shape[:2], self.confidence)
        return BackboneOutput(maps, maps, confidences, None)


def batch() -> dict[str, torch.Tensor]:
    """Two people of three joints before two cameras at right angles, 4 m away."""
    K = torch.tensor([[60.0, 0, 31.5], [0, 60.0, 31.5], [0, 0, 1]])
    front = torch.tensor([[1.0, 0, 0, 0], [0, 0, -1, 1000], [0, 1, 0, 4000]])
    side = torch.tensor([[0, 1.0, 0, 0], [0, 0, -1, 1000], [-1, 0, 0, 4000]])
    projections = torch.stack([K @ front, K @ side]).expand(2, 2, 3, 4).clone()
    keypoints = torch.tensor([[[0.0, 0, 900], [200, 100, 1500], [-300, 200, 400]]]).repeat(2, 1, 1)
    keypoints[1] += 150.0
    return {
        "images": torch.zeros(2, 2, WIDTH, WIDTH, 3, dtype=torch.uint8),
        "projections": projections,
        "present": torch.ones(2, 2, dtype=torch.bool),
        "keypoints": keypoints,
        "validity": torch.ones(2, 3, 1),
        "visible": torch.ones(2, 2, 3, dtype=torch.bool),
    }


def test_a_network_that_knows() -> None:
    given = batch()
    places, depth = projected(given["keypoints"], given["projections"])
    assert (depth > 3000).all()
    task = HeatmapTask({}, source="test")
    losses = task.losses(Oracle(places), given, 0.0)
    assert float(losses["error_px"]) < 0.05
    # cross-entropy of a Gaussian of one cell with itself is its entropy, 1 + log(2 pi) in two dimensions
    assert float(losses["heatmap"]) == pytest.approx(1 + log(2 * np.pi), abs=0.05)
    figures = {
        name: float(total / count)
        for name, (total, count) in task.measure(Oracle(places), given).items()
        if count
    }
    assert figures["error_px"] < 0.05
    assert figures["within_5_percent"] == 1.0
    # 0.05 px are 3.3 mm at 60 px per 4 m
    assert figures["mpjpe_mm"] < 4.0


def test_what_is_off_costs_what_it_is_off() -> None:
    given = batch()
    places, _ = projected(given["keypoints"], given["projections"])
    task = HeatmapTask({"nearest_px": 2.0}, source="test")
    losses = task.losses(Oracle(places, off=4.0, confidence=0.25), given, 0.0)
    assert float(losses["error_px"]) == pytest.approx(4.0, abs=0.05)
    assert float(losses["place"]) == pytest.approx(1.0, abs=0.02)
    assert float(losses["confidence"]) == pytest.approx(0.25 * 4.0 / 2.0 - log(0.25), abs=0.02)
    # the likelihood is highest where the confidence is nearest over distance
    best = task.losses(Oracle(places, off=4.0, confidence=0.5), given, 0.0)["confidence"]
    for other in (0.3, 0.8):
        assert task.losses(Oracle(places, off=4.0, confidence=other), given, 0.0)["confidence"] > best


def test_absent_and_hidden_joints_count_less() -> None:
    given = batch()
    places, _ = projected(given["keypoints"], given["projections"])
    task = HeatmapTask({"hidden_weight": 0.25}, source="test")
    whole = float(task.losses(Oracle(places, 4.0), given, 0.0)["heatmap"])
    given["visible"][:] = False
    assert float(task.losses(Oracle(places, 4.0), given, 0.0)["heatmap"]) == pytest.approx(0.25 * whole)
    given["present"][:, 1] = False
    assert float(task.losses(Oracle(places, 4.0), given, 0.0)["heatmap"]) < 0.2 * whole
    given["present"][:] = False
    assert float(task.losses(Oracle(places, 4.0), given, 0.0)["heatmap"]) == 0.0


def test_the_left_of_people_as_each_camera_sees_it() -> None:
    """Somebody looks into the first camera, which looks along y; the second one looks along -x."""
    given = batch()
    joints = get_skeleton("halpe_26").joints
    keypoints = torch.zeros(2, 26, 3)
    for name, place in (("shoulder", 150.0), ("hip", 90.0)):
        keypoints[:, joints.index(f"left_{name}"), 0] = place
        keypoints[:, joints.index(f"right_{name}"), 0] = -place
    given |= {"keypoints": keypoints, "validity": torch.ones(2, 26, 1)}
    # a roll of the picture turns what is along its rows, and depth stays
    angle = 0.3
    roll = torch.tensor([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    given["projections"][1] = roll.float() @ given["projections"][1]
    given["present"][1, 1] = False
    left, known = left_of_people(given)
    assert known.tolist() == [[True, True], [True, False]]
    assert torch.allclose(left[0, 0], torch.tensor([1.0, 0.0]), atol=1e-6)
    assert torch.allclose(left[0, 1], torch.tensor([0.0, -1.0]), atol=1e-6)
    assert torch.allclose(left[1, 0], torch.tensor([1.0, 0.0]), atol=1e-6)
    given["validity"][0, joints.index("left_hip")] = 0.0
    assert not left_of_people(given)[1][0].any()


def test_gaussians_add_up_to_one_everywhere() -> None:
    places = torch.tensor([[3.2, 7.9], [-2.0, 40.0]])
    maps = gaussians(places, 12, 20, 1.0)
    assert maps.shape == (2, 12, 20)
    assert torch.allclose(maps.sum(dim=(1, 2)), torch.ones(2))
    row, column = divmod(int(maps[0].argmax()), 20)
    assert (row, column) == (8, 3)


def test_pictures_are_normalised_as_live_crops_are() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (WIDTH, WIDTH, 3), dtype=np.uint8)
    picture = np.asarray(cv2.GaussianBlur(picture, (5, 5), 0))
    K = np.array([[100.0, 0, 31.5], [0, 100.0, 31.5], [0, 0, 1]])
    camera = Camera("a", (WIDTH, WIDTH), "pinhole", K, np.zeros(5), np.eye(3), np.zeros(3))
    live = Cropper(WIDTH)([picture], [camera], [PersonBox(-0.5, -0.5, float(WIDTH))]).images
    ours = network_input(torch.from_numpy(picture)[None, None])[0]
    assert torch.allclose(live, ours, atol=1e-5)
