"""Squares of pictures: where their pixels come from, and what lies outside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.keypoints.studio_lite.square import LEAST_PX, Square, square_round, whole_picture


def bright_spot(x: float, y: float, size=(320, 240), width: float = 6.0) -> np.ndarray:
    rows, columns = np.mgrid[: size[1], : size[0]]
    level = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2))
    return np.repeat(np.rint(level).astype(np.uint8)[..., None], 3, axis=2)


def middle_of(picture: np.ndarray) -> np.ndarray:
    level = picture[..., 0].astype(float)
    rows, columns = np.mgrid[: level.shape[0], : level.shape[1]]
    return np.array([(level * columns).sum(), (level * rows).sum()]) / level.sum()


@pytest.mark.parametrize("square", [Square(90, 40, 160), Square(100, 60, 96), Square(-30, -40, 333)])
@pytest.mark.parametrize("size", [64, 128])
def test_points_go_back_to_where_they_were_cut_from(square, size) -> None:
    spot = (150.3, 110.7)
    cut = square.cut(bright_spot(*spot), size)
    assert cut.shape == (size, size, 3)
    back = square.to_picture(middle_of(cut), size)
    # levels are whole numbers: the tails of the spot are lost alike on all sides
    assert np.abs(back - spot).max() < 0.15


def test_outside_the_picture_is_black() -> None:
    cut = Square(-50, 200, 100).cut(np.full((240, 320, 3), 200, np.uint8), 100)
    assert (cut[:40, 50:] == 200).all()
    assert (cut[40:] == 0).all()
    assert (cut[:, :50] == 0).all()
    assert not Square(400, 0, 50).touches(np.zeros((240, 320, 3), np.uint8))
    assert Square(-20, -20, 30).touches(np.zeros((240, 320, 3), np.uint8))


@pytest.mark.parametrize(
    "square",
    [
        Square(20, 10, 96),  # nothing is averaged
        Square(20, 10, 97),
        Square(33, 5, 192),  # whole pixels only
        Square(-60, -75, 355),  # the whole picture and more
        Square(250, 150, 201),
        Square(-190, 30, 200),
        Square(400, 0, 100),  # nothing of the picture
    ],
)
def test_averaging_is_that_of_opencv(square) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    padded = np.zeros((800, 800, 3), np.uint8)
    padded[200:440, 200:520] = picture
    part = padded[square.top + 200 :, square.left + 200 :][: square.side, : square.side]
    expected = cv2.resize(part, (96, 96), interpolation=cv2.INTER_AREA).astype(int)
    # A mean that is half a level to 1e-6 may be rounded either way.
    differ = np.abs(square.cut(picture, 96) - expected)
    assert differ.max() <= 1
    assert (differ > 0).mean() < 1e-3


def test_pictures_that_are_parts_of_others_are_cut_alike() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (240, 320, 3), np.uint8)
    part = picture[10:200, 20:300]
    out = np.empty((64, 64, 3), np.uint8)
    square = Square(-4, 15, 150)
    assert square.cut(part, 64, out) is out
    assert np.array_equal(out, square.cut(part.copy(), 64))


def test_the_whole_picture_lies_in_the_middle() -> None:
    assert whole_picture(np.zeros((240, 320, 3), np.uint8)) == Square(0, -40, 320)
    assert whole_picture(np.zeros((321, 240, 3), np.uint8)) == Square(-41, 0, 321)


def test_the_square_round_a_person() -> None:
    points = np.array([[100.0, 50.0], [140.0, 250.0], [np.nan, np.nan], [120.0, 90.0]])
    square = square_round(points)
    assert square is not None
    assert square.side == 250
    # pixel centres 120 and 150 are its middle, to half a pixel
    assert abs(square.left + (square.side - 1) / 2 - 120.0) <= 0.5
    assert abs(square.top + (square.side - 1) / 2 - 150.0) <= 0.5
    assert square_round(points[:2]) is None
    assert square_round(points / 200 * (LEAST_PX / 1.25 - 1)) is None
