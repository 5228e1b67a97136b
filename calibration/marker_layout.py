"""Reads off a ChArUco board what is printed on it: dictionary, columns, layout, size of the markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import DICTIONARIES, MOST_SQUARES, Board
from calibration.charuco_detector import ONE_WINDOW, detector_parameters
from calibration.plausibility import board_homography, project_board
from calibration.saddle_points import find_saddle_points

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

FAMILIES: tuple[tuple[str, ...], ...] = (
    *(tuple(f"DICT_{n}X{n}_{count}" for count in (50, 100, 250, 1000)) for n in (4, 5, 6, 7)),
    *((name,) for name in DICTIONARIES if not name.startswith(("DICT_4X", "DICT_5X", "DICT_6X", "DICT_7X"))),
)
"""Dictionaries whose markers are those of the last one, or the first of them."""

# Fewer do not tell one layout from another.
_FEWEST_MARKERS = 4
# Per picture: so many markers in their places are no accident.
_CLEAR_MARKERS = 6
# In squares, of marker corners against a layout. Neighbouring places are at least one square apart.
_MISS = 0.3
_SEARCH_SIDE = 1600
_PICTURES = 2
# Numbers on a board for each marker of it that is read, at most.
_NUMBERS_PER_MARKER = 15


@dataclass(frozen=True)
class Reading:
    """Markers in one picture: (M,) numbers in their dictionary, (M, 4, 2) px clockwise from upper left."""

    numbers: Ints
    pixels: Floats


@dataclass(frozen=True)
class Layout:
    """What the markers of some pictures have in common.

    Attributes:
        family: Dictionaries they can be of, smallest first.
        columns: Squares along x.
        starts_white: Whether square (0, 0) holds a marker, as in legacy boards with an even number of rows.
        first_marker: Number of the first one.
        rows: At least so many.
        mirrored: Read from the mirror image of the pictures.
        inverted: Read from the negatives.
        markers: How many readings agree.
        marker_ratio: Side of a marker over side of a square.
    """

    family: tuple[str, ...]
    columns: int
    starts_white: bool
    first_marker: int
    rows: int
    mirrored: bool
    inverted: bool
    markers: int
    marker_ratio: float

    @property
    def dictionary(self) -> str:
        """The smallest that has all the markers the board needs."""
        needed = self.first_marker + self.columns * self.rows // 2
        return next((name for name in self.family if DICTIONARIES[name][1] >= needed), self.family[-1])


def read_layout(pictures: Sequence[Grey], expected: Board | None = None) -> Layout | None:
    """The layout that explains most markers in the pictures.

    Args:
        pictures: (H, W) each.
        expected: A charuco board that is preferred where others fit no better.

    Returns:
        None where no picture shows at least four markers of one dictionary in the places of any layout.
    """
    # A dictionary of a thousand takes a tenth of a second per picture; two with most squares will do.
    pictures = sorted(pictures, key=lambda picture: -len(find_saddle_points(picture, 640)))[:_PICTURES]
    best: Layout | None = None
    families = sorted(FAMILIES, key=lambda family: expected is None or expected.dictionary not in family)
    for mirrored in (False, True):
        if mirrored:
            pictures = pictures[:1]
        for inverted in (False, True):
            for family in families:
                layout = _read(pictures, family, mirrored, inverted, expected)
                if layout is not None and (best is None or layout.markers > best.markers):
                    best = layout
                if best is not None and best.markers >= _CLEAR_MARKERS * len(pictures):
                    return best
        if best is not None:
            break  # a marker and its mirror image are hardly ever both in a dictionary
    return best


def _read(
    pictures: Sequence[Grey], family: tuple[str, ...], mirrored: bool, inverted: bool, expected: Board | None
) -> Layout | None:
    readings = []
    for picture in pictures:
        copy = 255 - picture if inverted else picture
        reading = read_markers(copy[:, ::-1] if mirrored else copy, family[-1])
        if len(reading.numbers) >= _FEWEST_MARKERS:
            readings.append(reading)
    if not readings:
        return None
    stated = expected if expected is not None and expected.dictionary in family else None
    firsts = sorted({0, *((stated.first_marker,) if stated else ())}, key=lambda first: first == 0)
    lowest = int(min(reading.numbers.min() for reading in readings))
    if lowest not in firsts:
        firsts.append(lowest)
    candidates = [
        (columns, starts_white, first)
        for first in firsts
        for columns in range(3, MOST_SQUARES + 1)
        for starts_white in (False, True)
    ]
    if stated is not None:
        own = (stated.columns, stated.legacy_pattern and stated.rows % 2 == 0, stated.first_marker)
        candidates.sort(key=lambda candidate: candidate != own)
    best, score = None, 0
    total = sum(len(reading.numbers) for reading in readings)
    for candidate in candidates:
        count = sum(int(np.count_nonzero(_fit(reading, *candidate)[1])) for reading in readings)
        if count > score:
            best, score = candidate, count
            if count >= 0.9 * total and (stated is None or candidate == own):
                break
    if best is None or score < max(_FEWEST_MARKERS, 0.6 * total):
        return None
    ratios, rows = [], 0
    for reading in readings:
        homography, good = _fit(reading, *best)
        if homography is None or np.count_nonzero(good) < _FEWEST_MARKERS:
            continue
        rows = max(
            rows, 1 + max(_place(int(n) - best[2], best[0], best[1])[1] for n in reading.numbers[good])
        )
        ratios.append(
            _ratio(reading.pixels[good], _places(reading.numbers[good] - best[2], best[0], best[1]))
        )
    return Layout(
        family,
        best[0],
        best[1],
        best[2],
        rows,
        mirrored,
        inverted,
        score,
        float(np.median(ratios)) if ratios else float("nan"),
    )


def read_markers(grey: Grey, dictionary: str) -> Reading:
    """All markers of a predefined dictionary in a picture."""
    scale = min(1.0, _SEARCH_SIDE / max(grey.shape))
    copy = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    quads, ids, _ = _detector(dictionary).detectMarkers(np.ascontiguousarray(copy))
    if ids is None or not len(ids):
        return Reading(np.zeros(0, np.intp), np.zeros((0, 4, 2)))
    numbers, first = np.unique(np.asarray(ids, np.intp).ravel(), return_index=True)
    # Markers of one board have numbers close together; what else was read is scattered over the dictionary.
    start = np.arange(len(numbers))
    ends = np.searchsorted(numbers, numbers + _NUMBERS_PER_MARKER * len(numbers))
    longest = int(np.argmax(ends - start))
    numbers, first = numbers[longest : ends[longest]], first[longest : ends[longest]]
    pixels = (np.asarray(quads, np.float64).reshape(-1, 4, 2)[first] + 0.5) / scale - 0.5
    return Reading(numbers, pixels)


def corrected_board(board: Board, layout: Layout) -> Board:
    """The board with what the markers tell: dictionary, columns, layout, and at least as many rows."""
    swapped = layout.columns == board.rows and layout.rows <= board.columns
    rows = max(layout.rows, board.columns if swapped else board.rows)
    if layout.starts_white and rows % 2:
        rows += 1  # only an even number of rows makes a legacy board start with a white square
    legacy = layout.starts_white or (board.legacy_pattern and rows % 2 == 1)
    same = board.dictionary in layout.family
    return replace(
        board,
        columns=layout.columns,
        rows=rows,
        dictionary=board.dictionary if same else replace(layout, rows=rows).dictionary,
        legacy_pattern=legacy,
        first_marker=layout.first_marker,
        inverted=None,
    )


@lru_cache(maxsize=32)
def _detector(dictionary: str) -> Any:
    return cv2.aruco.ArucoDetector(
        cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, dictionary)), detector_parameters(ONE_WINDOW)
    )


def _place(index: int, columns: int, starts_white: bool) -> tuple[int, int]:
    """Column and row of a marker, counted from 0 along the rows of white squares."""
    even, odd = columns // 2, (columns + 1) // 2
    if starts_white:
        even, odd = odd, even
    pair, rest = divmod(index, columns)
    row = 2 * pair + (rest >= even)
    place = rest - even if rest >= even else rest
    first = int((row % 2 == 0) != starts_white)
    return first + 2 * place, row


def _places(indices: Ints, columns: int, starts_white: bool) -> Floats:
    """(M, 2) squares: middles of the markers."""
    return np.array([_place(int(index), columns, starts_white) for index in indices], np.float64) + 0.5


def _fit(
    reading: Reading, columns: int, starts_white: bool, first: int
) -> tuple[Floats | None, NDArray[np.bool_]]:
    """Homography px from squares through the middles of the markers, and (M,) which of them fit."""
    none: NDArray[np.bool_] = np.zeros(len(reading.numbers), np.bool_)
    if (reading.numbers < first).any():
        return None, none
    places = _places(reading.numbers - first, columns, starts_white)
    # Corners at three quarters of the way: the true size is not known yet, and makes little difference.
    corner = 0.375 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    flat = (places[:, None] + corner).reshape(-1, 2)
    pixels = reading.pixels.reshape(-1, 2)
    homography = board_homography(flat, pixels, 1.0, robust=True, attempts=60)
    if homography is None:
        return None, none
    side = np.linalg.norm(reading.pixels[:, 1:] - reading.pixels[:, :-1], axis=-1).mean(axis=1) / 0.75
    miss = np.linalg.norm(project_board(homography, flat) - pixels, axis=1).reshape(-1, 4).max(axis=1)
    return homography, np.less_equal(miss, _MISS * side + 1.0)


def _ratio(pixels: Floats, places: Floats) -> float:
    """Side of the markers in squares, by a homography through their middles alone."""
    # Diagonals cross in the image of the middle, whatever the perspective.
    a, b, c, d = (pixels[:, k] for k in range(4))
    ac, bd, ab = c - a, d - b, b - a
    cross = ac[:, 0] * bd[:, 1] - ac[:, 1] * bd[:, 0]
    along = (ab[:, 0] * bd[:, 1] - ab[:, 1] * bd[:, 0]) / cross
    middles = a + along[:, None] * ac
    homography = board_homography(places, middles, 1.0, robust=False)
    if homography is None:
        return float("nan")
    flat = cv2.perspectiveTransform(pixels.reshape(1, -1, 2), np.linalg.inv(homography)).reshape(-1, 4, 2)
    sides = np.linalg.norm(flat - np.roll(flat, 1, axis=1), axis=-1)
    return float(np.nanmedian(sides))
