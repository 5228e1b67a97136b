"""From joint angles to bones in the world, and back from an ankle to the angles of a leg."""

from __future__ import annotations

from math import acos, cos, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.compiled import compiled

Array = NDArray[np.float64]


@compiled
def local_rotations(angles: Array) -> Array:
    """(B, 3, 3) rotations from angles (B, 3), rad: bow (about y), lean (about x), turn (about z).

    Positive angles take z towards x, z towards -y, and x towards y; the turn is applied first.
    """
    result = np.empty((angles.shape[0], 3, 3))
    for bone in range(angles.shape[0]):
        cb, sb = cos(angles[bone, 0]), sin(angles[bone, 0])
        cl, sl = cos(angles[bone, 1]), sin(angles[bone, 1])
        ct, st = cos(angles[bone, 2]), sin(angles[bone, 2])
        result[bone, 0, 0] = cb * ct + sb * sl * st
        result[bone, 0, 1] = sb * sl * ct - cb * st
        result[bone, 0, 2] = sb * cl
        result[bone, 1, 0] = cl * st
        result[bone, 1, 1] = cl * ct
        result[bone, 1, 2] = -sl
        result[bone, 2, 0] = cb * sl * st - sb * ct
        result[bone, 2, 1] = sb * st + cb * sl * ct
        result[bone, 2, 2] = cb * cl
    return result


@compiled
def turned(rotation: Array, angle: float) -> Array:
    """(3, 3) rotation, turned about the vertical of the world by ``angle`` rad to the left."""
    c, s = cos(angle), sin(angle)
    result = np.empty((3, 3))
    for column in range(3):
        result[0, column] = c * rotation[0, column] - s * rotation[1, column]
        result[1, column] = s * rotation[0, column] + c * rotation[1, column]
        result[2, column] = rotation[2, column]
    return result


@compiled
def forward_kinematics(
    parents: NDArray[np.int64], offsets: Array, root: Array, local: Array
) -> tuple[Array, Array]:
    """Place every bone.

    Args:
        parents: (B,) of each bone, -1 for the first; parents come before children.
        offsets: (B, 3) origin of each bone in its parent's axes, mm.
        root: (3,) origin of the first bone in world, mm.
        local: (B, 3, 3) rotation of each bone in its parent's axes, the first one's in world.

    Returns:
        (B, 3, 3) world_from_bone rotations and (B, 3) origins in world, mm.
    """
    rotations = np.empty_like(local)
    origins = np.empty_like(offsets)
    rotations[0] = local[0]
    origins[0] = root
    for bone in range(1, offsets.shape[0]):
        parent = parents[bone]
        for i in range(3):
            place = origins[parent, i]
            for k in range(3):
                place += rotations[parent, i, k] * offsets[bone, k]
            origins[bone, i] = place
            for j in range(3):
                total = 0.0
                for k in range(3):
                    total += rotations[parent, i, k] * local[bone, k, j]
                rotations[bone, i, j] = total
    return rotations, origins


@compiled
def bend_leg(hip: Array, ankle: Array, upper: float, lower: float, knee_yaw: float) -> tuple[Array, Array]:
    """Two-bone inverse kinematics: which way thigh and shin must point so that the foot is where it is.

    Args:
        hip: (3,) mm in world.
        ankle: (3,) mm in world, nearer to the hip than ``upper + lower``.
        upper: Length of the thigh, mm.
        lower: Length of the shin, mm.
        knee_yaw: Heading the knee bends towards, rad.

    Returns:
        (3, 3) world_from_bone rotations of thigh and shin; both bones run along their -z.
    """
    line = ankle - hip
    length = sqrt(line[0] ** 2 + line[1] ** 2 + line[2] ** 2)
    down = line / length
    front = np.array([cos(knee_yaw), sin(knee_yaw), 0.0])
    along = front[0] * down[0] + front[1] * down[1]
    front -= along * down
    front /= sqrt(front[0] ** 2 + front[1] ** 2 + front[2] ** 2)
    left = _cross(front, down)
    at_hip = acos((upper * upper + length * length - lower * lower) / (2.0 * upper * length))
    at_ankle = acos((lower * lower + length * length - upper * upper) / (2.0 * lower * length))
    return (
        _along(cos(at_hip) * down + sin(at_hip) * front, left),
        _along(cos(at_ankle) * down - sin(at_ankle) * front, left),
    )


@compiled
def _along(down: Array, left: Array) -> Array:
    """(3, 3) rotation of a bone that points down and whose bending axis points left."""
    forward = _cross(down, left)
    result = np.empty((3, 3))
    for i in range(3):
        result[i, 0] = forward[i]
        result[i, 1] = left[i]
        result[i, 2] = -down[i]
    return result


@compiled
def _cross(a: Array, b: Array) -> Array:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
