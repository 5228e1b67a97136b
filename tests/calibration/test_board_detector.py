"""Boards of every kind in rendered pictures, with the true corners known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.board import DICTIONARIES, Board
from calibration.board_detector import BoardDetector
from calibration.charuco_detector import CharucoDetector, CharucoMemory
from calibration.checkerboard_detector import CheckerboardDetector
from calibration.saddle_points import find_saddle_points
from tests.support.board_pictures import camera_over_board, take_picture

CHARUCO = Board("charuco", 7, 5, 40, 30, "4x4_50")
CHECKERBOARD = Board("checkerboard", 10, 7, 40)
SMALL = {"size": (800, 600), "focal": 670.0}

# Noise of 2 grey values on edges with a contrast of 200 moves a corner by some 0.02 px. OpenCV's refinement
# adds 0.05 to 0.1 px where lens and perspective bend the edges in its window or a marker reaches into it.
RMS_PX = 0.15
WORST_PX = 0.5


def errors(view, picture):
    return np.linalg.norm(view.pixels - picture.corners[view.ids], axis=1)


def check(board, picture, *, effort="video", fewest=1.0):
    detection = BoardDetector(board, effort=effort).find("cam", picture.grey, frame=3, time_ns=50)
    view = detection.view
    assert view is not None, detection.reason
    assert (view.camera, view.frame, view.time_ns) == ("cam", 3, 50)
    assert len(view.ids) >= fewest * np.count_nonzero(~np.isnan(picture.corners[:, 0]))
    error = errors(view, picture)
    assert np.sqrt(np.mean(error**2)) < RMS_PX
    assert error.max() < WORST_PX
    return view


@pytest.mark.parametrize("effort", ["live", "video"])
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("behind", [False, True])
def test_a_charuco_board_in_any_print(effort, inverted, behind):
    picture = take_picture(
        replace(CHARUCO, inverted=inverted), camera_over_board(CHARUCO, **SMALL), from_behind=behind
    )
    view = check(CHARUCO, picture, effort=effort)
    assert (view.mirrored, view.inverted) == (behind, inverted)


@pytest.mark.parametrize("rows", [5, 6])
@pytest.mark.parametrize("legacy", [False, True])
def test_both_generations_of_the_layout(rows, legacy):
    board = replace(CHARUCO, rows=rows, legacy_pattern=legacy)
    check(board, take_picture(board, camera_over_board(board, **SMALL)))


@pytest.mark.parametrize("dictionary", DICTIONARIES)
def test_every_dictionary(dictionary):
    board = Board("charuco", 5, 4, 40, 30, dictionary, first_marker=3)
    detector = CharucoDetector(board)
    sheet = take_picture(board, camera_over_board(board, size=(480, 360), focal=400.0))
    found = detector.find(sheet.grey, CharucoMemory())
    assert len(found.ids) == 12, found.reason
    assert np.abs(found.pixels - sheet.corners).max() < WORST_PX


def test_part_of_a_charuco_board_is_enough():
    camera = camera_over_board(CHARUCO, shift_mm=(280, 60), **SMALL)
    picture = take_picture(CHARUCO, camera)
    whole = np.count_nonzero(~np.isnan(picture.corners[:, 0]))
    assert 4 < whole < 20
    check(CHARUCO, picture, fewest=0.5)


@pytest.mark.parametrize("effort", ["live", "video", "stills"])
@pytest.mark.parametrize("roll", [10.0, 100.0, -170.0])
def test_a_checkerboard_whichever_way_it_is_held(effort, roll):
    picture = take_picture(CHECKERBOARD, camera_over_board(CHECKERBOARD, roll_deg=roll, **SMALL))
    check(CHECKERBOARD, picture, effort=effort)


def test_an_inverted_checkerboard():
    board = replace(CHECKERBOARD, inverted=True)
    picture = take_picture(board, camera_over_board(board, **SMALL))
    detection = BoardDetector(CHECKERBOARD).find("cam", picture.grey)
    assert detection.view is not None, detection.reason
    # White where the other is black: the same board turned round, so corner k is corner 53 - k.
    turned = np.linalg.norm(detection.view.pixels - picture.corners[::-1], axis=1)
    assert turned.max() < WORST_PX


def test_a_board_is_not_part_of_a_larger_one():
    picture = take_picture(CHECKERBOARD, camera_over_board(CHECKERBOARD, **SMALL))
    for columns, rows in ((8, 5), (7, 4), (10, 6)):
        smaller = Board("checkerboard", columns, rows, 40)
        assert BoardDetector(smaller, effort="video").find("cam", picture.grey).view is None


def test_markers_in_other_places_are_no_board():
    picture = take_picture(CHARUCO, camera_over_board(CHARUCO, **SMALL))
    detection = BoardDetector(replace(CHARUCO, columns=5, rows=7)).find("cam", picture.grey)
    assert detection.view is None
    assert detection.evidence
    assert "not in the places" in detection.reason


def test_a_frame_without_a_board_says_so():
    noise = np.random.default_rng(0).integers(0, 255, (480, 640), np.uint8)
    flat = np.full((480, 640), 128, np.uint8)
    for board in (CHARUCO, CHECKERBOARD):
        for effort in ("live", "video"):
            for picture in (noise, flat):
                detection = BoardDetector(board, effort=effort).find("cam", picture)
                assert detection.view is None
                assert detection.reason


def test_a_frame_without_a_board_costs_no_search():
    """The expensive search must not even begin, neither in an empty room nor for a few corners of squares."""
    begun = []
    detector = CheckerboardDetector(CHECKERBOARD, effort="stills")
    detector._search = lambda *args: begun.append(args)
    room = np.full((720, 1280), 90, np.uint8)
    cv2.rectangle(room, (100, 100), (400, 500), 200, -1)
    cv2.circle(room, (800, 300), 150, 30, -1)
    assert detector.find(room).reason
    assert not begun


def test_the_print_that_was_seen_last_is_tried_first():
    detector = CharucoDetector(CHARUCO)
    looked = []
    look = detector._markers
    detector._markers = lambda grey, negative, both: (
        looked.append((negative, both)) or look(grey, negative, both)
    )
    memory = CharucoMemory()
    picture = take_picture(replace(CHARUCO, inverted=True), camera_over_board(CHARUCO, **SMALL))
    for _ in range(3):
        assert len(detector.find(picture.grey, memory).ids)
    # One look each, the first of them for both prints.
    assert looked == [(False, True), (True, False), (True, False)]
    assert memory.inverted is True
    # Another sheet, printed the usual way, is noticed after some frames without the first.
    other = take_picture(replace(CHARUCO, inverted=False), camera_over_board(CHARUCO, **SMALL))
    found = [len(detector.find(other.grey, memory).ids) for _ in range(12)]
    assert found[-1]
    assert memory.inverted is False


def test_the_same_picture_gives_the_same_corners():
    picture = take_picture(CHECKERBOARD, camera_over_board(CHECKERBOARD, **SMALL))
    detector = CheckerboardDetector(CHECKERBOARD)
    first = detector.find(picture.grey)
    cv2.setRNGSeed(77)
    np.testing.assert_array_equal(first.pixels, detector.find(picture.grey).pixels)


def test_colour_pictures_count_as_grey_ones():
    picture = take_picture(CHARUCO, camera_over_board(CHARUCO, **SMALL))
    colour = cv2.cvtColor(picture.grey, cv2.COLOR_GRAY2BGR)
    assert BoardDetector(CHARUCO).find("cam", colour).view is not None
    with pytest.raises(ValueError, match="8 bits"):
        BoardDetector(CHARUCO).find("cam", picture.grey.astype(np.float32))


def test_sharpness_falls_with_blur():
    camera = camera_over_board(CHARUCO, **SMALL)
    values = [
        BoardDetector(CHARUCO)
        .find("cam", take_picture(CHARUCO, camera, blur_px=blur, noise=1).grey)
        .view.sharpness
        for blur in (0.5, 1.0, 2.0)
    ]
    # The slope of an edge blurred by s px is contrast / (s sqrt(2 pi)); the pixel adds its own width.
    expected = [1 / np.sqrt(2 * np.pi * (blur**2 + 1 / 12 + 1 / 3)) for blur in (0.5, 1.0, 2.0)]
    np.testing.assert_allclose(values, expected, rtol=0.2)


def test_saddle_points_lie_at_the_corners():
    picture = take_picture(CHECKERBOARD, camera_over_board(CHECKERBOARD, **SMALL))
    points = find_saddle_points(picture.grey, 640)
    gaps = np.linalg.norm(picture.corners[:, None] - points[None], axis=-1).min(axis=1)
    assert (gaps < 2.0).all()
    assert len(points) <= 1.2 * len(picture.corners)
