"""Virtual cameras on a ring around the middle of the room."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin, tan

import numpy as np

from calibration.camera import Camera
from calibration.rig import Rig

HALF_HEIGHT_RAD = 0.435
HALF_WIDTH_RAD = 0.46
"""Half the field of view that a picture has at least: all of a person with raised arms, anywhere within
1.2 m of the middle."""


def ring_of_cameras(seed: Sequence[int], count: int, size: tuple[int, int]) -> Rig:
    """True calibration of cameras cam1, cam2 and so on.

    They stand 3.7 to 4.1 m from the middle at 1.6 to 2.2 m height, evenly around it up to a few degrees, and
    no two have the same lens.

    Args:
        seed: Same numbers, same rig.
        count: Of cameras, at least 1.
        size: (width, height) px.
    """
    random = np.random.default_rng(seed)
    width, height = size
    cameras = []
    for number in range(count):
        azimuth = 2 * pi * (number + 0.5) / count + random.uniform(-0.12, 0.12)
        distance = random.uniform(3700.0, 4100.0)
        up = 1600.0 + 600.0 * random.random()
        position = np.array([distance * cos(azimuth), distance * sin(azimuth), up])
        target = np.array([*random.uniform(-60.0, 60.0, 2), 960.0 + random.uniform(-40.0, 40.0)])
        R = looking(position, target, random.uniform(-0.015, 0.015))
        focal = min(height / 2 / tan(HALF_HEIGHT_RAD), width / 2 / tan(HALF_WIDTH_RAD))
        focal *= random.uniform(0.97, 1.0)
        centre = (np.array([width, height]) - 1) / 2 + random.uniform(-0.01, 0.01, 2) * width
        K = np.array([[focal, 0, centre[0]], [0, focal * random.uniform(0.998, 1.002), centre[1]], [0, 0, 1]])
        distortion = np.array(
            [
                random.uniform(-0.14, -0.08),
                random.uniform(0.02, 0.05),
                *random.uniform(-0.0008, 0.0008, 2),
                random.uniform(-0.004, 0.0),
            ]
        )
        cameras.append(Camera(f"cam{number + 1}", size, "pinhole", K, distortion, R, -R @ position))
    return Rig(tuple(cameras), created="virtual studio, exact", board=None, quality={})


def looking(position: np.ndarray, target: np.ndarray, roll: float) -> np.ndarray:
    """(3, 3) cam_from_world of a camera that looks from one place to another, level up to ``roll`` rad."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    level = np.stack([right, np.cross(forward, right), forward])
    turn = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    return np.asarray(turn @ level)
