"""A mesh where the distance to a shape vanishes (surface nets)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.simulation.solids import Array, Pose, Shape

Faces = NDArray[np.int32]


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
    count = np.sum([_shifted(inside, c, shape) for c in corners], axis=0)
    crossed = (count > 0) & (count < 8)
    total = np.zeros((int(crossed.sum()), 3))
    hits = np.zeros(len(total))
    for first in corners:
        for axis in range(3):
            if first[axis]:
                continue
            second = (first[0] + (axis == 0), first[1] + (axis == 1), first[2] + (axis == 2))
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
