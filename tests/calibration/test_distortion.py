"""Lens models against OpenCV, their inverse, and the radius where they end."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.distortion import Lens
from calibration.errors import InvalidCameraError
from tests.calibration.rigs import LENSES


def lens(model, coefficients=None):
    return Lens(model, np.array(LENSES[model] if coefficients is None else coefficients, dtype=float))


def grid(limit):
    axis = np.linspace(-limit, limit, 25)
    return np.stack(np.meshgrid(axis, axis), axis=-1)


@pytest.mark.parametrize("model", LENSES)
def test_distorts_like_opencv(model):
    points, k = grid(0.6), np.array(LENSES[model])
    if model == "fisheye":
        expected = cv2.fisheye.distortPoints(points.reshape(-1, 1, 2), np.eye(3), k)
    else:
        rays = np.dstack([points, np.ones(points.shape[:2])]).reshape(-1, 3)
        expected, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), k)
    # Both compute in doubles on numbers of about 1.
    np.testing.assert_allclose(lens(model).distort(points), expected.reshape(points.shape), atol=1e-14)


def test_four_pinhole_coefficients_mean_no_k3():
    points = grid(0.5)
    four, five = lens("pinhole", [-0.2, 0.05, 0.001, 0.002]), lens("pinhole", [-0.2, 0.05, 0.001, 0.002, 0.0])
    np.testing.assert_array_equal(four.distort(points), five.distort(points))


@pytest.mark.parametrize("model", LENSES)
def test_undistort_inverts_distort(model):
    points = grid(0.6)
    # The iteration stops at 1e-12 in the image; these lenses magnify by less than 5 on the way back.
    np.testing.assert_allclose(lens(model).undistort(lens(model).distort(points)), points, atol=5e-12)


@settings(max_examples=60, deadline=None)
@given(
    k=st.tuples(*[st.floats(-0.35, 0.35)] * 2, *[st.floats(-0.003, 0.003)] * 2, st.floats(-0.1, 0.1)),
    angle=st.floats(0, 2 * np.pi),
    share=st.floats(0, 0.9),
)
def test_every_pinhole_lens_is_inverted_inside_its_range(k, angle, share):
    model = lens("pinhole", k)
    radius = share * min(model.max_radius, 0.8)
    point = radius * np.array([[np.cos(angle), np.sin(angle)]])
    # At 90 % of the range the slope may be as small as a tenth, so the image error of 1e-12 grows tenfold;
    # tangential terms bring the fold a little nearer than the radial range says: another factor of ten.
    np.testing.assert_allclose(model.undistort(model.distort(point)), point, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(k=st.tuples(*[st.floats(-0.1, 0.15)] * 4), angle=st.floats(0, 6.3), share=st.floats(0, 0.95))
def test_every_fisheye_lens_is_inverted_inside_its_range(k, angle, share):
    model = lens("fisheye", k)
    theta = share * np.arctan(min(model.max_radius, 10.0))
    point = np.tan(theta) * np.array([[np.cos(angle), np.sin(angle)]])
    # theta to 1e-13, times the slope of the tangent, at most 1 + 10^2, over the slope of the lens, above 0.1
    np.testing.assert_allclose(model.undistort(model.distort(point)), point, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    above=st.tuples(*[st.floats(-0.3, 0.6)] * 3),
    below=st.tuples(*[st.floats(-0.1, 0.6)] * 3),
    angle=st.floats(0, 6.3),
    share=st.floats(0, 0.9),
)
def test_every_rational_lens_is_inverted_inside_its_range(above, below, angle, share):
    model = lens("rational", [above[0], above[1], 0.0005, -0.0005, above[2], *below])
    radius = share * min(model.max_radius, 0.8)
    point = radius * np.array([[np.cos(angle), np.sin(angle)]])
    # as for the pinhole lens
    np.testing.assert_allclose(model.undistort(model.distort(point)), point, atol=1e-10)


def test_wide_fisheye_is_inverted_where_opencv_clips_the_angle():
    model = lens("fisheye", [0.2, 0.05, 0.0, 0.0])
    theta = np.deg2rad(80.0)
    point = np.array([[np.tan(theta), 0.0]])
    image = model.distort(point)
    assert image[0, 0] > np.pi / 2  # beyond what cv2.fisheye.undistortPoints accepts
    np.testing.assert_allclose(model.undistort(image), point, rtol=1e-11)


def test_coefficient_of_next_to_nothing_does_not_hide_the_fold():
    with_dust, without = (lens("fisheye", [0.0, 0.0, -0.09375, dust]) for dust in (1e-308, 0.0))
    assert with_dust.max_radius == without.max_radius < np.inf


def test_folding_radius_of_a_barrel_lens():
    # r (1 + k1 r^2) grows until 1 + 3 k1 r^2 = 0.
    model = lens("pinhole", [-0.3, 0.0, 0.0, 0.0, 0.0])
    assert model.max_radius == pytest.approx(np.sqrt(1 / 0.9), rel=1e-12)
    inside, beyond = model.max_radius * 0.999, model.max_radius * 1.001
    assert np.isfinite(model.distort(np.array([[inside, 0.0]]))).all()
    assert np.isnan(model.distort(np.array([[beyond, 0.0]]))).all()


def test_pixel_that_no_ray_can_reach_is_nan():
    model = lens("pinhole", [-0.3, 0.0, 0.0, 0.0, 0.0])
    furthest = model.max_radius * (1 - 0.3 * model.max_radius**2)
    found = model.undistort(np.array([[furthest * 0.98, 0.0], [furthest * 1.02, 0.0]]))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_rational_lens_ends_at_its_pole():
    model = lens("rational", [0.0, 0.0, 0.0, 0.0, 0.0, -0.25, 0.0, 0.0])
    assert model.max_radius == pytest.approx(2.0, rel=1e-12)


def test_undistorted_lens_never_ends():
    assert lens("pinhole", [0, 0, 0, 0]).max_radius == np.inf
    assert lens("fisheye", [0, 0, 0, 0]).max_radius == np.inf


@pytest.mark.parametrize("model", LENSES)
def test_nan_passes_through_and_takes_its_partner_along(model):
    points = np.array([[np.nan, 0.1], [0.1, np.nan], [0.1, 0.2]])
    for function in (lens(model).distort, lens(model).undistort):
        result = function(points)
        assert np.isnan(result[:2]).all()
        assert np.isfinite(result[2]).all()


@pytest.mark.parametrize("model", LENSES)
def test_no_points_give_no_points(model):
    assert lens(model).undistort(np.empty((4, 0, 2))).shape == (4, 0, 2)


@pytest.mark.parametrize(
    ("model", "count", "wanted"), [("pinhole", 8, "4 or 5"), ("rational", 5, "8"), ("fisheye", 5, "4")]
)
def test_wrong_number_of_coefficients(model, count, wanted):
    with pytest.raises(InvalidCameraError, match=f"{model} model needs {wanted} coefficients, not {count}"):
        lens(model, np.zeros(count))


def test_unknown_model():
    with pytest.raises(InvalidCameraError, match="pinhole, rational, fisheye"):
        lens("omni", np.zeros(4))
