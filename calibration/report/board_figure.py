"""The board as the cameras see it: where each corner seems to be, against where it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.camera import Camera
from calibration.lens_jacobian import distort_with_jacobian
from calibration.report.evidence import Evidence
from calibration.report.plot import (
    ACCENT,
    BOTH_WAYS,
    BRIGHT,
    HEAT,
    LETTERS,
    LINES,
    Plot,
    draw_arrows,
    nice_scale,
)

Floats = NDArray[np.float64]

_FEWEST = 6
"""Observations of a corner for a statement about it."""


@dataclass(frozen=True, eq=False)
class BoardShape:
    """What the errors say about the corners of the board, once the board's poses are as good as they get.

    Attributes:
        count: (N,) observations of each corner.
        offset_mm: (N, 3) along the board's axes, positive z away from the printed side; NaN where there are
            too few observations.
        deviation_mm: (N, 3) standard deviation of that by noise.
        rms_px: (N,) root mean square distance of each corner from its prediction, px.
    """

    count: NDArray[np.int64]
    offset_mm: Floats
    deviation_mm: Floats
    rms_px: Floats

    @property
    def bend_mm(self) -> float:
        """Root mean square height of the corners over the plane, less what noise gives; NaN if unknown."""
        known = np.isfinite(self.offset_mm[:, 2])
        if known.sum() < 6:
            return float("nan")
        excess = np.mean(self.offset_mm[known, 2] ** 2) - np.mean(self.deviation_mm[known, 2] ** 2)
        return float(np.sqrt(max(excess, 0.0)))


def board_shape(board: Board, cameras: Sequence[Camera], evidence: Evidence) -> BoardShape:
    """Move each corner of the board to where its errors in all views are least, the poses kept as they are.

    One linear step per corner: the sum over views of J^T J and J^T r, where J (2 x 3) tells how the corner's
    place in the picture follows its place on the board.
    """
    count = np.zeros(board.corner_count, np.int64)
    normal = np.zeros((board.corner_count, 3, 3))
    right = np.zeros((board.corner_count, 3))
    squares = np.zeros(board.corner_count)
    for camera in cameras:
        focal = camera.K[[0, 1], [0, 1]]
        for view in evidence.views[camera.name]:
            ids, errors = view.ids[view.good], view.residuals[view.good]
            points = board.corners[ids] @ view.R.T + view.t
            _, by_point, _ = distort_with_jacobian(camera.model, camera.distortion, points)
            J = by_point * focal[:, None] @ view.R
            fine = np.isfinite(J).all(axis=(1, 2))
            ids, errors, J = ids[fine], errors[fine], J[fine]
            # Ids occur once per view, so plain indexing adds each of them.
            count[ids] += 1
            normal[ids] += np.einsum("nki,nkj->nij", J, J)
            right[ids] += np.einsum("nki,nk->ni", J, errors)
            squares[ids] += (errors**2).sum(axis=1)
    offset = np.full((board.corner_count, 3), np.nan)
    deviation = np.full((board.corner_count, 3), np.nan)
    noise = squares.sum() / max(2 * int(count.sum()), 1)
    enough = (count >= _FEWEST) & (np.linalg.cond(normal) < 1e8)
    if enough.any():
        offset[enough] = np.linalg.solve(normal[enough], right[enough, :, None])[..., 0]
        deviation[enough] = np.sqrt(noise * np.diagonal(np.linalg.inv(normal[enough]), axis1=1, axis2=2))
    with np.errstate(invalid="ignore"):
        return BoardShape(count, offset, deviation, np.sqrt(squares / np.where(count > 0, count, np.nan)))


def board_figure(board: Board, shape: BoardShape) -> tuple[str, float]:
    """Offsets in the plane as arrows and out of it as colours; beside it the error of each corner.

    Returns:
        The figure, and how many times the arrows are magnified.
    """
    width, height = board.size_mm
    panel = 10.4 / 2 - 0.75
    plot = Plot(min(panel * height / width, 4.4) + 0.75, 2)
    offsets, errors = plot.axes
    corners, step = board.corners[:, :2], board.square_mm
    known = np.isfinite(shape.offset_mm[:, 0])
    lengths = np.linalg.norm(shape.offset_mm[known, :2], axis=1)
    typical = float(np.percentile(lengths, 90)) if known.any() else 1.0
    magnified = nice_scale(0.4 * step / max(typical, 1e-6))
    for axes in (offsets, errors):
        _draw_squares(axes, board)
    points = max(24.0, min(230.0, (0.42 * step / max(width, height) * panel * 72.0) ** 2))
    if known.any():
        limit = max(0.05, float(np.abs(shape.offset_mm[known, 2]).max()))
        dots = offsets.scatter(
            *corners[known].T, c=shape.offset_mm[known, 2], cmap=BOTH_WAYS, vmin=-limit, vmax=limit,
            s=points, edgecolors=LINES, linewidths=0.6, zorder=3,
        )  # fmt: skip
        plot.bar(dots, offsets, "off the plane, mm")
        arrows = magnified * shape.offset_mm[known, :2]
        draw_arrows(offsets, corners[known], arrows, BRIGHT, 1.3, 0.09 * step)
        offsets.patches[-1].set_zorder(4)
    seen = np.isfinite(shape.rms_px)
    if seen.any():
        typical = float(np.median(shape.rms_px[seen]))
        dots = errors.scatter(
            *corners[seen].T, c=shape.rms_px[seen], cmap=HEAT, vmin=0.6 * typical, vmax=2.2 * typical,
            s=points, edgecolors=LINES, linewidths=0.6, zorder=3,
        )  # fmt: skip
        plot.bar(dots, errors, "RMSE, px")
    offsets.set_title(f"corners moved, arrows × {magnified:g}", loc="left", fontsize=9.5, color=LETTERS)
    errors.set_title("error of each corner", loc="left", fontsize=9.5, color=LETTERS)
    return plot.svg(), magnified


def _draw_squares(axes: Any, board: Board) -> None:
    """The pattern, faintly."""
    width, height = board.size_mm
    dark = (np.add.outer(np.arange(board.rows), np.arange(board.columns)) % 2).astype(float)
    axes.imshow(dark, cmap="gray", vmin=-1.6, vmax=9.0, extent=(0, width, height, 0), alpha=0.55, zorder=0)
    axes.set(xlim=(0, width), ylim=(height, 0), xlabel="x, mm", ylabel="y, mm", aspect="equal")
    axes.grid(False)
    axes.plot([0, 0.35 * board.square_mm], [0, 0], color=ACCENT, linewidth=4, clip_on=False)
    axes.plot([0, 0], [0, 0.35 * board.square_mm], color=ACCENT, linewidth=4, clip_on=False)
