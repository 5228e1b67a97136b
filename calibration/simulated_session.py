"""What a careful person films with a board: near each camera in turn, then through the room. Truth is known.

Lenses are told by near views all over the picture and tilted; places and lags by moments that cameras share.
No pictures are made, only corner positions: exact projection plus noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from calibration.board import Board
from calibration.camera import Camera
from calibration.distortion import LensModel
from calibration.observations import BoardObservations, BoardView
from calibration.rig import Rig
from calibration.simulated_views import BORDER_PX, STEEPEST, SimulatedRecording, simulated_rig

Floats = NDArray[np.float64]

BOARD = Board("charuco", 11, 8, 60.0, 45.0, "DICT_4X4_50")
"""660 x 480 mm, about A2."""
MIDDLE = np.array([0.0, 0.0, 1100.0])
"""Of the room, mm: where the cameras look."""

_NEAR_MM = (700.0, 1250.0)
"""From the camera: the board fills a third to two thirds of the picture's width."""
_NEAR_TILT_DEG, _NEAR_ROLL_DEG = (20.0, 45.0), 20.0
"""The tilt in any direction."""
_ROOM_TILT_DEG = 25.0
_REACH_MM = np.array([450.0, 450.0, 300.0])
_FEWEST_CORNERS = 6


@dataclass(frozen=True)
class Session:
    """How long the board is shown.

    Attributes:
        near_keys: Places near cameras through which the board is moved, the same number before each.
        room_keys: Places in the middle of the room, going once around it.
        pace_s: From one place to the next, or longer where it is farther than ``speed_mm_s`` allows.
        speed_mm_s: Of the board on average between two places.
        fps: Pictures per second of all cameras.
        noise_px: Standard deviation of each coordinate of a corner.
        longest_lag_ms: Lags are drawn from plus or minus this.
    """

    near_keys: int = 48
    room_keys: int = 32
    pace_s: float = 0.6
    speed_mm_s: float = 1500.0
    fps: float = 30.0
    noise_px: float = 0.5
    longest_lag_ms: float = 15.0


def simulate_session(
    seed: int, cameras: int, session: Session | None = None, model: LensModel = "pinhole"
) -> SimulatedRecording:
    """Film a whole session.

    Args:
        seed: Of everything random: rig, lenses' focal lengths, motion, lags, noise.
        cameras: In a ring around the room, 2.3 to 2.7 m from its middle.
        session: None for the defaults.
        model: Lens of all cameras.
    """
    session = session or Session()
    rng = np.random.default_rng(seed)
    rig = simulated_rig(cameras, rng, model)
    lags = rng.uniform(-1.0, 1.0, cameras) * session.longest_lag_ms
    rig = rig.with_cameras(
        {
            camera.name: Camera(
                camera.name, camera.size, camera.model, camera.K, camera.distortion, camera.R, camera.t, lag
            )
            for camera, lag in zip(rig.cameras, (lags - lags[0]).tolist(), strict=True)
        }
    )
    motion = _Motion(BOARD, _near(rig, session, rng) + _room(rig, session, rng), session)
    views: list[BoardView] = []
    for camera, lag in zip(rig.cameras, lags, strict=True):
        views += _filmed(camera, lag, motion, session, rng)
    sizes = {camera.name: camera.size for camera in rig.cameras}
    return SimulatedRecording(BoardObservations(BOARD, sizes, tuple(views)), rig)


def board_poses_in_room(rig: Rig, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """R (n, 3, 3) and t (n, 3) mm, world from board: places in the room as a session has them."""
    keys = _room(rig, Session(room_keys=count), rng)
    R = np.array([key.R for key in keys])
    return R, np.array([key.place for key in keys]) - R @ _board_middle(BOARD)


@dataclass(frozen=True)
class _Key:
    """A pose the board passes through: world from board, and where its middle is, mm."""

    R: Floats
    place: Floats


class _Motion:
    """Smooth from key to key; it starts and ends at rest."""

    def __init__(self, board: Board, keys: list[_Key], session: Session) -> None:
        ways = [float(np.linalg.norm(b.place - a.place)) for a, b in pairwise(keys)]
        steps = np.maximum(np.array(ways) / session.speed_mm_s, session.pace_s)
        at = np.concatenate([[0.0], np.cumsum(steps)])
        self.seconds = float(at[-1])
        self._middle = _board_middle(board)
        self._turn = RotationSpline(at, Rotation.from_matrix(np.array([key.R for key in keys])))
        self._shift = CubicSpline(at, np.array([key.place for key in keys]), bc_type="clamped")

    def poses(self, times_s: Floats) -> tuple[Floats, Floats]:
        """R (n, 3, 3) and t (n, 3) mm, world from board."""
        times_s = np.clip(times_s, 0.0, self.seconds)
        R = self._turn(times_s).as_matrix()
        return R, self._shift(times_s) - R @ self._middle


def _board_middle(board: Board) -> Floats:
    return np.append(np.array(board.size_mm) / 2.0, 0.0)


def _near(rig: Rig, session: Session, rng: np.random.Generator) -> list[_Key]:
    """Before each camera, in the ninths of its picture in turn, facing it and tilted to all sides."""
    ninths = np.array([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)], np.float64)
    keys = []
    each = session.near_keys // len(rig)
    for camera in rig.cameras:
        half = np.array(camera.size) / 2.0
        order = np.concatenate([rng.permutation(9) for _ in range(-(-each // 9))])
        for x, y in ninths[order[:each]]:
            pixel = half * (1.0 + 0.53 * np.array([x, y]) + rng.normal(0.0, 0.04, 2))
            sight = np.append((pixel - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]], 1.0)
            way, size = rng.uniform(0.0, 2.0 * np.pi), np.radians(rng.uniform(*_NEAR_TILT_DEG))
            tilt = Rotation.from_rotvec([size * np.cos(way), size * np.sin(way), 0.0])
            roll = Rotation.from_euler("z", rng.uniform(-_NEAR_ROLL_DEG, _NEAR_ROLL_DEG), degrees=True)
            R = camera.R.T @ (tilt * roll).as_matrix()
            keys.append(_Key(R, camera.position + camera.R.T @ (sight * rng.uniform(*_NEAR_MM))))
    return keys


def _room(rig: Rig, session: Session, rng: np.random.Generator) -> list[_Key]:
    """In the middle, facing the gaps between neighbours once around, so that both see it."""
    keys = []
    for k in range(session.room_keys):
        first = k * len(rig) // session.room_keys
        eyes = [rig.cameras[first].position, rig.cameras[(first + 1) % len(rig)].position]
        place = MIDDLE + rng.uniform(-1.0, 1.0, 3) * _REACH_MM
        tilt = rng.uniform(-_ROOM_TILT_DEG, _ROOM_TILT_DEG, 3)
        turned = Rotation.from_euler("xyz", tilt, degrees=True).as_matrix()
        keys.append(_Key(_facing(np.mean(eyes, axis=0), place) @ turned, place))
    return keys


def _facing(eye: Floats, place: Floats) -> Floats:
    """World from board for an upright board that faces an eye: x to the reader's right, y down."""
    into = (place - eye) / np.linalg.norm(place - eye)
    right = np.cross(into, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.column_stack([right, np.cross(into, right), into])


def _filmed(
    camera: Camera, lag_ms: float, motion: _Motion, session: Session, rng: np.random.Generator
) -> list[BoardView]:
    stamps = np.arange(int(motion.seconds * session.fps)) / session.fps
    R, t = motion.poses(stamps - 1e-3 * lag_ms)
    corners = BOARD.corners @ R.transpose(0, 2, 1) + t[:, None]
    sight = corners.mean(axis=1) - camera.position
    legible = np.einsum("fi,fi->f", R[:, :, 2], sight) > STEEPEST * np.linalg.norm(sight, axis=1)
    pixels = np.full((*corners.shape[:2], 2), np.nan)
    pixels[legible] = camera.project(corners[legible])
    pixels += rng.normal(0.0, session.noise_px, pixels.shape)
    last = np.array(camera.size) - 1.0 - BORDER_PX
    inside: NDArray[np.bool_] = np.all((pixels > BORDER_PX) & (pixels < last), axis=-1)
    along_x = BOARD.inner[0]
    views = []
    for frame in np.flatnonzero(inside.sum(axis=1) >= _FEWEST_CORNERS):
        ids = np.flatnonzero(inside[frame])
        if np.ptp(ids % along_x) and np.ptp(ids // along_x):  # not all on a line
            stamp = round(1e9 * float(stamps[frame]))
            views.append(BoardView(camera.name, int(frame), stamp, ids, pixels[frame, ids], sharpness=0.4))
    return views
