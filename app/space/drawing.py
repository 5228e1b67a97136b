"""What there is to draw, as plain arrays: the same for Open3D and for lines painted by Qt.

World: mm, Z up. Colours are red, green, blue in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _none(*shape: int) -> Floats:
    return np.zeros((0, *shape))


@dataclass(frozen=True)
class Strokes:
    """Thin lines.

    Attributes:
        ends: (N, 2, 3) mm.
        colours: (N, 3).
        width: px of the picture as a person sees it (not of the screen's dots).
        flat: Whether they lie on the floor, under everything else.
        radii: (N, 2) mm at both ends, for an engine that can draw thin tubes instead.
    """

    ends: Floats = field(default_factory=lambda: _none(2, 3))
    colours: Floats = field(default_factory=lambda: _none(3))
    width: float = 1.0
    flat: bool = False
    radii: Floats | None = None


@dataclass(frozen=True)
class Disc:
    """A level disc around the Z axis whose colour changes with the distance from the axis.

    Attributes:
        height: mm.
        radii: (N,) mm, growing from 0.
        colours: (N, 3) at those radii.
    """

    height: float
    radii: Floats
    colours: Floats


@dataclass(frozen=True)
class Solids:
    """Round bodies in light: tapered tubes and ellipsoids.

    Attributes:
        tubes: (N, 2, 3) mm, both ends.
        radii: (N, 2) mm at both ends.
        tube_colours: (N, 3).
        balls: (M, 3) mm, centres.
        shapes: (M, 3, 3) mm, the matrix that makes a unit sphere into the ellipsoid.
        ball_colours: (M, 3).
        shadow: Colour of their shadow on the floor, None for no shadow.
        sides: How many flat faces stand for the round of a tube.
        lit: Whether they are brighter where light falls on them; lines that fade away must not be.
    """

    tubes: Floats = field(default_factory=lambda: _none(2, 3))
    radii: Floats = field(default_factory=lambda: _none(2))
    tube_colours: Floats = field(default_factory=lambda: _none(3))
    balls: Floats = field(default_factory=lambda: _none(3))
    shapes: Floats = field(default_factory=lambda: _none(3, 3))
    ball_colours: Floats = field(default_factory=lambda: _none(3))
    shadow: tuple[float, float, float] | None = None
    sides: int = 8
    lit: bool = True


@dataclass(frozen=True)
class Screen:
    """A picture standing in space.

    Attributes:
        grid: (rows, columns, 3) mm; the picture is stretched over it, first row on top.
        picture: (H, W, 3) uint8, red, green, blue.
    """

    grid: Floats
    picture: NDArray[np.uint8]


Part = Strokes | Disc | Solids | Screen


@dataclass(frozen=True)
class Label:
    """A word beside a place, painted over the picture.

    Attributes:
        text: What to write.
        place: (3,) mm.
        colour: As everywhere here.
        strong: Whether it is to stand out.
    """

    text: str
    place: Floats
    colour: tuple[float, float, float]
    strong: bool = False
