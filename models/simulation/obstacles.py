"""Boxes that stand in the way: furniture, posts, boards."""

from __future__ import annotations

from math import cos, sin

import numpy as np
from numpy.random import Generator

from models.simulation.appearance import Look
from models.simulation.body import SHIRT, TROUSERS, Body
from models.simulation.performer import BodyPose
from models.simulation.random_people import draw_clothes
from models.simulation.solids import Pose

_STEPS = 6
"""Squares along each side of a box: light is known at their corners only."""
_THINNEST_MM, _WIDEST_MM = 40.0, 800.0


def draw_obstacle(random: Generator) -> tuple[Body, Look]:
    """A box of random sides about its centre, plain or striped, and its colours."""
    sides = np.exp(random.uniform(np.log(_THINNEST_MM), np.log(_WIDEST_MM), 3))
    return box_body(sides, SHIRT if random.random() < 0.4 else TROUSERS), draw_clothes(random)


def standing_at(random: Generator, place: np.ndarray) -> BodyPose:
    """A box pose at ``place`` (3,) mm, turned about the vertical and tilted a little."""
    yaw, tilt = random.uniform(0.0, np.pi), random.normal(0.0, 0.15)
    turn = np.array([[cos(yaw), -sin(yaw), 0.0], [sin(yaw), cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    lean = np.array([[1.0, 0.0, 0.0], [0.0, cos(tilt), -sin(tilt)], [0.0, sin(tilt), cos(tilt)]])
    return BodyPose((turn @ lean)[None], np.asarray(place, np.float64)[None])


def box_body(sides: np.ndarray, material: int) -> Body:
    """The surface of a box with one bone, centre at the origin.

    Args:
        sides: (3,) lengths, mm.
        material: Of ``models.simulation.body``.
    """
    points: list[np.ndarray] = []
    normals: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    steps = np.linspace(-0.5, 0.5, _STEPS + 1)
    count = _STEPS + 1
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for sign in (-1.0, 1.0):
            grid = np.zeros((count, count, 3))
            grid[..., axis] = 0.5 * sign
            grid[..., u], grid[..., v] = np.meshgrid(steps, steps, indexing="ij")
            normal = np.zeros(3)
            normal[axis] = sign
            first = count * count * len(points)
            corner = first + (np.arange(_STEPS)[:, None] * count + np.arange(_STEPS)).ravel()
            a, b, c, d = corner, corner + count, corner + count + 1, corner + 1
            # u, v, axis are right-handed: a, b, c runs anticlockwise seen from the positive side
            quads = (a, b, c, d) if sign > 0 else (a, d, c, b)
            faces += [np.column_stack([quads[0], quads[1], quads[2]])]
            faces += [np.column_stack([quads[0], quads[2], quads[3]])]
            points.append(grid.reshape(-1, 3) * sides)
            normals.append(np.tile(normal, (count * count, 1)))
    vertices = np.concatenate(points).astype(np.float32)
    total = len(vertices)
    triangles = np.concatenate(faces).astype(np.int32)
    weights = np.zeros((total, 3), np.float32)
    weights[:, 0] = 1.0
    return Body(
        vertices=vertices,
        normals=np.concatenate(normals).astype(np.float32),
        openness=np.ones(total, np.float32),
        tone=np.ones(total, np.float32),
        texture=vertices.copy(),
        bones=np.zeros((total, 3), np.uint8),
        weights=weights,
        faces=triangles,
        material=np.full(len(triangles), material, np.uint8),
        rest=Pose(np.eye(3)[None], np.zeros((1, 3))),
    )
