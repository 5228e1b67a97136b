"""Triangulation against truth, invariances, and the collection itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.camera import Camera
from calibration.rig import Rig
from configs.errors import BadInputError
from tests.calibration.rigs import LENSES, make_camera, make_rig, people_sized_points

# Pixels good to 5e-9, 4 m away at 850 px focal length, give 3e-8 mm; the normal matrix loses no more than
# that, because the rig is brought to unit size first.
EXACT_MM = 1e-6


@pytest.mark.parametrize("model", LENSES)
@pytest.mark.parametrize("count", [2, 4, 9])
def test_triangulates_exact_images_exactly(model, count):
    rig, points = make_rig(count, model), people_sized_points()
    np.testing.assert_allclose(rig.triangulate(rig.project(points)), points, atol=EXACT_MM)


def test_mixed_lens_models():
    rig = Rig(tuple(make_rig(3, model).cameras[i] for i, model in enumerate(LENSES)))
    points = people_sized_points()
    np.testing.assert_allclose(rig.triangulate(rig.project(points)), points, atol=EXACT_MM)


def test_world_far_from_the_origin_costs_no_precision():
    rig, points = make_rig(), people_sized_points()
    shift = np.array([2e6, -3e6, 0.0])  # geodetic coordinates: kilometres away
    moved = rig.moved(np.eye(3), shift)
    # 3e6 mm in doubles carry 5e-10 mm; t is a difference of such numbers.
    np.testing.assert_allclose(moved.triangulate(rig.project(points)), points + shift, atol=1e-5)


def test_noise_gives_the_error_that_geometry_predicts():
    rig, points = make_rig(), people_sized_points(400)
    noise = np.random.default_rng(1).normal(0.0, 1.0, (4, 400, 2))
    error = rig.triangulate(rig.project(points) + noise) - points
    # Least squares by the projection's Jacobian: covariance (J^T J)^-1 for 1 px of noise.
    step = 1e-3
    jacobian = np.stack(
        [
            (rig.project(points + step * axis) - rig.project(points - step * axis)) / (2 * step)
            for axis in np.eye(3)
        ],
        axis=-1,
    )  # (V, N, 2, 3)
    information = np.einsum("vnij,vnik->njk", jacobian, jacobian)
    predicted = np.sqrt(np.trace(np.linalg.inv(information), axis1=1, axis2=2).mean())
    measured = np.sqrt((error**2).sum(axis=1).mean())
    # 400 points with 3 coordinates: 3 % standard error of a root mean square; the linear method weighs views
    # by their distance, which costs up to a tenth in this room.
    assert predicted * 0.9 < measured < predicted * 1.15


def test_permuting_cameras_changes_nothing():
    rig, points = make_rig(5), people_sized_points()
    pixels = rig.project(points) + np.random.default_rng(2).normal(0, 2, (5, 60, 2))
    order = [3, 0, 4, 1, 2]
    permuted = rig.subset([rig.names[i] for i in order])
    np.testing.assert_allclose(permuted.triangulate(pixels[order]), rig.triangulate(pixels), atol=EXACT_MM)


def test_moving_the_world_moves_the_points():
    rig, points = make_rig(), people_sized_points()
    pixels = rig.project(points) + np.random.default_rng(3).normal(0, 2, (4, 60, 2))
    turn, shift = cv2.Rodrigues(np.array([0.4, 1.2, -0.8]))[0], np.array([300.0, -4000.0, 80.0])
    moved = rig.moved(turn, shift)
    expected = rig.triangulate(pixels) @ turn.T + shift
    np.testing.assert_allclose(moved.triangulate(pixels), expected, atol=EXACT_MM)
    np.testing.assert_allclose(moved.project(points @ turn.T + shift), rig.project(points), atol=1e-8)


def test_missing_views():
    rig, points = make_rig(4), people_sized_points(4)
    pixels = rig.project(points)
    pixels[2:, 1] = np.nan  # two views left
    pixels[1:, 2] = np.nan  # one view left
    pixels[:, 3, 0] = np.nan  # half a pixel is none
    found = rig.triangulate(pixels)
    np.testing.assert_allclose(found[:2], points[:2], atol=EXACT_MM)
    assert np.isnan(found[2:]).all()


def test_views_without_weight_take_no_part():
    rig, points = make_rig(4), people_sized_points(10)
    pixels = rig.project(points)
    pixels[1] += 300.0
    weights = np.ones((4, 10))
    weights[1] = 0.0
    weights[2, 0] = np.nan
    np.testing.assert_allclose(rig.triangulate(pixels, weights), points, atol=EXACT_MM)
    weights[2:] = 0.0
    assert np.isnan(rig.triangulate(pixels, weights)).all()


def test_weights_pull_towards_the_trusted_views():
    rig, points = make_rig(4), people_sized_points(30)
    pixels = rig.project(points)
    pixels[0] += 20.0
    plain = rig.triangulate(pixels) - points
    doubted = rig.triangulate(pixels, np.array([0.1, 1, 1, 1])[:, None] * np.ones((4, 30))) - points
    # A factor of 0.1 on the equations is 0.01 in the sum of squares.
    assert np.linalg.norm(doubted, axis=1).max() < 0.1 * np.linalg.norm(plain, axis=1).min()


def test_only_ratios_of_weights_count():
    rig, points = make_rig(4), people_sized_points(10)
    pixels = rig.project(points) + np.random.default_rng(4).normal(0, 3, (4, 10, 2))
    weights = np.random.default_rng(5).uniform(0.2, 1, (4, 10))
    np.testing.assert_allclose(
        rig.triangulate(pixels, weights * 1e-3), rig.triangulate(pixels, weights), atol=EXACT_MM
    )


def test_coinciding_rays_determine_nothing():
    camera = make_camera("cam1")
    twin = make_camera("cam2")
    rig = Rig((camera, twin, make_camera("cam3", position=(-2000.0, -2500.0, 1500.0))))
    pixels = rig.project(people_sized_points(5))
    pixels[2] = np.nan
    assert np.isnan(rig.triangulate(pixels)).all()


def test_no_points():
    assert make_rig().triangulate(np.empty((4, 0, 2))).shape == (0, 3)


def test_wrong_shapes_are_named():
    rig = make_rig(4)
    with pytest.raises(ValueError, match=r"\(3, 5, 2\), expected \(4"):
        rig.triangulate(np.zeros((3, 5, 2)))
    with pytest.raises(ValueError, match=r"weights have shape \(4, 6\), expected \(4, 5\)"):
        rig.triangulate(np.zeros((4, 5, 2)), np.zeros((4, 6)))


def test_projections_are_stacked_in_order():
    rig = make_rig(3)
    assert rig.projections.shape == (3, 3, 4)
    np.testing.assert_array_equal(rig.projections[1], rig.camera("cam2").projection_matrix)


def test_subset_orders_and_names_what_is_missing():
    rig = make_rig(4)
    assert rig.subset(["cam3", "cam1"]).names == ("cam3", "cam1")
    with pytest.raises(
        BadInputError, match=r"no camera called kam2, cam9; allowed: cam1, .*did you mean \"cam2\""
    ):
        rig.subset(["cam1", "kam2", "cam9"])
    with pytest.raises(BadInputError, match="cam9"):
        rig.camera("cam9")


def test_with_cameras_replaces_by_name():
    rig = make_rig(3)
    half = rig.camera("cam2").resized((640, 360))
    assert rig.with_cameras({"cam2": half}).cameras == (rig.cameras[0], half, rig.cameras[2])
    with pytest.raises(BadInputError, match="cam7"):
        rig.with_cameras({"cam7": half})


def test_names_must_differ_and_exist():
    camera: Camera = make_camera("left")
    with pytest.raises(ValueError, match='two cameras are called "left"'):
        Rig((camera, camera))
    with pytest.raises(ValueError, match="at least one camera"):
        Rig(())
