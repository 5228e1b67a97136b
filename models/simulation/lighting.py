"""Light on the performers and their shadow on the floor, from one lamp above and the room around."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.simulation.compiled import compiled

_LAMP = np.array([0.36, -0.26, 0.90])
TO_LAMP = (_LAMP / np.linalg.norm(_LAMP)).astype(np.float32)
"""Direction from every point to the lamp, which is far away."""

MAP_HALF_MM = 3600.0
MAP_CELL_MM = 20.0
MAP_CELLS = int(2 * MAP_HALF_MM / MAP_CELL_MM)


class ShadowMap:
    """The floor as the lamp sees it: for each cell how high the body stands between cell and lamp."""

    def __init__(self) -> None:
        self.heights = np.zeros((MAP_CELLS, MAP_CELLS), np.float32)
        self.shade = np.zeros((MAP_CELLS, MAP_CELLS), np.float32)
        self.box = (0, 0, 0, 0)
        """First row, first column, end row, end column of the cells in shade."""

    def update(self, points: NDArray[np.float32]) -> None:
        """Cast the shadow of surface points (V, 3), mm in world."""
        top, left, bottom, right = self.box
        self.heights[top:bottom, left:right] = 0.0
        self.shade[top:bottom, left:right] = 0.0
        top, left, bottom, right = _splat(points, TO_LAMP, self.heights)
        margin = 8
        top, left = max(0, top - margin), max(0, left - margin)
        bottom, right = min(MAP_CELLS, bottom + margin + 1), min(MAP_CELLS, right + margin + 1)
        self.box = (top, left, bottom, right)
        if bottom <= top or right <= left:
            self.box = (0, 0, 0, 0)
            return
        window = self.heights[top:bottom, left:right]
        # Near the floor the shadow is sharp and dark, from higher up it is wide and faint.
        near = cv2.GaussianBlur(((window > 0) & (window < 260)).astype(np.float32), (5, 5), 0)
        far = cv2.GaussianBlur((window > 0).astype(np.float32), (13, 13), 0)
        np.maximum(0.62 * far, 0.85 * near, out=self.shade[top:bottom, left:right])


@compiled
def _splat(
    points: NDArray[np.float32], to_lamp: NDArray[np.float32], heights: NDArray[np.float32]
) -> tuple[int, int, int, int]:
    cells = heights.shape[0]
    slope_x, slope_y = to_lamp[0] / to_lamp[2], to_lamp[1] / to_lamp[2]
    scale = np.float32(1.0 / MAP_CELL_MM)
    top, left, bottom, right = cells, cells, 0, 0
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        column = int((x - slope_x * z + np.float32(MAP_HALF_MM)) * scale - np.float32(0.5))
        row = int((y - slope_y * z + np.float32(MAP_HALF_MM)) * scale - np.float32(0.5))
        if row < 0 or column < 0 or row >= cells - 1 or column >= cells - 1:
            continue
        top, left = min(top, row), min(left, column)
        bottom, right = max(bottom, row + 1), max(right, column + 1)
        for i in range(2):
            for j in range(2):
                if heights[row + i, column + j] < z:
                    heights[row + i, column + j] = z
    return top, left, bottom, right


@compiled
def light_up(
    points: NDArray[np.float32],
    normals: NDArray[np.float32],
    openness: NDArray[np.float32],
    heights: NDArray[np.float32],
    to_lamp: NDArray[np.float32],
    light: NDArray[np.float32],
) -> None:
    """Fill ``light`` (V, 3) with linear red, green, blue that reaches each surface point."""
    cells = heights.shape[0]
    lx, ly, lz = to_lamp[0], to_lamp[1], to_lamp[2]
    slope_x, slope_y = lx / lz, ly / lz
    scale = np.float32(1.0 / MAP_CELL_MM)
    bias = np.float32(45.0)
    for n in range(points.shape[0]):
        nx, ny, nz = normals[n, 0], normals[n, 1], normals[n, 2]
        facing = nx * lx + ny * ly + nz * lz
        key = np.float32(0.0)
        if facing > 0.0:
            z = points[n, 2]
            u = (points[n, 0] - slope_x * z + np.float32(MAP_HALF_MM)) * scale - np.float32(0.5)
            v = (points[n, 1] - slope_y * z + np.float32(MAP_HALF_MM)) * scale - np.float32(0.5)
            row, column = int(v), int(u)
            lit = np.float32(1.0)
            if row >= 0 and column >= 0 and row < cells - 1 and column < cells - 1:
                a, c = v - row, u - column
                limit = z + bias
                lit -= (1 - a) * (1 - c) if heights[row, column] > limit else np.float32(0.0)
                lit -= (1 - a) * c if heights[row, column + 1] > limit else np.float32(0.0)
                lit -= a * (1 - c) if heights[row + 1, column] > limit else np.float32(0.0)
                lit -= a * c if heights[row + 1, column + 1] > limit else np.float32(0.0)
            key = np.float32(0.78) * facing * lit
        # A faint second lamp opposite, light from the ceiling above and from the wooden floor below.
        fill = np.float32(0.10) * max(np.float32(0.0), -nx * lx - ny * ly + np.float32(0.3) * nz)
        up = np.float32(0.5) + np.float32(0.5) * nz
        open_sky = openness[n]
        light[n, 0] = key + (fill + np.float32(0.24) + np.float32(0.24) * up) * open_sky
        light[n, 1] = np.float32(0.97) * key + (fill + np.float32(0.21) + np.float32(0.28) * up) * open_sky
        light[n, 2] = np.float32(0.90) * key + (fill + np.float32(0.18) + np.float32(0.33) * up) * open_sky
