"""Rigs with known truth for the tests of the geometry."""

from __future__ import annotations

import numpy as np

from calibration.camera import Camera
from calibration.rig import Rig

# A webcam's barrel distortion, a rational fit, a wide fisheye; tangential terms as real lenses have them.
LENSES = {
    "pinhole": (-0.21, 0.08, 0.0011, -0.0007, -0.012),
    "rational": (0.31, -0.05, 0.0009, 0.0012, 0.004, 0.52, 0.02, 0.001),
    "fisheye": (0.06, -0.012, 0.004, -0.0011),
}


def looking_at(position, target=(0.0, 0.0, 1000.0)):
    """R (3, 3) and t (3,) mm of an upright camera at ``position`` that looks at ``target``, world Z up."""
    position = np.asarray(position, dtype=float)
    forward = np.asarray(target) - position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    R = np.array([right, np.cross(forward, right), forward])
    return R, -R @ position


def make_camera(name="cam1", model="pinhole", position=(3000.0, -2000.0, 1700.0), **changes):
    R, t = looking_at(position)
    fields = {
        "name": name,
        "size": (1280, 720),
        "model": model,
        "K": [[871.3, 0.0, 655.1], [0.0, 868.9, 344.8], [0.0, 0.0, 1.0]],
        "distortion": LENSES.get(model, ()),
        "R": R,
        "t": t,
    }
    return Camera(**(fields | changes))


def make_rig(count=4, model="pinhole", **changes):
    """Cameras cam1..camN on a circle of 4 m, each with slightly different intrinsics and height."""
    cameras = []
    for index in range(count):
        angle = 2 * np.pi * index / count + 0.3
        position = (4000 * np.cos(angle), 4000 * np.sin(angle), 1500.0 + 170 * index)
        focal = 850.0 + 13.7 * index
        K = [[focal, 0, 641.3 + index], [0, focal * 1.003, 357.9 - index], [0, 0, 1]]
        cameras.append(make_camera(f"cam{index + 1}", model, position, K=K))
    return Rig(tuple(cameras), **changes)


def people_sized_points(count=60, seed=5):
    """(count, 3) mm, spread like the joints of people in the middle of the room."""
    return np.random.default_rng(seed).uniform([-700, -700, 0], [700, 700, 1900], (count, 3))
