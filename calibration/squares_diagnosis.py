"""Why squares are in a picture but no board is found: too small, blurred, another checkerboard, hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import DICTIONARIES, Board
from calibration.board_detector import BoardDetector
from calibration.checkerboard_detector import CheckerboardDetector
from calibration.detection_cause import Diagnosis
from calibration.saddle_points import Cluster, find_saddle_points, largest_cluster
from calibration.sharpness import corner_sharpness

Grey = NDArray[np.uint8]

# Cells of a marker narrower than this are not told apart (two samples per cell, the least there can be).
_CELL_PX = 2.0
# Squares of a checkerboard; see ``saddle_points``.
_SQUARE_PX = 8.0
# 1/px; a webcam's picture in focus has 0.4 to 0.6, edges over more than 8 px are a movement or out of focus.
_BLURRED = 0.12
# Of the inner corners, found as points in a grid, before anything is said about squares.
_ENOUGH_POINTS = 0.4
# Points in a grid are more regular than this, see ``Cluster``.
_NOISE = 0.12
# Longest sides of the copies in which points are sought: strong blur is none in the smallest.
_SIDES = (1280, 640, 320, 160, 100)
_MOST_PIXELS = 30e6
_SEARCH_SPACINGS_PX = (40.0, 28.0, 20.0)


@dataclass(frozen=True)
class Squares:
    """Corners of squares in one of the pictures, more than in any other."""

    picture: Grey
    points: NDArray[np.float64]
    cluster: Cluster

    @property
    def sharpness(self) -> float:
        """At the corners, see ``corner_sharpness``."""
        return corner_sharpness(self.picture, self.points, self.cluster.spacing_px)


def squares_seen(board: Board, pictures: Sequence[Grey]) -> Squares | None:
    """Points like corners of squares that lie in a grid.

    Sought in small copies, where blur does no harm, and in enlarged ones, where squares of a few pixels are
    large enough.

    Args:
        board: As described; so many corners are wanted.
        pictures: (H, W) each.

    Returns:
        Those of the picture with most of them; None where none has enough.
    """
    best: Squares | None = None
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
                if cluster is None or cluster.regularity < _NOISE:
                    continue
                if cluster.count > (best.cluster.count if best else enough):
                    inside = ((points >= cluster.low) & (points <= cluster.high)).all(axis=1)
                    best = Squares(picture, points[inside], cluster)
        if best is not None:
            return best
    return None


def from_squares(board: Board, pictures: Sequence[Grey], squares: Squares) -> Diagnosis:
    """There are squares, but no markers that can be read, or no checkerboard as described.

    Args:
        board: As described.
        pictures: (H, W) each.
        squares: What ``squares_seen`` found in them.
    """
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
    if cluster is None or cluster.count < 9 or cluster.regularity < _NOISE:
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
