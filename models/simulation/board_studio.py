"""The virtual studio for calibration: the cameras of ``studio.Studio`` film a board that is carried around.

Everything about the board is known exactly: its pose at any time, and for every picture where each inner
corner is. The same seed gives the same cameras as ``Studio``, so a rig calibrated here can film people there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import cos, pi, sin
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from calibration.board import Board, BoardFile, board_from_dict
from calibration.camera import Camera
from calibration.distortion import LensModel
from calibration.observations import BoardObservations, BoardView
from calibration.rig import Rig
from configs.errors import bad_input
from configs.loading import Config
from models.simulation.board_painter import MAGIC, paint_board
from models.simulation.board_pattern import board_pattern
from models.simulation.lighting import TO_LAMP
from models.simulation.renderer import Image, Sensor, look_at_room
from models.simulation.studio import Studio, StudioConfig

if TYPE_CHECKING:
    from models.simulation.board_motion import BoardMotion

Floats = NDArray[np.float64]

_BOARD_MOTION, _BOARD_NOISE, _CORNER_NOISE = 10, 11, 12
"""What a seed is combined with; the studio with people uses lower numbers."""

_WIDE_LENSES: dict[LensModel, tuple[float, tuple[float, ...]]] = {
    "rational": (0.80, (0.9, 0.05, 0.0006, -0.0004, 0.0, 1.1, 0.15, 0.003)),
    "fisheye": (0.62, (0.05, -0.012, 0.004, -0.001)),
}
"""Focal length over that of the studio's own lens, and distortion."""

_INK, _PAPER, _CARDBOARD = (0.025, 0.024, 0.026), (0.80, 0.80, 0.78), (0.38, 0.31, 0.23)
_INK_FROM_BEHIND = (0.14, 0.135, 0.12)
_SKIN, _SLEEVE = (0.50, 0.30, 0.21), (0.05, 0.09, 0.16)
_PIXELS_PER_PASS = 4.0
"""Motion that nine moments of an exposure show without steps."""


LEAST_CELL_PX, LEAST_SQUARE_PX = 1.8, 6.0
"""Along the shorter side, of a marker's cell and of a plain square, in pictures of two cameras that share the
board. Measured in this studio: with cells of 2.4, 2.1, 1.8 and 1.5 px, 50, 39, 11 and 2 % of the moments at
which two cameras could see the board were found by both."""


class BoardStudioConfig(Config):
    """What is filmed and how.

    Attributes:
        seed: Decides on cameras, motion and noise.
        cameras: How many stand on the ring.
        size: (width, height) px of every camera.
        board: What is filmed; ``inverted: true`` prints it white on black. As large as paper gets (A0) unless
            stated otherwise: between two cameras of a ring it is 3 m away from both.
        lens: The studio's own lenses, or wide ones of another model.
        noise: Standard deviation of the sensor noise, grey levels.
        blur_px: Standard deviation of the lens blur, px.
        exposure_ms: How long the shutter is open; its middle is the picture's time.
        speed: Of the board; 1 is an unhurried person.
        lags_ms: For each camera, how much older the scene is than its pictures' times say. Short lists are
            continued with 0.
        occlusion: What hides parts of the board: ``hand`` reaches over its lower edge, ``person`` walks
            about.
        back: What the back of the board shows: nothing, or the print shining through, mirrored.
    """

    seed: int = Field(default=0, ge=0, lt=2**63)
    cameras: int = Field(default=4, ge=1, le=16)
    size: tuple[int, int] = (640, 480)
    board: BoardFile = BoardFile(
        type="charuco", columns=5, rows=4, square_mm=200.0, marker_mm=145.0, dictionary="DICT_4X4_50"
    )
    lens: LensModel = "pinhole"
    noise: float = Field(default=2.0, ge=0, le=50)
    blur_px: float = Field(default=0.55, ge=0, le=2)
    exposure_ms: float = Field(default=6.0, ge=0, le=100)
    speed: float = Field(default=1.0, gt=0, le=10)
    lags_ms: tuple[float, ...] = ()
    occlusion: Literal["none", "hand", "person"] = "none"
    back: Literal["blank", "printed"] = "blank"

    @field_validator("size")
    @classmethod
    def _size_is_sensible(cls, size: tuple[int, int]) -> tuple[int, int]:
        if not all(64 <= side <= 4096 for side in size):
            raise ValueError("width and height must lie in 64..4096 px")
        return size

    @model_validator(mode="after")
    def _parts_fit(self) -> BoardStudioConfig:
        if len(self.lags_ms) > self.cameras:
            raise ValueError(f"{len(self.lags_ms)} lags_ms are too many for {self.cameras} cameras")
        if any(abs(lag) > 1000 for lag in self.lags_ms):
            raise ValueError("lags_ms must lie in -1000..1000")
        if self.occlusion == "person" and self.lens != "pinhole":
            raise ValueError("a person can be filmed with lens: pinhole only")
        return self


class BoardStudio:
    """A moving board and cameras that film it. Everything follows from the configuration and the time.

    ``t_s`` of a camera is the time its pictures state; the scene they show is ``lags_ms`` older. ``truth``
    and ``board_pose`` take the time of the scene.

    Not for several threads at once: pictures share buffers.
    """

    def __init__(self, config: BoardStudioConfig) -> None:
        self.config = config
        stated = config.board.model_dump(exclude={"version"})
        self.board: Board = board_from_dict(stated, source="studio board")
        people = StudioConfig(seed=config.seed, cameras=config.cameras, size=config.size, noise=0, blur_px=0)
        self._people = Studio(people)
        self._lags_s = [lag / 1000 for lag in (*config.lags_ms, *[0.0] * config.cameras)][: config.cameras]
        self.rig: Rig = _with_lenses(self._people.rig, config.lens, self._lags_s)
        # Its splines take half a second to load, which cameras that film people need not wait for.
        from models.simulation.board_motion import compose_motion

        motion_seed = [config.seed, _BOARD_MOTION]
        self.motion: BoardMotion = compose_motion(motion_seed, self.rig, self.board, config.speed)
        self._pattern = board_pattern(self.board)
        self._views: dict[str, _BoardView] = {}

    def check_board_size(self, names: Sequence[str]) -> None:
        """See that each camera can share the board with another one, in the middle of the room.

        Args:
            names: The cameras that film.

        Raises:
            BadInputError: It is too small or too oblique there; says what would do.
        """
        cameras = self.rig.subset(names).cameras
        if len(cameras) < 2:
            return
        board = self.board
        if board.kind == "charuco":
            assert board.marker_mm is not None
            cell_mm, least_px = board.marker_mm / self._pattern.markers.shape[1], LEAST_CELL_PX
        else:
            cell_mm, least_px = board.square_mm, LEAST_SQUARE_PX
        printed = self.config.back == "printed"
        seen_px = min(
            max(_cell_px(camera, other, cell_mm, printed) for other in cameras if other is not camera)
            for camera in cameras
        )
        if seen_px < least_px:
            what = "a cell of a marker" if board.kind == "charuco" else "a square"
            width, height = self.config.size
            factor = least_px / seen_px
            raise bad_input(
                f"in the middle of the room, where neighbouring cameras share the board, {what} is "
                f"{seen_px:.1f} px wide, too little to be found by both",
                key="board_studio",
                value=f"{width}x{height} px, {len(cameras)} cameras, {board.words()}",
                allowed=f"at least {least_px:g} px",
                hint=f"pictures or squares {factor:.1f} times as large, or more cameras: they stand closer",
            )

    def board_pose(self, t_s: float) -> tuple[Floats, Floats]:
        """R (3, 3) world from board and t (3,) mm at scene time ``t_s``."""
        return self.motion.pose(t_s)

    def truth(self, t_s: float) -> Floats:
        """(N, 3) inner corners at scene time ``t_s``, mm in world."""
        R, t = self.board_pose(t_s)
        return np.asarray(self.board.corners @ R.T + t)

    def corners(self, camera: str, t_s: float) -> Floats:
        """(N, 2) distorted px of all inner corners in the picture of time ``t_s``, seen or not.

        NaN only where the lens does not reach.

        Raises:
            BadInputError: There is no such camera.
        """
        return self.rig.camera(self._known(camera)).project(self.truth(self._scene_time(camera, t_s)))

    def visibility(self, camera: str, t_s: float) -> NDArray[np.bool_]:
        """(N,) which inner corners the picture of time ``t_s`` shows: on this side, inside, uncovered.

        Raises:
            BadInputError: There is no such camera.
        """
        geometry = self.rig.camera(self._known(camera))
        scene_s = self._scene_time(camera, t_s)
        pixels = self.corners(camera, t_s)
        width, height = geometry.size
        with np.errstate(invalid="ignore"):
            seen = np.all((pixels > -0.5) & (pixels < np.array([width - 0.5, height - 0.5])), axis=-1)
        front = self._from_front(geometry, scene_s)
        if not front and self.config.back == "blank":
            return np.zeros(len(pixels), np.bool_)
        hand = self._hand(scene_s, front)
        for ax, ay, bx, by, radius, _ in hand:
            start, along = np.array([ax, ay]), np.array([bx - ax, by - ay])
            away = self.board.corners[:, :2] - start
            share = np.clip(away @ along / max(float(along @ along), 1e-9), 0.0, 1.0)
            seen &= np.linalg.norm(away - share[:, None] * along, axis=1) > radius
        if self.config.occlusion == "person":
            depth = self._people.depth(camera, scene_s)
            nearest = np.rint(np.where(seen[:, None], pixels, 0.0)).astype(int)
            own = self.truth(scene_s) @ geometry.R[2] + geometry.t[2]
            seen &= depth[nearest[:, 1], nearest[:, 0]] > own
        return np.asarray(seen)

    def render(self, camera: str, t_s: float, out: Image | None = None) -> Image:
        """Take a picture; the same for the same configuration, camera and time.

        Args:
            camera: Name in ``rig``.
            t_s: Time of the picture, s.
            out: (H, W, 3) uint8, C-contiguous, filled and returned; None allocates one.

        Returns:
            (H, W, 3) BGR.

        Raises:
            BadInputError: There is no such camera.
        """
        geometry = self.rig.camera(self._known(camera))
        width, height = geometry.size
        if out is None:
            out = np.empty((height, width, 3), np.uint8)
        assert out.shape == (height, width, 3)
        assert out.dtype == np.uint8
        scene_s = self._scene_time(camera, t_s)
        view = self._view(camera)
        depth = _NOBODY
        if self.config.occlusion == "person":
            self._people.render(camera, scene_s, out)
            depth = self._people.depth(camera, scene_s)
        else:
            np.copyto(out, view.room)
        self._paint(view, scene_s, depth, out)
        if self.config.blur_px > 0:
            cv2.GaussianBlur(out, (3, 3), self.config.blur_px, dst=out)
        # a microsecond tells frames apart at any rate a camera reaches
        view.sensor.expose(out, round(t_s * 1e6))
        return out

    def observe(self, times_s: Floats | list[float], noise_px: float = 0.0) -> BoardObservations:
        """What a perfect detector would report, with noise: all visible corners at every time.

        Args:
            times_s: (n,) of the pictures, the same for all cameras; frame k is the k-th.
            noise_px: Standard deviation along x and along y.
        """
        views = []
        for number, camera in enumerate(self.rig.names):
            random = np.random.default_rng([self.config.seed, _CORNER_NOISE, number])
            for frame, t_s in enumerate(times_s):
                ids = np.flatnonzero(self.visibility(camera, t_s))
                noise = random.normal(0.0, noise_px, (self.board.corner_count, 2)) if noise_px else 0.0
                pixels = self.corners(camera, t_s) + noise
                if not len(ids):
                    continue
                mirrored = not self._from_front(self.rig.camera(camera), self._scene_time(camera, t_s))
                time_ns = round(float(t_s) * 1e9)
                views.append(
                    BoardView(camera, frame, time_ns, ids, pixels[ids], mirrored, bool(self.board.inverted))
                )
        return BoardObservations(self.board, {one.name: one.size for one in self.rig.cameras}, tuple(views))

    def _paint(self, view: _BoardView, scene_s: float, depth: NDArray[np.float32], out: Image) -> None:
        camera = view.camera
        exposure_s = self.config.exposure_ms / 1000
        R, t = self.motion.pose(scene_s + exposure_s * np.array([-0.5, 0.0, 0.5]))
        front = self._from_front(camera, scene_s)
        hand = self._hand(scene_s, front)
        box, motion_px = view.box(R, t, self._outline(hand))
        if box[2] <= box[0] or box[3] <= box[1]:
            return
        passes = int(np.clip(np.ceil(motion_px / _PIXELS_PER_PASS), 1, 8))
        count = 9 * passes
        moments = (MAGIC[None] * passes + np.arange(passes)[:, None]).ravel()
        if motion_px > 0.05:
            # a parabola through three poses: over an exposure nothing moves in a more complicated way
            u = (2 * moments + 1) / count - 1.0
            weights = np.stack([u * (u - 1) / 2, 1 - u * u, u * (u + 1) / 2], axis=1)
        else:
            weights = np.tile([0.0, 1.0, 0.0], (count, 1))
        homographies = np.empty((3, 3, 3))
        turned = camera.R @ R
        homographies[:, :, :2] = turned[:, :, :2]
        homographies[:, :, 2] = t @ camera.R.T + camera.t
        plane = np.linalg.inv(np.einsum("sk,kij->sij", weights, homographies))
        pattern = self._pattern
        paint_board(
            out,
            view.rays,
            plane,
            motion_px if motion_px > 0.05 else 0.0,
            _most_mm(camera, R, t, self._pattern.size_mm, motion_px),
            pattern.squares,
            pattern.markers,
            pattern.table,
            np.array([pattern.square_mm, pattern.marker_mm, pattern.margin_mm]),
            self._colours(R[1], front),
            not front and self.config.back == "blank",
            hand,
            depth,
            box,
        )

    def _colours(self, R: Floats, front: bool) -> NDArray[np.float32]:
        """(4, 3) ink, paper, skin, sleeve on the side that is seen, lit by the room's lamp."""
        normal = R[:, 2] * (-1.0 if front else 1.0)
        light = 0.42 + 0.12 * normal[2] + 0.46 * max(0.0, float(normal @ TO_LAMP))
        ink, paper = (_INK, _PAPER) if front else (_INK_FROM_BEHIND, _PAPER)
        if not front and self.config.back == "blank":
            ink = paper = _CARDBOARD
        if self.board.inverted:
            ink, paper = paper, ink
        return np.array([ink, paper, _SKIN, _SLEEVE], np.float32) * np.float32(light)

    def _hand(self, scene_s: float, front: bool) -> Floats:
        """(K, 6) capsules over the board, see ``paint_board``; none when no hand is asked for."""
        if self.config.occlusion != "hand":
            return np.zeros((0, 6))
        width, height = self._pattern.size_mm
        edge = height + self._pattern.margin_mm
        # It changes its grip slowly, and reaches more or less far over the print.
        x = width * (0.5 + 0.34 * sin(2 * pi * scene_s / 9.1))
        farthest = self._pattern.margin_mm + min(1.4 * self._pattern.square_mm, 0.6 * height)
        deep = farthest * (0.5 + 0.5 * cos(2 * pi * scene_s / 5.3)) if front else 60.0
        y = edge - deep
        skin, sleeve = 2.0, 3.0
        parts = [
            (x, y + 260.0, x + 40.0, y + 900.0, 58.0, sleeve),
            (x, y + 120.0, x, y + 250.0, 32.0, skin),
            (x - 20.0, y + 70.0, x - 18.0, y + 125.0, 28.0, skin),
            (x + 20.0, y + 70.0, x + 18.0, y + 125.0, 28.0, skin),
            (x - 38.0, y + 105.0, x - 78.0, y + 62.0, 13.0, skin),
        ]
        for across, length in ((-34.0, 58.0), (-12.0, 72.0), (11.0, 70.0), (33.0, 54.0)):
            parts.append((x + across, y + 75.0, x + 1.25 * across, y + 75.0 - length, 10.5, skin))
        return np.array(parts)

    def _outline(self, hand: Floats) -> Floats:
        """(M, 2) mm: everything that is painted lies inside these points' hull on the board's plane."""
        width, height = self._pattern.size_mm
        margin = self._pattern.margin_mm
        low, high = np.array([-margin, -margin]), np.array([width + margin, height + margin])
        edge = np.linspace(0.0, 1.0, 6)
        border = [(x, y) for x in edge for y in (0.0, 1.0)] + [(x, y) for x in (0.0, 1.0) for y in edge]
        points = [low + np.array(border) * (high - low)]
        for ax, ay, bx, by, radius, _ in hand:
            ends = np.array([[ax, ay], [bx, by]])
            points += [ends + radius * np.array(corner) for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1))]
        return np.concatenate(points)

    def _from_front(self, camera: Camera, scene_s: float) -> bool:
        R, t = self.motion.pose(scene_s)
        return bool((camera.position - t) @ R[:, 2] < 0)

    def _scene_time(self, camera: str, t_s: float) -> float:
        return t_s - self._lags_s[self.rig.names.index(camera)]

    def _known(self, camera: str) -> str:
        if camera not in self.rig.names:
            raise bad_input("the studio has no such camera", value=camera, allowed=", ".join(self.rig.names))
        return camera

    def _view(self, camera: str) -> _BoardView:
        if camera not in self._views:
            number = self.rig.names.index(camera)
            sensor = Sensor(self.config.size, self.config.noise, [self.config.seed, _BOARD_NOISE, number])
            self._views[camera] = _BoardView(self.rig.camera(camera), sensor)
        return self._views[camera]


class _BoardView:
    """What one camera keeps between pictures: the empty room, and a ray for every pixel."""

    def __init__(self, camera: Camera, sensor: Sensor) -> None:
        self.camera = camera
        self.sensor = sensor
        self.room, _ = look_at_room(camera)
        width, height = camera.size
        grid = np.stack(np.meshgrid(np.arange(-1.0, width + 1), np.arange(-1.0, height + 1)), axis=-1)
        K = camera.K
        ideal = camera.lens.undistort((grid - K[:2, 2]) / K[[0, 1], [0, 1]])
        # A pixel that the lens cannot reach looks past every board.
        self.rays = np.where(np.isfinite(ideal), ideal, 1e6).astype(np.float32)

    def box(self, R: Floats, t: Floats, outline: Floats) -> tuple[tuple[int, int, int, int], float]:
        """Rows and columns that can show the board, and how far it moves in the picture.

        Args:
            R: (3, 3, 3) world from board at the exposure's begin, middle and end.
            t: (3, 3) mm.
            outline: (M, 2) mm on the board.
        """
        width, height = self.camera.size
        points = outline @ R[:, :, :2].transpose(0, 2, 1) + t[:, None]
        depth = points @ self.camera.R[2] + self.camera.t[2]
        if (depth <= 0).all():
            return (0, 0, 0, 0), 0.0
        pixels = self.camera.project(points)
        motion = np.linalg.norm(pixels[2] - pixels[0], axis=-1)
        known = np.isfinite(motion)
        motion_px = float(motion[known].max()) if known.any() else 0.0
        if not np.isfinite(pixels).all():
            return (0, 0, height, width), motion_px
        # lenses bend the lines between the points a little
        low = np.floor(pixels.min(axis=(0, 1)) - 3.0 - 0.02 * width).astype(int)
        high = np.ceil(pixels.max(axis=(0, 1)) + 4.0 + 0.02 * width).astype(int)
        left, top = (int(v) for v in np.clip(low, 0, [width, height]))
        right, bottom = (int(v) for v in np.clip(high, 0, [width, height]))
        return (top, left, bottom, right), motion_px


def _most_mm(camera: Camera, R: Floats, t: Floats, size_mm: tuple[float, float], motion_px: float) -> float:
    """How far on the board a pixel may reach where one sees it very obliquely: half a board, or all of it."""
    depth = float(np.linalg.norm(camera.position - t[1]))
    cosine = abs(float((camera.position - t[1]) @ R[1, :, 2])) / max(depth, 1.0)
    per_px = depth / camera.K[0, 0] / max(cosine, 0.02)
    return float(10.0 * (1.0 + motion_px) * per_px)


def _cell_px(camera: Camera, other: Camera, cell_mm: float, both_sides: bool) -> float:
    """Shorter side, px, of a part of the board that is turned to both cameras in the middle of the room."""
    middle = (camera.position + other.position) * [0.0, 0.0, 0.25] + [0.0, 0.0, 500.0]
    away = [one.position - middle for one in (camera, other)]
    lines = [line / np.linalg.norm(line) for line in away]
    # Of half the angle between them; one of them may look at the back instead.
    together = float(lines[0] @ lines[1])
    cosine = float(np.sqrt((1.0 + max(together, -together if both_sides else together)) / 2))
    distance = max(float(np.linalg.norm(line)) for line in away)
    return float(min(camera.K[0, 0], camera.K[1, 1]) * cell_mm / distance * cosine)


_NOBODY = np.zeros((1, 1), np.float32)


def warm_up() -> None:
    """Compile what a picture needs and keep it on disk, so that processes started later begin at once."""
    studio = BoardStudio(BoardStudioConfig(cameras=1, size=(64, 64), occlusion="person"))
    studio.render("cam1", 0.0)
    BoardStudio(BoardStudioConfig(cameras=1, size=(64, 64))).render("cam1", 0.0)


def _with_lenses(rig: Rig, lens: LensModel, lags_s: list[float]) -> Rig:
    cameras = []
    for camera, lag_s in zip(rig.cameras, lags_s, strict=True):
        changed = replace(camera, lag_ms=1000 * (lag_s - lags_s[0]))
        if lens != "pinhole":
            factor, distortion = _WIDE_LENSES[lens]
            K = camera.K.copy()
            K[[0, 1], [0, 1]] *= factor
            changed = replace(changed, model=lens, K=K, distortion=np.array(distortion))
        cameras.append(changed)
    return replace(rig, cameras=tuple(cameras))
