"""Where the cameras stand and where the board was, from above, from two sides and obliquely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.report.plot import (
    BAD,
    BRIGHT,
    GOOD,
    LETTERS,
    Plot,
    colour_of,
    draw_segments,
    nice_scale,
    thinned,
)

Floats = NDArray[np.float64]

_MOST_BOARDS, _MOST_NAMED = 160, 8
_VIEWS: tuple[tuple[str, Floats, tuple[str, str]], ...] = (
    ("from above", np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), ("x, m", "y, m")),
    ("oblique", np.array([[0.7071, -0.7071, 0.0], [0.4082, 0.4082, 0.8165]]), ("", "")),
    ("along y", np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), ("x, m", "z, m")),
    ("along x", np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), ("y, m", "z, m")),
)
"""Name, the world directions that point right and up in the drawing, and the labels."""
PROPORTION = 1.3
"""Width over height of a panel."""
UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Drawn axes from those of a camera: its right, its line of sight, its up."""


def camera_layout(cameras: Sequence[Camera], boards: Floats, *, placed: bool) -> str:
    """Four parallel projections of the rig.

    Args:
        cameras: In the world, mm.
        boards: (M, 4, 3) corners of the board at each moment, world mm, NaN where unknown.
        placed: Whether Z of the world is up; else the world is a camera's frame and is drawn upright.
    """
    turn = np.eye(3) if placed else UPRIGHT
    centres = np.array([camera.position for camera in cameras]) @ turn.T / 1000.0
    boards = boards[np.isfinite(boards).all(axis=(1, 2))] @ turn.T / 1000.0
    boards = boards[thinned(len(boards), _MOST_BOARDS)]
    everything = np.concatenate([centres, boards.reshape(-1, 3)])
    # Not the outermost per cent, which may be boards that were located wrongly.
    low, high = np.percentile(everything, 1, axis=0), np.percentile(everything, 99, axis=0)
    shown = np.vstack([centres, np.zeros((1, 3))])  # the origin of the world, too
    low, high = np.minimum(low, shown.min(axis=0)), np.maximum(high, shown.max(axis=0))
    reach = float(np.linalg.norm(high - low)) or 1.0
    size = 0.055 * reach
    frusta = [_frustum(camera, size) @ turn.T for camera in cameras]
    plot = Plot(8.6, 2, rows=2)
    for axes, (title, directions, labels) in zip(plot.axes, _VIEWS, strict=True):
        # From the side, the cameras of a large rig stand in front of each other, and so would their names.
        named = len(cameras) <= _MOST_NAMED or not title.startswith("along")
        names = [camera.name if named else "" for camera in cameras]
        _draw(axes, directions, centres, frusta, boards, names)
        _draw_origin(axes, directions, turn, 0.09 * reach)
        box = np.array(
            [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
        )
        flat = box @ directions.T
        _fit(axes, flat.min(axis=0) - 1.6 * size, flat.max(axis=0) + 1.6 * size)
        axes.set_title(title, loc="left", fontsize=9.5, color=BRIGHT)
        if labels[0]:
            axes.set(xlabel=labels[0] if placed else "right, m" if labels[0][0] == "x" else "ahead, m")
            axes.set(ylabel=labels[1] if placed else "up, m" if labels[1][0] == "z" else "ahead, m")
        else:
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            _draw_scale(axes, reach)
    return plot.svg()


def _frustum(camera: Camera, depth: float) -> Floats:
    """(5, 3) apex and the four corners of the picture plane at ``depth`` m."""
    width, height = camera.size
    # A pinhole of the same focal length: a fisheye's real rim would be a plane at infinity.
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) - (
        width / 2,
        height / 2,
    )
    corners /= camera.K[[0, 1], [0, 1]]
    rays = np.column_stack([corners, np.ones(4)]) * depth
    centre = camera.position / 1000.0
    return np.concatenate([centre[None], rays @ camera.R + centre])


def _draw(
    axes: Any,
    directions: Floats,
    centres: Floats,
    frusta: Sequence[Floats],
    boards: Floats,
    names: Sequence[str],
) -> None:
    if len(boards):
        flat = boards @ directions.T
        draw_segments(
            axes, flat.reshape(-1, 2), np.roll(flat, -1, axis=1).reshape(-1, 2), "#64809c", 0.5, 0.55
        )
    middle = centres.mean(axis=0) @ directions.T
    for at, (centre, frustum) in enumerate(zip(centres, frusta, strict=True)):
        flat = frustum @ directions.T
        rim = flat[1:]
        starts = np.concatenate([np.repeat(flat[:1], 4, axis=0), rim])
        ends = np.concatenate([rim, np.roll(rim, -1, axis=0)])
        axes.fill(*rim.T, color=colour_of(at), alpha=0.16, linewidth=0)
        draw_segments(axes, starts, ends, colour_of(at), 1.1)
        place = centre @ directions.T
        away = place - middle
        away = away / max(float(np.linalg.norm(away)), 1e-9)
        axes.plot(*place, "o", color=colour_of(at), markersize=3.5)
        axes.annotate(
            names[at], place, xytext=(9 * away[0], 9 * away[1]), textcoords="offset points", fontsize=8.5,
            color=BRIGHT, ha="left" if away[0] > 0.3 else "right" if away[0] < -0.3 else "center",
            va="bottom" if away[1] > 0.3 else "top" if away[1] < -0.3 else "center",
        )  # fmt: skip


def _fit(axes: Any, low: Floats, high: Floats) -> None:
    """Show ``low`` to ``high`` (2,) in a panel of fixed proportions."""
    middle, half = (low + high) / 2.0, (high - low) / 2.0
    half = np.maximum(half, (PROPORTION * half[1], half[0] / PROPORTION))
    axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axes.set_ylim(middle[1] - half[1], middle[1] + half[1])
    axes.set_aspect("equal")


def _draw_origin(axes: Any, directions: Floats, turn: Floats, length: float) -> None:
    """Axes of the world: x red, y green, z blue."""
    tips = length * turn.T @ directions.T
    for tip, colour, name in zip(tips, (BAD, GOOD, "#60a5fa"), "xyz", strict=True):
        if np.linalg.norm(tip) > 0.2 * length:
            draw_segments(axes, np.zeros((1, 2)), tip[None], colour, 2.0)
            axes.annotate(name, 1.14 * tip, fontsize=8, color=colour, ha="center", va="center")


def _draw_scale(axes: Any, reach: float) -> None:
    """A bar of a round length; the oblique view shortens all three axes alike, to 0.82."""
    length = nice_scale(0.25 * reach)
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    start = np.array([left + 0.04 * (right - left), bottom + 0.05 * (top - bottom)])
    end = start + np.array([0.8165 * length, 0.0])
    draw_segments(axes, start[None], end[None], LETTERS, 2.0)
    axes.annotate(
        f"{length:g} m", end, xytext=(6, 0), textcoords="offset points",
        fontsize=8.5, color=LETTERS, va="center",
    )  # fmt: skip
