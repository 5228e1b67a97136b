"""The ground everything stands on: a plane with lines every metre, and the world's axes."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.space.colours import SceneColours
from app.space.drawing import Disc, Floats, Label, Strokes

METRE: Final = 1000.0
_MARGIN_MM: Final = 1500.0
_LEAST_MM: Final = 3000.0
_MOST_MM: Final = 25_000.0
_AXIS_MM: Final = 500.0
_AXIS_RADIUS_MM: Final = 6.5
_LEAST_PX: Final = 0.8
# One below the other, far enough apart for a depth buffer of 16 bits and too little to be seen.
_PLANE_MM: Final = -20.0
_LINES_MM: Final = 0.0


def reach(positions: Floats) -> float:
    """Radius in mm of a floor that (N, 3) positions in mm stand on."""
    farthest = float(np.linalg.norm(positions[:, :2], axis=1).max(initial=0.0))
    return float(np.ceil(min(_MOST_MM, max(_LEAST_MM, farthest + _MARGIN_MM)) / METRE) * METRE)


def plane(radius_mm: float, colours: SceneColours) -> Disc:
    """A disc that fades into the background towards its rim."""
    far = np.linspace(0.0, 1.0, 13)
    shades = _faded(far, np.array(colours.floor), np.array(colours.background))
    return Disc(_PLANE_MM, far * radius_mm, shades)


def lines(radius_mm: float, colours: SceneColours) -> Strokes:
    """Lines every metre, stronger through the origin, in pieces that fade towards the rim."""
    steps = np.arange(-radius_mm, radius_mm + 1, METRE)
    pieces = np.arange(-radius_mm, radius_mm, METRE / 2)
    ends, shades = [], []
    for step in steps:
        along_x = np.zeros((len(pieces), 2, 3))
        along_x[:, :, 0] = np.stack([pieces, pieces + METRE / 2], axis=1)
        along_x[:, :, 1] = step
        along_x[:, :, 2] = _LINES_MM
        far = np.linalg.norm(along_x.mean(axis=1)[:, :2], axis=1) / radius_mm
        colour = np.array(colours.grid_strong if step == 0.0 else colours.grid)
        shade = _faded(far, colour, np.array(colours.background))
        kept = far < 1.0
        for piece in (along_x, along_x[..., [1, 0, 2]]):
            ends.append(piece[kept])
            shades.append(shade[kept])
    return Strokes(np.concatenate(ends), np.concatenate(shades), 1.0, flat=True)


def axes(colours: SceneColours, px_mm: float = 0.0) -> tuple[Strokes, list[Label]]:
    """The world's X, Y and Z from its origin, half a metre long, and their names.

    Args:
        colours: Of the theme.
        px_mm: Size of a pixel where they are; they stay thick enough to be seen.
    """
    directions = np.eye(3) * _AXIS_MM
    lift = np.array([0.0, 0.0, 4.0])  # above the floor's lines
    shades = np.array([colours.x_axis, colours.y_axis, colours.z_axis])
    shaft = np.stack([np.zeros((3, 3)) + lift, directions * 0.88 + lift], axis=1)
    # The tips are cones where thickness can be drawn.
    ends = np.concatenate([shaft, np.stack([shaft[:, 1], directions + lift], axis=1)])
    radius = max(_AXIS_RADIUS_MM, _LEAST_PX * px_mm)
    radii = np.repeat([[radius, radius], [2.6 * radius, 0.0]], 3, axis=0)
    strokes = Strokes(ends, np.concatenate([shades, shades]), 2.0, radii=radii)
    names = zip("XYZ", directions, (colours.x_axis, colours.y_axis, colours.z_axis), strict=True)
    return strokes, [Label(name, place * 1.12, colour, strong=True) for name, place, colour in names]


def _faded(far: Floats, colour: Floats, background: Floats) -> Floats:
    """Colours at relative distances: full up to a third of the way, nothing at the rim."""
    kept = np.clip((1.0 - far) / 0.67, 0.0, 1.0)[:, None] ** 1.3
    return background + (colour - background) * kept
