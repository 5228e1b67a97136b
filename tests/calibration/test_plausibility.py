"""Corners that no flat board has are refused, whatever detector they come from."""

import numpy as np
import pytest

from calibration.board import Board
from calibration.plausibility import check_corners
from tests.support.board_pictures import camera_over_board

CHECKERBOARD = Board("checkerboard", 8, 5, 60)
CHARUCO = Board("charuco", 7, 5, 40, 30, "4x4_50")
STRONG_LENS = (-0.35, 0.12, 0.0, 0.0, 0.0)


def seen(board, **view):
    return camera_over_board(board, **view).project(board.corners)


@pytest.mark.parametrize("board", [CHECKERBOARD, CHARUCO])
@pytest.mark.parametrize("tilt", [(0.0, 0.0), (50.0, 20.0), (-30.0, 55.0)])
@pytest.mark.parametrize("lens", [(-0.1, 0.02, 0, 0, 0), STRONG_LENS])
def test_a_true_board_passes(board, tilt, lens):
    ids = np.arange(board.corner_count)
    pixels = seen(board, tilt_deg=tilt, distortion=lens)
    checked = check_corners(board, ids, pixels)
    assert checked.reason == ""
    np.testing.assert_array_equal(checked.pixels, pixels)
    grid = pixels.reshape(board.rows - 1, board.columns - 1, 2)
    steps = np.linalg.norm(np.diff(grid, axis=1), axis=-1), np.linalg.norm(np.diff(grid, axis=0), axis=-1)
    assert min(s.min() for s in steps) <= checked.spacing_px <= max(s.max() for s in steps)


def test_a_row_taken_from_the_shirt_is_refused():
    """As in a real picture: three rows are two rows apart, the last one lies on other things."""
    pixels = seen(CHECKERBOARD).reshape(4, 7, 2)
    wrong = np.concatenate([pixels[:2], pixels[3:], pixels[3:] + np.array([40.0, 130.0])])
    wrong[3] += np.random.default_rng(1).normal(0, 30, (7, 2))
    checked = check_corners(CHECKERBOARD, np.arange(28), wrong.reshape(-1, 2))
    assert len(checked.ids) == 0
    assert "miss those of a flat board by" in checked.reason
    assert "px (RMS)" in checked.reason


def test_one_corner_taken_for_its_neighbour_is_refused_on_a_checkerboard():
    pixels = seen(CHECKERBOARD)
    pixels[10] = pixels[11]
    assert check_corners(CHECKERBOARD, np.arange(28), pixels).reason


def test_outliers_are_taken_out_of_a_charuco_board():
    pixels = seen(CHARUCO)
    pixels[5] += (30.0, -20.0)
    checked = check_corners(CHARUCO, np.arange(24), pixels)
    assert checked.reason == ""
    assert set(range(24)) - set(checked.ids.tolist()) == {5}


def test_mirrored_corners_are_refused_unless_expected():
    pixels = seen(CHARUCO) * (-1, 1) + (1279, 0)
    assert "mirror" in check_corners(CHARUCO, np.arange(24), pixels).reason
    assert check_corners(CHARUCO, np.arange(24), pixels, mirrored=True).reason == ""


@pytest.mark.parametrize(
    ("count", "words"), [(0, "no corner"), (1, "only 1 corner found"), (3, "only 3 corners")]
)
def test_too_few_corners(count, words):
    assert words in check_corners(CHARUCO, np.arange(count), np.zeros((count, 2))).reason


def test_corners_in_one_line_need_the_support_of_markers():
    pixels = seen(CHARUCO)
    line = np.arange(5)
    rest = np.arange(12, 20)
    assert check_corners(CHARUCO, line, pixels[line]).reason
    support = (CHARUCO.corners[rest, :2], pixels[rest])
    assert len(check_corners(CHARUCO, line, pixels[line], support=support).ids) == 5
