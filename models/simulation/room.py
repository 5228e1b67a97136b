"""The room around the performer: wooden floor, four walls, a door, a window and pictures.

Nothing in it looks like a calibration board, and no outline in it is human. Linear colours, mm.
"""

from __future__ import annotations

from math import floor, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.compiled import compiled

HALF_LENGTH_MM = 5600.0
HALF_WIDTH_MM = 5200.0
HEIGHT_MM = 3000.0

NOWHERE_MM = 1e9
"""Not NaN, which fast arithmetic cannot tell from a number."""


@compiled
def room_picture(
    position: NDArray[np.float64],
    rays: NDArray[np.float64],
    step: int,
    samples: int,
    colours: NDArray[np.float32],
    floor_places: NDArray[np.float32],
) -> None:
    """Look at the empty room.

    Args:
        position: (3,) of the camera, mm.
        rays: (h, w, 3) directions in world at pixels -step, 0, step, 2 step, …; between them they are
            interpolated.
        step: px between rays.
        samples: Each pixel averages ``samples`` squared rays.
        colours: (H, W, 3) is filled with linear red, green, blue.
        floor_places: (H, W, 2) is filled with x, y mm on the floor, NOWHERE_MM where there is none.
    """
    height, width = colours.shape[0], colours.shape[1]
    for row in range(height):
        for column in range(width):
            r, g, b = 0.0, 0.0, 0.0
            for si in range(samples):
                for sj in range(samples):
                    v = (row + (si + 0.5) / samples - 0.5) / step + 1.0
                    u = (column + (sj + 0.5) / samples - 0.5) / step + 1.0
                    dx, dy, dz = _ray(rays, v, u)
                    cr, cg, cb = _colour(position, dx, dy, dz)
                    r += cr
                    g += cg
                    b += cb
            n = samples * samples
            colours[row, column, 0] = r / n
            colours[row, column, 1] = g / n
            colours[row, column, 2] = b / n
            dx, dy, dz = _ray(rays, row / step + 1.0, column / step + 1.0)
            floor_places[row, column, 0] = NOWHERE_MM
            floor_places[row, column, 1] = NOWHERE_MM
            if dz < 0.0:
                x = position[0] - position[2] / dz * dx
                y = position[1] - position[2] / dz * dy
                if abs(x) < HALF_LENGTH_MM and abs(y) < HALF_WIDTH_MM:
                    floor_places[row, column, 0] = x
                    floor_places[row, column, 1] = y


@compiled
def _ray(rays: NDArray[np.float64], v: float, u: float) -> tuple[float, float, float]:
    i, j = int(v), int(u)
    a, c = v - i, u - j
    p, q = (1 - a) * (1 - c), (1 - a) * c
    s, t = a * (1 - c), a * c
    r0, r1, r2, r3 = rays[i, j], rays[i, j + 1], rays[i + 1, j], rays[i + 1, j + 1]
    return (
        p * r0[0] + q * r1[0] + s * r2[0] + t * r3[0],
        p * r0[1] + q * r1[1] + s * r2[1] + t * r3[1],
        p * r0[2] + q * r1[2] + s * r2[2] + t * r3[2],
    )


@compiled
def _hash(a: float, b: float) -> float:
    """A number in [0, 1) that looks random in a, b."""
    value = sin(a * 12.9898 + b * 78.233) * 43758.5453
    return value - floor(value)


@compiled
def _noise(x: float, y: float) -> float:
    """Smooth random hills of height 0 to 1 and width 1."""
    i, j = floor(x), floor(y)
    a, b = x - i, y - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    low = _hash(i, j) * (1 - a) + _hash(i + 1, j) * a
    high = _hash(i, j + 1) * (1 - a) + _hash(i + 1, j + 1) * a
    return low * (1 - b) + high * b


@compiled
def _colour(position: NDArray[np.float64], dx: float, dy: float, dz: float) -> tuple[float, float, float]:
    """Linear colour of what the ray meets first."""
    tx = ((HALF_LENGTH_MM if dx > 0 else -HALF_LENGTH_MM) - position[0]) / dx if abs(dx) > 1e-9 else 1e12
    ty = ((HALF_WIDTH_MM if dy > 0 else -HALF_WIDTH_MM) - position[1]) / dy if abs(dy) > 1e-9 else 1e12
    tz = ((HEIGHT_MM if dz > 0 else 0.0) - position[2]) / dz if abs(dz) > 1e-9 else 1e12
    t = min(tx, ty, tz)
    x, y, z = position[0] + t * dx, position[1] + t * dy, position[2] + t * dz
    if t == tz:
        if dz > 0:
            return 0.62, 0.62, 0.60
        return _floor(x, y)
    if t == tx:
        return _wall(y if dx > 0 else -y, z, HALF_WIDTH_MM, 0 if dx > 0 else 2)
    return _wall(x if dy < 0 else -x, z, HALF_LENGTH_MM, 1 if dy < 0 else 3)


@compiled
def _floor(x: float, y: float) -> tuple[float, float, float]:
    """Oak planks 140 mm wide, of uneven length and tone, darker towards the walls."""
    row = floor(y / 140.0)
    along = x + 2200.0 * _hash(row, 7.0)
    plank = floor(along / 1700.0)
    tone = 0.86 + 0.28 * _hash(row, plank + 3.0)
    grain = _noise(x / 90.0 + 31.0 * plank, y / 7.0 + 17.0 * row) - 0.5
    tone *= 1.0 + 0.16 * grain + 0.08 * (_noise(x / 600.0, y / 300.0) - 0.5)
    gap_y = min(y - 140.0 * row, 140.0 * (row + 1.0) - y)
    gap_x = min(along - 1700.0 * plank, 1700.0 * (plank + 1.0) - along)
    if gap_y < 2.5 or gap_x < 2.5:
        tone *= 0.55
    tone *= 1.0 - 0.30 * min(1.0, (x * x + y * y) / 6.0e7)
    return 0.36 * tone, 0.245 * tone, 0.145 * tone


@compiled
def _wall(u: float, z: float, half: float, wall: int) -> tuple[float, float, float]:
    """One wall, u mm to the right of its middle as seen from inside, z mm above the floor."""
    corner = min(half - abs(u), z, HEIGHT_MM - z)
    light = 0.66 + 0.22 * min(1.0, max(0.0, corner) / 900.0) + 0.10 * min(1.0, z / HEIGHT_MM)
    light *= 0.985 + 0.03 * _noise(u / 40.0, z / 40.0)
    r, g, b = 0.66, 0.63, 0.57
    if wall == 1:
        r, g, b = 0.30, 0.39, 0.42
    if z < 110.0:
        if z > 104.0:
            light *= 0.7
        return 0.75 * light, 0.74 * light, 0.72 * light
    if wall == 0 and abs(u + 2100.0) < 520.0 and z < 2120.0:
        return _door(u + 2100.0, z, light)
    if wall == 0 and abs(u - 1300.0) < 520.0 and abs(z - 1650.0) < 390.0:
        return _picture(u - 1300.0, z - 1650.0, 520.0, 390.0, 0, light)
    if wall == 1 and abs(u - 300.0) < 400.0 and abs(z - 1600.0) < 540.0:
        return _picture(u - 300.0, z - 1600.0, 400.0, 540.0, 1, light)
    if wall == 2 and abs(u) < 1150.0 and abs(z - 1650.0) < 750.0:
        return _window(u, z - 1650.0)
    if wall == 3:
        if abs(u + 900.0) < 900.0 and z < 860.0:
            return _cabinet(u + 900.0, z, light)
        if abs(u - 1800.0) < 330.0 and abs(z - 1700.0) < 440.0:
            return _picture(u - 1800.0, z - 1700.0, 330.0, 440.0, 2, light)
    return r * light, g * light, b * light


@compiled
def _door(u: float, z: float, light: float) -> tuple[float, float, float]:
    if abs(u) > 440.0 or z > 2040.0:
        return 0.70 * light, 0.69 * light, 0.66 * light
    if (u - 370.0) ** 2 + (z - 1020.0) ** 2 < 900.0:
        return 0.25, 0.24, 0.22
    panel_z = abs(z - 560.0) < 340.0 or abs(z - 1500.0) < 420.0
    inner_z = abs(z - 560.0) < 320.0 or abs(z - 1500.0) < 400.0
    shade = 1.0
    if abs(u) < 310.0 and panel_z:
        shade = 0.92 if abs(u) < 290.0 and inner_z else 0.72
    return 0.40 * shade * light, 0.27 * shade * light, 0.17 * shade * light


@compiled
def _picture(
    u: float, v: float, half_u: float, half_v: float, kind: int, light: float
) -> tuple[float, float, float]:
    if abs(u) > half_u - 28.0 or abs(v) > half_v - 28.0:
        return 0.05, 0.045, 0.04
    if abs(u) > half_u - 90.0 or abs(v) > half_v - 90.0:
        return 0.80 * light, 0.79 * light, 0.76 * light
    if kind == 0:  # hills under an evening sky
        hill = -60.0 + 90.0 * sin(u / 150.0) + 40.0 * sin(u / 61.0 + 1.0)
        if v < hill - 120.0:
            return 0.05, 0.12, 0.10
        if v < hill:
            return 0.10, 0.22, 0.20
        sky = (v + half_v) / (2.0 * half_v)
        return 0.75 - 0.35 * sky, 0.45 - 0.10 * sky, 0.30 + 0.25 * sky
    if kind == 1:  # overlapping discs
        if (u + 60.0) ** 2 + (v - 120.0) ** 2 < 150.0**2:
            return 0.70, 0.30, 0.08
        if (u - 80.0) ** 2 + (v + 60.0) ** 2 < 190.0**2:
            return 0.10, 0.20, 0.36
        return 0.72, 0.66, 0.52
    wave = sin(u / 40.0 + 2.0 * sin(v / 90.0))
    return 0.25 + 0.15 * wave, 0.40 + 0.10 * wave, 0.45 + 0.12 * wave


@compiled
def _window(u: float, v: float) -> tuple[float, float, float]:
    if abs(u) > 1080.0 or abs(v) > 680.0 or abs(u) < 30.0:
        return 0.78, 0.78, 0.76
    sky = (v + 750.0) / 1500.0
    leaves = _noise(u / 110.0, v / 110.0) + 0.5 * _noise(u / 37.0, v / 37.0)
    if v < -150.0 + 350.0 * leaves - 260.0:
        return 0.16 + 0.08 * leaves, 0.28 + 0.12 * leaves, 0.12
    return 0.70 + 0.15 * sqrt(sky), 0.80 + 0.10 * sky, 0.92


@compiled
def _cabinet(u: float, z: float, light: float) -> tuple[float, float, float]:
    if z > 830.0:
        return 0.55 * light, 0.52 * light, 0.48 * light
    third = floor((u + 900.0) / 600.0)
    inside = u + 900.0 - 600.0 * third
    if inside < 8.0 or inside > 592.0:
        return 0.10, 0.10, 0.10
    if abs(inside - 300.0) < 70.0 and abs(z - 740.0) < 10.0:
        return 0.12, 0.12, 0.12
    return 0.50 * light, 0.49 * light, 0.46 * light
