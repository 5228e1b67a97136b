"""Where the first view stands, and the named ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.space.orbit_camera import OrbitCamera

VIEWS: Final = {
    "front": (-90.0, 4.0),
    "left": (180.0, 4.0),
    "top": (-90.0, 89.9),
    "three-quarter": (-60.0, 18.0),
}
"""Azimuth and elevation, degrees."""

_AZIMUTHS: Final = tuple(range(-80, -35, 5))
"""Where the first view may stand, between front and side; the one that needs the least distance is taken."""
_ASIDE: Final = 0.3
"""Part of the shorter side: a camera so far from the middle is not in the way."""
_WIDE: Final = 1.5
_LEAST_SHARE: Final = 0.6


def first_view(positions: NDArray[np.float64], size: tuple[float, float], people: bool) -> OrbitCamera:
    """From between front and side, on all cameras and whoever stands between them.

    Args:
        positions: (C, 3) mm of the cameras; C may be 0.
        size: (width, height) px of the view.
        people: Whether there is somebody to look at.
    """
    if not len(positions):
        return OrbitCamera()
    x, y, z = positions.mean(axis=0).tolist()
    start = OrbitCamera().aimed([x, y, min(1000.0, max(300.0, 0.5 * z))])
    # Where people are, however close together the cameras are.
    room = [[x + a, y + b, c] for a in (-900.0, 900.0) for b in (-900.0, 900.0) for c in (0.0, 1900.0)]
    everything = np.concatenate([positions, np.array(room)])
    directions = [replace(start, azimuth_deg=azimuth) for azimuth in _AZIMUTHS]
    framed = [camera.framing(everything, size) for camera in directions]
    best = min(framed, key=lambda camera: camera.distance_mm * (1.0 + _hidden(camera, positions, size)))
    if not people:
        return best
    # With people to look at, cameras at the sides may leave a narrow picture.
    nearest = best.framing(np.array(room), size).distance_mm
    share = min(1.0, max(_LEAST_SHARE, size[0] / size[1] / _WIDE))
    return replace(best, distance_mm=max(nearest, share * best.distance_mm))


def _hidden(camera: OrbitCamera, positions: NDArray[np.float64], size: tuple[float, float]) -> float:
    """How much of the rig stands between the eye and the middle: 1 for each camera that is in the way."""
    places, depth = camera.project(positions, size)
    aside = np.abs(places[:, 0] - size[0] / 2) / (_ASIDE * min(size))
    return float(np.clip(1.0 - aside, 0.0, 1.0)[depth < camera.distance_mm].sum())
