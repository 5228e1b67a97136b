from __future__ import annotations

import math

import numpy as np
import pytest

from models.keypoints.blazepose.landmarks import crop, refine
from models.keypoints.blazepose.region import Region


def gradient(width: int, height: int) -> np.ndarray:
    """A picture that says where each pixel is: blue 40 + x/8, green 30 + y/8, red 200."""
    y, x = np.mgrid[:height, :width]
    return np.stack([40 + x / 8, 30 + y / 8, np.full_like(x, 200)], axis=2).round().astype(np.uint8)


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("side", [200.0, 500.0, 1100.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, -2.5])
def test_crop_shows_the_picture_where_the_formula_says(side: float, angle: float, smooth: bool) -> None:
    image = gradient(1080, 1200)
    region = Region(540, 600, side, angle)
    shown = crop(image, region, smooth=smooth).astype(float)
    v, u = np.mgrid[:256, :256]
    place = region.to_picture(np.stack([u.ravel(), v.ravel()], axis=1).astype(float)).reshape(256, 256, 2)
    inside = ((place > 8) & (place < (1070, 1190))).all(axis=2)
    assert inside.mean() > 0.4
    # Blue and green rise by one in 8 px: rounding of the picture, of the average and of the crop, and 1/32 px
    # steps of the sampling, stay below 1.6 values each; a half-pixel slip is invisible here, see below.
    np.testing.assert_allclose(shown[inside][:, 2], 40 + place[inside][:, 0] / 8, atol=1.6)
    np.testing.assert_allclose(shown[inside][:, 1], 30 + place[inside][:, 1] / 8, atol=1.6)
    assert (shown[..., 0] == 200).all()


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_averaging_does_not_shift(factor: int) -> None:
    # Blurred dots whose centre of brightness is known.
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:1200, :1080]
    places = rng.uniform(380, 700, (6, 2))
    errors = []
    region = Region(540.3, 560.8, 350.0 * factor, 0.2)
    for px, py in places:
        spread = 5.0 * factor
        blob = 250 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * spread**2))
        image = np.repeat(blob.round().astype(np.uint8)[:, :, None], 3, axis=2)
        shown = crop(image, region, smooth=True)[..., 0].astype(float)
        if shown.max() < 150 or max(shown[0].max(), shown[-1].max(), shown[:, 0].max(), shown[:, -1].max()):
            continue  # not wholly inside
        v, u = np.mgrid[:256, :256]
        centroid = np.array([[(u * shown).sum(), (v * shown).sum()]]) / shown.sum()
        errors.append(region.to_picture(centroid)[0] - (px, py))
    assert len(errors) >= 3
    # A slip of half a block would be 0.5 to 2 px; rounding leaves a few hundredths.
    assert np.abs(errors).max() < 0.05 * factor + 0.05


@pytest.mark.parametrize("smooth", [False, True])
def test_the_border_repeats(smooth: bool) -> None:
    image = np.full((400, 300, 3), 90, np.uint8)
    assert (crop(image, Region(0, 0, 700, 0.3), smooth=smooth) == 90).all()
    assert (crop(image, Region(-5000, 9000, 800, 0.0), smooth=smooth) == 90).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 701), (641, 479)])
def test_averaging_takes_any_picture(size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    for side in (300.0, 900.0, 40_000.0):
        assert (crop(image, Region(size[0] / 2, size[1] / 2, side, 0.7), smooth=True) == 90).all()


def heat_maps(points: int = 1) -> np.ndarray:
    return np.full((64, 64, points), -50.0, np.float32)


def test_refine_moves_to_the_weighted_mean() -> None:
    maps = heat_maps()
    maps[20, 30, 0] = 0.0  # sigmoid 0.5
    maps[22, 31, 0] = math.log(3)  # sigmoid 0.75
    moved = refine(np.array([[30 * 4 + 3.9, 20 * 4 + 0.1]]), maps)
    np.testing.assert_allclose(
        moved, [[4 * (0.5 * 30 + 0.75 * 31) / 1.25, 4 * (0.5 * 20 + 0.75 * 22) / 1.25]], atol=1e-9
    )


def test_refine_looks_four_cells_far_and_no_further() -> None:
    maps = heat_maps(2)
    maps[20, 34, 0] = 9.0
    maps[20, 35, 1] = 9.0
    points = np.array([[120.0, 80.0], [120.0, 80.0]])
    moved = refine(points, maps)
    np.testing.assert_allclose(moved, [[136, 80], [120, 80]], atol=1e-9)


def test_refine_needs_one_half() -> None:
    maps = heat_maps()
    maps[20, 31, 0] = -1e-4
    points = np.array([[120.0, 80.0]])
    np.testing.assert_array_equal(refine(points, maps), points)


def test_refine_clips_the_window_at_the_edge() -> None:
    maps = heat_maps()
    maps[0, 0, 0] = 9.0
    maps[63, 63, 0] = 9.0  # must not wrap around
    np.testing.assert_allclose(refine(np.array([[1.0, 2.0]]), maps), [[0, 0]], atol=1e-9)


@pytest.mark.parametrize(
    "point", [(-4.0, 80.0), (256.0, 80.0), (80.0, 300.0), (math.nan, 80.0), (80, math.inf)]
)
def test_refine_leaves_points_outside_the_map(point: tuple[float, float]) -> None:
    maps = np.full((64, 64, 1), 9.0, np.float32)
    np.testing.assert_array_equal(refine(np.array([point]), maps), [point])


def test_cells_are_truncated_towards_zero() -> None:
    maps = heat_maps()
    maps[20, 0, 0] = 9.0
    np.testing.assert_allclose(refine(np.array([[-3.9, 80.0]]), maps), [[0, 80]], atol=1e-9)


def test_refine_treats_each_point_with_its_own_map() -> None:
    rng = np.random.default_rng(1)
    maps = rng.normal(-2, 2, (64, 64, 39)).astype(np.float32)
    points = rng.uniform(-20, 280, (35, 2))
    moved = refine(points, maps)
    for index, (x, y) in enumerate(points):
        column, row = int(x / 4), int(y / 4)
        expected = (x, y)
        if 0 <= column < 64 and 0 <= row < 64:
            total = sum_x = sum_y = best = 0.0
            for r in range(max(row - 4, 0), min(row + 5, 64)):
                for c in range(max(column - 4, 0), min(column + 5, 64)):
                    weight = 1 / (1 + math.exp(-float(maps[r, c, index])))
                    total, best = total + weight, max(best, weight)
                    sum_x, sum_y = sum_x + weight * c, sum_y + weight * r
            if best >= 0.5:
                expected = (4 * sum_x / total, 4 * sum_y / total)
        np.testing.assert_allclose(moved[index], expected, rtol=1e-9)
