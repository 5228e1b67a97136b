"""What is printed for a board: black areas, lines and words on a page, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.board import Board
from calibration.charuco_detector import board_dictionary, charuco_layout, marker_bits, marker_corners
from configs.errors import bad_input

PAGES_MM: dict[str, tuple[float, float]] = {
    "a4": (210.0, 297.0),
    "a3": (297.0, 420.0),
    "a2": (420.0, 594.0),
    "a1": (594.0, 841.0),
    "a0": (841.0, 1189.0),
    "letter": (215.9, 279.4),
    "tabloid": (279.4, 431.8),
}
"""Width and height, upright; a board that is wider than high turns the page."""

# Printers leave about 4 mm blank; detectors want white around the board, at best half a square.
_BORDER_MM = 6.0
_CAPTION_MM = 16.0
_RULER_MM = 100.0
_TEXT_MM = 3.0


@dataclass(frozen=True)
class Rectangle:
    """Filled; x to the right, y down from the page's upper left corner, mm."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Words:
    """A line of text; x, y is the left end of its base line, mm."""

    x: float
    y: float
    height: float
    text: str


@dataclass(frozen=True)
class Sheet:
    """A page.

    Attributes:
        size_mm: Width and height.
        board: What is on it.
        origin_mm: x, y of the board's origin on the page; its axes are those of the page.
        ground: The black area below an inverted print, or None.
        ink: Areas in the print's own colour: black, or white on a black ground.
        ruler: Black areas of the ruler.
        words: Black texts.
    """

    size_mm: tuple[float, float]
    board: Board
    origin_mm: tuple[float, float]
    ground: Rectangle | None
    ink: tuple[Rectangle, ...]
    ruler: tuple[Rectangle, ...]
    words: tuple[Words, ...]


def lay_out(board: Board, page: str | None = None) -> Sheet:
    """Put a board in the middle of a page with a ruler and its description below.

    Args:
        board: What to print.
        page: Name of ``PAGES_MM``, ``fit`` for a page as large as needed, None for the smallest of A4 to
            A0 that is large enough, or ``fit`` beyond.

    Raises:
        BadInputError: The page is unknown or too small; says the largest square that fits.
    """
    if page is not None and page not in PAGES_MM and page != "fit":
        raise bad_input("is no page size", key="page", value=page, allowed=", ".join([*PAGES_MM, "fit"]))
    needed = _needed(board)
    smallest = next((name for name in ("a4", "a3", "a2", "a1", "a0") if _fits(needed, name)), "fit")
    page = page or smallest
    if page == "fit":
        size = needed
    else:
        if not _fits(needed, page):
            raise bad_input(
                f"is too small for a {board.words()}, which needs {needed[0]:.0f} x {needed[1]:.0f} mm "
                "with its margins",
                key="page",
                value=page,
                allowed=f"{smallest}, or squares of at most {_largest_square(board, page):.1f} mm",
            )
        size = _turned(needed, page)
    width, height = board.size_mm
    x = (size[0] - width) / 2
    y = (size[1] - _CAPTION_MM - height) / 2
    ground, ink = _pattern(board, x, y)
    ruler, words = _caption(board, size, page)
    return Sheet(size, board, (x, y), ground, ink, ruler, words)


def _quiet(board: Board) -> float:
    """White (of an inverted print: black) around the pattern, mm."""
    return min(10.0, board.square_mm / 2)


def _around(board: Board) -> float:
    """From the pattern to the page's edge at least, mm; a black ground must not reach the edge either."""
    return _BORDER_MM + _quiet(board) if board.inverted else max(_BORDER_MM, _quiet(board))


def _needed(board: Board) -> tuple[float, float]:
    around = 2 * _around(board)
    width, height = board.size_mm
    return max(width + around, _RULER_MM + 2 * _BORDER_MM), height + around + _CAPTION_MM


def _turned(needed: tuple[float, float], page: str) -> tuple[float, float]:
    width, height = PAGES_MM[page]
    upright = needed[0] <= width and needed[1] <= height
    return (width, height) if upright else (height, width)


def _fits(needed: tuple[float, float], page: str) -> bool:
    width, height = _turned(needed, page)
    return needed[0] <= width and needed[1] <= height


def _largest_square(board: Board, page: str) -> float:
    around = 2 * _around(board)
    best = 0.0
    for width, height in (PAGES_MM[page], PAGES_MM[page][::-1]):
        best = max(best, min((width - around) / board.columns, (height - around - _CAPTION_MM) / board.rows))
    return float(np.floor(best * 10) / 10)


def _pattern(board: Board, x: float, y: float) -> tuple[Rectangle | None, tuple[Rectangle, ...]]:
    square = board.square_mm
    # A legacy board with an even number of rows starts with a white square, which holds a marker.
    first_black = 1 if board.legacy_pattern and board.rows % 2 == 0 else 0
    black = [
        Rectangle(x + column * square, y + row * square, square, square)
        for row in range(board.rows)
        for column in range(board.columns)
        if (row + column) % 2 == first_black
    ]
    if board.kind == "charuco":
        black += _markers(board, x, y)
    if not board.inverted:
        return None, tuple(black)
    # White areas on black ground: the complement, so that the ink stays the one the board names.
    quiet = _quiet(board)
    width, height = board.size_mm
    return Rectangle(x - quiet, y - quiet, width + 2 * quiet, height + 2 * quiet), tuple(black)


def _markers(board: Board, x: float, y: float) -> list[Rectangle]:
    """Black cells of the markers, joined along rows; a marker's border is one cell wide."""
    dictionary = board_dictionary(board)
    corners = marker_corners(charuco_layout(board, dictionary))
    bits = marker_bits(dictionary)
    cells = bits.shape[1] + 2
    assert board.marker_mm is not None
    cell = board.marker_mm / cells
    result = []
    for marker, pattern in zip(corners, bits, strict=True):
        left, top = x + marker[:, 0].min(), y + marker[:, 1].min()
        black = np.pad(pattern == 0, 1, constant_values=True)
        for row in range(cells):
            edges = np.flatnonzero(np.diff(np.pad(black[row].astype(np.int8), 1)))
            for start, end in edges.reshape(-1, 2):
                result.append(Rectangle(left + start * cell, top + row * cell, (end - start) * cell, cell))
    return result


def _caption(
    board: Board, size: tuple[float, float], page: str
) -> tuple[tuple[Rectangle, ...], tuple[Words, ...]]:
    """A ruler of 100 mm and two lines of words at the lower edge."""
    thin = 0.2
    left = _BORDER_MM
    line = size[1] - _CAPTION_MM + 4.0
    ticks = [
        Rectangle(
            left + k * 10 - thin / 2, line - (3.0 if k % 5 == 0 else 2.0), thin, 3.0 if k % 5 == 0 else 2.0
        )
        for k in range(11)
    ]
    ruler = (Rectangle(left - thin / 2, line - thin / 2, _RULER_MM + thin, thin), *ticks)
    name = "page" if page == "fit" else page.upper()
    words = (
        Words(
            left,
            line + 1.3 * _TEXT_MM,
            _TEXT_MM,
            f"This ruler is 100 mm long. Print at 100 % on {name}, never fitted to the page.",
        ),
        Words(left, line + 2.6 * _TEXT_MM, _TEXT_MM, f"Posestage: {_description(board)}"),
    )
    return ruler, words


def _description(board: Board) -> str:
    if board.kind == "checkerboard":
        return board.words()
    more = f", markers {board.marker_mm:g} mm" + (
        f" from number {board.first_marker}" if board.first_marker else ""
    )
    return board.words() + more
