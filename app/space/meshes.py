"""Triangles of round bodies, made anew for every picture by a few array operations."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.space.drawing import Disc, Floats, Solids

Triangles = NDArray[np.int32]
_AROUND: Final = 48
SHADOW_MM: Final = -10.0
"""Height of shadows: over the floor's plane, under its lines."""
_LIGHT: Final = np.array([-0.36, -0.62, 0.70])
_GLEAM: Final = 0.10
_ROUND: Final = 6
_SHADOW: Final = 1.25
"""Width of a shadow over that of the bone: balls at its ends throw it, too."""


@lru_cache(maxsize=1)
def unit_ball() -> tuple[Floats, Triangles]:
    """(42, 3) corners on the unit sphere and 80 triangles: an icosahedron with each face cut in four."""
    golden = (1.0 + 5.0**0.5) / 2.0
    first = np.array([[-1, golden, 0], [1, golden, 0], [-1, -golden, 0], [1, -golden, 0]], dtype=float)
    corners = np.concatenate([first, first[:, [2, 0, 1]], first[:, [1, 2, 0]]])
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    # Faces are the triples of mutual neighbours.
    near = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    edge = near[near > 1e-6].min() * 1.01
    faces = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if near[a, b] < edge and near[b, c] < edge and near[a, c] < edge
    ]
    points = list(corners)
    middles: dict[tuple[int, int], int] = {}

    def middle(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in middles:
            point = points[a] + points[b]
            middles[key] = len(points)
            points.append(point / np.linalg.norm(point))
        return middles[key]

    triangles = []
    for a, b, c in faces:
        ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
        triangles += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    vertices, indices = np.array(points), np.array(triangles, dtype=np.int32)
    # Outwards all of them.
    normals = np.cross(
        vertices[indices[:, 1]] - vertices[indices[:, 0]], vertices[indices[:, 2]] - vertices[indices[:, 0]]
    )
    inward = (normals * vertices[indices].mean(axis=1)).sum(axis=1) < 0
    indices[inward] = indices[inward][:, ::-1]
    return vertices, indices


def disc(part: Disc) -> tuple[Floats, Floats, Triangles]:
    """Corners (N, 3), colours (N, 3) and triangles of a disc, ring by ring."""
    angles = np.linspace(0.0, 2.0 * np.pi, _AROUND, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(_AROUND)], axis=1)
    corners = (part.radii[:, None, None] * circle[None]).reshape(-1, 3)
    corners[:, 2] = part.height
    here = np.arange(_AROUND)
    following = (here + 1) % _AROUND
    triangles = []
    for ring in range(len(part.radii) - 1):
        inner, outer = ring * _AROUND, (ring + 1) * _AROUND
        triangles.append(np.stack([inner + here, outer + here, outer + following], axis=1))
        triangles.append(np.stack([inner + here, outer + following, inner + following], axis=1))
    return corners, np.repeat(part.colours, _AROUND, axis=0), np.concatenate(triangles).astype(np.int32)


def triangles_of(tubes: int, balls: int, sides: int) -> Triangles:
    """(M, 3) of so many tubes, followed by so many balls, in the order of ``corners_of``."""
    here = np.arange(sides, dtype=np.int32)
    following = (here + 1) % sides
    tube = np.concatenate(
        [
            np.stack([here, following, sides + following], axis=1),
            np.stack([here, sides + following, sides + here], axis=1),
        ]
    )
    vertices, ball = unit_ball()
    all_tubes = tube[None] + (np.arange(tubes, dtype=np.int32) * 2 * sides)[:, None, None]
    start = tubes * 2 * sides
    all_balls = ball[None] + (start + np.arange(balls, dtype=np.int32) * len(vertices))[:, None, None]
    return np.concatenate([all_tubes.reshape(-1, 3), all_balls.reshape(-1, 3)]).astype(np.int32)


def corners_of(solids: Solids) -> tuple[Floats, Floats]:
    """Corners and shaded colours (N, 3) each: tubes first, then balls."""
    along = solids.tubes[:, 1] - solids.tubes[:, 0]
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    direction = along / length
    # Any vector that is not parallel gives the first of two axes across.
    steep = np.abs(direction[:, 2:]) > 0.9
    across = np.cross(direction, np.where(steep, [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]))
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    other = np.cross(direction, across)
    angles = np.linspace(0.0, 2.0 * np.pi, solids.sides, endpoint=False)
    around = (
        across[:, None] * np.cos(angles)[None, :, None] + other[:, None] * np.sin(angles)[None, :, None]
    )  # (N, sides, 3)
    tube_corners = solids.tubes[:, :, None] + around[:, None] * solids.radii[:, :, None, None]
    tube_normals = np.broadcast_to(around[:, None], tube_corners.shape)
    unit, _ = unit_ball()
    ball_corners = unit @ solids.shapes.transpose(0, 2, 1) + solids.balls[:, None]
    ball_normals = unit @ np.linalg.inv(solids.shapes) if len(solids.shapes) else ball_corners
    norms = np.linalg.norm(ball_normals, axis=2, keepdims=True)
    ball_normals = ball_normals / np.maximum(norms, 1e-12)
    corners = np.concatenate([tube_corners.reshape(-1, 3), ball_corners.reshape(-1, 3)])
    normals = np.concatenate([tube_normals.reshape(-1, 3), ball_normals.reshape(-1, 3)])
    colours = np.concatenate(
        [
            np.repeat(solids.tube_colours, 2 * solids.sides, axis=0),
            np.repeat(solids.ball_colours, len(unit), axis=0),
        ]
    )
    return corners, shaded(colours, normals) if solids.lit else colours


def shaded(colours: Floats, normals: Floats) -> Floats:
    """Colours (N, 3) in the light of a room: brighter from above and from one side, with a gleam.

    Light stands still in the world and is worked out here, because Open3D's own lamps follow the eye,
    depend on the size of the scene and darken colours that the theme has chosen.
    """
    height = normals[:, 2:]
    towards = np.clip(normals @ _LIGHT, 0.0, 1.0)[:, None]
    lit = colours * (0.70 + 0.12 * height + 0.24 * towards)
    return np.asarray(np.clip(lit + _GLEAM * towards**12, 0.0, 1.0))


def shadows_of(tubes: Floats, radii: Floats) -> Floats:
    """Corners of what tubes leave on the floor in light from straight above.

    Args:
        tubes: (N, 2, 3) mm.
        radii: (N, 2) mm.

    Returns:
        (N * 12, 3) mm; each shadow is a convex outline with two round ends, see ``shadow_triangles``.
    """
    along = tubes[:, 1, :2] - tubes[:, 0, :2]
    length = np.linalg.norm(along, axis=1, keepdims=True)
    along = np.where(length > 1e-6, along / np.maximum(length, 1e-6), [1.0, 0.0])
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    angles = np.linspace(0.5 * np.pi, 1.5 * np.pi, _ROUND)  # of the first end; the other one is turned
    back = along[:, None] * np.cos(angles)[:, None] + across[:, None] * np.sin(angles)[:, None]
    corners = np.full((len(tubes), 2, _ROUND, 3), SHADOW_MM)
    for end, outwards in enumerate((back, -back)):
        radius = (radii[:, end] * _SHADOW)[:, None, None]
        corners[:, end, :, :2] = tubes[:, end, None, :2] + outwards * radius
    return corners.reshape(-1, 3)


def shadow_triangles(tubes: int) -> Triangles:
    """(M, 3) of so many shadows: a fan for each outline."""
    count = 2 * _ROUND
    here = np.arange(1, count - 1, dtype=np.int32)
    fan = np.stack([np.zeros_like(here), here, here + 1], axis=1)
    return (fan[None] + (np.arange(tubes, dtype=np.int32) * count)[:, None, None]).reshape(-1, 3)
