"""The eye that walks around a scene: where it is, what it looks at, and where points appear.

World: mm, right-handed, Z up. The eye never rolls, so the horizon stays level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import cos, radians, sin
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Size = tuple[float, float]

FOCAL: Final = 1.2
"""Focal length over the shorter side of the picture: 45 degrees across it."""
NEAR_MM: Final = 60.0
FAR_MM: Final = 150_000.0
NEAREST_MM: Final = 300.0
FARTHEST_MM: Final = 60_000.0
LOWEST_DEG: Final = -20.0
HIGHEST_DEG: Final = 89.9
"""Straight from above the eye would have no direction to call up."""
_EDGE: Final = 0.92
"""Part of the picture that a framed scene may fill; names beside cameras need the rest."""


@dataclass(frozen=True)
class OrbitCamera:
    """One place to look from; every move gives a new one.

    Attributes:
        azimuth_deg: Direction of the eye as seen from the target, from +X towards +Y.
        elevation_deg: Height of the eye over the target's horizon.
        distance_mm: From the eye to the target.
        target: (x, y, z) mm, the point in the middle of the picture.
    """

    azimuth_deg: float = -60.0
    elevation_deg: float = 18.0
    distance_mm: float = 5200.0
    target: tuple[float, float, float] = (0.0, 0.0, 850.0)

    @cached_property
    def axes(self) -> Floats:
        """(3, 3) rows right, down, forward in world: the rotation ``eye_from_world``."""
        azimuth, elevation = radians(self.azimuth_deg), radians(self.elevation_deg)
        level, up = cos(elevation), sin(elevation)
        x, y = cos(azimuth), sin(azimuth)
        return np.array([[-y, x, 0.0], [up * x, up * y, -level], [-level * x, -level * y, -up]])

    @cached_property
    def position(self) -> Floats:
        """(3,) mm, the eye in world."""
        return np.asarray(np.array(self.target) - self.distance_mm * self.axes[2])

    @property
    def eye_from_world(self) -> Floats:
        """(4, 4) from world mm to the eye's x right, y down, z forward."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes
        matrix[:3, 3] = -self.axes @ self.position
        return matrix

    @property
    def near_mm(self) -> float:
        """What is nearer need not be drawn; grows with the distance, for the depth buffer's sake."""
        return max(NEAR_MM, 0.06 * self.distance_mm)

    def project(self, points: ArrayLike, size: Size) -> tuple[Floats, Floats]:
        """Where world points appear.

        Args:
            points: (..., 3) mm.
            size: (width, height) of the picture, in any unit of length; (0, 0) is its upper left corner.

        Returns:
            (..., 2) places in the same unit and (...) depth in mm. Only those with a depth of at least
            ``NEAR_MM`` are in front of the eye.
        """
        local = (np.asarray(points, dtype=np.float64) - self.position) @ self.axes.T
        depth = local[..., 2]
        with np.errstate(invalid="ignore", divide="ignore"):
            places = local[..., :2] * (focal(size) / depth)[..., None]
        return places + np.array(size) / 2, depth

    def at(self, place: tuple[float, float], depth_mm: float, size: Size) -> Floats:
        """(3,) mm, the world point that appears at a place of the picture in that depth."""
        local = (np.array(place) - np.array(size) / 2) * (depth_mm / focal(size))
        return self.position + np.array([*local, depth_mm]) @ self.axes

    def orbited(self, azimuth_deg: float, elevation_deg: float) -> OrbitCamera:
        """Walked around the target by these angles."""
        elevation = min(HIGHEST_DEG, max(LOWEST_DEG, self.elevation_deg + elevation_deg))
        azimuth = (self.azimuth_deg + azimuth_deg + 180.0) % 360.0 - 180.0
        return replace(self, azimuth_deg=azimuth, elevation_deg=elevation)

    def panned(self, right: float, down: float, size: Size) -> OrbitCamera:
        """Moved so that what is at the target's depth follows the hand by (right, down) in the picture."""
        scale = self.distance_mm / focal(size)
        return self.aimed(np.array(self.target) - scale * (right * self.axes[0] + down * self.axes[1]))

    def zoomed(self, factor: float, place: tuple[float, float], size: Size) -> OrbitCamera:
        """Distance times ``factor``, while the point under ``place`` at the target's depth stays there."""
        distance = min(FARTHEST_MM, max(NEAREST_MM, self.distance_mm * factor))
        real = distance / self.distance_mm
        under = self.at(place, self.distance_mm, size)
        target = under + (np.array(self.target) - under) * real
        return replace(self.aimed(target), distance_mm=distance)

    def aimed(self, target: ArrayLike) -> OrbitCamera:
        """Moved, without turning, so that it looks at ``target`` (3,) mm."""
        x, y, z = (float(value) for value in np.asarray(target))
        return replace(self, target=(x, y, z))

    def framing(self, points: Floats, size: Size) -> OrbitCamera:
        """Drawn back or forward until all (N, 3) points lie well inside the picture; aims at nothing new."""
        local = (points - np.array(self.target)) @ self.axes.T
        half = np.array(size) / 2 * _EDGE
        # A point is inside where |x| focal / (distance + z) <= half the width, and the same for y.
        needed = np.abs(local[:, :2]) * (focal(size) / half) - local[:, 2:]
        distance = float(needed.max(initial=NEAREST_MM))
        return replace(self, distance_mm=min(FARTHEST_MM, max(NEAREST_MM, distance)))


def focal(size: Size) -> float:
    """Focal length in the unit of ``size``."""
    return FOCAL * max(1.0, min(size))


def between(start: OrbitCamera, end: OrbitCamera, part: float) -> OrbitCamera:
    """On the way from one to the other: 0 is the start, 1 the end, slow at both."""
    if part >= 1.0:
        return end
    eased = part * part * (3.0 - 2.0 * part)
    turn = (end.azimuth_deg - start.azimuth_deg + 180.0) % 360.0 - 180.0  # the short way around
    target = np.array(start.target) + (np.array(end.target) - np.array(start.target)) * eased
    return OrbitCamera(
        (start.azimuth_deg + turn * eased + 180.0) % 360.0 - 180.0,
        start.elevation_deg + (end.elevation_deg - start.elevation_deg) * eased,
        start.distance_mm * (end.distance_mm / start.distance_mm) ** eased,
        (float(target[0]), float(target[1]), float(target[2])),
    )
