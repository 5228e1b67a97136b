"""Wrong board files and bad pictures, each explained in its own sentence."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from calibration.board import Board
from calibration.detection_diagnosis import check_marker_size, explain_missing, mirrored_cameras
from calibration.observations import BoardObservations, BoardView
from calibration.saddle_points import find_saddle_points
from tests.support.board_pictures import camera_over_board, take_picture

CHARUCO = Board("charuco", 7, 5, 40, 30, "4x4_50")
EVEN = replace(CHARUCO, rows=6)
PLAIN = Board("checkerboard", 10, 7, 40)
SIZE = {"size": (800, 600), "focal": 670.0}


@lru_cache(maxsize=64)
def filmed(board, view=(), light=()):
    """Two pictures from different sides."""
    return tuple(
        take_picture(
            board,
            camera_over_board(board, tilt_deg=tilt, roll_deg=roll, **SIZE, **dict(view)),
            seed=k,
            **dict(light),
        ).grey
        for k, (tilt, roll) in enumerate([((20.0, -15.0), 10.0), ((-18.0, 12.0), -25.0)])
    )


def empty_room():
    y, x = np.indices((600, 800))
    noise = np.random.default_rng(0).normal(0, 3, x.shape)
    return (np.clip(110 + 30 * np.sin(x / 90) * np.cos(y / 70) + noise, 0, 255).astype(np.uint8),)


CASES = {
    "dictionary": (CHARUCO, replace(CHARUCO, dictionary="DICT_5X5_100"), "dictionary", "DICT_4X4_50"),
    "apriltag": (replace(CHARUCO, dictionary="DICT_APRILTAG_36H11"), CHARUCO, "dictionary", "36H11"),
    "inverted dictionary": (
        replace(CHARUCO, dictionary="6x6_250", inverted=True),
        CHARUCO,
        "dictionary",
        "DICT_6X6",
    ),
    "dictionary and counts": (
        CHARUCO,
        Board("charuco", 6, 4, 40, 30, "5x5_50"),
        "dictionary",
        "columns: 7, rows: 5",
    ),
    "old layout": (replace(EVEN, legacy_pattern=True), EVEN, "legacy_pattern", "legacy_pattern: true"),
    "new layout": (EVEN, replace(EVEN, legacy_pattern=True), "legacy_pattern", "legacy_pattern: false"),
    "swapped": (CHARUCO, replace(CHARUCO, columns=5, rows=7), "swapped", "columns: 7, rows: 5"),
    "inner corners": (CHARUCO, replace(CHARUCO, columns=6, rows=4), "inner_corners", "columns: 7, rows: 5"),
    "counts": (CHARUCO, replace(CHARUCO, columns=9), "counts", "columns: 7"),
    "first marker": (replace(CHARUCO, first_marker=10), CHARUCO, "first_marker", "first_marker: 10"),
    "not inverted": (CHARUCO, replace(CHARUCO, inverted=True), "inverted", "inverted: false"),
    "inverted": (
        replace(CHARUCO, inverted=True),
        replace(CHARUCO, inverted=False),
        "inverted",
        "inverted: true",
    ),
    "plain board": (PLAIN, CHARUCO, "other_kind", "without markers"),
    "inner corners of a plain board": (
        PLAIN,
        replace(PLAIN, columns=9, rows=6),
        "inner_corners",
        "columns: 10, rows: 7",
    ),
    "too few squares": (PLAIN, replace(PLAIN, columns=8, rows=6), "counts", "columns: 10, rows: 7"),
    "markers": (CHARUCO, PLAIN, "other_kind", "type: charuco"),
}

SEEN_BADLY = {
    "blurred": (CHARUCO, (), (("blur_px", 7.0),), "blurred", "hold it still"),
    "very blurred": (CHARUCO, (), (("blur_px", 11.0),), "blurred", "px wide"),
    "far away": (CHARUCO, (("distance_mm", 4500.0),), (), "too_small", "bring it closer"),
    "blurred plain board": (PLAIN, (), (("blur_px", 7.0),), "blurred", "hold it still"),
    "plain board far away": (PLAIN, (("distance_mm", 8500.0),), (), "too_small", "at least 8 px"),
    "half outside": (PLAIN, (("shift_mm", (470.0, 60.0)),), (), "partial", "completely"),
}


def slow_where_all_dictionaries_are_read(case):
    return pytest.param(case, marks=[pytest.mark.slow] if PLAIN in CASES[case][:1] else [])


@pytest.mark.parametrize("case", [slow_where_all_dictionaries_are_read(case) for case in CASES])
def test_a_wrong_board_file_is_explained(case):
    printed, said, cause, words = CASES[case]
    diagnosis = explain_missing(said, filmed(printed))
    assert diagnosis.cause == cause, diagnosis.sentence
    assert words in diagnosis.sentence
    # The board that is proposed is the one that is found.
    if diagnosis.board is not None:
        assert explain_missing(diagnosis.board, filmed(printed)).cause == "found"


@pytest.mark.parametrize("case", SEEN_BADLY)
def test_pictures_that_are_no_good_are_explained(case):
    board, view, light, cause, words = SEEN_BADLY[case]
    diagnosis = explain_missing(board, filmed(board, view, light))
    assert diagnosis.cause == cause, diagnosis.sentence
    assert words in diagnosis.sentence


@pytest.mark.parametrize("board", [CHARUCO, PLAIN])
def test_an_empty_room(board):
    diagnosis = explain_missing(board, empty_room())
    assert diagnosis.cause == "no_board"
    assert board.words() in diagnosis.sentence


@pytest.mark.parametrize(
    "board",
    [
        CHARUCO,
        EVEN,
        PLAIN,
        replace(EVEN, legacy_pattern=True),
        replace(CHARUCO, inverted=True),
        Board("checkerboard", 7, 10, 40),
    ],
)
def test_nothing_is_wrong_with_a_good_recording(board):
    diagnosis = explain_missing(board, filmed(board))
    assert diagnosis.cause == "found"
    assert check_marker_size(board, filmed(board)) is None


def test_markers_of_another_size():
    diagnosis = check_marker_size(replace(CHARUCO, marker_mm=24), filmed(CHARUCO))
    assert diagnosis is not None
    assert diagnosis.cause == "marker_size"
    assert diagnosis.board is not None
    # A marker of some 40 px whose corners are half a pixel off in the same way on both sides: 3 %.
    assert diagnosis.board.marker_mm == pytest.approx(30, rel=0.04)
    assert "measure both" in diagnosis.sentence


def test_a_camera_that_mirrors_is_named():
    def views(camera, mirrored):
        return [
            BoardView(camera, k, k, np.arange(4), np.ones((4, 2)) * k, mirrored=mirrored) for k in range(5)
        ]

    recording = BoardObservations(
        CHARUCO, {"a": (8, 8), "b": (8, 8), "c": (8, 8)}, (*views("a", False), *views("b", True))
    )
    (note,) = mirrored_cameras(recording)
    assert note.cause == "mirrored"
    assert note.sentence.startswith("b sees the board mirrored in 100 %")


@pytest.mark.parametrize("board", [CHARUCO, PLAIN], ids=["charuco", "checkerboard"])
def test_noise_is_no_board_however_many_corners_it_seems_to_have(board):
    """Cameras with the lens cap on and the gain turned up deliver this."""
    noise = np.random.default_rng(1).integers(0, 256, (480, 640), np.uint8)
    assert len(find_saddle_points(noise, 640)) > 2 * board.corner_count
    assert explain_missing(board, [noise]).cause == "no_board"
