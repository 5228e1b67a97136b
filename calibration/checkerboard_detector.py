"""Finds a checkerboard, whole or not at all: part of a plain checkerboard does not tell which part it is.

Saddle points say in a few milliseconds whether and where a search is worth its time. OpenCV's sector-based
detector then looks at that part of the picture; its corners are the most accurate ones we know (0.11 to 0.14
px RMS in a lens fit; sub-pixel refinement of the same corners reaches 0.17 to 0.20), but now and then they
are wrong, so that everything is checked and searched for again in another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.found import Found
from calibration.plausibility import check_corners
from calibration.saddle_points import Cluster, find_saddle_points, largest_cluster

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

Effort = Literal["live", "video", "stills"]
"""How hard to search: two quick ways; in full resolution where points lie in a grid; in every way we know."""

# Longest side of the copy that is searched for saddle points.
_SADDLE_SIDE = 640
_SADDLE_SIDE_THOROUGH = 1280
# Of the inner corners; blur and glare hide some.
_ENOUGH_SADDLES = 0.6
# Points so many times the board's corners, and less regular than this (see ``Cluster``), are noise.
_NOISE_TIMES, _NOISE = 3.0, 0.12
# Beyond these, more pixels make the search slow and the corners no better.
_LARGEST_SPACING_PX = 80.0
_LIVE_SPACING_PX = 24.0
# Below, the detector finds no sectors.
_SMALLEST_SPACING_PX = 6.0
# Around the outermost saddle points, in spacings: the outer squares and some of the white around them.
_MARGIN = 1.7
_MOST_PIXELS = 2_200_000
_MOST_PIXELS_LIVE = 120_000
# Of the corner spacing. A window that reaches the next corner pulls this one away.
_REFINEMENT_WINDOW = 0.25
# Of the contrast between neighbouring squares: below, black and white are not told apart.
_ALTERNATION = 0.15
_FEWEST_ALTERNATING = 0.95
# Of the difference between opposite quarters around an inner corner; at the board's edge it is a half.
_GOES_ON = 0.75


@dataclass(frozen=True)
class _Attempt:
    """One way to search."""

    name: str
    scale: float
    flags: int
    near: bool = False
    """Look around the saddle points only."""
    inverted: bool = False


class CheckerboardDetector:
    """Remembers nothing; may be used by several threads.

    Args:
        board: A checkerboard.
        effort: On 2 Mpx with a board that fills half the picture, measured: ``live`` 15 to 35 ms, ``video``
            and ``stills`` 0.1 to 0.4 s. Without a complete board, but with squares in sight, ``live`` takes
            up to 0.3 s and ``stills`` up to 3 s.
    """

    def __init__(self, board: Board, *, effort: Effort = "stills") -> None:
        self.board = board
        self.effort = effort
        self._enough = max(4, int(np.ceil(_ENOUGH_SADDLES * board.corner_count)))

    def find(self, grey: Grey) -> Found:
        """Look for the board in a (H, W) picture."""
        grey = np.ascontiguousarray(grey)
        points = find_saddle_points(grey, _SADDLE_SIDE)
        if len(points) < self._enough and self.effort == "stills" and max(grey.shape) > _SADDLE_SIDE:
            points = find_saddle_points(grey, _SADDLE_SIDE_THOROUGH)
        if len(points) < self._enough:
            return Found(
                reason=f"{len(points)} points look like corners of squares; "
                f"the board has {self.board.corner_count}"
            )
        cluster = largest_cluster(points)
        if cluster is not None and (cluster.count < self._enough or self._is_noise(cluster)):
            cluster = None
        if cluster is None and self.effort != "stills":
            return Found(reason="points that look like corners of squares are there, but in no grid")
        reasons = []
        for attempt in self._attempts(grey, cluster):
            grid = self._search(grey, attempt, cluster)
            if grid is None:
                continue
            found = self.verified(grey, grid)
            if not found.reason:
                return found
            reasons.append(found.reason)
        if reasons:
            return Found(reason=reasons[0], evidence=True)
        return Found(
            reason="squares are there, but no complete board of "
            f"{self.board.columns} x {self.board.rows} squares with its margin",
            evidence=True,
        )

    def _is_noise(self, cluster: Cluster) -> bool:
        """Many times the board's corners, and in no order: a search would take seconds and find nothing."""
        return cluster.count > _NOISE_TIMES * self.board.corner_count and cluster.regularity < _NOISE

    def _attempts(self, grey: Grey, cluster: Cluster | None) -> Iterator[_Attempt]:
        """Ways to search, the most promising first."""
        exact = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY
        if cluster is not None:
            width, height = cluster.high - cluster.low + 2 * _MARGIN * cluster.spacing_px
            most, wanted = (
                (_MOST_PIXELS_LIVE, _LIVE_SPACING_PX)
                if self.effort == "live"
                else (_MOST_PIXELS, _LARGEST_SPACING_PX)
            )
            scale = min(1.0, wanted / cluster.spacing_px, float(np.sqrt(most / (width * height))))
            if self.effort == "live":
                yield _Attempt("sectors", scale, 0, near=True)
                yield _Attempt("sectors", scale, cv2.CALIB_CB_NORMALIZE_IMAGE, near=True)
                return
            yield _Attempt("sectors", scale, exact, near=True)
            if scale * cluster.spacing_px >= 2 * _SMALLEST_SPACING_PX:
                yield _Attempt("sectors", scale / 2, exact, near=True)
        if self.effort == "stills":
            whole = min(1.0, float(np.sqrt(_MOST_PIXELS / grey.size)))
            yield _Attempt("sectors", whole, exact)
            yield _Attempt("sectors", whole / 2, exact | cv2.CALIB_CB_NORMALIZE_IMAGE)
            yield _Attempt("sectors", whole, exact, inverted=True)
            yield _Attempt("classic", 1.0, cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE)

    def _search(self, grey: Grey, attempt: _Attempt, cluster: Cluster | None) -> Floats | None:
        """(rows - 1, columns - 1, 2) px in the order of the detector, None where it finds nothing."""
        low = np.zeros(2, np.intp)
        part = grey
        if attempt.near and cluster is not None:
            margin = _MARGIN * cluster.spacing_px + 4
            low = np.floor(cluster.low - margin).clip(0, None).astype(np.intp)
            high = np.ceil(cluster.high + margin).astype(np.intp) + 1
            part = grey[low[1] : high[1], low[0] : high[0]]
        if attempt.scale < 1:
            part = np.asarray(
                cv2.resize(part, None, fx=attempt.scale, fy=attempt.scale, interpolation=cv2.INTER_AREA),
                np.uint8,
            )
        if attempt.inverted:
            part = 255 - part
        part = np.ascontiguousarray(part)
        if min(part.shape) < 8:
            return None
        # The detector draws random numbers; from the same start the same picture gives the same answer.
        cv2.setRNGSeed(1)
        if attempt.name == "sectors":
            ok, corners = cv2.findChessboardCornersSB(part, self.board.inner, flags=attempt.flags)
        else:
            ok, corners = cv2.findChessboardCorners(part, self.board.inner, flags=attempt.flags)
        if not ok or corners is None:
            return None
        pixels: Floats = (np.asarray(corners, np.float64).reshape(-1, 2) + 0.5) / attempt.scale - 0.5 + low
        if attempt.name == "classic" or (attempt.scale < 1 and self.effort == "live"):
            pixels = refine_corners(grey, pixels, self.board.inner)
        along_x, along_y = self.board.inner
        return pixels.reshape(along_y, along_x, 2)

    def verified(self, grey: Grey, grid: Floats) -> Found:
        """Corners in the order of the board, if they can be those of a whole board in this picture.

        Args:
            grey: (H, W).
            grid: (rows - 1, columns - 1, 2) px, turned any way.
        """
        ids = np.arange(self.board.corner_count)
        grid = upright(grid)
        checked = check_corners(self.board, ids, grid.reshape(-1, 2))
        if checked.reason:
            return Found(reason=checked.reason, evidence=True)
        first_is_light, alternating = _colours(grey, grid)
        if alternating < _FEWEST_ALTERNATING:
            return Found(
                reason=f"between the corners {100 * (1 - alternating):.0f} % of the squares are not black "
                "beside white",
                evidence=True,
            )
        if goes_on(grey, grid):
            return Found(
                reason=f"the squares go on beyond the {self.board.inner[0]} x {self.board.inner[1]} inner "
                "corners that were looked for; the board file counts too few",
                evidence=True,
            )
        grid = self._canonical(grid, first_is_light)
        # Only the turns of the grid are left to chance, so the corners are as plausible as before.
        return Found(ids, grid.reshape(-1, 2), spacing_px=checked.spacing_px, evidence=True)

    def _canonical(self, grid: Floats, first_is_light: bool) -> Floats:
        """Square (0, 0), diagonally outside corner 0, is black; where that leaves a choice, up or left."""
        turns = [grid, grid[::-1, ::-1]]
        if self.board.columns == self.board.rows:
            turns += [np.rot90(grid), np.rot90(grid, 3)]
        if self.board.symmetry == 1:
            return turns[1] if first_is_light else turns[0]
        if self.board.columns == self.board.rows and self.board.symmetry == 2 and first_is_light:
            turns = turns[2:]  # quarter turns exchange the colours here
        elif self.board.columns == self.board.rows and self.board.symmetry == 2:
            turns = turns[:2]
        return min(turns, key=lambda turn: float(turn[0, 0].sum()))


def refine_corners(grey: Grey, pixels: Floats, inner: tuple[int, int]) -> Floats:
    """Sub-pixel corners from approximate ones of a complete grid.

    The window is a quarter of the smallest spacing: larger ones see the neighbour, smaller ones only noise.
    """
    grid = pixels.reshape(inner[1], inner[0], 2)
    spacing = min(float(np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min()) for axis in (0, 1))
    half = max(2, int(_REFINEMENT_WINDOW * spacing))
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)
    start = pixels.astype(np.float32).reshape(-1, 1, 2).copy()
    refined = cv2.cornerSubPix(grey, start, (half, half), (-1, -1), stop)
    return np.asarray(refined, np.float64).reshape(-1, 2)


def upright(grid: Floats) -> Floats:
    """The grid with its columns reversed if x, y of the board would turn against x, y of the picture."""
    x = grid[:, -1] - grid[:, 0]
    y = grid[-1] - grid[0]
    right, down = x.mean(axis=0), y.mean(axis=0)
    return grid if right[0] * down[1] - right[1] * down[0] > 0 else grid[:, ::-1]


def _colours(grey: Grey, grid: Floats) -> tuple[bool, float]:
    """Whether square (0, 0) is light, and which part of the squares differs from its neighbours."""
    middles = (grid[:-1, :-1] + grid[:-1, 1:] + grid[1:, :-1] + grid[1:, 1:]) / 4
    step = np.linalg.norm(grid[1:, 1:] - grid[:-1, :-1], axis=-1).mean()
    # The mean of nine points in the middle half: noise and a reflection do not decide.
    spread = 0.12 * step
    offsets = np.stack(np.meshgrid([-spread, 0.0, spread], [-spread, 0.0, spread]), axis=-1).reshape(-1, 2)
    at = (middles[..., None, :] + offsets).astype(np.float32)
    shape = at.shape[:-1]
    sampled = cv2.remap(
        grey,
        np.ascontiguousarray(at[..., 0].reshape(shape[0], -1)),
        np.ascontiguousarray(at[..., 1].reshape(shape[0], -1)),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    light = np.asarray(sampled, np.float64).reshape(shape).mean(axis=-1)
    rows, columns = np.indices(light.shape)
    sign = np.where((rows + columns) % 2 == 0, 1.0, -1.0)
    down = np.diff(light, axis=0) * sign[:-1]
    across = np.diff(light, axis=1) * sign[:, :-1]
    rise = np.concatenate([down.ravel(), across.ravel()])
    typical = float(np.median(rise))
    # Middle (0, 0) belongs to square (1, 1), of the colour of square (0, 0): lighter than its neighbours
    # where the steps away from it fall.
    agreeing = np.count_nonzero(np.sign(rise) == np.sign(typical)) / len(rise)
    clear = np.count_nonzero(np.abs(rise) >= _ALTERNATION * abs(typical)) / len(rise)
    return typical < 0, float(min(agreeing, clear)) if typical else 0.0


def goes_on(grey: Grey, grid: Floats) -> bool:
    """Whether one step outside the grid there are corners of squares too: it is part of a larger board.

    A step beyond the outermost inner corners of a whole board, its outer squares end: on the far side there
    is paper on both sides of the edge, and of the four quarters around the point only one is dark.
    """
    height, width = grey.shape
    for turned in (grid, grid[::-1], grid.transpose(1, 0, 2), grid.transpose(1, 0, 2)[::-1]):
        out = turned[0] - turned[1]
        along = np.gradient(turned[0], axis=0)
        at = turned[0] + out
        # From the inner corner itself: what black and white look like here.
        crossings = [_crossing(grey, middle[1:-1], along[1:-1], out[1:-1]) for middle in (turned[0], at)]
        reach = 0.3 * (np.abs(along) + np.abs(out))[1:-1]
        middle = at[1:-1]
        inside = ((middle - reach >= 0) & (middle + reach <= (width - 1, height - 1))).all(axis=1)
        if np.count_nonzero(inside) >= 2:
            inner, outer = (float(np.median(np.abs(values[inside]))) for values in crossings)
            if outer > _GOES_ON * inner:
                return True
    return False


def _crossing(grey: Grey, at: Floats, along: Floats, out: Floats) -> Floats:
    """(N,) difference between the two pairs of opposite quarters around points, grey values."""
    total = np.zeros(len(at))
    for side, sign in ((1, 1), (-1, -1)):
        for depth in (1, -1):
            spot = (at + 0.25 * (side * along + depth * out)).astype(np.float32)
            x, y = spot[:, :1].copy(), spot[:, 1:].copy()
            value = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            total += sign * depth * np.asarray(value, np.float64).ravel()
    return total
