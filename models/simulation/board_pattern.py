"""What is printed where on a calibration board."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import Board

INK, PAPER = -1, -2
"""In ``BoardPattern.squares``: a square without a marker."""


@dataclass(frozen=True, eq=False)
class BoardPattern:
    """A board as tables, for the painter.

    Attributes:
        squares: (rows, columns) int32: INK, PAPER, or the row of ``markers`` that is printed in this square.
        markers: (M, n, n) uint8 cells of each marker with its border: 1 for ink, 0 for paper. M is at least
            1.
        square_mm: Side of a square.
        marker_mm: Side of a marker.
        margin_mm: Paper around the squares.
    """

    squares: NDArray[np.int32]
    markers: NDArray[np.uint8]
    square_mm: float
    marker_mm: float
    margin_mm: float

    @cached_property
    def table(self) -> NDArray[np.uint8]:
        """(rows + 2, columns + 2, n + 2, n + 2) 1 where there is ink, in a form that needs no decisions.

        One square of paper is put around the board, and one strip around the cells of each square's marker.
        """
        rows, columns = self.squares.shape
        side = self.markers.shape[1] + 2
        table = np.zeros((rows + 2, columns + 2, side, side), np.uint8)
        inner = table[1:-1, 1:-1]
        inner[self.squares == INK] = 1
        for row, column in np.argwhere(self.squares >= 0):
            inner[row, column, 1:-1, 1:-1] = self.markers[self.squares[row, column]]
        return table

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the squares, without the margin."""
        rows, columns = self.squares.shape
        return columns * self.square_mm, rows * self.square_mm


def board_pattern(board: Board) -> BoardPattern:
    """Tables of a board, printed inverted where the board says so."""
    row, column = np.indices((board.rows, board.columns))
    squares = np.where((row + column) % 2 == 0, INK, PAPER).astype(np.int32)
    markers = np.zeros((1, 1, 1), np.uint8)
    marker_mm = board.square_mm
    if board.kind == "charuco":
        assert board.marker_mm is not None
        assert board.dictionary is not None
        marker_mm = board.marker_mm
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary))
        numbers = np.arange(board.first_marker, board.first_marker + board.marker_count)
        layout = cv2.aruco.CharucoBoard(
            (board.columns, board.rows), board.square_mm, marker_mm, dictionary, numbers
        )
        layout.setLegacyPattern(board.legacy_pattern)
        squares[:] = INK
        side = dictionary.markerSize + 2
        markers = np.zeros((len(numbers), side, side), np.uint8)
        for index, corners in enumerate(layout.getObjPoints()):
            middle = np.asarray(corners, np.float64).reshape(4, 3).mean(axis=0)
            squares[int(middle[1] // board.square_mm), int(middle[0] // board.square_mm)] = index
            image = dictionary.generateImageMarker(int(numbers[index]), side)
            markers[index] = np.asarray(image) < 128
    return BoardPattern(squares, markers, board.square_mm, marker_mm, margin_mm=0.35 * board.square_mm)
