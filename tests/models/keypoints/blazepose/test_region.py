from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keypoints.blazepose.region import Region

finite = st.floats(-2000, 2000)


@pytest.mark.parametrize(
    ("reach", "angle"),
    [((0, -100), 0.0), ((100, 0), math.pi / 2), ((-100, 0), -math.pi / 2), ((0, 100), -math.pi)],
)
def test_around_points_to_the_head(reach: tuple[float, float], angle: float) -> None:
    hips = np.array([400.0, 300.0])
    region = Region.around(hips, hips + reach)
    assert (region.x, region.y) == (400, 300)
    assert region.side == pytest.approx(250)
    assert region.angle == pytest.approx(angle, abs=1e-12)


@given(finite, finite, st.floats(0, 2 * math.pi), st.floats(5, 900))
def test_the_head_is_up_in_the_crop(x: float, y: float, direction: float, distance: float) -> None:
    reach = np.array([x + distance * math.cos(direction), y + distance * math.sin(direction)])
    region = Region.around(np.array([x, y]), reach)
    assert -math.pi <= region.angle < math.pi
    # 1.25 times the reach is half the crop, so the reach is seen 128/1.25 px above the centre.
    seen = region.to_picture(np.array([[128.0, 128.0], [128.0, 128.0 - 128 / 1.25]]))
    np.testing.assert_allclose(seen, [[x, y], reach], atol=1e-6)


def test_crop_formula() -> None:
    region = Region(500, 300, 512, 0.3)
    points = np.array([[0.0, 0.0], [128, 128], [200, 31]])
    rotation = np.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    expected = np.array([500, 300]) + (rotation @ (points - 128).T).T * 2
    np.testing.assert_allclose(region.to_picture(points), expected, atol=1e-9)


def test_same_person() -> None:
    region = Region(100, 100, 200, 0)
    assert region.same_person(Region(149, 100, 200, 1.0))
    assert not region.same_person(Region(151, 100, 200, 0))
    assert region.same_person(Region(100, 100, 399, 0))
    assert not region.same_person(Region(100, 100, 401, 0))


@pytest.mark.parametrize("bad", [Region(math.nan, 0, 10, 0), Region(0, 0, 0.5, 0), Region(0, 0, math.inf, 0)])
def test_unusable(bad: Region) -> None:
    assert not bad.usable
