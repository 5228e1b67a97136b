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

_FILLS = (0.45, 0.62)
"""Part of the picture's width or height that the board takes before a camera."""
_PLACES = (
    (-1.0, -1.0),
    (0.0, -0.9),
    (1.0, 1.0),
    (-0.9, 0.0),
    (1.0, -1.0),
    (0.0, 0.9),
    (-1.0, 1.0),
    (0.9, 0.0),
)
_WHOLE_REACH, _CUT_REACH = 0.25, 0.31
"""Where the board's middle is in the picture, from its middle, and times this part of width and height. A
checkerboard must be seen whole; a ChArUco board may be cut off, which brings corners to the border."""
_TILT_RAD = (0.15, 0.75)
_BETWEEN = 4
"""Stations for each pair of neighbouring cameras."""
_SPEED_MM_S = 750.0
_TURN_RAD_S = 0.9
_SHORTEST_S = 0.7
_LOWEST_MM, _HIGHEST_MM = 350.0, 2600.0


@dataclass(frozen=True, eq=False)
class BoardMotion:
    """A closed path: world_from_board at any time, smooth, repeated for ever."""

    period_s: float
    _turn: RotationSpline
    _place: PchipInterpolator
    _middle: Floats

    def pose(self, t_s: float | Floats) -> tuple[Floats, Floats]:
        """Where the board is.

        Args:
            t_s: Scene time, s; a number or (n,).

        Returns:
            R (3, 3) or (n, 3, 3) world from board, and t (3,) or (n, 3) mm.
        """
        within = np.mod(t_s, self.period_s)
        R = np.asarray(self._turn(within).as_matrix())
        # The origin is a corner of the board, but people turn it about its middle.
        return R, np.asarray(self._place(within) - R @ self._middle)


def compose_motion(seed: Sequence[int], rig: Rig, board: Board, speed: float) -> BoardMotion:
    """Invent a path that a calibration succeeds with.

    Before each camera the board visits the whole picture, near and tilted in all directions; between
    neighbouring cameras it is turned to both.

    Args:
        seed: Same numbers, same path.
        rig: The cameras.
        board: Its size decides how near it comes.
        speed: 1 for an unhurried person, 2 for twice as fast.
    """
    random = np.random.default_rng(seed)
    turns: list[Rotation] = []
    places: list[Floats] = []
    middle = np.array([*board.size_mm, 0.0]) / 2
    for index, camera in enumerate(rig.cameras):
        for place in random.permutation(_PLACES):
            turn, centre = _before(camera, board, place, random)
            turns.append(turn)
            places.append(centre)
        if len(rig) > 1 and (len(rig) > 2 or index == 0):
            other = rig.cameras[(index + 1) % len(rig)]
            for _ in range(_BETWEEN):
                turn, centre = _between(camera, other, random)
                turns.append(turn)
                places.append(centre)
    rotations = Rotation.concatenate(turns)
    centres = np.stack(places)
    centres[:, 2] = np.clip(centres[:, 2], _LOWEST_MM, _HIGHEST_MM)
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
    return BoardMotion(period, turn, place, middle)


def _before(
    camera: Camera, board: Board, place: Floats, random: np.random.Generator
) -> tuple[Rotation, Floats]:
    """Near one camera, somewhere in its picture, turned to it but for a tilt."""
    width, height = camera.size
    reach = _WHOLE_REACH if board.kind == "checkerboard" else _CUT_REACH
    middle = 0.5 + reach * place + random.uniform(-0.04, 0.04, 2)
    position, ray = camera.unproject(middle * [width, height])
    across, down = (np.array(board.size_mm) * camera.K[[0, 1], [0, 1]]) / [width, height]
    distance = max(across, down) / random.uniform(*_FILLS)
    level = Rotation.from_matrix(camera.R.T)
    # from straight ahead to this place in the picture, as little as possible
    towards = _shortest_turn(camera.R[2], ray)
    direction = random.uniform(0, 2 * np.pi)
    lean = random.uniform(*_TILT_RAD) * np.array([np.cos(direction), np.sin(direction), 0.0])
    roll = Rotation.from_rotvec([0.0, 0.0, random.uniform(-0.4, 0.4)])
    return towards * level * Rotation.from_rotvec(lean) * roll, position + distance * ray


def _between(one: Camera, other: Camera, random: np.random.Generator) -> tuple[Rotation, Floats]:
    """Near the middle of the room, turned to where two cameras both see the print."""
    target = (one.position + other.position) / 2
    aside = target[:2] / max(float(np.linalg.norm(target[:2])), 1e-9)
    forward = random.uniform(200.0, 1000.0)
    across = random.uniform(-350.0, 350.0)
    x, y = forward * aside + across * np.array([-aside[1], aside[0]])
    middle = np.array([x, y, random.uniform(750.0, 1500.0)])
    z = middle - target
    z /= np.linalg.norm(z)
    right = np.cross([0.0, 0.0, -1.0], z)
    right /= np.linalg.norm(right)
    facing = Rotation.from_matrix(np.column_stack([right, np.cross(z, right), z]))
    # Both look at it from 45 degrees aside already: turned any further, one of them would lose it.
    lean = np.array([random.uniform(-0.3, 0.3), random.uniform(-0.1, 0.1), random.uniform(-0.3, 0.3)])
    return facing * Rotation.from_rotvec(lean), middle


def _shortest_turn(start: Floats, end: Floats) -> Rotation:
    axis = np.cross(start, end)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        return Rotation.identity()
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, float(start @ end)))
