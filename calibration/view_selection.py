"""Choosing among hundreds of board views those that say most about a lens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.coverage import cells_of, grid_shape
from calibration.observations import BoardView
from calibration.planar_pose import PackedViews, pack, poses_from_normalised

FEWEST_CORNERS = 6
"""Per view. Four fix a pose and leave nothing over that could contradict a lens or a wrong detection."""

_STRAYING = 0.1
"""Of the step between neighbours: how far a corner may lie from the smooth surface through all corners of
its view. Good views, through fisheyes too, stay below 0.05; noise of a pixel on squares of 20 px as well."""
_MOST_STRAYING = 0.15
"""Share of straying corners from which on the view is wrong as a whole; fewer are left to the fit."""

_SCALE_STEP = 1.5
"""Views whose boards differ less than by this factor in size count as equally near."""
_TILTED_RAD = 0.25
_STEEP_RAD = 0.6
_TILT_DIRECTIONS = 6
_WORTH_SCALE, _WORTH_TILT = 0.5, 1.0
"""What a new distance or a new tilt is worth, compared with a visit to every cell the board covers."""


def why_implausible(board: Board, views: Sequence[BoardView]) -> list[str | None]:
    """What makes each view useless before any calibration, in words; None where nothing does."""
    along_x, _ = board.inner
    packed = pack(board, list(views))
    strays = _straying(packed, along_x).sum(axis=1)
    reasons: list[str | None] = []
    for view, straying in zip(views, strays.tolist(), strict=True):
        reason = None
        column, row = view.ids % along_x, view.ids // along_x
        if len(view) < FEWEST_CORNERS:
            reason = f"only {len(view)} corners were found, at least {FEWEST_CORNERS} are needed"
        elif (column == column[0]).all() or (row == row[0]).all():
            reason = "all its corners lie on one line"
        elif straying > _MOST_STRAYING * len(view):
            reason = (
                f"{straying} of its {len(view)} corners do not continue the grid of the others: "
                "a wrong detection, or a board that is bent"
            )
        reasons.append(reason)
    return reasons


def _straying(views: PackedViews, along_x: int) -> NDArray[np.bool_]:
    """(V, N) corners off the smooth surface through all of their view: lenses bend a grid gently."""
    counts = views.found.sum(axis=1)
    straying = np.zeros(views.found.shape, np.bool_)
    # a cubic where there are corners enough to contradict it
    for degree, wanted in ((2, (counts >= 12) & (counts < 20)), (3, counts >= 20)):
        if wanted.any():
            straying[wanted] = _off_surface(views.chosen(wanted), along_x, degree)
    return straying


def _off_surface(views: PackedViews, along_x: int, degree: int) -> NDArray[np.bool_]:
    """(V, N) which corners are far from the best polynomial of a degree through their view."""
    found, weight = views.found, views.found.astype(float)
    x, y = (_scaled(part, weight) for part in (views.ids % along_x, views.ids // along_x))
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    terms = np.stack([x**i * y**j * weight for i, j in powers], axis=2)
    # Where there are only two columns, say, higher powers of x are not determined, and not needed.
    values, vectors = np.linalg.eigh(terms.transpose(0, 2, 1) @ terms)
    inverse = np.where(values > 1e-10 * values[:, -1:], 1.0 / np.maximum(values, 1e-300), 0.0)
    seen = np.where(found[..., None], views.pixels, 0.0)
    along = vectors.transpose(0, 2, 1) @ (terms.transpose(0, 2, 1) @ seen)
    away = np.linalg.norm(terms @ (vectors @ (inverse[..., None] * along)) - seen, axis=2)
    ids = views.ids
    beside = found[:, 1:] & (np.diff(ids, axis=1) == 1) & (ids[:, 1:] % along_x > 0)
    steps = np.where(beside, np.linalg.norm(np.diff(views.pixels, axis=1), axis=2), np.inf)
    middle = np.maximum(beside.sum(axis=1) - 1, 0) // 2
    step = np.take_along_axis(np.sort(steps, axis=1), middle[:, None], axis=1)
    return np.asarray(found & (away > _STRAYING * step))


def _scaled(places: NDArray[np.intp], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """(V, N) columns or rows of each view, of extent 2 around 0."""
    low = np.where(weight > 0, places, np.inf).min(axis=1)
    extent = np.maximum(np.where(weight > 0, places, -np.inf).max(axis=1) - low, 1.0)
    mean = (places * weight).sum(axis=1) / weight.sum(axis=1)
    return np.asarray(2.0 * (places - mean[:, None]) / extent[:, None])


def select_views(
    board: Board, views: Sequence[BoardView], size: tuple[int, int], most: int
) -> NDArray[np.intp]:
    """Indices of at most ``most`` views, rising: diverse in place, distance and tilt, and sharp.

    Greedy: each round takes the view that adds most to what is still rare, so the time grows linearly with
    the number of views. Give it plausible views only (see ``why_implausible``): a wrong one looks diverse.

    Args:
        board: What was filmed.
        views: Of one camera.
        size: (width, height) px of the picture.
        most: How many to keep.
    """
    if len(views) <= most:
        return np.arange(len(views))
    rows, columns = grid_shape(size)
    visits = np.zeros((len(views), rows * columns))
    for number, view in enumerate(views):
        visits[number, cells_of(view.pixels, size)] = 1.0
    visits /= np.sqrt(np.maximum(visits.sum(axis=1, keepdims=True), 1.0))
    scale, tilt = _kinds(pack(board, list(views)), size)
    worth = _sharpness_worth(views)

    cell_count = np.zeros(visits.shape[1])
    scale_count, tilt_count = np.zeros(scale.max() + 1), np.zeros(tilt.max() + 1)
    left = np.ones(len(views), np.bool_)
    for _ in range(most):
        gain = visits @ (1.0 / (1.0 + cell_count))
        gain += _WORTH_SCALE / (1.0 + scale_count[scale]) + _WORTH_TILT / (1.0 + tilt_count[tilt])
        best = int(np.argmax(np.where(left, gain * worth, -np.inf)))
        left[best] = False
        cell_count += visits[best] > 0
        scale_count[scale[best]] += 1
        tilt_count[tilt[best]] += 1
    return np.flatnonzero(~left)


def _kinds(views: PackedViews, size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which distance class and which tilt class each view is in; a rough lens is enough for that."""
    centre = (np.array(size) - 1.0) / 2.0
    R, t = poses_from_normalised(views, (views.pixels - centre) / max(size))
    scale = np.log(np.maximum(np.abs(t[:, 2]), 1.0)) / np.log(_SCALE_STEP)
    scale = np.nan_to_num(scale - np.nanmin(scale)).astype(np.intp)
    lean = R[:, 2, :2]
    angle = np.arcsin(np.clip(np.linalg.norm(lean, axis=1), 0.0, 1.0))
    direction = (np.arctan2(lean[:, 1], lean[:, 0]) / (2 * np.pi) % 1.0 * _TILT_DIRECTIONS).astype(np.intp)
    steep = (angle > _STEEP_RAD).astype(np.intp)
    tilt = np.where(angle < _TILTED_RAD, 0, 1 + direction % _TILT_DIRECTIONS + _TILT_DIRECTIONS * steep)
    return scale, tilt.astype(np.intp)


def _sharpness_worth(views: Sequence[BoardView]) -> NDArray[np.float64]:
    """(n,) factor from 0.3 for views much less sharp than the median to 1.2 for those much sharper."""
    sharpness = np.array([view.sharpness for view in views])
    known = np.isfinite(sharpness)
    if not known.any():
        return np.ones(len(views))
    typical = max(float(np.median(sharpness[known])), 1e-6)
    relative = np.where(known, sharpness / typical, 1.0)
    return np.asarray(np.clip(relative, 0.3, 1.2))
