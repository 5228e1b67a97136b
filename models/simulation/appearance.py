"""What a performer wears and looks like, drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]
"""Red, green, blue as a screen shows them, 0 to 1."""

SKIN_TONES: tuple[Colour, ...] = (
    (0.93, 0.76, 0.66),
    (0.87, 0.68, 0.55),
    (0.76, 0.56, 0.42),
    (0.60, 0.42, 0.30),
    (0.44, 0.30, 0.22),
)
HAIR_COLOURS: tuple[Colour, ...] = (
    (0.10, 0.08, 0.07),
    (0.22, 0.14, 0.09),
    (0.38, 0.25, 0.14),
    (0.55, 0.40, 0.22),
)
SHIRT_COLOURS: tuple[tuple[Colour, Colour], ...] = (
    ((0.86, 0.86, 0.84), (0.15, 0.22, 0.42)),
    ((0.70, 0.16, 0.15), (0.92, 0.88, 0.82)),
    ((0.16, 0.42, 0.40), (0.85, 0.88, 0.84)),
    ((0.92, 0.74, 0.25), (0.25, 0.25, 0.30)),
    ((0.30, 0.42, 0.70), (0.90, 0.91, 0.94)),
)
TROUSER_COLOURS: tuple[Colour, ...] = (
    (0.18, 0.24, 0.38),
    (0.22, 0.22, 0.24),
    (0.46, 0.40, 0.31),
    (0.26, 0.34, 0.46),
)
SHOE_COLOURS: tuple[Colour, ...] = ((0.85, 0.85, 0.86), (0.16, 0.16, 0.18), (0.55, 0.14, 0.14))

PLAIN, STRIPES, PRINT = range(3)
"""Patterns of a shirt."""


@dataclass(frozen=True)
class Look:
    """Clothes, colours and build of one person.

    Attributes:
        skin: Colour.
        hair: Colour.
        shirt: Cloth, and stripes or print on it.
        trousers: Colour.
        shoes: Colour above the white sole.
        pattern: Of the shirt.
        long_hair: To the shoulders; else short.
        girth: Factor on the thickness of trunk and limbs.
    """

    skin: Colour
    hair: Colour
    shirt: tuple[Colour, Colour]
    trousers: Colour
    shoes: Colour
    pattern: int
    long_hair: bool
    girth: float


def draw_look(seed: Sequence[int]) -> Look:
    """Someone different for every seed, the same for the same one."""
    random = np.random.default_rng(seed)
    return Look(
        skin=SKIN_TONES[random.integers(len(SKIN_TONES))],
        hair=HAIR_COLOURS[random.integers(len(HAIR_COLOURS))],
        shirt=SHIRT_COLOURS[random.integers(len(SHIRT_COLOURS))],
        trousers=TROUSER_COLOURS[random.integers(len(TROUSER_COLOURS))],
        shoes=SHOE_COLOURS[random.integers(len(SHOE_COLOURS))],
        pattern=int(random.integers(3)),
        long_hair=bool(random.random() < 0.45),
        girth=float(random.uniform(0.94, 1.06)),
    )
