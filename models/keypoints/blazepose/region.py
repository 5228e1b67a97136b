"""The turned square of the picture that holds one person."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CROP_SIDE = 256
"""Side of the landmark network's input, px."""

REACH = 1.25
"""Half the side of a region over the distance from the hips to the point that encloses the body."""


@dataclass(frozen=True)
class Region:
    """A square that turns with the person.

    Attributes:
        x: Centre, px of the picture.
        y: Centre, px of the picture.
        side: Length of a side, px of the picture.
        angle: Radians; 0 for an upright body, turning clockwise on the screen.
    """

    x: float
    y: float
    side: float
    angle: float

    @classmethod
    def around(cls, hips: NDArray[np.float64], reach: NDArray[np.float64]) -> Region:
        """The region of a person from two points.

        Args:
            hips: (2,) px, centre of the hips.
            reach: (2,) px, a point in the direction of the head, as far away as the body extends.
        """
        dx, dy = float(reach[0] - hips[0]), float(reach[1] - hips[1])
        angle = math.pi / 2 - math.atan2(-dy, dx)
        angle -= 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))
        return cls(float(hips[0]), float(hips[1]), 2 * REACH * math.hypot(dx, dy), angle)

    @property
    def usable(self) -> bool:
        """Whether a crop can be cut: finite, and not smaller than a pixel."""
        return all(map(math.isfinite, (self.x, self.y, self.side, self.angle))) and self.side >= 1.0

    @property
    def picture_from_crop(self) -> NDArray[np.float64]:
        """(2, 3) affine map from crop pixels to picture pixels."""
        scale = self.side / CROP_SIDE
        c, s = scale * math.cos(self.angle), scale * math.sin(self.angle)
        half = CROP_SIDE / 2
        return np.array([[c, -s, self.x - half * (c - s)], [s, c, self.y - half * (s + c)]])

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2) px of the picture."""
        ends = np.array([[0, 0], [CROP_SIDE, 0], [CROP_SIDE, CROP_SIDE], [0, CROP_SIDE]], np.float64)
        return self.to_picture(ends)

    def to_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) crop px to (N, 2) px of the picture."""
        matrix = self.picture_from_crop
        return points @ matrix[:, :2].T + matrix[:, 2]

    def same_person(self, other: Region) -> bool:
        """Whether two regions are one person: centres within a quarter side, sizes within a factor of two."""
        small, large = sorted((self.side, other.side))
        near = math.hypot(self.x - other.x, self.y - other.y) <= large / 4
        return near and large <= 2 * small
