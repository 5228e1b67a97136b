"""Cameras in the scene: a small body, the edges of the field of view, the live picture at its end."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.space.colours import Colour, SceneColours, mixed
from app.space.drawing import Floats, Label, Screen, Solids, Strokes
from calibration.camera import Camera

_SIZE_OF_REACH: Final = 0.11
"""Length of a frustum over the distance of its camera from the middle of the rig."""
_GRID: Final = (7, 9)
"""Rows and columns of the net a picture is stretched over, so that lens distortion shows as it is."""
_THICK: Final = 0.02
"""Radius of a highlighted edge over the length of the frustum."""


def length_mm(positions: Floats) -> float:
    """How long all frusta of a rig are drawn, from the (N, 3) mm positions of its cameras."""
    spread = np.linalg.norm(positions - positions.mean(axis=0), axis=1).max(initial=0.0)
    return float(np.clip(spread * _SIZE_OF_REACH, 180.0, 700.0))


def net(camera: Camera, length: float) -> Floats:
    """(rows, columns, 3) mm: points of the picture's rays where they are ``length`` deep."""
    width, height = camera.size
    rows, columns = _GRID
    # Picture borders, half a pixel outside the centres of the outer pixels.
    u, v = np.meshgrid(np.linspace(-0.5, width - 0.5, columns), np.linspace(-0.5, height - 0.5, rows))
    apex, directions = camera.unproject(np.stack([u, v], axis=-1))
    bad = ~np.isfinite(directions[..., 0])
    if bad.any():  # beyond what the lens model explains: as an ideal lens would have it
        ideal = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(camera.K).T @ camera.R
        directions[bad] = ideal[bad]
    depth = directions @ camera.R[2]
    # Lenses that see to the side and behind have no picture plane; their rays end on a sphere.
    steep = depth < 0.35 * np.linalg.norm(directions, axis=-1)
    scale = np.where(steep, 1.0 / np.linalg.norm(directions, axis=-1), 1.0 / np.where(steep, 1.0, depth))
    return np.asarray(apex + directions * (scale * length)[..., None])


def strokes(
    camera: Camera, points: Floats, length: float, colours: SceneColours, highlighted: bool
) -> Strokes:
    """Edges from the lens to the picture's corners, and the picture's outline with a mark on top."""
    colour = colours.accent if highlighted else colours.camera
    outline = np.concatenate([points[0], points[1:, -1], points[-1, -2::-1], points[-2::-1, 0]])
    corners = points[[0, 0, -1, -1], [0, -1, 0, -1]]
    rim = np.stack([outline[:-1], outline[1:]], axis=1)
    edges = np.stack([np.broadcast_to(camera.position, (4, 3)), corners], axis=1)
    # Which way is up in the picture, for cameras on their side or head.
    middle = points[0, points.shape[1] // 2]
    up = middle - camera.R[1] * 0.16 * float(np.linalg.norm(points[0, 0] - points[0, -1]))
    left, right = points[0, points.shape[1] // 2 - 1], points[0, points.shape[1] // 2 + 1]
    mark = np.array([[left, up], [up, right]])
    ends = np.concatenate([rim, edges, mark])
    shades = np.tile(np.array(colour), (len(ends), 1))
    if not highlighted:
        return Strokes(ends, shades, 1.25)
    return Strokes(ends, shades, 2.0, radii=np.full((len(ends), 2), length * _THICK))


def bodies(cameras: list[Camera], length: float, colours: SceneColours, highlighted: str | None) -> Solids:
    """A thick short tube for the housing and a thinner one for the lens of each camera."""
    tubes, radii, shades = [], [], []
    for camera in cameras:
        forward, size = camera.R[2], length * 0.16
        colour: Colour = (
            colours.accent if camera.name == highlighted else mixed(colours.camera, colours.background, 0.25)
        )
        # Where a cross-section begins along the optical axis, and its radius; equal places make a lid.
        housing = [(-1.7, 0.0), (-1.699, 0.62), (-0.2, 0.62), (-0.199, 0.0)]
        lens = [(-0.2, 0.36), (0.45, 0.46), (0.451, 0.0)]
        for outline, shade in ((housing, colour), (lens, mixed(colour, colours.background, 0.3))):
            for (start, first), (end, second) in pairwise(outline):
                tubes.append([camera.position + forward * size * along for along in (start, end)])
                radii.append([size * first, size * second])
                shades.append(shade)
    return Solids(
        tubes=np.array(tubes).reshape(-1, 2, 3),
        radii=np.array(radii).reshape(-1, 2),
        tube_colours=np.array(shades).reshape(-1, 3),
    )


def label(camera: Camera, length: float, colours: SceneColours, highlighted: bool) -> Label:
    """The camera's name, above its housing."""
    place = camera.position - camera.R[2] * length * 0.15 + np.array([0.0, 0.0, length * 0.28])
    return Label(camera.name, place, colours.accent if highlighted else colours.quiet_text, highlighted)


def screen(points: Floats, picture: NDArray[np.uint8]) -> Screen:
    """The live picture at the end of the frustum; picture (H, W, 3) blue, green, red."""
    return Screen(points, np.ascontiguousarray(picture[..., ::-1]))
