"""Recordings of a board with known flaws, and clean ones: what a diagnosis must tell apart.

Corners are projected exactly and get noise; no pictures are made. A session is what a careful person does:
the board is shown to each camera near, all over its picture and tilted, then carried through the room.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from calibration.board import Board
from calibration.camera import Camera
from calibration.observations import BoardObservations, BoardView
from calibration.rig import Rig
from tests.calibration.rigs import LENSES, looking_at

BOARD = Board("charuco", 9, 6, 50.0, 37.0, "DICT_5X5_100")
MIDDLE = np.array([0.0, 0.0, 1200.0])


def arc_of_cameras(count, rng, *, spread_deg=100.0, model="pinhole", size=(1280, 720)):
    """Cameras some 2.6 m from the middle of the room, on an arc, looking inwards."""
    cameras = []
    for k in range(count):
        angle = np.radians(spread_deg) * (k / max(count - 1, 1) - 0.5) + rng.normal(0, 0.05)
        distance = rng.uniform(2400, 2800)
        position = (distance * np.cos(angle), distance * np.sin(angle), rng.uniform(1100, 2000))
        R, t = looking_at(position, MIDDLE + rng.normal(0, 40, 3))
        focal = rng.uniform(0.68, 0.8) * size[0]
        centre = (np.array(size) - 1) / 2 + rng.normal(0, 6, 2)
        K = [[focal, 0, centre[0]], [0, focal * rng.uniform(0.998, 1.002), centre[1]], [0, 0, 1]]
        cameras.append(Camera(f"cam{k + 1}", size, model, K, LENSES[model], R, t))
    return Rig(tuple(cameras))


@dataclass
class Motion:
    """The board's way: keyframes, joined smoothly."""

    times: list[float] = field(default_factory=list)
    rotations: list[np.ndarray] = field(default_factory=list)  # world from board
    centres: list[np.ndarray] = field(default_factory=list)  # of the board, world, mm

    def add(self, after_s, R, centre):
        self.times.append((self.times[-1] if self.times else -after_s) + after_s)
        self.rotations.append(R)
        self.centres.append(np.asarray(centre, float))

    def poses(self, times_s, board):
        """R (N, 3, 3) and t (N, 3) mm, world from board."""
        turn = RotationSpline(self.times, Rotation.from_matrix(np.array(self.rotations)))
        shift = CubicSpline(self.times, np.array(self.centres))
        R = turn(times_s).as_matrix()
        middle = np.append(np.array(board.size_mm) / 2, 0)
        return R, shift(times_s) - R @ middle

    @property
    def seconds(self):
        return self.times[-1]


def facing(camera, tilt):
    """World from board for a board that faces a camera, then tilted about the camera's axes (deg)."""
    return camera.R.T @ Rotation.from_euler("xyz", tilt, degrees=True).as_matrix()


def show_to_camera(motion, camera, rng, *, keys=14, tilt=38.0, near=(700.0, 1250.0), reach=0.85, pace_s=0.55):
    """Near, all over the picture, tilted to all sides."""
    spots = [(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    order = [spots[k % 9] for k in rng.permutation(max(keys, 9))][:keys]
    for x, y in order:
        depth = rng.uniform(*near)
        pixel = (
            (np.array(camera.size) - 1) / 2 * (1 + 0.62 * reach * np.array([x, y]) + rng.normal(0, 0.04, 2))
        )
        sight = np.append((pixel - camera.K[:2, 2]) / np.diag(camera.K)[:2], 1.0)
        tilts = np.append(rng.uniform(-tilt, tilt, 2), rng.uniform(-20, 20))
        motion.add(pace_s, facing(camera, tilts), camera.position + camera.R.T @ (sight * depth))


def carry_through_room(motion, cameras, rng, *, keys=20, pace_s=0.6, reach_mm=400.0, tilt=25.0):
    """In the middle, seen by neighbours together: it faces points between the cameras in turn."""
    for k in range(keys):
        first = int(k / keys * max(len(cameras) - 1, 1))
        pair = [cameras[first], cameras[min(first + 1, len(cameras) - 1)]]
        if k % 4 == 3:
            pair = cameras
        eye = np.mean([camera.position for camera in pair], axis=0)
        centre = MIDDLE + rng.uniform(-1, 1, 3) * (reach_mm, reach_mm, 0.7 * reach_mm)
        R, _ = looking_at(eye, centre)
        turn = Rotation.from_euler("xyz", rng.uniform(-tilt, tilt, 3), degrees=True).as_matrix()
        motion.add(pace_s, R.T @ turn, centre)


@dataclass
class Film:
    """How the board is filmed; the flaws are here."""

    fps: float = 10.0
    noise_px: float = 0.3
    lags_ms: dict[str, float] = field(default_factory=dict)
    jitter_ms: float = 0.0
    sharpness: float = 0.4
    gross: float = 0.0
    # camera, rig and time in s to the camera that is really there
    camera_at: Callable[[Camera, float], Camera] = lambda camera, time_s: camera
    # (N, 3) mm of the board as it really is, from the board as it should be
    shape: Callable[[np.ndarray], np.ndarray] = lambda corners: corners
    start_s: float = 0.0
    stop_s: float = np.inf

    def shoot(self, rig, board, motion, rng, *, real_board=None):
        real = real_board or board
        stop = min(self.stop_s, motion.seconds)
        frames = np.arange(int(np.ceil(self.start_s * self.fps)), int(stop * self.fps))
        views = []
        for given in rig.cameras:
            late = self.lags_ms.get(given.name, 0.0) + rng.normal(0, 1, len(frames)) * self.jitter_ms
            R, t = motion.poses(np.clip(frames / self.fps - 1e-3 * late, 0, motion.seconds), real)
            for k, frame in enumerate(frames):
                camera = self.camera_at(given, frame / self.fps)
                view = self._view(camera, int(frame), real, R[k], t[k], rng)
                if view is not None:
                    views.append(view)
        sizes = {camera.name: camera.size for camera in rig.cameras}
        return BoardObservations(board, sizes, tuple(views))

    def _view(self, camera, frame, board, R, t, rng):
        corners = self.shape(board.corners) @ R.T + t
        sight = corners.mean(axis=0) - camera.position
        # detectors lose a board that is seen at more than 68 degrees
        if R[:, 2] @ sight < 0.37 * np.linalg.norm(sight):
            return None
        pixels = camera.project(corners) + rng.normal(0, self.noise_px, (len(corners), 2))
        if self.gross:
            wrong = rng.random(len(corners)) < self.gross
            pixels[wrong] += rng.uniform(-25, 25, (int(wrong.sum()), 2))
        with np.errstate(invalid="ignore"):
            inside = ((pixels > 3) & (pixels < np.array(camera.size) - 4)).all(axis=1)
        needed = board.corner_count if board.kind == "checkerboard" else 6
        ids = np.flatnonzero(inside)
        if len(ids) < needed or np.ptp(ids % board.inner[0]) == 0 or np.ptp(ids // board.inner[0]) == 0:
            return None
        sharpness = self.sharpness * rng.uniform(0.85, 1.1)
        time_ns = round(frame / self.fps * 1e9)
        return BoardView(camera.name, frame, time_ns, ids, pixels[ids], sharpness=sharpness)


def careful_session(rig, rng, *, keys=14, room_keys=20):
    """The whole motion of a good session."""
    motion = Motion()
    for camera in rig.cameras:
        show_to_camera(motion, camera, rng, keys=keys)
    carry_through_room(motion, list(rig.cameras), rng, keys=room_keys)
    return motion


@dataclass
class Case:
    """A recording with a known flaw.

    Attributes:
        name: What is wrong.
        kind: Of the diagnosis that must come first; "" for a clean recording.
        cameras: It must name.
        words: It must contain.
        observations: What the program gets.
        lenses: Supplied intrinsics; None to have them estimated.
        settings: Of ``CalibrationConfig``.
        pictures: Of cameras that saw no board.
    """

    name: str
    kind: str
    cameras: tuple[str, ...]
    words: tuple[str, ...]
    observations: BoardObservations
    lenses: dict[str, Camera] | None = None
    settings: dict = field(default_factory=dict)
    pictures: dict = field(default_factory=dict)


def known_lenses(rig):
    return {camera.name: camera for camera in rig.cameras}


def room_session(rig, rng, *, keys=22, **changes):
    """Without the near views: for rigs whose lenses are known."""
    motion = Motion()
    carry_through_room(motion, list(rig.cameras), rng, keys=keys, **changes)
    return motion


def moving(name, when_s, deg, shift_mm):
    """A camera that is knocked at a time."""

    def camera_at(camera, time_s):
        if camera.name != name or time_s < when_s:
            return camera
        turn = Rotation.from_rotvec(np.radians(deg) * np.array([0.3, 0.9, 0.3])).as_matrix()
        return replace(camera, R=turn @ camera.R, t=turn @ camera.t + np.array([shift_mm, 0, 0]))

    return camera_at


def zooming(name, when_s, factor):
    """A lens whose focal length changes at a time."""

    def camera_at(camera, time_s):
        if camera.name != name or time_s < when_s:
            return camera
        return replace(camera, K=camera.K @ np.diag([factor, factor, 1.0]))

    return camera_at


def bowed(board, sag_mm):
    """A board whose middle stands out from its left and right edges."""
    half = board.size_mm[0] / 2

    def shape(corners):
        x = (corners[:, 0] - half) / half
        return corners + np.stack([0 * x, 0 * x, sag_mm * (1 - x * x)], axis=1)

    return shape


def restamped(observations, name, change):
    """The same views with other times for one camera."""
    return observations.chosen(
        replace(view, time_ns=change(view)) if view.camera == name else view for view in observations.views
    )


def renumbered(observations, board, numbering):
    """The corners counted as a wrong description of the board would."""
    views = []
    for view in observations.views:
        ids = numbering(view.ids)
        order = np.argsort(ids)
        keep = order[ids[order] < board.corner_count]
        if len(keep) >= 6:
            views.append(replace(view, ids=ids[keep], pixels=view.pixels[keep]))
    return BoardObservations(board, observations.sizes, tuple(views))


def without(observations, camera, keep):
    """Only some of one camera's views."""
    kept = 0
    views = []
    for view in sorted(observations.views, key=lambda one: one.time_ns):
        if view.camera == camera:
            kept += 1
            if not keep(kept - 1, view):
                continue
        views.append(view)
    return observations.chosen(views)


def _rig(seed, cameras=3, **changes):
    rng = np.random.default_rng(seed)
    return arc_of_cameras(cameras, rng, **changes), rng


def too_few_pictures(shift=0):
    rig, rng = _rig(1 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    seen = without(seen, "cam2", lambda k, view: k in (3, 90))
    return Case("cam2 has two views", "too_few_views", ("cam2",), ("2 pictures",), seen, known_lenses(rig))


def never_seen(shift=0):
    rig, rng = _rig(2 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    seen = without(seen, "cam3", lambda k, view: False)
    return Case("cam3 saw nothing", "too_few_views", ("cam3",), ("never saw",), seen)


def six_views(shift=0):
    rig, rng = _rig(3 + shift, cameras=1)
    motion = Motion()
    show_to_camera(motion, rig.cameras[0], rng, keys=18)
    seen = Film(fps=1.0).shoot(rig, BOARD, motion, rng)
    seen = without(seen, "cam1", lambda k, view: k < 6)
    return Case("one camera, six views", "too_few_views", ("cam1",), ("rests on only",), seen)


def thin_coverage(shift=0):
    rig, rng = _rig(4 + shift, cameras=1)
    motion = Motion()
    show_to_camera(motion, rig.cameras[0], rng, keys=24, near=(1300.0, 1900.0), reach=0.25)
    seen = Film().shoot(rig, BOARD, motion, rng)
    return Case("board only in the middle", "thin_coverage", ("cam1",), ("distortion",), seen)


def frontal_only(shift=0):
    rig, rng = _rig(5 + shift, cameras=1)
    motion = Motion()
    show_to_camera(motion, rig.cameras[0], rng, keys=24, tilt=3.0, near=(800.0, 830.0))
    seen = Film().shoot(rig, BOARD, motion, rng)
    return Case("frontal, one distance", "flat_motion", ("cam1",), ("frontal", "one distance"), seen)


def frontal_near_and_far(shift=0):
    rig, rng = _rig(6 + shift, cameras=1)
    motion = Motion()
    show_to_camera(motion, rig.cameras[0], rng, keys=24, tilt=4.0, near=(600.0, 1500.0))
    seen = Film().shoot(rig, BOARD, motion, rng)
    return Case("frontal, all distances", "flat_motion", ("cam1",), ("frontal", "tilt"), seen)


def no_common_view(shift=0):
    rig, rng = _rig(7 + shift, cameras=4)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng, keys=30), rng)
    half = 15e9
    seen = seen.chosen(
        view for view in seen.views if (view.camera in ("cam1", "cam2")) == (view.time_ns < 0.5 * half)
    )
    return Case("two pairs apart", "weak_link", (), ("tied together", "more"), seen, known_lenses(rig))


def little_shared(shift=0):
    rig, rng = _rig(8 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    theirs = {view.time_ns for view in seen.views if view.camera != "cam3"}
    common = sorted(theirs & {view.time_ns for view in seen.by_camera("cam3")})
    kept, dropped = common[10:50:10], set(common[1::2])
    # of the other common moments, cam3 misses half and the others miss half
    seen = seen.chosen(
        view
        for view in seen.views
        if view.time_ns in kept
        or view.time_ns not in common
        or (view.camera == "cam3") == (view.time_ns in dropped)
    )
    return Case("cam3 shares four moments", "weak_link", ("cam3",), ("cam3", "both"), seen, known_lenses(rig))


def late_camera(shift=0):
    rig, rng = _rig(9 + shift)
    seen = Film(lags_ms={"cam2": 80.0}).shoot(rig, BOARD, room_session(rig, rng), rng)
    return Case("cam2 80 ms late", "lag", ("cam2",), ("80", "late"), seen, known_lenses(rig))


def lag_cannot_be_told(shift=0):
    rig, rng = _rig(10 + shift)
    places = room_session(rig, rng, keys=24)
    motion = Motion()
    for R, centre in zip(places.rotations, places.centres, strict=True):
        motion.add(4.0, R, centre)
    # One picture where it is held still, as a photographer would.
    seen = Film().shoot(rig, BOARD, motion, rng)
    seen = seen.chosen(view for view in seen.views if view.frame % 40 == 0)
    return Case("photographs of a still board", "lag_unknown", (), ("hardly moved",), seen, known_lenses(rig))


def clock_seconds_off(shift=0):
    rig, rng = _rig(11 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    seen = restamped(seen, "cam3", lambda view: view.time_ns + 6_400_000_000)
    words = ("6.4 s", "late")
    return Case("cam3's clock 6.4 s off", "clock_offset", ("cam3",), words, seen, known_lenses(rig))


def stopped_clock(shift=0):
    rig, rng = _rig(12 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    seen = restamped(seen, "cam2", lambda view: 0)
    return Case("cam2's times are all 0", "time_stamps", ("cam2",), ("time stamps",), seen, known_lenses(rig))


def knocked_camera(shift=0):
    rig, rng = _rig(13 + shift, cameras=4)
    motion = room_session(rig, rng, keys=30)
    film = Film(camera_at=moving("cam3", 0.55 * motion.seconds, 3.0, 60.0))
    seen = film.shoot(rig, BOARD, motion, rng)
    return Case("cam3 knocked", "moved_camera", ("cam3",), ("moved", "degrees"), seen, known_lenses(rig))


def nudged_camera(shift=0):
    rig, rng = _rig(14 + shift)
    motion = room_session(rig, rng, keys=30)
    film = Film(camera_at=moving("cam1", 0.45 * motion.seconds, 0.7, 5.0))
    seen = film.shoot(rig, BOARD, motion, rng)
    return Case("cam1 nudged", "moved_camera", ("cam1",), ("moved", "degrees"), seen, known_lenses(rig))


def wrong_square(shift=0):
    rig, rng = _rig(15 + shift)
    real = replace(BOARD, square_mm=48.0, marker_mm=36.0)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng, real_board=real)
    places = [camera.position for camera in rig.cameras]
    distance = float(np.linalg.norm(places[0] - places[2]))
    settings = {"distances": [{"cameras": ("cam1", "cam3"), "mm": round(distance)}]}
    words = ("48.0", "4.")
    return Case("squares of 48 mm", "wrong_square", (), words, seen, known_lenses(rig), settings)


def swapped_counts(shift=0):
    rig, rng = _rig(16 + shift)
    real = Board("checkerboard", 9, 6, 50.0)
    seen = Film().shoot(rig, real, room_session(rig, rng), rng)
    stated = Board("checkerboard", 6, 9, 50.0)
    seen = renumbered(seen, stated, lambda ids: ids)
    return Case("6 x 9 stated for 9 x 6", "swapped_counts", (), ("exchanged",), seen, known_lenses(rig))


def inner_for_outer(shift=0):
    rig, rng = _rig(17 + shift)
    real = Board("checkerboard", 9, 6, 50.0)
    seen = Film().shoot(rig, real, room_session(rig, rng), rng)
    seen = renumbered(seen, Board("checkerboard", 8, 5, 50.0), lambda ids: ids)
    return Case("inner corners stated", "inner_outer", (), ("9 x 6 squares",), seen, known_lenses(rig))


def one_mirrored_camera(shift=0):
    rig, rng = _rig(18 + shift)
    seen = Film().shoot(rig, BOARD, careful_session(rig, rng), rng)

    def flip(view):
        return replace(view, pixels=view.pixels * [-1, 1] + [1279, 0], mirrored=True)

    seen = seen.chosen(flip(view) if view.camera == "cam2" else view for view in seen.views)
    return Case("cam2 in selfie view", "mirrored_camera", ("cam2",), ("selfie",), seen)


def blurred_camera(shift=0):
    rig, rng = _rig(19 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    seen = seen.chosen(
        replace(view, sharpness=0.07) if view.camera == "cam1" else view for view in seen.views
    )
    return Case("cam1 out of focus", "blurred", ("cam1",), ("blurred", "focus"), seen, known_lenses(rig))


def tiny_board(shift=0):
    rig, rng = _rig(20 + shift, size=(640, 480))
    board = Board("charuco", 9, 6, 25.0, 18.0, "DICT_5X5_100")
    film = Film(noise_px=0.15)
    seen = film.shoot(rig, board, room_session(rig, rng), rng)
    return Case("squares of 5 px", "small_board", (), ("small", "px wide"), seen, known_lenses(rig))


def mixed_sizes(shift=0):
    rig, rng = _rig(21 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    views = [
        replace(view, pixels=view.pixels * 1.5) if view.camera == "cam2" and view.frame % 2 else view
        for view in seen.views
    ]
    return Case(
        "cam2 mixes two sizes", "picture_size", ("cam2",), ("different sizes",), seen.chosen(views),
        known_lenses(rig),
    )  # fmt: skip


def intrinsics_of_another_size(shift=0):
    rig, rng = _rig(22 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    lenses = known_lenses(rig)
    lenses["cam3"] = lenses["cam3"].resized((1920, 1080))
    words = ("1920 x 1080",)
    return Case("cam3's lens for full HD", "picture_size", ("cam3",), words, seen, lenses)


def bent_board(shift=0):
    rig, rng = _rig(23 + shift)
    film = Film(shape=bowed(BOARD, 4.0))
    seen = film.shoot(rig, BOARD, careful_session(rig, rng), rng)
    return Case("board bent by 4 mm", "bent_board", (), ("bent",), seen)


def other_zoom(shift=0):
    rig, rng = _rig(24 + shift)
    seen = Film().shoot(rig, BOARD, careful_session(rig, rng), rng)
    lenses = known_lenses(rig)
    camera = lenses["cam2"]
    lenses["cam2"] = replace(camera, K=camera.K @ np.diag([0.8, 0.8, 1.0]))
    words = ("focal length", "zoom")
    return Case("cam2's lens of another zoom", "wrong_intrinsics", ("cam2",), words, seen, lenses)


def exchanged_lenses(shift=0):
    rig, rng = _rig(25 + shift)
    lenses = known_lenses(rig)
    first, second = lenses["cam1"], lenses["cam3"]
    wide = replace(first, K=first.K @ np.diag([0.85, 0.85, 1.0]))
    rig = rig.with_cameras({"cam1": wide})
    seen = Film().shoot(rig, BOARD, careful_session(rig, rng), rng)
    lenses["cam1"], lenses["cam3"] = replace(second, name="cam1"), replace(wide, name="cam3")
    words = ("exchanged",)
    return Case("lenses exchanged", "wrong_intrinsics", ("cam1",), words, seen, lenses)


def zoomed_in_between(shift=0):
    rig, rng = _rig(26 + shift, cameras=1)
    motion = Motion()
    show_to_camera(motion, rig.cameras[0], rng, keys=30)
    film = Film(camera_at=zooming("cam1", 0.5 * motion.seconds, 1.12))
    seen = film.shoot(rig, BOARD, motion, rng)
    return Case("zoomed half way", "lens_changed", ("cam1",), ("changed", "zoom"), seen)


def same_file_twice(shift=0):
    rig, rng = _rig(27 + shift)
    seen = Film().shoot(rig, BOARD, room_session(rig, rng), rng)
    first = [replace(view, camera="cam3") for view in seen.views if view.camera == "cam1"]
    seen = seen.chosen([view for view in seen.views if view.camera != "cam3"] + first)
    words = ("same pictures",)
    return Case("cam1's file as cam3", "same_camera", ("cam1", "cam3"), words, seen, known_lenses(rig))


def _photographs(printed, *, count=3, square_px=60, blur_px=0.0):
    """Pictures of a charuco board as it is really printed, turned a little."""
    squares = (printed.columns, printed.rows)
    number = getattr(cv2.aruco, printed.dictionary)
    sides = (printed.square_mm, printed.marker_mm)
    drawn = cv2.aruco.CharucoBoard(squares, *sides, cv2.aruco.getPredefinedDictionary(number))
    drawn.setLegacyPattern(printed.legacy_pattern)
    width, height = printed.columns * square_px, printed.rows * square_px
    sheet = cv2.copyMakeBorder(
        drawn.generateImage((width, height)), 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=255
    )
    pictures = []
    for k in range(count):
        turn = cv2.getRotationMatrix2D((sheet.shape[1] / 2, sheet.shape[0] / 2), 6.0 * k - 5.0, 0.85)
        turn[:, 2] += (90.0, 60.0)
        picture = cv2.warpAffine(sheet, turn, (1280, 720), flags=cv2.INTER_AREA, borderValue=120)
        pictures.append(cv2.GaussianBlur(picture, (0, 0), blur_px) if blur_px else picture)
    return pictures


def _nothing_found(name, kind, words, stated, printed, **photographs):
    observations = BoardObservations(stated, {"cam1": (1280, 720)}, ())
    pictures = {"cam1": _photographs(printed, **photographs)}
    return Case(name, kind, ("cam1",), words, observations, pictures=pictures)


def wrong_dictionary(shift=0):
    printed = replace(BOARD, dictionary="DICT_4X4_100")
    words = ("DICT_4X4",)
    return _nothing_found("4x4 markers, 5x5 stated", "wrong_dictionary", words, BOARD, printed)


def old_layout(shift=0):
    printed = replace(BOARD, legacy_pattern=True)
    words = ("legacy_pattern: true",)
    return _nothing_found("printed before 4.6", "wrong_layout", words, BOARD, printed)


def swapped_charuco(shift=0):
    stated = replace(BOARD, columns=6, rows=9)
    words = ("exchanged",)
    return _nothing_found("charuco 6 x 9 for 9 x 6", "swapped_counts", words, stated, BOARD)


def out_of_focus(shift=0):
    words = ("blur",)
    return _nothing_found("no corner is sharp", "blurred", words, BOARD, BOARD, blur_px=14.0)


FAILURES = (
    too_few_pictures, never_seen, six_views, thin_coverage, frontal_only, frontal_near_and_far,
    no_common_view, little_shared, late_camera, lag_cannot_be_told, clock_seconds_off, stopped_clock,
    knocked_camera, nudged_camera, wrong_square, swapped_counts, inner_for_outer, one_mirrored_camera,
    blurred_camera, tiny_board, mixed_sizes, intrinsics_of_another_size, bent_board, other_zoom,
    exchanged_lenses, zoomed_in_between, same_file_twice, wrong_dictionary, old_layout, swapped_charuco,
    out_of_focus,
)  # fmt: skip


def clean(number, shift=0):
    """Recordings with nothing wrong: one to five cameras, all lens models, noise, jitter, gross errors."""
    cameras, own, model, film, spread = (
        (3, True, "pinhole", Film(), 100.0),
        (2, True, "rational", Film(noise_px=0.5), 50.0),
        (1, True, "fisheye", Film(noise_px=0.2), 0.0),
        (3, False, "pinhole", Film(noise_px=0.1), 90.0),
        (4, False, "pinhole", Film(noise_px=0.5, gross=0.02), 120.0),
        (2, False, "fisheye", Film(noise_px=0.3), 60.0),
        (4, False, "rational", Film(jitter_ms=2.0), 270.0),
        (5, False, "pinhole", Film(fps=20.0, noise_px=0.4), 150.0),
        (3, False, "pinhole", Film(shape=bowed(BOARD, 0.1)), 80.0),
        (2, False, "pinhole", Film(noise_px=0.8, gross=0.01), 40.0),
    )[number]
    rig, rng = _rig(100 + number + shift, cameras=cameras, model=model, spread_deg=spread)
    motion = careful_session(rig, rng) if own else room_session(rig, rng, keys=30)
    seen = film.shoot(rig, BOARD, motion, rng)
    return Case(f"clean {number}", "", (), (), seen, None if own else known_lenses(rig))
