"""Boards before a camera with known intrinsics."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from calibration.board import Board
from calibration.camera import Camera
from calibration.observations import BoardObservations, BoardView

BOARD = Board("charuco", 9, 7, 40.0, 30.0, "DICT_5X5_100")

# Focal length for 1280 x 720 and coefficients: a webcam, a wide lens that needs the quotient, a fisheye.
LENSES = {
    "pinhole": (870.0, (-0.21, 0.08, 0.0011, -0.0007, 0.0)),
    "rational": (600.0, (0.9, 0.05, 0.0009, -0.0006, 0.0, 1.1, 0.15, 0.003)),
    "fisheye": (430.0, (0.06, -0.012, 0.004, -0.0011)),
}


def lens_camera(model="pinhole", size=(1280, 720)):
    focal, distortion = LENSES[model]
    K = [[focal, 0, size[0] / 2 + 15.1], [0, focal * 0.998, size[1] / 2 - 14.2], [0, 0, 1]]
    return Camera("cam1", size, model, K, distortion, np.eye(3), np.zeros(3))


def film_board(
    camera, views, seed, noise_px=0.3, tilt_rad=0.7, spread=1.0, board=BOARD, distance=(350, 1500)
):
    """Views of a board all over the picture (``spread`` 1) or near its middle (0), with noise."""
    random = np.random.default_rng(seed)
    width, height = camera.size
    middle = board.corners.mean(axis=0)
    result = []
    while len(result) < views:
        pixel = (0.5 + spread * random.uniform(-0.5, 0.5, 2)) * [width, height]
        ray = camera.unproject(pixel)[1]
        if not np.isfinite(ray).all():
            continue
        away = np.exp(random.uniform(*np.log(distance)))
        axis = random.normal(size=2)
        lean = random.uniform(0, tilt_rad) * axis / np.linalg.norm(axis)
        turn = Rotation.align_vectors([ray], [[0, 0, 1]])[0] * Rotation.from_rotvec([*lean, 0])
        turn *= Rotation.from_rotvec([0, 0, random.uniform(-np.pi, np.pi)])
        pixels = camera.project(turn.apply(board.corners - middle) + away * ray)
        inside = np.isfinite(pixels[:, 0])
        inside &= ((pixels > 2) & (pixels < [width - 3, height - 3])).all(axis=1)
        if inside.sum() < 8:
            continue
        pixels = pixels[inside] + noise_px * random.normal(size=(inside.sum(), 2))
        number = len(result)
        result.append(BoardView(camera.name, number, number * 33_000_000, np.flatnonzero(inside), pixels))
    return BoardObservations(board, {camera.name: camera.size}, tuple(result))
