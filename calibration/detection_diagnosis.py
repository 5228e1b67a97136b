"""Why a board is not found in pictures that should show it, in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import DICTIONARIES, Board
from calibration.board_detector import BoardDetector
from calibration.checkerboard_detector import CheckerboardDetector
from calibration.marker_layout import Layout, corrected_board, read_layout
from calibration.observations import BoardObservations
from calibration.plausibility import FEWEST_CORNERS
from calibration.saddle_points import Cluster, find_saddle_points, largest_cluster
from calibration.sharpness import corner_sharpness

Grey = NDArray[np.uint8]

Cause = Literal[
    "found",
    "inverted",
    "mirrored",
    "dictionary",
    "legacy_pattern",
    "swapped",
    "inner_corners",
    "counts",
    "first_marker",
    "marker_size",
    "other_kind",
    "blurred",
    "too_small",
    "partial",
    "no_board",
]

# Cells of a marker narrower than this are not told apart (two samples per cell, the least there can be).
_CELL_PX = 2.0
# Squares of a checkerboard; see ``saddle_points``.
_SQUARE_PX = 8.0
# 1/px; a webcam's picture in focus has 0.4 to 0.6, edges over more than 8 px are a movement or out of focus.
_BLURRED = 0.12
# Of the markers' side. Measuring it is good to 2 % (corners off by a pixel of some 50).
_RATIO_TOLERANCE = 0.06
# Of the inner corners, found as points in a grid, before anything is said about squares.
_ENOUGH_POINTS = 0.4
# Longest sides of the copies in which points are sought: strong blur is none in the smallest.
_SIDES = (1280, 640, 320, 160, 100)
_MOST_PIXELS = 30e6
_SEARCH_SPACINGS_PX = (40.0, 28.0, 20.0)
# Of the pictures of one camera before it is the camera and not the board that is mirrored.
_MOSTLY = 0.9


@dataclass(frozen=True)
class Diagnosis:
    """One cause.

    Attributes:
        cause: For programs.
        sentence: For people: what is the matter and what to do.
        board: The board as the pictures show it, where that is the remedy.
    """

    cause: Cause
    sentence: str
    board: Board | None = None


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
    squares = _squares_seen(board, pictures)
    if squares is not None:
        return _from_squares(board, pictures, squares)
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


@dataclass(frozen=True)
class _Squares:
    """Corners of squares in one of the pictures, more than in any other."""

    picture: Grey
    points: NDArray[np.float64]
    cluster: Cluster

    @property
    def sharpness(self) -> float:
        return corner_sharpness(self.picture, self.points, self.cluster.spacing_px)


def _squares_seen(board: Board, pictures: Sequence[Grey]) -> _Squares | None:
    """Points like corners of squares that lie in a grid.

    Sought in small copies, where blur does no harm, and in enlarged ones, where squares of a few pixels are
    large enough.
    """
    best: _Squares | None = None
    enough = _ENOUGH_POINTS * board.corner_count
    for enlarged in (1, 2, 3):
        for picture in pictures:
            if picture.size * enlarged**2 > _MOST_PIXELS:
                continue
            copy = picture
            if enlarged > 1:
                copy = np.asarray(
                    cv2.resize(picture, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC),
                    np.uint8,
                )
            for side in _SIDES if enlarged == 1 else (max(copy.shape),):
                points = (find_saddle_points(copy, side) + 0.5) / enlarged - 0.5
                cluster = largest_cluster(points)
                if cluster is not None and cluster.count > (best.cluster.count if best else enough):
                    inside = ((points >= cluster.low) & (points <= cluster.high)).all(axis=1)
                    best = _Squares(picture, points[inside], cluster)
        if best is not None:
            return best
    return None


def _from_squares(board: Board, pictures: Sequence[Grey], squares: _Squares) -> Diagnosis:
    """There are squares, but no markers that can be read, or no checkerboard as described."""
    if squares.cluster.spacing_px < _fewest_px(board):
        return _too_small(board, squares.cluster.spacing_px)
    sharpness = squares.sharpness
    if sharpness < _BLURRED:
        return _blurred(sharpness)
    for explain in (_other_squares, _harmless_blur):
        diagnosis = explain(board, pictures)
        if diagnosis is not None:
            return diagnosis
    if board.kind == "charuco":
        return Diagnosis(
            "partial",
            "Squares are seen, but hardly any marker can be read: look for reflections, shadows and fingers "
            "on the markers, and check that the print is the board of the board file.",
        )
    return Diagnosis(
        "partial",
        f"Squares are seen, but no complete {board.words()}: it has to be in the picture completely, with "
        "the white around it and without fingers on it; check columns and rows too.",
    )


def _harmless_blur(board: Board, pictures: Sequence[Grey]) -> Diagnosis | None:
    """A board that is found in smaller copies only is blurred or noisy."""
    detector = BoardDetector(replace(board, inverted=None), effort="video")
    for scale in (0.5, 0.25):
        for picture in pictures:
            copy = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            view = detector.find("", np.asarray(copy, np.uint8)).view
            if view is not None:
                pixels = (view.pixels + 0.5) / scale - 0.5
                found = largest_cluster(pixels)
                spacing = found.spacing_px if found is not None else 20.0
                return _blurred(corner_sharpness(picture, pixels, spacing))
    return None


def _other_squares(board: Board, pictures: Sequence[Grey]) -> Diagnosis | None:
    """A plain checkerboard of any size."""
    sizes = [size for picture in pictures if (size := _inner_corners(picture)) is not None]
    if not sizes:
        return None
    values, counts = np.unique(np.array(sizes), axis=0, return_counts=True)
    # The largest of those seen most often: hands make boards smaller, never larger.
    long, short = max((int(a), int(b)) for a, b in values[counts == counts.max()])
    inner = f"{long} x {short} inner corners, that is {long + 1} x {short + 1} squares"
    if board.kind == "charuco":
        return Diagnosis(
            "other_kind",
            f"The pictures show a checkerboard without markers ({inner}), but the board file says charuco: "
            "set type: checkerboard, or film the right board.",
        )
    stated = (max(board.inner), min(board.inner))
    columns, rows = (long + 1, short + 1) if board.columns >= board.rows else (short + 1, long + 1)
    true = replace(board, columns=columns, rows=rows)
    if (long, short) == stated:
        return None  # as it is described; something else kept it from being accepted
    if (long, short) == (stated[0] + 1, stated[1] + 1):
        return Diagnosis(
            "inner_corners",
            f"The print has {inner}; the board file counts inner corners where squares are meant: set "
            f"columns: {true.columns}, rows: {true.rows}.",
            true,
        )
    if long <= stated[0] and short <= stated[1] and not (len(sizes) > 2 and len(set(sizes)) == 1):
        return Diagnosis(
            "partial",
            f"At most {long} x {short} of the {board.inner[0]} x {board.inner[1]} inner corners are seen at "
            "once: a checkerboard has to be in the picture completely, with the white around it and without "
            "fingers on it. A charuco board may be covered in part.",
        )
    return Diagnosis(
        "counts",
        f"The print has {inner}, but the board file says {board.columns} x {board.rows} squares: set "
        f"columns: {true.columns}, rows: {true.rows}.",
        true,
    )


def _inner_corners(picture: Grey) -> tuple[int, int] | None:
    """Inner corners of the largest plain checkerboard, the longer side first."""
    cluster = largest_cluster(find_saddle_points(picture, 640))
    if cluster is None or cluster.count < 9:
        return None
    margin = 2 * cluster.spacing_px
    low = np.floor(cluster.low - margin).clip(0, None).astype(int)
    high = np.ceil(cluster.high + margin).astype(int)
    part = picture[low[1] : high[1], low[0] : high[0]]
    best: tuple[int, int] | None = None
    for spacing_px in _SEARCH_SPACINGS_PX:
        scale = min(1.0, spacing_px / cluster.spacing_px)
        copy = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        cv2.setRNGSeed(1)
        ok, corners, meta = cv2.findChessboardCornersSBWithMeta(
            copy, (3, 3), cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_LARGER
        )
        if not ok or meta is None:
            continue
        rows, columns = np.asarray(meta).shape[:2]
        grid = np.asarray(corners, np.float64).reshape(rows, columns, 2)
        # What it finds need not be a board, and need not be all of it.
        detector = CheckerboardDetector(Board("checkerboard", columns + 1, rows + 1, 1.0))
        size = max(rows, columns), min(rows, columns)
        if not detector.verified(copy, grid).reason and (best is None or size > best):
            best = size
    return best


def _blurred(sharpness: float) -> Diagnosis:
    edge = f" (edges are about {1 / sharpness:.0f} px wide)" if sharpness > 0 else ""
    return Diagnosis(
        "blurred",
        f"The board is in the pictures, but blurred{edge}: hold it still, give it more light or a shorter "
        "exposure, and check the focus.",
    )


def _too_small(board: Board, spacing_px: float) -> Diagnosis:
    return Diagnosis(
        "too_small",
        f"The board is too small in the pictures: its squares are about {spacing_px:.0f} px wide and need "
        f"at least {_fewest_px(board):.0f} px: bring it closer, use larger pictures, or print larger "
        "squares.",
    )


def _fewest_px(board: Board) -> float:
    """Side of the smallest square that can be read, px."""
    if board.kind == "checkerboard" or board.dictionary is None or board.marker_mm is None:
        return _SQUARE_PX
    return _CELL_PX * (DICTIONARIES[board.dictionary][0] + 2) * board.square_mm / board.marker_mm
