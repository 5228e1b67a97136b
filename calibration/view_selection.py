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


def why_implausible(board: Board, view: BoardView) -> str | None:
    """What makes a single view useless before any calibration, in words; None when nothing does."""
    if len(view) < FEWEST_CORNERS:
        return f"only {len(view)} corners were found, at least {FEWEST_CORNERS} are needed"
    along_x, _ = board.inner
    column, row = view.ids % along_x, view.ids // along_x
    if np.ptp(column) == 0 or np.ptp(row) == 0:
        return "all its corners lie on one line"
    straying = _straying(column, row, view.pixels)
    if straying.mean() > _MOST_STRAYING:
        return (
            f"{straying.sum()} of its {len(view)} corners do not continue the grid of the others: "
            "a wrong detection, or a board that is bent"
        )
    return None


def _straying(
    column: NDArray[np.intp], row: NDArray[np.intp], pixels: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(N,) which corners lie off the smooth surface through all: lenses bend a grid gently."""
    x, y = (2.0 * (part - part.mean()) / np.ptp(part) for part in (column, row))
    # a cubic where there are corners enough to contradict it
    degree = 3 if len(pixels) >= 20 else 2 if len(pixels) >= 12 else 1
    if degree == 1:
        return np.zeros(len(pixels), np.bool_)
    terms = np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=1)
    coefficients, *_ = np.linalg.lstsq(terms, pixels, rcond=None)
    away = np.linalg.norm(terms @ coefficients - pixels, axis=1)
    beside = (np.diff(column) == 1) & (np.diff(row) == 0)
    steps = np.linalg.norm(np.diff(pixels, axis=0), axis=1)[beside]
    step = float(np.median(steps)) if len(steps) else np.inf
    return np.asarray(away > _STRAYING * step)


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
