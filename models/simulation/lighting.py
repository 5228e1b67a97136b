"""Light on the performers and their shadow on the floor, from one lamp above and the room around."""

from __future__ import annotations

from math import sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from models.simulation.compiled import compiled

_LAMP = np.array([0.24, -0.17, 0.95])
TO_LAMP = (_LAMP / np.linalg.norm(_LAMP)).astype(np.float32)
"""Direction from every point to the lamp, which is far away."""

MAP_HALF_MM = 3600.0
MAP_CELL_MM = 20.0
MAP_CELLS = int(2 * MAP_HALF_MM / MAP_CELL_MM)


class ShadowMap:
    """The floor as the lamp sees it: for each cell how high the body stands between cell and lamp.

    Args:
        to_lamp: (3,) float32 unit direction towards the lamp, which is well above the horizon.
    """

    def __init__(self, to_lamp: NDArray[np.float32] = TO_LAMP) -> None:
        self.to_lamp = to_lamp
        self.heights = np.zeros((MAP_CELLS, MAP_CELLS), np.float32)
        self.shade = np.zeros((MAP_CELLS, MAP_CELLS), np.float32)
        self.box = (0, 0, 0, 0)
        """First row, first column, end row, end column of the cells in shade."""

    def update(self, points: NDArray[np.float32]) -> None:
        """Cast the shadow of surface points (V, 3), mm in world."""
        top, left, bottom, right = self.box
        self.heights[top:bottom, left:right] = 0.0
        self.shade[top:bottom, left:right] = 0.0
        top, left, bottom, right = _splat(points, self.to_lamp, self.heights)
        margin = 8
        top, left = max(0, top - margin), max(0, left - margin)
        bottom, right = min(MAP_CELLS, bottom + margin + 1), min(MAP_CELLS, right + margin + 1)
        self.box = (top, left, bottom, right)
        if bottom <= top or right <= left:
            self.box = (0, 0, 0, 0)
            return
        window = self.heights[top:bottom, left:right]
        # Near the floor the shadow is sharp and dark, from higher up it is wide and faint.
        near = cv2.GaussianBlur(((window > 0) & (window < 300)).astype(np.float32), (7, 7), 0)
        far = cv2.GaussianBlur((window > 0).astype(np.float32), (13, 13), 0)
        np.maximum(0.7 * far, near, out=self.shade[top:bottom, left:right])


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
                heights[row + i, column + j] = max(heights[row + i, column + j], z)
    return top, left, bottom, right


@compiled
def light_up(
    points: NDArray[np.float32],
    normals: NDArray[np.float32],
    openness: NDArray[np.float32],
    tone: NDArray[np.float32],
    heights: NDArray[np.float32],
    to_lamp: NDArray[np.float32],
    light: NDArray[np.float32],
) -> None:
    """Fill ``light`` (V, 3), linear red, green, blue: what reaches each surface point, times its ``tone``."""
    cells = heights.shape[0]
    lx, ly, lz = to_lamp[0], to_lamp[1], to_lamp[2]
    slope_x, slope_y = lx / lz, ly / lz
    scale = np.float32(1.0 / MAP_CELL_MM)
    bias, one = np.float32(35.0), np.float32(1.0)
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
                a, c = v - np.float32(row), u - np.float32(column)
                start = z + bias
                lit -= (one - a) * (one - c) * _covered(heights[row, column] - start)
                lit -= (one - a) * c * _covered(heights[row, column + 1] - start)
                lit -= a * (one - c) * _covered(heights[row + 1, column] - start)
                lit -= a * c * _covered(heights[row + 1, column + 1] - start)
            key = np.float32(0.78) * facing * lit
        # A faint second lamp opposite, light from the ceiling above and from the wooden floor below.
        fill = np.float32(0.10) * max(np.float32(0.0), -nx * lx - ny * ly + np.float32(0.3) * nz)
        up = np.float32(0.5) + np.float32(0.5) * nz
        key *= tone[n]
        open_sky = openness[n] * tone[n]
        light[n, 0] = key + (fill + np.float32(0.24) + np.float32(0.24) * up) * open_sky
        light[n, 1] = np.float32(0.97) * key + (fill + np.float32(0.21) + np.float32(0.28) * up) * open_sky
        light[n, 2] = np.float32(0.90) * key + (fill + np.float32(0.18) + np.float32(0.33) * up) * open_sky


@compiled
def _covered(above: np.float32) -> np.float32:
    """How much a body ``above`` mm over a point shades it; grows gently, which hides the cells."""
    return np.float32(min(max(above * np.float32(0.0125), np.float32(0.0)), np.float32(1.0)))


@compiled
def shade_floor(
    floor_places: NDArray[np.float32],
    winner: NDArray[np.int32],
    shade: NDArray[np.float32],
    box: tuple[int, int, int, int],
    picture: NDArray[np.uint8],
) -> None:
    """Darken the floor where the shadow map says so.

    Args:
        floor_places: (H, W, 2) x, y mm, far outside the map where there is no floor.
        winner: (H, W), pixels of people (>= 0) are left alone.
        shade: (cells, cells) of the shadow map, 0 is full light.
        box: First row, first column, end row, end column to look at.
        picture: (H, W, 3) BGR, darkened.
    """
    scale, middle = np.float32(1.0 / MAP_CELL_MM), np.float32(MAP_HALF_MM / MAP_CELL_MM - 0.5)
    last = np.float32(shade.shape[0] - 1)
    zero, one, next_one = np.float32(0.0), np.float32(1.0), np.uintp(1)
    for row in range(box[0], box[2]):
        for column in range(box[1], box[3]):
            if winner[row, column] >= 0:
                continue
            u = floor_places[row, column, 0] * scale + middle
            v = floor_places[row, column, 1] * scale + middle
            if u < zero or v < zero or u >= last or v >= last:
                continue
            i, j = np.uintp(v), np.uintp(u)
            a, c = v - np.float32(i), u - np.float32(j)
            near = (one - c) * shade[i, j] + c * shade[i, j + next_one]
            far = (one - c) * shade[i + next_one, j] + c * shade[i + next_one, j + next_one]
            dark = near + a * (far - near)
            if dark > np.float32(0.01):
                keep = np.float32(sqrt(one - np.float32(0.7) * dark))
                for channel in range(3):
                    level = keep * np.float32(picture[row, column, channel])
                    picture[row, column, channel] = np.uint8(level)
