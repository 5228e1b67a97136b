"""Corners of a moving board as cameras in a ring would report them, for benchmarks and tests.

The truth is known. No pictures are made, only corner positions: exact projection, plus noise, time errors and
gross errors as asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.camera import Camera
from calibration.distortion import LensModel
from calibration.observations import BoardObservations, BoardView
from calibration.rig import Rig
from calibration.rotation import rotation_from_vector

Floats = NDArray[np.float64]

LENSES: dict[LensModel, tuple[float, ...]] = {
    "pinhole": (-0.21, 0.08, 0.0011, -0.0007, -0.012),
    "rational": (0.31, -0.05, 0.0009, 0.0012, 0.004, 0.52, 0.02, 0.001),
    "fisheye": (0.06, -0.012, 0.004, -0.0011),
}
STEEPEST = 0.35
"""Cosine between the board's normal and the line of sight below which detectors lose it (70 degrees)."""
BORDER_PX = 4.0


@dataclass(frozen=True)
class SimulatedRecording:
    """What the cameras report, and the truth.

    Attributes:
        observations: Noisy views.
        rig: True cameras with ``lag_ms``; world Z up, mm.
    """

    observations: BoardObservations
    rig: Rig


def simulated_rig(cameras: int, rng: np.random.Generator, model: LensModel = "pinhole") -> Rig:
    """A ring of cameras, some 2.5 m from its middle, that all look inwards."""
    result = []
    for k in range(cameras):
        angle = 2.0 * np.pi * (k + rng.uniform(-0.15, 0.15)) / cameras
        distance = rng.uniform(2300.0, 2700.0)
        position = np.array([distance * np.cos(angle), distance * np.sin(angle), rng.uniform(1000.0, 2200.0)])
        forward = np.array([0.0, 0.0, 1100.0]) + rng.normal(0.0, 50.0, 3) - position
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        R = np.array([right, np.cross(forward, right), forward])
        focal = rng.uniform(850.0, 1000.0)
        K = np.array(
            [
                [focal, 0.0, 640.0 + rng.normal(0, 8)],
                [0.0, focal * 1.002, 360.0 + rng.normal(0, 8)],
                [0, 0, 1.0],
            ]
        )
        lens = np.array(LENSES[model])
        result.append(Camera(f"cam{k + 1}", (1280, 720), model, K, lens, R, -R @ position))
    return Rig(tuple(result))


class _BoardMotion:
    """A hand-held board that wanders through the room and slowly turns around to show itself to everybody."""

    def __init__(self, board: Board, rng: np.random.Generator, seconds: float) -> None:
        self.centre = np.append(np.array(board.size_mm) / 2.0, 0.0)
        self.rates = rng.uniform(0.1, 0.55, (6, 3)) * 2.0 * np.pi
        self.phases = rng.uniform(0.0, 2.0 * np.pi, (6, 3))
        weights = rng.uniform(0.3, 1.0, (6, 3))
        reach = np.array([450.0, 450.0, 350.0, 0.35, 0.35, 0.35])
        self.reach = reach[:, None] * weights / weights.sum(axis=1, keepdims=True)
        self.turns = 2.0 * np.pi * max(1.0, round(seconds / 12.0)) / seconds
        self.start = rng.uniform(0.0, 2.0 * np.pi)

    def pose(self, time_s: float) -> tuple[Floats, Floats]:
        wave = (self.reach * np.sin(self.rates * time_s + self.phases)).sum(axis=1)
        yaw = self.start + self.turns * time_s
        # Upright and facing outwards: x to the reader's right, y down, normal into the board.
        normal = -np.array([np.cos(yaw), np.sin(yaw), 0.0])
        down = np.array([0.0, 0.0, -1.0])
        upright = np.column_stack([np.cross(down, normal), down, normal])
        R = rotation_from_vector(wave[3:]) @ upright
        return R, np.array([0.0, 0.0, 1100.0]) + wave[:3] - R @ self.centre


def simulate_views(
    seed: int,
    cameras: int = 4,
    *,
    board: Board | None = None,
    model: LensModel = "pinhole",
    seconds: float = 12.0,
    fps: float = 30.0,
    noise_px: float = 0.5,
    lags_ms: Floats | None = None,
    jitter_ms: float = 0.0,
    gross: float = 0.0,
    moments: int | None = None,
) -> SimulatedRecording:
    """Film a moving board.

    Args:
        seed: Of everything random.
        cameras: In the ring.
        board: None: 11 x 8 squares of 60 mm (70 corners).
        model: Lens of all cameras.
        seconds: Length.
        fps: Pictures per second; all cameras start together.
        noise_px: Standard deviation of each coordinate.
        lags_ms: (C,) how much older than stamped the pictures are; that of the first camera is the reference.
        jitter_ms: Standard deviation of the time error of single pictures.
        gross: Share of corners that are found at a wrong place, 5 to 40 px off.
        moments: Keep only the first so many moments at which two cameras see the board.
    """
    rng = np.random.default_rng(seed)
    board = board or Board("charuco", 11, 8, 60.0, 45.0, "DICT_4X4_50")
    rig = simulated_rig(cameras, rng, model)
    lags = np.zeros(cameras) if lags_ms is None else np.asarray(lags_ms, dtype=np.float64)
    motion = _BoardMotion(board, rng, seconds)
    views: list[BoardView] = []
    shared = 0
    for frame in range(round(seconds * fps)):
        stamped = frame / fps
        seen = []
        for camera, lag in zip(rig.cameras, lags, strict=True):
            late = 1e-3 * (lag + (rng.normal(0.0, jitter_ms) if jitter_ms else 0.0))
            R, t = motion.pose(stamped - late)
            view = _seen(camera, frame, round(stamped * 1e9), board, R, t, rng, noise_px, gross)
            if view is not None:
                seen.append(view)
        views.extend(seen)
        shared += len(seen) > 1
        if moments is not None and shared >= moments:
            break
    observations = BoardObservations(
        board, {camera.name: camera.size for camera in rig.cameras}, tuple(views)
    )
    truth = rig.with_cameras(
        {
            camera.name: Camera(
                camera.name, camera.size, camera.model, camera.K, camera.distortion, camera.R, camera.t,
                float(lag - lags[0]),
            )
            for camera, lag in zip(rig.cameras, lags, strict=True)
        }
    )  # fmt: skip
    return SimulatedRecording(observations, truth)


def _seen(
    camera: Camera, frame: int, time_ns: int, board: Board, R: Floats, t: Floats, rng: np.random.Generator,
    noise_px: float, gross: float,
) -> BoardView | None:  # fmt: skip
    corners = board.corners @ R.T + t
    sight = corners.mean(axis=0) - camera.position
    if R[:, 2] @ sight < STEEPEST * np.linalg.norm(sight):
        return None
    pixels = camera.project(corners) + rng.normal(0.0, noise_px, (len(corners), 2))
    if gross:
        wrong = rng.random(len(corners)) < gross
        angle = rng.uniform(0.0, 2.0 * np.pi, len(corners))
        push = rng.uniform(5.0, 40.0, len(corners)) * wrong
        pixels += np.column_stack([np.cos(angle), np.sin(angle)]) * push[:, None]
    width, height = camera.size
    inside = (pixels > BORDER_PX).all(axis=1) & (pixels < np.array([width, height]) - 1.0 - BORDER_PX).all(
        axis=1
    )
    ids = np.flatnonzero(inside)
    needed = board.corner_count if board.kind == "checkerboard" else 6
    if len(ids) < needed:
        return None
    return BoardView(camera.name, frame, time_ns, ids, pixels[ids], sharpness=0.4)
