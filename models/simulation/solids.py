"""Solids fixed to bones, and how far a point is from their melted surface (negative inside), in mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.compiled import compiled

Array = NDArray[np.float64]
Triple = tuple[float, float, float]

_CONE, _ELLIPSOID, _CUT = 0.0, 1.0, 2.0
_ROW = 24
"""Numbers of a packed solid: kind, rotation (9), origin (3), then up to 11 of its own."""


@dataclass(frozen=True)
class Cone:
    """A rounded cone: every ball between two balls. mm in the axes of its bone.

    Attributes:
        bone: Index of the bone it is fixed to.
        a: Centre of the first ball.
        b: Centre of the second.
        ra: Radius of the first.
        rb: Radius of the second.
        flat: Factors (x, y, z) the solid is squeezed by, about the middle of the line.
    """

    bone: int
    a: Triple
    b: Triple
    ra: float
    rb: float
    flat: Triple = (1.0, 1.0, 1.0)

    def numbers(self) -> list[float]:
        """What the compiled distance needs."""
        a, b, flat = np.array(self.a), np.array(self.b), np.array(self.flat)
        half = (b - a) / 2 / flat
        return [_CONE, *(a + b) / 2, *flat, *half, self.ra, self.rb]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid along the axes of its bone, mm."""

    bone: int
    centre: Triple
    radii: Triple

    def numbers(self) -> list[float]:
        """What the compiled distance needs."""
        return [_ELLIPSOID, *self.centre, *self.radii]


@dataclass(frozen=True)
class Cut:
    """The half of a ball that lies above a plane through its centre; removed with a sharp edge.

    Attributes:
        bone: Index of the bone it is fixed to.
        point: Centre, mm in the axes of the bone.
        normal: Towards what is removed.
        reach: Radius, mm.
    """

    bone: int
    point: Triple
    normal: Triple
    reach: float

    def numbers(self) -> list[float]:
        """What the compiled distance needs."""
        return [_CUT, *self.point, *(np.array(self.normal) / np.linalg.norm(self.normal)), self.reach]


@dataclass(frozen=True)
class Pose:
    """Where bones are: rotations (B, 3, 3) world_from_bone and origins (B, 3) mm in world."""

    rotations: Array
    origins: Array


@dataclass(frozen=True)
class Shape:
    """Solids melted together, then carved and cut.

    Attributes:
        solids: Melted together.
        blend: mm over which neighbouring solids flow into each other.
        cell: mm, size of the quadrilaterals when it becomes a mesh.
        cuts: Removed with a sharp edge.
        carvings: Removed with a soft edge of ``carve_blend`` mm.
        carve_blend: mm.
    """

    solids: Sequence[Cone | Ellipsoid]
    blend: float
    cell: float
    cuts: Sequence[Cut] = ()
    carvings: Sequence[Cone | Ellipsoid] = ()
    carve_blend: float = 4.0

    def distance(self, pose: Pose, points: Array) -> Array:
        """(N,) distance of world points (N, 3) to the surface."""
        rows = _packed([*self.solids, *self.carvings, *self.cuts], pose)
        result = np.empty(len(points))
        _melted(points, rows, len(self.solids), len(self.carvings), self.blend, self.carve_blend, result)
        return result

    def bone_weights(self, pose: Pose, points: Array, bones: int, softness: float) -> Array:
        """(N, bones) how much each bone moves a point; solids ``softness`` mm farther away count less."""
        rows = _packed(self.solids, pose)
        stack = np.empty((len(points), len(rows)))
        _each(points, rows, stack)
        share = np.exp((stack.min(axis=1, keepdims=True) - stack) / softness)
        weights = np.zeros((len(points), bones))
        for column, solid in enumerate(self.solids):
            weights[:, solid.bone] = np.maximum(weights[:, solid.bone], share[:, column])
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def bounds(self, pose: Pose) -> tuple[Array, Array]:
        """Lowest and highest corner of a box around the shape, world mm."""
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for solid in self.solids:
            if isinstance(solid, Cone):
                centres, radius = np.array([solid.a, solid.b]), max(solid.ra, solid.rb) * max(solid.flat)
            else:
                centres, radius = np.array([solid.centre]), max(solid.radii)
            world = centres @ pose.rotations[solid.bone].T + pose.origins[solid.bone]
            low = np.minimum(low, world.min(axis=0) - radius)
            high = np.maximum(high, world.max(axis=0) + radius)
        margin = 2 * self.blend + 2 * self.cell
        return low - margin, high + margin


def _packed(solids: Sequence[Cone | Ellipsoid | Cut], pose: Pose) -> Array:
    rows = np.zeros((len(solids), _ROW))
    for row, solid in zip(rows, solids, strict=True):
        kind, *numbers = solid.numbers()
        row[0] = kind
        row[1:10] = pose.rotations[solid.bone].ravel()
        row[10:13] = pose.origins[solid.bone]
        row[13 : 13 + len(numbers)] = numbers
    return rows


@compiled
def _distance(row: Array, px: float, py: float, pz: float) -> float:
    """Distance of a world point to one packed solid."""
    wx, wy, wz = px - row[10], py - row[11], pz - row[12]
    x = row[1] * wx + row[4] * wy + row[7] * wz - row[13]
    y = row[2] * wx + row[5] * wy + row[8] * wz - row[14]
    z = row[3] * wx + row[6] * wy + row[9] * wz - row[15]
    if row[0] == _CUT:
        plane = x * row[16] + y * row[17] + z * row[18]
        return float(max(-plane, sqrt(x * x + y * y + z * z) - row[19]))
    x, y, z = x / row[16], y / row[17], z / row[18]
    if row[0] == _ELLIPSOID:
        # exact on the surface and good near it
        k0 = sqrt(x * x + y * y + z * z)
        k1 = sqrt((x / row[16]) ** 2 + (y / row[17]) ** 2 + (z / row[18]) ** 2)
        return float(k0 * (k0 - 1.0) / max(k1, 1e-9))
    hx, hy, hz = row[19], row[20], row[21]
    along = (x * hx + y * hy + z * hz) / max(hx * hx + hy * hy + hz * hz, 1e-9)
    along = min(1.0, max(-1.0, along))
    gap = sqrt((x - along * hx) ** 2 + (y - along * hy) ** 2 + (z - along * hz) ** 2)
    radius = 0.5 * (row[22] * (1.0 - along) + row[23] * (1.0 + along))
    return float((gap - radius) * min(row[16], row[17], row[18]))


@compiled
def _each(points: Array, rows: Array, result: Array) -> None:
    """Distance of every point to every solid."""
    for n in range(points.shape[0]):
        for k in range(rows.shape[0]):
            result[n, k] = _distance(rows[k], points[n, 0], points[n, 1], points[n, 2])


@compiled
def _melted(
    points: Array, rows: Array, solids: int, carvings: int, blend: float, carve_blend: float, result: Array
) -> None:
    """Distance of every point to the shape; the logarithm of summed exponentials is a soft minimum."""
    near = np.empty(solids)
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        lowest = 1e12
        for k in range(solids):
            near[k] = _distance(rows[k], x, y, z)
            lowest = min(lowest, near[k])
        total = 0.0
        for k in range(solids):
            if near[k] - lowest < 8.0 * blend:
                total += exp((lowest - near[k]) / blend)
        value = lowest - blend * log(total)
        for k in range(solids, solids + carvings):
            hole = -_distance(rows[k], x, y, z)
            value = max(value, hole) + carve_blend * log1p(exp(-abs(value - hole) / carve_blend))
        for k in range(solids + carvings, rows.shape[0]):
            value = max(value, -_distance(rows[k], x, y, z))
        result[n] = value
