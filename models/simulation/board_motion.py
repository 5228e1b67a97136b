"""How the board is carried through the room: before every camera, and between neighbouring ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, RotationSpline

from calibration.board import Board
from calibration.camera import Camera
from calibration.rig import Rig

Floats = NDArray[np.float64]

_FILLS, _CORNER_FILLS = (0.6, 1.0), (0.35, 0.6)
"""Part of the picture's width or height that the board takes before a camera. Large, it has much perspective,
which tells the focal length; but then no whole markers are left in the picture's corners, and with them no
corners of the board: where it was large everywhere, lenses came out 2 to 7 px wrong there."""
_WHOLE_FILLS = (0.45, 0.65)
"""Of a checkerboard, which must be seen whole."""
_PLACES = (
    (-1.0, -1.0),
    (0.0, -0.9),
    (1.0, -1.0),
    (0.9, 0.0),
    (1.0, 1.0),
    (0.0, 0.9),
    (-1.0, 1.0),
    (-0.9, 0.0),
)
"""Round the picture; every third is visited, which makes a star of ways across it."""
_WHOLE_REACH, _CUT_REACH, _CORNER_REACH = 0.25, 0.31, 0.41
"""Where the board's middle is in the picture, from its middle, and times this part of width and height. A
checkerboard must be seen whole; a ChArUco board may be cut off, which brings corners to the border."""
_TILT_RAD = (0.4, 0.8)
_BETWEEN = 6
"""Stations for each pair of neighbouring cameras."""
_FORWARD_MM, _ACROSS_MM, _HEIGHT_MM = (-600.0, 500.0), (-450.0, 450.0), (600.0, 1700.0)
"""Where they are, from the middle of the room towards the pair. Nearer the board would be larger for both,
but more oblique, which is worse: 45 degrees in the middle of four cameras, 57 one metre towards them."""
_ROLL_RAD = np.pi / 4
"""Of an oblique board: what is foreshortened is then the diagonal of its squares, and markers are read from
farther away: on the floor, in the pictures of five studios, in 30 % without and in all with it."""
_SPEED_MM_S = 750.0
_TURN_RAD_S = 0.9
_SHORTEST_S = 0.7
_LOWEST_MM, _HIGHEST_MM = 350.0, 2600.0
_REST_S = 4.0
"""On the floor, at the end."""
_NEAREST_MM, _FARTHEST_MM = 1000.0, 6000.0
_BORDER = 0.03
"""Of the picture, around the board on the floor."""


@dataclass(frozen=True, eq=False)
class BoardMotion:
    """A closed path: world_from_board at any time, smooth, repeated for ever.

    Attributes:
        period_s: Of one round.
        floor_s: From and to which second of a round the board lies on the floor; None where it never does.
    """

    period_s: float
    floor_s: tuple[float, float] | None
    _turn: RotationSpline
    _place: PchipInterpolator
    _along: PchipInterpolator
    _middle: Floats

    def pose(self, t_s: float | Floats) -> tuple[Floats, Floats]:
        """Where the board is.

        Args:
            t_s: Scene time, s; a number or (n,).

        Returns:
            R (3, 3) or (n, 3, 3) world from board, and t (3,) or (n, 3) mm.
        """
        within = self._along(np.mod(t_s, self.period_s))
        R = np.asarray(self._turn(within).as_matrix())
        # The origin is a corner of the board, but people turn it about its middle.
        return R, np.asarray(self._place(within) - R @ self._middle)


def compose_motion(seed: Sequence[int], rig: Rig, board: Board, speed: float) -> BoardMotion:
    """Invent a path that a calibration succeeds with.

    Before each camera the board visits the whole picture, near and tilted in all directions; between
    neighbouring cameras it is turned to both; at the end it is laid on the floor where a camera sees it best.

    Args:
        seed: Same numbers, same path.
        rig: The cameras.
        board: Its size decides how near it comes.
        speed: 1 for an unhurried person, 2 for twice as fast.
    """
    random = np.random.default_rng(seed)
    stations: list[tuple[Rotation, Floats]] = []
    middle = np.array([*board.size_mm, 0.0]) / 2
    for index, camera in enumerate(rig.cameras):
        first, lean = random.integers(len(_PLACES)), random.uniform(0, 2 * np.pi)
        for step in range(len(_PLACES)):
            place = _PLACES[(first + 3 * step) % len(_PLACES)]
            # The tilt goes round once, so that the board need not be turned far from place to place.
            direction = lean + 2 * np.pi * step / len(_PLACES)
            stations.append(_before(camera, board, np.array(place), direction, random))
        if len(rig) > 1 and (len(rig) > 2 or index == 0):
            other = rig.cameras[(index + 1) % len(rig)]
            stations += [_between(camera, other, random) for _ in range(_BETWEEN)]
    for _, centre in stations:
        centre[2] = np.clip(centre[2], _LOWEST_MM, _HIGHEST_MM)
    floor = _on_floor(rig, board)
    if floor is not None:
        stations.append(floor)
    rotations = Rotation.concatenate([turn for turn, _ in stations])
    centres = np.stack([centre for _, centre in stations])
    following = np.roll(np.arange(len(centres)), -1)
    away = np.linalg.norm(centres[following] - centres, axis=1)
    angle = (rotations.inv() * rotations[following]).magnitude()
    steps = np.maximum(np.maximum(away / _SPEED_MM_S, angle / _TURN_RAD_S), _SHORTEST_S) / speed
    period = float(steps.sum())
    begin = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    # Three rounds, of which the middle one is used: a spline has no idea of a circle.
    times = np.concatenate([begin - period, begin, begin + period])
    turn = RotationSpline(times, Rotation.concatenate([rotations] * 3))
    place = PchipInterpolator(times, np.tile(centres, (3, 1)))
    # How far along the path one is: as time goes, but for the rest on the floor. Where a piece of it is flat,
    # this kind of spline comes to a stop smoothly, and stays.
    clock, way = [*begin, period], [*begin, period]
    rest = None
    if floor is not None:
        rest = (begin[-1], begin[-1] + _REST_S)
        clock = [*begin, rest[1], period + _REST_S]
        way = [*begin, begin[-1], period]
    return BoardMotion(clock[-1], rest, turn, place, PchipInterpolator(clock, way), middle)


def _before(
    camera: Camera, board: Board, place: Floats, direction: float, random: np.random.Generator
) -> tuple[Rotation, Floats]:
    """Near one camera, somewhere in its picture, turned to it but for a tilt in some direction."""
    width, height = camera.size
    if board.kind == "checkerboard":
        reach, fills = _WHOLE_REACH, _WHOLE_FILLS
    elif np.abs(place).min() == 1.0:
        reach, fills = _CORNER_REACH, _CORNER_FILLS
    else:
        reach, fills = _CUT_REACH, _FILLS
    middle = 0.5 + reach * place + random.uniform(-0.04, 0.04, 2)
    position, ray = camera.unproject(middle * [width, height])
    across, down = (np.array(board.size_mm) * camera.K[[0, 1], [0, 1]]) / [width, height]
    distance = max(across, down) / random.uniform(*fills)
    level = Rotation.from_matrix(camera.R.T)
    # from straight ahead to this place in the picture, as little as possible
    towards = _shortest_turn(camera.R[2], ray)
    lean = random.uniform(*_TILT_RAD) * np.array([np.cos(direction), np.sin(direction), 0.0])
    roll = Rotation.from_rotvec([0.0, 0.0, random.uniform(-0.4, 0.4)])
    return towards * level * Rotation.from_rotvec(lean) * roll, position + distance * ray


def _between(one: Camera, other: Camera, random: np.random.Generator) -> tuple[Rotation, Floats]:
    """Near the middle of the room, turned to where two cameras both see the print."""
    target = (one.position + other.position) / 2
    aside = target[:2] / max(float(np.linalg.norm(target[:2])), 1e-9)
    forward = random.uniform(*_FORWARD_MM)
    across = random.uniform(*_ACROSS_MM)
    x, y = forward * aside + across * np.array([-aside[1], aside[0]])
    middle = np.array([x, y, random.uniform(*_HEIGHT_MM)])
    z = middle - target
    z /= np.linalg.norm(z)
    right = np.cross([0.0, 0.0, -1.0], z)
    right /= np.linalg.norm(right)
    facing = Rotation.from_matrix(np.column_stack([right, np.cross(z, right), z]))
    # Both look at it from 45 degrees aside already: turned any further, one of them would lose it.
    lean = np.array([random.uniform(-0.3, 0.3), random.uniform(-0.1, 0.1), 0.0])
    roll = np.array([0.0, 0.0, _ROLL_RAD + random.uniform(-0.3, 0.3)])
    return facing * Rotation.from_rotvec(lean) * Rotation.from_rotvec(roll), middle


def _on_floor(rig: Rig, board: Board) -> tuple[Rotation, Floats] | None:
    """Flat on the floor, print up, where some camera sees all of it and largest; None where none does."""
    best, largest = None, 0.0
    for camera in rig.cameras:
        place = _on_floor_before(camera, board)
        if place is not None:
            away = float(np.linalg.norm(place[1] - camera.position))
            # along the line of sight, where it is foreshortened
            size = camera.K[1, 1] / away * camera.position[2] / away
            if size > largest:
                best, largest = place, size
    return best


def _on_floor_before(camera: Camera, board: Board) -> tuple[Rotation, Floats] | None:
    """As near as one camera sees all of it."""
    forward = camera.R[2] * [1.0, 1.0, 0.0]
    if np.linalg.norm(forward) < 0.1:
        return None
    forward /= np.linalg.norm(forward)
    facing = np.column_stack([np.cross(forward, [0.0, 0.0, 1.0]), -forward, [0.0, 0.0, -1.0]])
    turn = facing @ Rotation.from_rotvec([0.0, 0.0, _ROLL_RAD]).as_matrix()
    margin = _BORDER * np.array(camera.size)
    half = np.array(board.size_mm) / 2
    corners = np.array([[x, y, 0.0] for x in (-half[0], half[0]) for y in (-half[1], half[1])]) @ turn.T
    for distance in np.arange(_NEAREST_MM, _FARTHEST_MM, 50.0):
        centre = camera.position * [1.0, 1.0, 0.0] + distance * forward
        pixels = camera.project(corners + centre)
        with np.errstate(invalid="ignore"):
            if ((pixels > margin) & (pixels < np.array(camera.size) - 1 - margin)).all():
                return Rotation.from_matrix(turn), centre
    return None


def _shortest_turn(start: Floats, end: Floats) -> Rotation:
    axis = np.cross(start, end)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        return Rotation.identity()
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, float(start @ end)))
