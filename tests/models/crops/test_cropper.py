"""Crops against pictures whose every pixel is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.camera import Camera
from models.crops.person_box import PersonBox, box_around, box_of_joints
from models.crops.view_crop import NODE_STEP, crop_intrinsics, crop_projection, sampling_nodes, to_ideal

torch = pytest.importorskip("torch", reason="the extra 'learned' is not installed")

from models.crops.cropper import Cropper, reduce_picture  # noqa: E402
from models.crops.sampling_torch import sample_on_device  # noqa: E402

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def camera(k1: float = -0.3, size: tuple[int, int] = (640, 480)) -> Camera:
    K = np.array([[600.0, 0, 317.0], [0, 610.0, 244.0], [0, 0, 1]])
    return Camera("cam1", size, "pinhole", K, np.array([k1, 0.1, 1e-3, -5e-4, 0.0]), np.eye(3), np.zeros(3))


def grey(crops: torch.Tensor) -> np.ndarray:
    """(N, 3, S, S) grey levels 0..255 of normalised crops."""
    return (crops.numpy() * STD[:, None, None] + MEAN[:, None, None]) * 255.0


def ramp(view: Camera) -> np.ndarray:
    """A distorted picture whose levels are linear in the ideal x, y and in x + y."""
    u, v = np.meshgrid(np.arange(view.size[0]), np.arange(view.size[1]))
    ideal = view.undistort(np.stack([u, v], axis=-1).astype(float))
    return np.stack(
        [60 + ideal[..., 0] * 0.2, 60 + ideal[..., 1] * 0.2, (ideal.sum(axis=-1)) * 0.15], axis=-1
    )


@pytest.mark.parametrize("side", [150.0, 192.0, 280.5])
def test_every_pixel_shows_what_the_crop_camera_says(side: float) -> None:
    view = camera()
    box = PersonBox(200.3, 120.7, side)
    levels = ramp(view)
    picture = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    crops = Cropper(128)([picture], [view], [box])
    K = crop_intrinsics(view, box, 128, "exact")
    u, v = np.meshgrid(np.arange(128.0), np.arange(128.0))
    ideal = (np.stack([u, v], axis=-1) - K[:2, 2]) / np.diag(K)[:2] * np.diag(view.K)[:2] + view.K[:2, 2]
    expected = np.stack(
        [60 + ideal[..., 0] * 0.2, 60 + ideal[..., 1] * 0.2, ideal.sum(axis=-1) * 0.15], axis=0
    )
    # Rounding to whole levels: 0.5 at worst, 1.0 after reduction rounds again. Its mean is 0, after
    # averaging four levels 0.125 (halves go up). Half a crop pixel of shift is 0.12 to 0.22 levels.
    error = grey(crops.images)[0] - expected
    assert np.abs(error).max() < 1.05
    assert np.abs(error.mean(axis=(1, 2))).max() < (0.03 if side < 2 * 128 else 0.13)


def test_projection_and_way_back_agree() -> None:
    view, box = camera(), PersonBox(150.0, 90.0, 210.0)
    points = np.random.default_rng(0).uniform([-500, -400, 2500], [500, 400, 4000], (50, 3))
    for alignment in ("exact", "published"):
        homogeneous = np.column_stack([points, np.ones(50)]) @ crop_projection(view, box, 96, alignment).T
        crop = homogeneous[:, :2] / homogeneous[:, 2:]
        back = view.distort(to_ideal(crop, view, box, 96, alignment))
        np.testing.assert_allclose(back, view.project(points), atol=1e-9)


def test_published_alignment_is_the_camera_of_the_original_loader() -> None:
    view, left, top, side = camera(k1=0.0), 100, 60, 300
    K = crop_intrinsics(view, PersonBox(left - 0.5, top - 0.5, side), 384, "published")
    np.testing.assert_allclose(K[0], [600 * 384 / 300, 0, (317 - left) * 384 / 300])
    np.testing.assert_allclose(K[1], [0, 610 * 384 / 300, (244 - top) * 384 / 300])


def test_without_a_lens_it_is_crop_and_area_resize() -> None:
    pinhole = Camera("c", (640, 480), "pinhole", camera().K, np.zeros(5), np.eye(3), np.zeros(3))
    rng = np.random.default_rng(1)
    picture = cv2.resize(
        rng.integers(0, 255, (60, 80, 3), np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC
    )
    crops = Cropper(96)([picture], [pinhole], [PersonBox(99.5, 79.5, 288.0)])
    area = cv2.resize(picture[80 : 80 + 288, 100 : 100 + 288], (96, 96), interpolation=cv2.INTER_AREA)
    assert (
        np.abs(grey(crops.images)[0] - area.transpose(2, 0, 1)).max() < 0.51
    )  # both average, one rounds once more


def test_outside_the_picture_is_black() -> None:
    view = camera()
    picture = np.full((480, 640, 3), 200, np.uint8)
    crop = grey(Cropper(64)([picture], [view], [PersonBox(-150.0, -100.0, 300.0)]).images)[0]
    assert np.abs(crop[:, :5, :5]).max() < 1e-3
    assert np.abs(crop[:, -5:, -5:] - 200).max() < 1e-3


@pytest.mark.parametrize("side", [90.0, 260.0, 460.0])
def test_torch_twin_agrees(side: float) -> None:
    view = camera()
    picture = np.random.default_rng(2).integers(0, 255, (480, 640, 3), np.uint8)
    box = PersonBox(60.0, -40.0, side)
    cropper = Cropper(100)
    ours = cropper([picture], [view], [box]).images
    parts = [reduce_picture(picture, np.nan_to_num(sampling_nodes(view, box, 100), nan=-1e6), side / 100)]
    gain, offset = torch.from_numpy(cropper._gain), torch.from_numpy(cropper._offset)
    theirs = sample_on_device(parts, 100, gain, offset, "cpu")
    # Positions of a few hundred px are good to 3e-5 in float32; neighbours differ by up to 255 levels.
    assert (ours - theirs).abs().max() < 255 * 3e-4 / (255 * 0.224)


def test_interpolation_between_nodes_is_exact_enough() -> None:
    view, box = camera(k1=-0.4), PersonBox(0.0, 0.0, 470.0)
    nodes = sampling_nodes(view, box, 257)
    middle = (nodes[:-1, :-1] + nodes[1:, :-1] + nodes[:-1, 1:] + nodes[1:, 1:]) / 4
    step = 470.0 / 257
    along = (np.arange(len(nodes) - 1) * NODE_STEP + NODE_STEP / 2 + 0.5) * step
    exact = view.distort(np.stack(np.meshgrid(along, along), axis=-1))
    # 470 px in 257 crop pixels: 8 of them are 14.6 px, the coarsest case before the picture is reduced.
    assert np.abs(middle - exact).max() < 0.06


def test_boxes() -> None:
    view = camera()
    points = np.array([[300.0, 100.0], [320.0, 300.0], [np.nan, np.nan], [310.0, 200.0]])
    box = box_around(points, view, margin=1.5)
    assert box is not None
    assert (box.side, box.left, box.top) == (300.0, 160.0, 50.0)
    assert box_around(points[:2], view) is None
    assert box_around(points + 5000.0, view) is None
    behind = box_of_joints(np.array([[0, 0, -1000.0], [100, 0, -1000], [0, 100, -1000]]), view)
    assert behind is None
