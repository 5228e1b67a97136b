"""Why a board is not found in pictures that should show it, in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.board_detector import BoardDetector
from calibration.detection_cause import Diagnosis
from calibration.marker_layout import Layout, corrected_board, read_layout
from calibration.observations import BoardObservations
from calibration.plausibility import FEWEST_CORNERS
from calibration.squares_diagnosis import from_squares, squares_seen

Grey = NDArray[np.uint8]

# Of the markers' side. Measuring it is good to 2 % (corners off by a pixel of some 50).
_RATIO_TOLERANCE = 0.06
# Of the pictures of one camera before it is the camera and not the board that is mirrored.
_MOSTLY = 0.9


def explain_missing(board: Board, pictures: Sequence[Grey]) -> Diagnosis:
    """Try the neighbouring explanations on pictures in which the stated board was not found.

    Args:
        board: As the board file describes it.
        pictures: (H, W) each, a handful; takes up to some seconds per picture.

    Returns:
        The first explanation that the pictures support, from the most to the least definite.
    """
    pictures = [np.ascontiguousarray(picture) for picture in pictures]
    if not pictures:
        return Diagnosis("no_board", "There are no pictures to look at.")
    found = _as_stated(board, pictures)
    if found is not None:
        return found
    layout = read_layout(pictures, board if board.kind == "charuco" else None)
    if layout is not None:
        if board.kind == "checkerboard":
            return Diagnosis(
                "other_kind",
                f"The pictures show a charuco board with markers of {layout.dictionary} and {layout.columns} "
                f"columns, but the board file says checkerboard: set type: charuco, with dictionary, "
                "marker_mm, columns and rows as printed.",
            )
        return _other_layout(board, layout)
    squares = squares_seen(board, pictures)
    if squares is not None:
        return from_squares(board, pictures, squares)
    return Diagnosis(
        "no_board",
        f"Nothing in these {len(pictures)} pictures looks like a {board.words()}: check that they show the "
        "board large enough, that it is lit and not overexposed, and that the board file describes the "
        "right one.",
    )


def check_marker_size(board: Board, pictures: Sequence[Grey]) -> Diagnosis | None:
    """Whether the markers have the size that the board file gives them; None where they have or nobody knows.

    A wrong size does not keep a board from being found, it makes its corners less certain.

    Args:
        board: A charuco board.
        pictures: (H, W) each, some that show it.
    """
    if board.kind != "charuco" or board.marker_mm is None:
        return None
    layout = read_layout(pictures, board)
    if layout is None or not np.isfinite(layout.marker_ratio):
        return None
    stated = board.marker_mm / board.square_mm
    if abs(layout.marker_ratio / stated - 1) <= _RATIO_TOLERANCE:
        return None
    marker_mm = round(layout.marker_ratio * board.square_mm, 1)
    return Diagnosis(
        "marker_size",
        f"The markers are {100 * layout.marker_ratio:.0f} % of a square in the pictures, but "
        f"{100 * stated:.0f} % in the board file: measure both; with squares of {board.square_mm:g} mm, "
        f"marker_mm would be {marker_mm:g}.",
        replace(board, marker_mm=marker_mm) if marker_mm < board.square_mm else None,
    )


def mirrored_cameras(observations: BoardObservations) -> tuple[Diagnosis, ...]:
    """Cameras that see the board mirrored in nearly all their pictures."""
    notes = []
    share = {
        name: float(np.mean([view.mirrored for view in observations.by_camera(name)]))
        for name in observations.cameras
        if observations.by_camera(name)
    }
    for name, part in share.items():
        if part >= _MOSTLY:
            notes.append(
                Diagnosis(
                    "mirrored",
                    f"{name} sees the board mirrored in {100 * part:.0f} % of its pictures: either it films "
                    "the print from behind, then all is well, or the camera delivers mirrored pictures "
                    "(selfie view): switch that off and record again.",
                )
            )
    return tuple(notes)


def _as_stated(board: Board, pictures: Sequence[Grey]) -> Diagnosis | None:
    detector = BoardDetector(replace(board, inverted=None), effort="video")
    views = [view for picture in pictures if (view := detector.find("", picture).view) is not None]
    if not views:
        return None
    if board.inverted is not None and all(view.inverted != board.inverted for view in views):
        kind, said = ("white on black", "black on white")[:: -1 if board.inverted else 1]
        return Diagnosis(
            "inverted",
            f"The board is printed {kind}, but the board file says {said}: set inverted: "
            f"{str(not board.inverted).lower()}, or leave it out.",
            replace(board, inverted=not board.inverted),
        )
    return Diagnosis(
        "found", f"The board is found in {len(views)} of these {len(pictures)} pictures as it is described."
    )


def _other_layout(board: Board, layout: Layout) -> Diagnosis:
    """The markers are read; which of their properties the board file has wrong."""
    true = corrected_board(board, layout)
    other_dictionary = board.dictionary not in layout.family
    counts = f"columns: {true.columns}, rows: {true.rows}"
    stated_white = board.legacy_pattern and board.rows % 2 == 0
    same_columns = layout.columns == board.columns
    if other_dictionary:
        also = "" if same_columns and layout.starts_white == stated_white else f", {counts}"
        also += ", legacy_pattern: true" if layout.starts_white and not stated_white else ""
        return Diagnosis(
            "dictionary",
            f"The pictures show markers of {true.dictionary}, but the board file says {board.dictionary}: "
            f"set dictionary: {true.dictionary}{also}.",
            true,
        )
    if layout.first_marker != board.first_marker and same_columns:
        return Diagnosis(
            "first_marker",
            f"The first marker in the pictures has number {layout.first_marker}, but the board file says "
            f"{board.first_marker}: set first_marker: {layout.first_marker}.",
            true,
        )
    if not same_columns and layout.columns == board.rows and layout.rows <= board.columns:
        return Diagnosis(
            "swapped",
            f"Columns and rows are exchanged: the print has {layout.columns} columns, the board file says "
            f"{board.columns} columns and {board.rows} rows; set {counts}.",
            true,
        )
    if not same_columns and layout.columns in (board.columns + 1, board.columns - 1):
        more = layout.columns > board.columns
        true = replace(true, rows=max(layout.rows, board.rows + (1 if more else -1)))
        why = (
            "the board file seems to count inner corners"
            if more
            else "the board file counts more than there are"
        )
        return Diagnosis(
            "inner_corners" if more else "counts",
            f"The print has {layout.columns} columns of squares, the board file says {board.columns}; {why}. "
            f"Columns and rows count squares: set columns: {true.columns}, rows: {true.rows}.",
            true,
        )
    if same_columns and layout.starts_white != stated_white:
        old = "the layout of OpenCV before 4.6" if layout.starts_white else "today's layout"
        rows = f", rows: {true.rows}" if true.rows != board.rows else ""
        return Diagnosis(
            "legacy_pattern",
            f"The board is printed in {old} (the upper left square is "
            f"{'white' if layout.starts_white else 'black'}): set legacy_pattern: "
            f"{str(true.legacy_pattern).lower()}{rows}.",
            true,
        )
    if not same_columns or layout.rows > board.rows:
        return Diagnosis(
            "counts",
            f"The print has {layout.columns} columns and at least {layout.rows} rows of squares, the board "
            f"file says {board.columns} columns and {board.rows} rows: set {counts}.",
            true,
        )
    return Diagnosis(
        "partial",
        f"{layout.markers} markers of the board are read, in the right places, but in no picture "
        f"{FEWEST_CORNERS} corners between them: bring the board closer, and keep hands and reflections off "
        "its middle.",
    )
