"""Smooth closed surfaces from blended solids: signed distances, and a mesh where they vanish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Faces = NDArray[np.int32]


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
    a: tuple[float, float, float]
    b: tuple[float, float, float]
    ra: float
    rb: float
    flat: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def distance(self, points: Array) -> Array:
        """(N,) signed distance (close to it where squeezed) of points (N, 3) in the bone's axes."""
        flat = np.array(self.flat)
        a, b = np.array(self.a), np.array(self.b)
        middle = (a + b) / 2
        p = (points - middle) / flat
        a, b = (a - middle) / flat, (b - middle) / flat
        line = b - a
        along = np.clip((p - a) @ line / max(float(line @ line), 1e-9), 0.0, 1.0)
        radius = self.ra + (self.rb - self.ra) * along
        gap = np.linalg.norm(p - a - along[:, None] * line, axis=1) - radius
        return np.asarray(gap * flat.min())


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid along the axes of its bone, mm."""

    bone: int
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]

    def distance(self, points: Array) -> Array:
        """(N,) signed distance, exact on the surface and good near it, of points (N, 3)."""
        radii = np.array(self.radii)
        p = (points - np.array(self.centre)) / radii
        k0 = np.linalg.norm(p, axis=1)
        k1 = np.linalg.norm(p / radii, axis=1)
        return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-9))


@dataclass(frozen=True)
class HalfSpace:
    """What lies below a plane in the axes of a bone; used to cut a surface off."""

    bone: int
    point: tuple[float, float, float]
    normal: tuple[float, float, float]

    def distance(self, points: Array) -> Array:
        """(N,) signed distance: positive on the side the normal points to."""
        normal = np.array(self.normal) / np.linalg.norm(self.normal)
        return np.asarray((points - np.array(self.point)) @ normal)


Solid = Cone | Ellipsoid | HalfSpace


@dataclass(frozen=True)
class Pose:
    """Bones at rest, in which surfaces are built: rotations (B, 3, 3) and origins (B, 3) mm."""

    rotations: Array
    origins: Array

    def distance(self, solid: Solid, points: Array) -> Array:
        """(N,) signed distance of world points (N, 3) to a solid fixed to a bone."""
        local = (points - self.origins[solid.bone]) @ self.rotations[solid.bone]
        return solid.distance(local)


@dataclass(frozen=True)
class Shape:
    """Solids melted together, then cut and carved.

    Attributes:
        solids: Melted together.
        blend: mm over which neighbouring solids flow into each other.
        cell: mm, size of the mesh's quadrilaterals.
        cuts: Everything on their positive side is removed, with a sharp edge.
        carvings: Removed with a soft edge of ``carve_blend`` mm.
        carve_blend: mm.
    """

    solids: Sequence[Cone | Ellipsoid]
    blend: float
    cell: float
    cuts: Sequence[HalfSpace] = ()
    carvings: Sequence[Cone | Ellipsoid] = ()
    carve_blend: float = 4.0

    def distance(self, pose: Pose, points: Array) -> Array:
        """(N,) signed distance of world points (N, 3)."""
        stack = np.stack([pose.distance(solid, points) for solid in self.solids])
        lowest = stack.min(axis=0)
        result = lowest - self.blend * np.log(np.exp(-(stack - lowest) / self.blend).sum(axis=0))
        for carving in self.carvings:
            gap = -pose.distance(carving, points)
            result = np.logaddexp(result / self.carve_blend, gap / self.carve_blend) * self.carve_blend
        for cut in self.cuts:
            result = np.maximum(result, pose.distance(cut, points))
        return np.asarray(result)

    def bone_weights(self, pose: Pose, points: Array, bones: int, softness: float) -> Array:
        """(N, bones) how much each bone moves a point: near solids count, others fade out."""
        stack = np.stack([pose.distance(solid, points) for solid in self.solids])
        share = np.exp(-(stack - stack.min(axis=0)) / softness)
        weights = np.zeros((len(points), bones))
        for solid, row in zip(self.solids, share, strict=True):
            weights[:, solid.bone] = np.maximum(weights[:, solid.bone], row)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def bounds(self, pose: Pose) -> tuple[Array, Array]:
        """Lowest and highest corner of a box around the shape, world mm."""
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for solid in self.solids:
            if isinstance(solid, Cone):
                centres, radius = np.array([solid.a, solid.b]), max(solid.ra, solid.rb)
            else:
                centres, radius = np.array([solid.centre]), max(solid.radii)
            world = centres @ pose.rotations[solid.bone].T + pose.origins[solid.bone]
            low = np.minimum(low, world.min(axis=0) - radius)
            high = np.maximum(high, world.max(axis=0) + radius)
        margin = 2 * self.blend + 2 * self.cell
        return low - margin, high + margin


def mesh(shape: Shape, pose: Pose) -> tuple[Array, Array, Faces]:
    """Mesh of a shape by surface nets: one vertex per cell that the surface crosses.

    Returns:
        Vertices (V, 3) mm in world, unit normals (V, 3), triangles (F, 3) anticlockwise seen from outside.
    """
    low, high = shape.bounds(pose)
    counts = np.ceil((high - low) / shape.cell).astype(int) + 1
    axes = [low[axis] + shape.cell * np.arange(counts[axis]) for axis in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    field = shape.distance(pose, grid).reshape(counts)

    cell_vertex, vertices = _cell_vertices(field)
    points = low + shape.cell * vertices
    for _ in range(2):
        # Newton steps put the vertices onto the surface itself; bounded, for the edges of cuts.
        value = shape.distance(pose, points)
        step = np.clip(value, -0.5 * shape.cell, 0.5 * shape.cell)
        points = points - step[:, None] * _gradient(shape, pose, points)
    return points, _gradient(shape, pose, points), _faces(field, cell_vertex)


def _cell_vertices(field: Array) -> tuple[NDArray[np.int64], Array]:
    """Number of each crossed cell's vertex (-1: none), and the vertices in units of cells."""
    inside = field < 0
    shape = tuple(n - 1 for n in field.shape)
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    views = {c: _shifted(field, c, shape) for c in corners}
    count = sum(_shifted(inside, c, shape).astype(np.int8) for c in corners)
    crossed = (count > 0) & (count < 8)
    total = np.zeros((int(crossed.sum()), 3))
    hits = np.zeros(len(total))
    for first in corners:
        for axis in range(3):
            if first[axis]:
                continue
            second = tuple(1 if at == axis else value for at, value in enumerate(first))
            va, vb = views[first][crossed], views[second][crossed]
            cross = (va < 0) != (vb < 0)
            place = np.tile(np.array(first, np.float64), (len(va), 1))
            place[:, axis] = va / np.where(cross, va - vb, 1.0)
            total[cross] += place[cross]
            hits += cross
    number = np.full(shape, -1, np.int64)
    number[crossed] = np.arange(len(total))
    return number, np.argwhere(crossed) + total / hits[:, None]


def _shifted(field: NDArray[np.generic], corner: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    slices = tuple(slice(at, at + n) for at, n in zip(corner, shape, strict=True))
    return field[slices]  # type: ignore[return-value]


def _faces(field: Array, cell_vertex: NDArray[np.int64]) -> Faces:
    """Two triangles for each grid edge that the surface crosses."""
    inside = field < 0
    parts = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        low = [slice(1, -1)] * 3
        high = [slice(1, -1)] * 3
        low[axis], high[axis] = slice(0, -1), slice(1, None)
        start, end = inside[tuple(low)], inside[tuple(high)]
        for leaving in (True, False):
            edges = np.argwhere((start & ~end) if leaving else (~start & end))
            edges[:, u] += 1
            edges[:, v] += 1
            around = []
            for du, dv in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
                cell = edges.copy()
                cell[:, u] += du
                cell[:, v] += dv
                around.append(cell_vertex[cell[:, 0], cell[:, 1], cell[:, 2]])
            a, b, c, d = around if leaving else around[::-1]
            parts += [np.column_stack([a, b, c]), np.column_stack([a, c, d])]
    return np.concatenate(parts).astype(np.int32)


def _gradient(shape: Shape, pose: Pose, points: Array) -> Array:
    """(N, 3) unit direction in which the distance grows."""
    step = 0.25 * shape.cell
    columns = []
    for axis in range(3):
        offset = np.zeros(3)
        offset[axis] = step
        columns.append(shape.distance(pose, points + offset) - shape.distance(pose, points - offset))
    gradient = np.stack(columns, axis=1)
    return np.asarray(gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9))
