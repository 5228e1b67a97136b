"""The eye's geometry against what its words say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.space.orbit_camera import HIGHEST_DEG, LOWEST_DEG, NEAREST_MM, OrbitCamera, between

SIZE = (800.0, 600.0)
# Coordinates of 1e5 mm in double precision, through a rotation and a division: 1e-9 of them.
EXACT_PX = 1e-6

cameras = st.builds(
    OrbitCamera,
    st.floats(-180, 180),
    st.floats(LOWEST_DEG, HIGHEST_DEG),
    st.floats(NEAREST_MM, 30_000),
    st.tuples(*[st.floats(-5000, 5000)] * 3),
)
places = st.tuples(st.floats(0, 800), st.floats(0, 600))


@given(cameras)
def test_target_is_in_the_middle_and_up_is_up(camera):
    place, depth = camera.project(np.array(camera.target), SIZE)
    np.testing.assert_allclose(place, [400, 300], atol=EXACT_PX)
    np.testing.assert_allclose(depth, camera.distance_mm)
    above, _ = camera.project(np.array(camera.target) + np.array([0, 0, 10]), SIZE)
    assert above[1] < 300
    np.testing.assert_allclose(above[0], 400, atol=EXACT_PX, err_msg="no roll")
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.axes) == pytest.approx(1.0)


@given(cameras, places, st.floats(100, 20_000))
def test_at_is_the_inverse_of_project(camera, place, depth):
    back, far = camera.project(camera.at(place, depth, SIZE), SIZE)
    np.testing.assert_allclose(back, place, atol=1e-4)
    np.testing.assert_allclose(far, depth, rtol=1e-6)


@given(cameras, places, st.floats(0.5, 2.0))
def test_zoom_keeps_what_is_under_the_pointer(camera, place, factor):
    under = camera.at(place, camera.distance_mm, SIZE)
    zoomed = camera.zoomed(factor, place, SIZE)
    np.testing.assert_allclose(zoomed.project(under, SIZE)[0], place, atol=1e-4)
    if camera.distance_mm * factor > NEAREST_MM:
        assert zoomed.distance_mm == pytest.approx(camera.distance_mm * factor)


@given(cameras, st.floats(-100, 100), st.floats(-100, 100))
def test_pan_moves_the_target_with_the_hand(camera, right, down):
    place, _ = camera.panned(right, down, SIZE).project(np.array(camera.target), SIZE)
    np.testing.assert_allclose(place, [400 + right, 300 + down], atol=1e-4)


def test_orbit_stays_within_its_limits_and_at_its_distance():
    camera = OrbitCamera()
    assert camera.orbited(0, 500).elevation_deg == HIGHEST_DEG
    assert camera.orbited(0, -500).elevation_deg == LOWEST_DEG
    turned = camera.orbited(130.0, 0.0)
    assert turned.target == camera.target
    assert turned.distance_mm == camera.distance_mm
    gone = np.linalg.norm(turned.position - camera.position)
    radius = camera.distance_mm * np.cos(np.radians(camera.elevation_deg))
    assert gone == pytest.approx(2 * radius * np.sin(np.radians(65.0)))


def test_framing_holds_all_points_and_is_no_farther_than_needed():
    points = np.random.default_rng(1).uniform(-3000, 3000, (20, 3))
    framed = OrbitCamera().framing(points, SIZE)
    places, depth = framed.project(points, SIZE)
    relative = np.abs(places - [400, 300]) / [400, 300]
    assert (depth > 0).all()
    assert relative.max() == pytest.approx(0.92), "the outermost point lies on the border that is left free"


def test_gliding_takes_the_short_way_around():
    start, end = OrbitCamera(170.0), OrbitCamera(-170.0, distance_mm=800.0)
    halfway = between(start, end, 0.5)
    assert abs(halfway.azimuth_deg) == pytest.approx(180.0)
    assert halfway.distance_mm == pytest.approx((5200.0 * 800.0) ** 0.5)
    assert between(start, end, 0.0).azimuth_deg == pytest.approx(170.0)
    assert between(start, end, 1.0) == end
