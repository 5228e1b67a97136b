"""The colour of every spot of a person: faces, cloth, hair and shoes painted by formula.

Colours in here are linear light (the square of what a screen shows, a gamma of 2).
"""

from __future__ import annotations

from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.appearance import PRINT, STRIPES, Colour, Look
from models.simulation.body import FACE, HAIR, SHIRT, SHOES, SKIN, TROUSERS
from models.simulation.compiled import compiled

MATERIALS = 6
_STRIPED, _PRINTED = 1.0, 2.0


def palette(look: Look) -> NDArray[np.float32]:
    """(MATERIALS, 8) float32: first colour, second colour, pattern, spare."""
    rows = np.zeros((MATERIALS, 8), np.float32)
    pattern = {STRIPES: _STRIPED, PRINT: _PRINTED}.get(look.pattern, 0.0)
    lips = (0.72 * look.skin[0] + 0.08, 0.55 * look.skin[1], 0.55 * look.skin[2])
    table: dict[int, tuple[Colour, Colour, float]] = {
        SHIRT: (*look.shirt, pattern),
        TROUSERS: (look.trousers, look.trousers, 0.0),
        SKIN: (look.skin, look.skin, 0.0),
        FACE: (look.skin, lips, 0.0),
        HAIR: (look.hair, look.hair, 0.0),
        SHOES: (look.shoes, (0.93, 0.93, 0.92), 0.0),
    }
    for material, (first, second, kind) in table.items():
        rows[material, :3] = np.square(first)
        rows[material, 3:6] = np.square(second)
        rows[material, 6] = kind
    # brows take the hair's colour
    rows[FACE, 6:8] = (np.square(look.hair[0]), np.square(look.hair[2]))
    return rows


@compiled
def _colour(
    material: int, x: np.float32, y: np.float32, z: np.float32, row: NDArray[np.float32]
) -> tuple[np.float32, np.float32, np.float32]:
    """Linear red, green, blue of a spot with texture coordinates x, y, z in mm."""
    r, g, b = row[0], row[1], row[2]
    if material == 3:
        return _face(float(x), float(y), float(z), row)
    if material == 0:  # shirt
        mix = np.float32(0.0)
        if row[6] == np.float32(_STRIPED):
            phase = z * np.float32(1.0 / 62.0)
            phase = abs(phase - np.float32(floor(phase)) - np.float32(0.5))
            mix = min(max(np.float32(8.0) * (phase - np.float32(0.27)), np.float32(0.0)), np.float32(1.0))
        elif row[6] == np.float32(_PRINTED) and x > 0:
            away = (y / np.float32(70.0)) ** 2 + ((z - np.float32(345.0)) / np.float32(52.0)) ** 2
            if away < 1 and (away > np.float32(0.62) or abs(z - np.float32(345.0)) < 13):
                mix = np.float32(1.0)
        return r + mix * (row[3] - r), g + mix * (row[4] - g), b + mix * (row[5] - b)
    if material == 5:  # shoes: white sole, coloured upper with white laces
        laces = np.float32(0.07) * x
        laces -= np.float32(floor(laces))
        if z < -68 or (x > 20 and x < 95 and abs(y) < 20 and laces < np.float32(0.45)):
            return row[3], row[4], row[5]
    return r, g, b


@compiled
def _face(
    x: float, y: float, z: float, row: NDArray[np.float32]
) -> tuple[np.float32, np.float32, np.float32]:
    r, g, b = float(row[0]), float(row[1]), float(row[2])
    if x < 30.0:
        return np.float32(r), np.float32(g), np.float32(b)
    side = abs(y)
    blush = 0.10 * max(0.0, 1.0 - ((side - 42.0) / 22.0) ** 2 - ((z - 58.0) / 20.0) ** 2)
    g *= 1.0 - blush
    b *= 1.0 - blush
    # lips, darker where they meet
    lip = (y / 25.0) ** 2 + ((z - 28.0) / (9.0 - 0.1 * side)) ** 2
    if lip < 1.0:
        mix = min(1.0, 2.5 * (1.0 - lip))
        r += mix * (row[3] - r)
        g += mix * (row[4] - g)
        b += mix * (row[5] - b)
        if abs(z - 28.0) < 1.8:
            r, g, b = 0.45 * r, 0.4 * g, 0.4 * b
    # nostrils
    if (side - 8.0) ** 2 + (z - 54.0) ** 2 < 12.0:
        r, g, b = 0.45 * r, 0.4 * g, 0.4 * b
    # brows
    arch = 113.0 + 4.0 - ((side - 30.0) / 9.0) ** 2
    if side > 12.0 and side < 50.0 and abs(z - arch) < 4.5:
        mix = min(1.0, 4.5 - abs(z - arch)) * 0.85
        r += mix * (row[6] - r)
        g += mix * (0.5 * (row[6] + row[7]) - g)
        b += mix * (row[7] - b)
    # eyes: white, iris, lashes above
    oval = ((side - 32.0) / 16.0) ** 2 + ((z - 96.0) / 7.5) ** 2
    if oval < 1.0:
        mix = min(1.0, 4.0 * (1.0 - oval))
        iris = (side - 32.0) ** 2 + (z - 96.0) ** 2
        white = 0.72 if iris > 42.0 else 0.03
        r += mix * (white - r)
        g += mix * (white - g)
        b += mix * (white - b)
    elif oval < 1.7 and z > 95.0:
        r, g, b = 0.3 * r, 0.27 * g, 0.27 * b
    return np.float32(r), np.float32(g), np.float32(b)


@compiled
def paint_winners(
    winner: NDArray[np.int32],
    screen: NDArray[np.float32],
    faces: NDArray[np.int32],
    paint: NDArray[np.uint8],
    texture: NDArray[np.float32],
    light: NDArray[np.float32],
    palettes: NDArray[np.float32],
    box: tuple[int, int, int, int],
    picture: NDArray[np.uint8],
) -> None:
    """Colour the pixels that a triangle won.

    Args:
        winner: (H, W), -1 for none.
        screen: (V, 3) from ``project``.
        faces: (F, 3).
        paint: (F,) row of ``palettes``.
        texture: (V, 3).
        light: (V, 3) linear.
        palettes: (M, 8), one ``palette`` after the other.
        box: First row, first column, end row, end column to look at.
        picture: (H, W, 3) BGR, painted over.
    """
    for row in range(box[0], box[2]):
        for column in range(box[1], box[3]):
            f = winner[row, column]
            if f < 0:
                continue
            # unsigned, because signed indices may count from the end, which takes time to check
            ia, ib, ic = np.uintp(faces[f, 0]), np.uintp(faces[f, 1]), np.uintp(faces[f, 2])
            ax, ay = screen[ia, 0], screen[ia, 1]
            ux, uy = screen[ib, 0] - ax, screen[ib, 1] - ay
            vx, vy = screen[ic, 0] - ax, screen[ic, 1] - ay
            x, y = np.float32(column) - ax, np.float32(row) - ay
            inverse = np.float32(1.0) / (vx * uy - ux * vy)
            wb = (vx * y - vy * x) * inverse
            wc = (uy * x - ux * y) * inverse
            wa = np.float32(1.0) - wb - wc
            kind = paint[f]
            r, g, b = _colour(
                kind % 6,
                wa * texture[ia, 0] + wb * texture[ib, 0] + wc * texture[ic, 0],
                wa * texture[ia, 1] + wb * texture[ib, 1] + wc * texture[ic, 1],
                wa * texture[ia, 2] + wb * texture[ib, 2] + wc * texture[ic, 2],
                palettes[kind],
            )
            r *= wa * light[ia, 0] + wb * light[ib, 0] + wc * light[ic, 0]
            g *= wa * light[ia, 1] + wb * light[ib, 1] + wc * light[ic, 1]
            b *= wa * light[ia, 2] + wb * light[ib, 2] + wc * light[ic, 2]
            picture[row, column, 0] = _screen_level(b)
            picture[row, column, 1] = _screen_level(g)
            picture[row, column, 2] = _screen_level(r)


@compiled
def _screen_level(linear: np.float32) -> np.uint8:
    """Grey level 0 to 255 of linear light, with a gamma of 2."""
    level = np.float32(255.0) * np.float32(sqrt(max(linear, np.float32(0.0)))) + np.float32(0.5)
    return np.uint8(min(level, np.float32(255.0)))
