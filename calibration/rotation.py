"""Rotations as vectors, matrices and quaternions (w x y z), for many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rotation_from_vector(vectors: Floats) -> Floats:
    """(..., 3) rad, axis times angle, to (..., 3, 3)."""
    return matrix_from_quaternion(quaternion_from_vector(vectors))


def vector_from_rotation(R: Floats) -> Floats:
    """(..., 3, 3) to (..., 3) rad with an angle of at most pi."""
    q = quaternion_from_matrix(R)
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    # angle / sine tends to 2 for small turns.
    return np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0) * q[..., 1:]


def rotation_angle(R: Floats) -> Floats:
    """(..., 3, 3) to (...) rad between 0 and pi, also exact where it is small."""
    return np.asarray(np.linalg.norm(vector_from_rotation(R), axis=-1))


def quaternion_from_vector(vectors: Floats) -> Floats:
    """(..., 3) rad to (..., 4)."""
    half = 0.5 * np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(half, axis=-1, keepdims=True)
    return np.concatenate([np.cos(angle), np.sinc(angle / np.pi) * half], axis=-1)


def matrix_from_quaternion(q: Floats) -> Floats:
    """(..., 4) of length 1 to (..., 3, 3)."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    R = np.empty((*q.shape[:-1], 3, 3))
    R[..., 0, 0] = 1.0 - 2.0 * (y * y + z * z)
    R[..., 0, 1] = 2.0 * (x * y - w * z)
    R[..., 0, 2] = 2.0 * (x * z + w * y)
    R[..., 1, 0] = 2.0 * (x * y + w * z)
    R[..., 1, 1] = 1.0 - 2.0 * (x * x + z * z)
    R[..., 1, 2] = 2.0 * (y * z - w * x)
    R[..., 2, 0] = 2.0 * (x * z - w * y)
    R[..., 2, 1] = 2.0 * (y * z + w * x)
    R[..., 2, 2] = 1.0 - 2.0 * (x * x + y * y)
    return R


def quaternion_from_matrix(R: Floats) -> Floats:
    """(..., 3, 3) to (..., 4) of length 1; of the four ways to read it, the one without cancellation."""
    R = np.asarray(R, dtype=np.float64)
    xx, yy, zz = R[..., 0, 0], R[..., 1, 1], R[..., 2, 2]
    wx, wy, wz = (
        R[..., 2, 1] - R[..., 1, 2],
        R[..., 0, 2] - R[..., 2, 0],
        R[..., 1, 0] - R[..., 0, 1],
    )
    xy, xz, yz = (
        R[..., 1, 0] + R[..., 0, 1],
        R[..., 0, 2] + R[..., 2, 0],
        R[..., 2, 1] + R[..., 1, 2],
    )
    # Rows are 4 w q, 4 x q, 4 y q and 4 z q; the longest is the best conditioned.
    rows = np.stack(
        [
            np.stack([1.0 + xx + yy + zz, wx, wy, wz], axis=-1),
            np.stack([wx, 1.0 + xx - yy - zz, xy, xz], axis=-1),
            np.stack([wy, xy, 1.0 - xx + yy - zz, yz], axis=-1),
            np.stack([wz, xz, yz, 1.0 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.einsum("...ii->...i", rows), axis=-1)
    q = np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True))


def mean_rotation(R: Floats) -> Floats:
    """(N, 3, 3) to the (3, 3) with the least sum of squared chordal distances."""
    U, _, Vt = np.linalg.svd(R.sum(axis=0))
    return np.asarray(U @ np.diag([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))]) @ Vt)


def fit_rigid(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Least-squares motion ``target = R @ source + t`` (Kabsch); both (N, 3), R (3, 3), t (3,)."""
    a, b = source.mean(axis=0), target.mean(axis=0)
    U, _, Vt = np.linalg.svd((target - b).T @ (source - a))
    R = U @ np.diag([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))]) @ Vt
    return R, b - R @ a


def turned_by(q: Floats) -> Floats:
    """(..., 4) to (..., 4, 3): twice the derivative of a quaternion by a small turn applied from the left.

    Its columns are orthonormal and orthogonal to the quaternion.
    """
    w, x, y, z = np.moveaxis(q, -1, 0)
    result = np.empty((*q.shape[:-1], 4, 3))
    result[..., 0, 0], result[..., 0, 1], result[..., 0, 2] = -x, -y, -z
    result[..., 1, 0], result[..., 1, 1], result[..., 1, 2] = w, z, -y
    result[..., 2, 0], result[..., 2, 1], result[..., 2, 2] = -z, w, x
    result[..., 3, 0], result[..., 3, 1], result[..., 3, 2] = y, -x, w
    return result


def multiply_quaternions(a: Floats, b: Floats) -> Floats:
    """(..., 4) times (..., 4): the turn ``b`` followed by ``a``."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )
