"""Finds a ChArUco board, in whatever print: as it is, white on black, from behind.

A frame without a board costs one search for markers in a small copy of the picture, or two. What makes that
cheap: markers are compared with those of the board only, not with a dictionary of a thousand, and with their
mirror images and, until the print is known, their negatives in the same pass. A board in the small copy is
then looked at in full resolution, in the part of the picture where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.found import Found
from calibration.plausibility import board_homography, check_corners, project_board

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Longest side of the small copy. At half of 1280x720 markers down to 18 px of the full picture are found.
_SMALL_SIDE = 640
_MEDIUM = 2 / 3
# Window of the threshold, px: near the side of the smallest marker, so that its border stays one blob.
ONE_WINDOW = (13, 13, 10)
# All sizes, for the part of the picture where the board is.
_ALL_WINDOWS = (3, 23, 10)
# In squares, of marker corners against the board they should be on; see the plausibility of corners.
_MARKER_MISS = 0.3
_FEWEST_GOOD_MARKERS = 0.6
# After a success a miss is worth a second look at the same place for this many frames.
_REMEMBERED = 3
# A camera that knows the print looks for the other one, too, on every so-many-th frame without a board.
_OTHER_PRINT_EVERY = 10


@dataclass
class CharucoMemory:
    """What one camera learnt from the frames before."""

    inverted: bool | None = None
    region: tuple[int, int, int, int] | None = None
    since: int = 0
    blanks: int = 0
    unsharp: int = 0
    """Pictures since the larger copy was last worth its time."""


@dataclass(frozen=True)
class Markers:
    """Markers of a picture.

    Attributes:
        numbers: (M,) on the board, from 0.
        pixels: (M, 4, 2) px.
        mirrored: Seen from behind.
        inverted: White on black.
    """

    numbers: Ints
    pixels: Floats
    mirrored: bool
    inverted: bool


Look = tuple[tuple[int, int, int, int] | None, Markers | None, str]
"""x0, y0, x1, y1 px where the board is, the markers that say so, and why they cannot be of the board."""


class CharucoDetector:
    """For one thread; cameras have a ``CharucoMemory`` each.

    Args:
        board: A charuco board.
        larger_every: Also look for boards that are too small for the small copy, on every so-many-th frame
            without a board, and on each while that finds some: neighbours in a video look alike. Such a look
            costs as much as everything else on that frame; 0 does without.
    """

    def __init__(self, board: Board, *, larger_every: int = 1) -> None:
        self.board = board
        self.larger_every = larger_every
        dictionary = board_dictionary(board)
        self._layout = charuco_layout(board, dictionary)
        both_sides = with_mirror_images(dictionary)
        parameters = detector_parameters(ONE_WINDOW)
        self._sweep = cv2.aruco.ArucoDetector(both_sides, parameters)
        parameters = detector_parameters(ONE_WINDOW)
        parameters.detectInvertedMarker = True
        self._sweep_for_both = cv2.aruco.ArucoDetector(both_sides, parameters)
        self._cells = dictionary.markerSize + 2
        self._exact = cv2.aruco.CharucoDetector(
            self._layout, cv2.aruco.CharucoParameters(), detector_parameters(_ALL_WINDOWS)
        )
        self._marker_corners = marker_corners(self._layout)

    def find(self, grey: Grey, memory: CharucoMemory) -> Found:
        """Look for the board in a (H, W) picture."""
        best = Found(reason="no marker of the board")
        for look in (self._small_look, self._last_place, self._medium_look):
            region, markers, reason = look(grey, memory)
            if reason:
                best = Found(reason=reason, evidence=True)
            if region is None:
                continue
            inverted = markers.inverted if markers is not None else bool(memory.inverted)
            for mirrored in (markers.mirrored,) if markers is not None else (False, True):
                found = self._exactly(grey, region, inverted=inverted, mirrored=mirrored)
                if len(found.ids):
                    memory.inverted, memory.region = inverted, _around(found, grey.shape)
                    memory.since = memory.blanks = 0
                    return found
                if found.evidence or not best.evidence:
                    best = found
            break  # there are markers; looking for more of them elsewhere helps nobody
        memory.since += 1
        memory.blanks += 1
        return best

    def _prints(self, memory: CharucoMemory) -> tuple[bool, bool]:
        """Whether to look at the negative of the picture, and for both prints in it."""
        if self.board.inverted is not None:
            return self.board.inverted, False
        if memory.inverted is None:
            # Turn about: markers are seen best as they are, negatives of them somewhat worse.
            return bool(memory.blanks % 2), True
        return memory.inverted, memory.blanks % _OTHER_PRINT_EVERY == _OTHER_PRINT_EVERY - 1

    def _small_look(self, grey: Grey, memory: CharucoMemory) -> Look:
        return self._region(grey, min(1.0, _SMALL_SIDE / max(grey.shape)), memory)

    def _last_place(self, grey: Grey, memory: CharucoMemory) -> Look:
        known = memory.region is not None and memory.since < _REMEMBERED
        return (memory.region if known else None), None, ""

    def _medium_look(self, grey: Grey, memory: CharucoMemory) -> Look:
        if not self.larger_every or max(grey.shape) <= _SMALL_SIDE:
            return None, None, ""
        memory.unsharp += 1
        if memory.unsharp >= _REMEMBERED and memory.unsharp % self.larger_every:
            return None, None, ""
        look = self._region(grey, _MEDIUM, memory)
        if look[0] is not None:
            memory.unsharp = 0
        return look

    def _region(self, grey: Grey, scale: float, memory: CharucoMemory) -> Look:
        """Where the board is in the full picture, from the markers of a smaller copy."""
        markers = self._markers(_scaled(grey, scale), *self._prints(memory))
        if markers is None:
            return None, None, ""
        markers = replace(markers, pixels=(markers.pixels + 0.5) / scale - 0.5)
        refusal = self.misfit(markers)
        if refusal:
            return None, None, refusal
        return self._extent(markers.numbers, markers.pixels, grey.shape), markers, ""

    def _markers(self, grey: Grey, negative: bool, both: bool) -> Markers | None:
        """Markers in a picture or its negative, of one print or of both, of either side."""
        picture = np.asarray(cv2.bitwise_not(grey), np.uint8) if negative else grey
        quads, ids, _ = (self._sweep_for_both if both else self._sweep).detectMarkers(picture)
        if ids is None or not len(ids):
            return None
        numbers = np.asarray(ids, np.intp).ravel()
        pixels = np.asarray(quads, np.float64).reshape(-1, 4, 2)
        behind: NDArray[np.bool_] = np.greater_equal(numbers, self.board.marker_count)
        mirrored = np.count_nonzero(behind) * 2 > len(numbers)
        keep = behind == mirrored
        inverted = negative
        if both:
            white = _white_borders(picture, pixels, self._cells)
            mostly = np.count_nonzero(white[keep]) * 2 > np.count_nonzero(keep)
            keep &= white == mostly
            inverted = negative != mostly
        numbers, pixels = numbers[keep] % self.board.marker_count, pixels[keep]
        if mirrored:
            # The mirror image of a marker starts at its own first corner and runs the other way round.
            pixels = pixels[:, [1, 0, 3, 2]]
        return Markers(numbers, pixels, bool(mirrored), bool(inverted))

    def misfit(self, markers: Markers) -> str:
        """Why these markers cannot be on this board, "" where they can or are fewer than three."""
        if len(markers.numbers) < 3:
            return ""
        flat = self._marker_corners[markers.numbers].reshape(-1, 2)
        pixels = markers.pixels.reshape(-1, 2)
        homography = board_homography(flat, pixels, self.board.square_mm, robust=True)
        good: NDArray[np.bool_] = np.zeros(len(flat), np.bool_)
        if homography is not None:
            size = np.linalg.norm(np.diff(markers.pixels, axis=1), axis=-1).mean(axis=1).repeat(4)
            side = float(self.board.marker_mm or 0.0) / self.board.square_mm
            limit = np.maximum(2.0, _MARKER_MISS * size / side)
            miss = np.linalg.norm(project_board(homography, flat) - pixels, axis=1)
            good = np.less_equal(miss, limit)
        whole = good.reshape(-1, 4).all(axis=1)
        if np.count_nonzero(whole) >= max(2, _FEWEST_GOOD_MARKERS * len(markers.numbers)):
            return ""
        return (
            f"{len(markers.numbers)} markers of the board are there, but not in the places that the board "
            "file gives them; its columns, rows or layout are not those of the print"
        )

    def _extent(self, numbers: Ints, pixels: Floats, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 px around the whole board, generously."""
        flat = self._marker_corners[numbers].reshape(-1, 2)
        at = pixels.reshape(-1, 2)
        # An affine map: with few markers a homography would make wild guesses about the far end.
        design = np.column_stack([flat, np.ones(len(flat))])
        affine, *_ = np.linalg.lstsq(design, at, rcond=None)
        width, height = self.board.size_mm
        outline = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ affine
        low, high = outline.min(axis=0), outline.max(axis=0)
        margin = 0.2 * (high - low) + 8
        low = np.minimum(low - margin, at.min(axis=0) - 8)
        high = np.maximum(high + margin, at.max(axis=0) + 8)
        return _clipped(low, high, shape)

    def _exactly(
        self, grey: Grey, region: tuple[int, int, int, int], *, inverted: bool, mirrored: bool
    ) -> Found:
        x0, y0, x1, y1 = region
        part = grey[y0:y1, x0:x1]
        if inverted:
            part = np.asarray(cv2.bitwise_not(part), np.uint8)
        if mirrored:
            part = np.ascontiguousarray(part[:, ::-1])
        corners, ids, quads, numbers = self._exact.detectBoard(np.ascontiguousarray(part))
        count = 0 if numbers is None else len(numbers)
        if ids is None or not len(ids):
            seen = f"{count} marker{'s' if count > 1 else ''}" if count else "no marker"
            return Found(reason=f"{seen} of the board but no corner between two of them", evidence=count >= 2)
        pixels = np.asarray(corners, np.float64).reshape(-1, 2)
        at = np.asarray(quads, np.float64).reshape(-1, 4, 2)
        if mirrored:
            pixels[:, 0] = part.shape[1] - 1 - pixels[:, 0]
            at[..., 0] = part.shape[1] - 1 - at[..., 0]
        offset = np.array([x0, y0], np.float64)
        markers = Markers(np.asarray(numbers, np.intp).ravel(), at + offset, mirrored, inverted)
        if refusal := self.misfit(markers):
            return Found(reason=refusal, evidence=True)
        order = np.argsort(np.asarray(ids).ravel())
        checked = check_corners(
            self.board,
            np.asarray(ids, np.intp).ravel()[order],
            (pixels + offset)[order],
            mirrored=mirrored,
            support=(
                self._marker_corners[markers.numbers].reshape(-1, 2),
                markers.pixels.reshape(-1, 2),
            ),
        )
        return Found(
            checked.ids, checked.pixels, mirrored, inverted, checked.spacing_px, checked.reason, evidence=True
        )


def board_dictionary(board: Board) -> Any:
    """A dictionary of the board's own markers, numbered from 0."""
    assert board.dictionary is not None
    whole = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary))
    part = whole.bytesList[board.first_marker : board.first_marker + board.marker_count]
    return cv2.aruco.Dictionary(np.ascontiguousarray(part), whole.markerSize, whole.maxCorrectionBits)


def with_mirror_images(dictionary: Any) -> Any:
    """The dictionary and, numbered on from its end, each marker as seen from behind."""
    behind = [
        cv2.aruco.Dictionary.getByteListFromBits(np.ascontiguousarray(bits[:, ::-1]))
        for bits in marker_bits(dictionary)
    ]
    return cv2.aruco.Dictionary(
        np.concatenate([dictionary.bytesList, *behind]), dictionary.markerSize, dictionary.maxCorrectionBits
    )


def marker_bits(dictionary: Any) -> NDArray[np.uint8]:
    """(M, n, n) bits without the border, 1 = white."""
    size = dictionary.markerSize
    rows = dictionary.bytesList
    return np.array(
        [cv2.aruco.Dictionary.getBitsFromByteList(rows[k : k + 1], size) for k in range(len(rows))], np.uint8
    )


def charuco_layout(board: Board, dictionary: Any) -> Any:
    """OpenCV's description of the board."""
    assert board.marker_mm is not None
    layout = cv2.aruco.CharucoBoard((board.columns, board.rows), board.square_mm, board.marker_mm, dictionary)
    layout.setLegacyPattern(board.legacy_pattern)
    return layout


def marker_corners(layout: Any) -> Floats:
    """(M, 4, 2) mm of the markers' corners on the board, clockwise from the upper left."""
    return np.asarray(layout.getObjPoints(), np.float64)[..., :2]


def detector_parameters(windows: tuple[int, int, int]) -> Any:
    """OpenCV's settings with these windows of the threshold: smallest, largest, step, px."""
    parameters = cv2.aruco.DetectorParameters()
    (
        parameters.adaptiveThreshWinSizeMin,
        parameters.adaptiveThreshWinSizeMax,
        parameters.adaptiveThreshWinSizeStep,
    ) = windows
    return parameters


def _white_borders(grey: Grey, quads: Floats, cells: int) -> NDArray[np.bool_]:
    """(M,) which markers (M, 4, 2 px) of ``cells`` x ``cells`` are white on black: border above inside."""
    at = (np.arange(cells) + 0.5) / cells
    x, y = (part.ravel() for part in np.meshgrid(at, at))
    weights = np.stack([(1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y], axis=1)
    places = np.rint(weights @ quads).astype(np.intp)
    high, wide = grey.shape
    values = grey[np.clip(places[..., 1], 0, high - 1), np.clip(places[..., 0], 0, wide - 1)].astype(float)
    outermost = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 1.0 / cells
    return np.asarray(values[:, outermost].mean(axis=1) > values[:, ~outermost].mean(axis=1))


def _scaled(grey: Grey, scale: float) -> Grey:
    if scale >= 1:
        return np.ascontiguousarray(grey)
    # Averaging is fast and right for whole factors; for others OpenCV's is five times slower than the rest.
    whole = abs(1 / scale - round(1 / scale)) < 1e-6
    way = cv2.INTER_AREA if whole or scale < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=way), np.uint8)


def _around(found: Found, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    margin = 2.5 * found.spacing_px + 16
    return _clipped(found.pixels.min(axis=0) - margin, found.pixels.max(axis=0) + margin, shape)


def _clipped(low: Floats, high: Floats, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    x0, y0 = (int(v) for v in np.clip(np.floor(low), 0, [shape[1] - 2, shape[0] - 2]))
    x1, y1 = (int(v) for v in np.clip(np.ceil(high) + 1, [x0 + 2, y0 + 2], [shape[1], shape[0]]))
    return x0, y0, x1, y1
