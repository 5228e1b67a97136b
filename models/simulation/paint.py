"""The colour of every spot of a person: faces, cloth, hair and shoes painted by formula.

Colours in here are linear light (the square of what a screen shows, a gamma of 2).
"""

from __future__ import annotations

from math import cos, floor, sin

import numpy as np
from numpy.typing import NDArray

from models.simulation.appearance import PLAIN, PRINT, STRIPES, Colour, Look
from models.simulation.body import FACE, HAIR, SHIRT, SHOES, SKIN, TROUSERS
from models.simulation.compiled import compiled

MATERIALS = 6
_STRIPES = float(STRIPES)
_PRINT = float(PRINT)


def palette(look: Look) -> NDArray[np.float32]:
    """(MATERIALS, 8) float32: first colour, second colour, pattern, spare."""
    rows = np.zeros((MATERIALS, 8), np.float32)
    pattern = float(look.pattern if look.pattern in (PLAIN, STRIPES, PRINT) else PLAIN)
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
def colour(
    material: int, x: float, y: float, z: float, row: NDArray[np.float32]
) -> tuple[float, float, float]:
    """Linear red, green, blue of a spot with texture coordinates x, y, z in mm."""
    r, g, b = row[0], row[1], row[2]
    if material == 0:  # shirt
        mix = 0.0
        if row[6] == _STRIPES:
            mix = min(max(8.0 * (abs((z / 62.0) - floor(z / 62.0) - 0.5) - 0.27), 0.0), 1.0)
        elif row[6] == _PRINT and x > 0.0:
            away = (y / 70.0) ** 2 + ((z - 345.0) / 52.0) ** 2
            if away < 1.0:
                ring = 1.0 if away > 0.62 or abs(z - 345.0) < 13.0 else 0.0
                mix = ring
        weave = 1.0 + 0.05 * sin(0.045 * x + 0.06 * z) * sin(0.05 * y - 0.035 * z)
        r += mix * (row[3] - r)
        g += mix * (row[4] - g)
        b += mix * (row[5] - b)
        return r * weave, g * weave, b * weave
    if material == 1:  # trousers
        wear = 1.0 + 0.12 * sin(0.02 * z) * sin(0.03 * y + 1.0) + 0.06 * sin(0.11 * z + 0.07 * x)
        if x > 0.0 and abs(y) < 1.6 and z > -60.0:
            wear *= 0.7
        if z > 82.0:  # belt
            return 0.03, 0.025, 0.02
        return r * wear, g * wear, b * wear
    if material == 2:  # arms and hands
        flush = 1.0 + 0.05 * sin(0.05 * z + 0.03 * x)
        return r * flush, g * flush, b * flush
    if material == 3:
        return _face(x, y, z, row)
    if material == 4:  # hair in strands that run down from the crown
        strand = 0.75 + 0.45 * sin(0.55 * y + 0.2 * x + 2.0 * sin(0.06 * z)) * cos(0.31 * x - 0.17 * y)
        shine = 1.0 + 1.2 * max(0.0, 1.0 - ((z - 190.0) / 26.0) ** 2)
        return r * strand * shine, g * strand * shine, b * strand * shine
    # shoes: white sole, coloured upper with white laces
    if z < -68.0:
        return row[3], row[4], row[5]
    if x > 20.0 and x < 95.0 and abs(y) < 20.0 and (x / 15.0 - floor(x / 15.0)) < 0.45:
        return row[3], row[4], row[5]
    return r, g, b


@compiled
def _face(x: float, y: float, z: float, row: NDArray[np.float32]) -> tuple[float, float, float]:
    r, g, b = row[0], row[1], row[2]
    if x < 30.0:
        return r, g, b
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
    return r, g, b
