"""Compiled projection: images of points with derivatives, and points from images."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTRINSICS = 12
"""fx fy cx cy, then k1 k2 p1 p2 k3 k4 k5 k6 (fisheye: k1 k2 k3 k4 and four zeros)."""
NEAREST_MM = 1.0
"""A board corner closer than this to the camera's plane, or behind it, has no image."""


def packed_intrinsics(K: Floats, distortion: Floats) -> Floats:
    """(12,) intrinsics in the order of this module."""
    packed = np.zeros(INTRINSICS)
    packed[:4] = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    packed[4 : 4 + len(distortion)] = distortion
    return packed


def unpacked_intrinsics(packed: Floats, coefficients: int) -> tuple[Floats, Floats]:
    """K (3, 3) and distortion (``coefficients``,)."""
    fx, fy, cx, cy = packed[:4].tolist()
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]), packed[4 : 4 + coefficients].copy()


@compiled
def project_with_derivatives(
    fisheye: bool, k: Floats, x: float, y: float, z: float, by_point: Floats, by_lens: Floats
) -> tuple[float, float]:
    """Image of a point, and its derivatives.

    Args:
        fisheye: The lens model.
        k: (12,) intrinsics.
        x: mm, camera axes, like ``y`` and ``z > 0``.
        y: See ``x``.
        z: See ``x``.
        by_point: (2, 3) filled with px per mm.
        by_lens: (2, 12) filled with px per intrinsic parameter.

    Returns:
        u, v in distorted px.
    """
    fx, fy = k[0], k[1]
    a, b = x / z, y / z
    squared = a * a + b * b
    if fisheye:
        r = math.sqrt(squared)
        theta = math.atan(r)
        s = theta * theta
        poly = 1.0 + s * (k[4] + s * (k[5] + s * (k[6] + s * k[7])))
        slope = 1.0 + s * (3.0 * k[4] + s * (5.0 * k[5] + s * (7.0 * k[6] + s * 9.0 * k[7])))
        if r > 1e-9:
            ratio = theta * poly / r
            # d(ratio)/d(r), over r: how the scale changes along a and b.
            change = (slope / (1.0 + squared) - ratio) / squared
            per_coefficient = theta / r
        else:
            ratio, change, per_coefficient = 1.0, 0.0, 1.0
        xd, yd = a * ratio, b * ratio
        xa, xb, yb = ratio + a * a * change, a * b * change, ratio + b * b * change
        ya = xb
        power = s * per_coefficient
        for j in range(4):
            by_lens[0, 4 + j] = fx * a * power
            by_lens[1, 4 + j] = fy * b * power
            by_lens[0, 8 + j] = 0.0
            by_lens[1, 8 + j] = 0.0
            power *= s
    else:
        above = 1.0 + squared * (k[4] + squared * (k[5] + squared * k[8]))
        below = 1.0 + squared * (k[9] + squared * (k[10] + squared * k[11]))
        radial = above / below
        d_above = k[4] + squared * (2.0 * k[5] + squared * 3.0 * k[8])
        d_below = k[9] + squared * (2.0 * k[10] + squared * 3.0 * k[11])
        change = 2.0 * (d_above - radial * d_below) / below
        p1, p2 = k[6], k[7]
        cross = 2.0 * a * b
        xd = a * radial + p1 * cross + p2 * (squared + 2.0 * a * a)
        yd = b * radial + p2 * cross + p1 * (squared + 2.0 * b * b)
        xa = radial + a * a * change + 2.0 * p1 * b + 6.0 * p2 * a
        xb = a * b * change + 2.0 * (p1 * a + p2 * b)
        ya = xb
        yb = radial + b * b * change + 6.0 * p1 * b + 2.0 * p2 * a
        power = squared / below
        for j in range(3):
            place = 4 + j if j < 2 else 8
            by_lens[0, place] = fx * a * power
            by_lens[1, place] = fy * b * power
            by_lens[0, 9 + j] = -fx * a * radial * power
            by_lens[1, 9 + j] = -fy * b * radial * power
            power *= squared
        by_lens[0, 6] = fx * cross
        by_lens[1, 6] = fy * (squared + 2.0 * b * b)
        by_lens[0, 7] = fx * (squared + 2.0 * a * a)
        by_lens[1, 7] = fy * cross
    by_lens[0, 0], by_lens[1, 0] = xd, 0.0
    by_lens[0, 1], by_lens[1, 1] = 0.0, yd
    by_lens[0, 2], by_lens[1, 2] = 1.0, 0.0
    by_lens[0, 3], by_lens[1, 3] = 0.0, 1.0
    by_point[0, 0] = fx * xa / z
    by_point[0, 1] = fx * xb / z
    by_point[0, 2] = -fx * (xa * a + xb * b) / z
    by_point[1, 0] = fy * ya / z
    by_point[1, 1] = fy * yb / z
    by_point[1, 2] = -fy * (ya * a + yb * b) / z
    return fx * xd + k[2], fy * yd + k[3]


@compiled
def project(
    fisheye: NDArray[np.bool_],
    intrinsics: Floats,
    camera_R: Floats,
    camera_t: Floats,
    camera: Ints,
    world: Floats,
) -> Floats:
    """(O, 2) distorted px of points (O, 3) mm, world, each in its camera (O,); NaN behind it."""
    by_point, by_lens = np.empty((2, 3)), np.empty((2, INTRINSICS))
    pixels = np.full((len(world), 2), np.nan)
    for o in range(len(world)):
        c = camera[o]
        x = camera_t[c].copy()
        for i in range(3):
            for j in range(3):
                x[i] += camera_R[c, i, j] * world[o, j]
        if x[2] > NEAREST_MM:
            pixels[o] = project_with_derivatives(
                fisheye[c], intrinsics[c], x[0], x[1], x[2], by_point, by_lens
            )
    return pixels


@compiled
def refine_points(
    starts: Ints,
    observer: Ints,
    pixels: Floats,
    fisheye: NDArray[np.bool_],
    intrinsics: Floats,
    camera_R: Floats,
    camera_t: Floats,
    rounds: int,
    points: Floats,
    residuals: Floats,
) -> None:
    """Move points to the least squares of their image errors.

    Args:
        starts: (N + 1,) first observation of each point.
        observer: (O,) camera of each observation.
        pixels: (O, 2) distorted px.
        fisheye: (C,) lens model.
        intrinsics: (C, 12).
        camera_R: (C, 3, 3).
        camera_t: (C, 3) mm.
        rounds: Gauss-Newton rounds; four settle a point that linear triangulation found.
        points: (N, 3) mm, changed in place.
        residuals: (O, 2) px filled.
    """
    by_point, by_lens = np.empty((2, 3)), np.empty((2, INTRINSICS))
    H, g = np.empty((3, 3)), np.empty(3)
    for n in range(len(points)):
        for step in range(rounds + 1):
            H[:] = 0.0
            g[:] = 0.0
            for o in range(starts[n], starts[n + 1]):
                c = observer[o]
                x = camera_R[c] @ points[n] + camera_t[c]
                if not x[2] > NEAREST_MM:
                    residuals[o] = math.nan
                    continue
                u, v = project_with_derivatives(
                    fisheye[c], intrinsics[c], x[0], x[1], x[2], by_point, by_lens
                )
                residuals[o, 0], residuals[o, 1] = u - pixels[o, 0], v - pixels[o, 1]
                J = by_point @ camera_R[c]
                for i in range(3):
                    for m in range(2):
                        g[i] += J[m, i] * residuals[o, m]
                        for j in range(3):
                            H[i, j] += J[m, i] * J[m, j]
            if step < rounds:
                for i in range(3):
                    H[i, i] += 1e-12 * (H[0, 0] + H[1, 1] + H[2, 2]) + 1e-300
                points[n] -= np.linalg.solve(H, g)
