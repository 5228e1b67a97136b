"""Projection, rays of sight, resizing, and what is refused."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest

from calibration.errors import InvalidCameraError
from tests.calibration.rigs import LENSES, make_camera, people_sized_points

# 1e-12 of the lens iteration times a focal length of 870 px, times the magnification towards the border.
PIXELS = 5e-9


@pytest.mark.parametrize("model", LENSES)
def test_projects_like_opencv(model):
    camera, points = make_camera(model=model), people_sized_points()
    rotation = cv2.Rodrigues(camera.R)[0]
    if model == "fisheye":
        expected, _ = cv2.fisheye.projectPoints(
            points[:, None], rotation, camera.t, camera.K, camera.distortion
        )
    else:
        expected, _ = cv2.projectPoints(points, rotation, camera.t, camera.K, camera.distortion)
    # Rodrigues there and back costs 1e-13 in the angles.
    np.testing.assert_allclose(camera.project(points), expected.reshape(-1, 2), atol=1e-8)


@pytest.mark.parametrize("model", LENSES)
def test_undistorted_projection_is_the_projection_matrix(model):
    camera, points = make_camera(model=model), people_sized_points()
    homogeneous = np.c_[points, np.ones(len(points))] @ camera.projection_matrix.T
    np.testing.assert_allclose(
        camera.undistort(camera.project(points)), homogeneous[:, :2] / homogeneous[:, 2:], atol=PIXELS
    )


@pytest.mark.parametrize("model", LENSES)
def test_distort_and_undistort_are_inverse_over_the_picture(model):
    camera = make_camera(model=model)
    pixels = np.stack(np.meshgrid(np.linspace(0, 1279, 30), np.linspace(0, 719, 20)), axis=-1)
    np.testing.assert_allclose(camera.distort(camera.undistort(pixels)), pixels, atol=PIXELS)


@pytest.mark.parametrize("model", LENSES)
def test_points_lie_on_their_rays(model):
    camera, points = make_camera(model=model), people_sized_points()
    origin, directions = camera.unproject(camera.project(points))
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1.0, atol=1e-15)
    away = points - origin
    distance = np.linalg.norm(away, axis=-1)
    # A pixel error of 5e-9 at 5 m and 870 px focal length is 3e-8 mm.
    np.testing.assert_allclose(origin + distance[:, None] * directions, points, atol=1e-7)


@pytest.mark.parametrize("model", LENSES)
def test_position_is_where_the_world_maps_to_zero(model):
    camera = make_camera(model=model, position=(3000.0, -2000.0, 1700.0))
    np.testing.assert_allclose(camera.position, [3000.0, -2000.0, 1700.0], atol=1e-9)


def test_upright_camera_sees_up_as_smaller_v():
    camera = make_camera()
    low, high = camera.project([[0.0, 0.0, 500.0], [0.0, 0.0, 1500.0]])
    assert high[1] < low[1]


@pytest.mark.parametrize("model", LENSES)
def test_points_behind_and_missing_points_are_nan(model):
    camera = make_camera(model=model)
    behind = camera.position - camera.R[2] * 1000.0
    beside = camera.position + camera.R[0] * 1000.0  # depth 0
    projected = camera.project([behind, beside, [np.nan, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    assert np.isnan(projected[:3]).all()
    assert np.isfinite(projected[3]).all()


@pytest.mark.parametrize("model", LENSES)
def test_any_leading_shape(model):
    camera, points = make_camera(model=model), people_sized_points(24)
    flat = camera.project(points)
    assert camera.project(points.reshape(2, 3, 4, 3)).shape == (2, 3, 4, 2)
    np.testing.assert_array_equal(
        camera.undistort(flat.reshape(4, 6, 2)).reshape(-1, 2), camera.undistort(flat)
    )
    assert camera.project(points[0]).shape == (2,)
    assert camera.unproject(np.empty((0, 2)))[1].shape == (0, 3)


@pytest.mark.parametrize("model", LENSES)
def test_moving_world_and_camera_together_changes_nothing(model):
    camera, points = make_camera(model=model), people_sized_points()
    turn, shift = cv2.Rodrigues(np.array([0.3, -1.1, 0.7]))[0], np.array([500.0, -900.0, 250.0])
    R = camera.R @ turn.T
    moved = make_camera(model=model, R=R, t=camera.t - R @ shift)
    # Coordinates of 1e4 mm in doubles: 1e-12 mm, times 0.2 px per mm.
    np.testing.assert_allclose(moved.project(points @ turn.T + shift), camera.project(points), atol=1e-8)


def test_resized_keeps_picture_borders_on_picture_borders():
    camera = make_camera()
    half = camera.resized((640, 360))
    points = people_sized_points()
    np.testing.assert_allclose(half.project(points), (camera.project(points) + 0.5) / 2 - 0.5, atol=1e-9)
    assert half.size == (640, 360)
    np.testing.assert_allclose(half.resized((1280, 720)).K, camera.K, rtol=1e-14)


def test_resized_may_stretch():
    camera, points = make_camera(), people_sized_points()
    stretched = camera.resized((1280, 1440)).project(points)
    expected = (camera.project(points) + 0.5) * [1.0, 2.0] - 0.5
    np.testing.assert_allclose(stretched, expected, atol=1e-9)


def test_is_immutable_and_comparable():
    camera = make_camera()
    for field in ("K", "R", "t", "distortion", "position", "projection_matrix"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(camera, field)[0] = 1.0
    assert camera == make_camera()
    assert hash(camera) == hash(make_camera())
    assert camera != make_camera(lag_ms=3.0)
    assert camera != make_camera(t=camera.t + 1e-9)
    assert pickle.loads(pickle.dumps(camera)) == camera


def test_source_arrays_are_copied():
    K = np.array([[800.0, 0, 320], [0, 800, 240], [0, 0, 1]])
    camera = make_camera(K=K)
    K[0, 0] = 5.0
    assert camera.K[0, 0] == 800.0


def K_with(row, column, value):
    K = make_camera().K.copy()
    K[row, column] = value
    return K


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"K": K_with(0, 0, np.nan)}, "K", "not finite"),
        ({"K": K_with(0, 0, -800.0)}, "K", "positive focal lengths, not fx = -800"),
        ({"K": K_with(0, 1, 2.0)}, "K", "no skew"),
        ({"K": K_with(2, 2, 0.0)}, "K", "row 0, 0, 1"),
        ({"K": np.eye(4)}, "K", "3 x 3 numbers, not 4 x 4"),
        ({"K": "none"}, "K", "consist of numbers"),
        ({"R": np.eye(3) * 1.01}, "R", "not a rotation"),
        ({"R": np.diag([1.0, 1.0, -1.0])}, "R", "mirrors space"),
        ({"R": np.full((3, 3), np.inf)}, "R", "not finite"),
        ({"t": [0.0, 0.0]}, "t", "3 numbers, not 2"),
        ({"size": (0, 720)}, "size", "positive whole numbers"),
        ({"size": (1280.5, 720)}, "size", "positive whole numbers"),
        ({"size": (1280,)}, "size", "positive whole numbers"),
        ({"model": "omni"}, "model", "pinhole, rational, fisheye"),
        ({"distortion": [0.1, np.inf, 0, 0]}, "distortion", "not finite"),
        ({"distortion": [0.1, 0.2]}, "distortion", "4 or 5 coefficients, not 2"),
        ({"name": " "}, "name", "not empty"),
        ({"lag_ms": np.nan}, "lag_ms", "finite"),
    ],
)
def test_refuses_what_is_no_camera(changes, field, text):
    with pytest.raises(InvalidCameraError, match=text) as caught:
        make_camera(**changes)
    assert caught.value.field == field
    assert isinstance(caught.value, ValueError)


def test_size_of_whole_floats_becomes_ints():
    assert make_camera(size=(1088.0, 1920.0)).size == (1088, 1920)
