"""Boards and their file."""

import cv2
import numpy as np
import pytest

from calibration.board import DICTIONARIES, Board, board_from_dict, read_board, write_board
from calibration.errors import InvalidBoardError
from configs.errors import BadInputError

CHARUCO = Board("charuco", 4, 5, 54, 40.5, "4x4_1000")


def test_corners_are_numbered_along_the_columns():
    np.testing.assert_array_equal(
        CHARUCO.corners[:4], [[54, 54, 0], [108, 54, 0], [162, 54, 0], [54, 108, 0]]
    )
    assert CHARUCO.corners.shape == (12, 3) == (CHARUCO.corner_count, 3)
    assert not CHARUCO.corners.flags.writeable


def test_corners_are_those_of_opencv():
    layout = cv2.aruco.CharucoBoard((7, 5), 40, 30, cv2.aruco.getPredefinedDictionary(0))
    np.testing.assert_allclose(
        Board("charuco", 7, 5, 40, 30, "4x4_50").corners, layout.getChessboardCorners(), atol=1e-4
    )


def test_the_table_of_dictionaries_is_opencvs():
    names = {name.upper() for name in dir(cv2.aruco) if name.startswith("DICT_")}
    assert set(DICTIONARIES) == names
    for name, (bits, count) in DICTIONARIES.items():
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))
        assert (dictionary.markerSize, len(dictionary.bytesList)) == (bits, count), name


@pytest.mark.parametrize(
    "board",
    [
        CHARUCO,
        Board(
            "charuco",
            8,
            6,
            25.4,
            19,
            "DICT_APRILTAG_36h11",
            legacy_pattern=True,
            first_marker=5,
            inverted=True,
        ),
        Board("checkerboard", 10, 7, 80),
    ],
)
def test_the_file_brings_the_board_back(board, tmp_path):
    write_board(tmp_path / "board.yaml", board)
    assert read_board(tmp_path / "board.yaml") == board


@pytest.mark.parametrize("name", ["DICT_4X4_50", "4x4_50", "dict_4x4_50", "4X4-50"])
def test_dictionaries_by_any_usual_name(name):
    assert Board("charuco", 4, 5, 54, 40, name).dictionary == "DICT_4X4_50"


@pytest.mark.parametrize(("columns", "rows", "turns"), [(10, 7, 1), (9, 7, 2), (8, 8, 2), (9, 9, 4)])
def test_turns_that_leave_a_checkerboard_as_it_is(columns, rows, turns):
    pattern = np.indices((rows, columns)).sum(axis=0) % 2
    looks = [np.rot90(pattern, k) for k in range(4)]
    same = sum(look.shape == pattern.shape and (look == pattern).all() for look in looks)
    assert Board("checkerboard", columns, rows, 40).symmetry == same == turns


def test_corners_that_determine_a_pose():
    board = Board("checkerboard", 6, 5, 40)
    assert board.determines_pose(np.arange(20))
    assert board.determines_pose(np.array([0, 1, 5, 6]))
    assert not board.determines_pose(np.array([0, 1, 2, 3, 4]))  # one line
    assert not board.determines_pose(np.array([0, 1, 2, 3, 7]))  # one line and a point
    assert not board.determines_pose(np.array([0, 6, 12, 18]))  # a diagonal
    assert not board.determines_pose(np.array([0, 1, 5]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"type": "charuco", "columns": 4, "rows": 5, "square_mm": 54}, ["marker_mm", "is needed"]),
        (
            {
                "type": "charuco",
                "columns": 4,
                "rows": 5,
                "square_mm": 40,
                "marker_mm": 54,
                "dictionary": "4x4_50",
            },
            ["marker_mm", "smaller than a square", "exchanged"],
        ),
        (
            {
                "type": "charuco",
                "columns": 4,
                "rows": 5,
                "square_mm": 54,
                "marker_mm": 40,
                "dictionary": "4x4_60",
            },
            ["dictionary", "4x4_60", 'did you mean "DICT_4X4_50"'],
        ),
        (
            {
                "type": "charuco",
                "columns": 12,
                "rows": 9,
                "square_mm": 54,
                "marker_mm": 40,
                "dictionary": "4x4_50",
            },
            ["has 50 markers", "up to 53"],
        ),
        ({"type": "checkerboard", "columns": 2, "rows": 5, "square_mm": 54}, ["columns", "4 to 60", "not 2"]),
        ({"type": "checkerboard", "columns": 9, "rows": 6, "square_mm": 0}, ["square_mm", "more than 0"]),
        (
            {"type": "checkerboard", "columns": 9, "rows": 6, "square_mm": 30, "dictionary": "4x4_50"},
            ["dictionary", "belongs to charuco"],
        ),
        (
            {"type": "checkerboard", "colums": 9, "rows": 6, "square_mm": 30},
            ["colums", 'did you mean "columns"'],
        ),
        (
            {"type": "chessboard", "columns": 9, "rows": 6, "square_mm": 30},
            ["type", "chessboard", "checkerboard"],
        ),
        ({"version": 2, "type": "checkerboard", "columns": 9, "rows": 6, "square_mm": 30}, ["version"]),
    ],
)
def test_a_wrong_file_is_explained(data, words):
    with pytest.raises(BadInputError) as caught:
        board_from_dict(data, source="board.yaml")
    for word in ["board.yaml", *words]:
        assert word in str(caught.value)


def test_a_wrong_board_names_its_field():
    with pytest.raises(InvalidBoardError) as caught:
        Board("charuco", 4, 5, 54, 40, "4x4_50", first_marker=-1)
    assert caught.value.field == "dictionary"
