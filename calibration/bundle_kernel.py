"""Compiled arithmetic of the bundle adjustment: the normal equations.

Parameters of one camera, in this order: rotation (3, rad, camera axes, applied from the left), translation
(3, mm), intrinsics (12, see ``projection_kernel``), lag (s)
and drift of the lag (s per s). A board pose has rotation (3, rad, world axes, from the left) and translation
(3, mm).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.board_path_kernel import WINDOW
from calibration.compiled import compiled
from calibration.projection_kernel import INTRINSICS, NEAREST_MM, project_with_derivatives

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CAMERA = 6 + INTRINSICS + 2
"""Parameters of one camera."""
LAG = 6 + INTRINSICS
DRIFT = LAG + 1
BAND = 6 * WINDOW
POSE = 6 + INTRINSICS
"""First place of the board's pose among the parameters of one view, after camera and intrinsics."""
JITTER = POSE + 6
VIEW = JITTER + 1
"""Parameters of one view."""
BEHIND = 1e3
"""Error of such a corner in standard deviations: worse than any other, and a number to compare with."""


@compiled
def view_blocks(
    starts: Ints,
    view_camera: Ints,
    fisheye: NDArray[np.bool_],
    intrinsics: Floats,
    camera_R: Floats,
    camera_t: Floats,
    board_R: Floats,
    board_t: Floats,
    points: Floats,
    pixels: Floats,
    used: NDArray[np.bool_],
    inverse_sigma: Floats,
    velocity: Floats,
    jitter: Floats,
    huber: float,
    lens_free: bool,
    with_blocks: bool,
    residuals: Floats,
    H: Floats,
    g: Floats,
) -> float:
    """Residuals of all corners, and per view the normal equations of camera, lens and board pose.

    Args:
        starts: (V + 1,) first corner of each view in the arrays of corners.
        view_camera: (V,) camera of each view.
        fisheye: (C,) lens model.
        intrinsics: (C, 12).
        camera_R: (C, 3, 3) camera from world.
        camera_t: (C, 3) mm.
        board_R: (V, 3, 3) world from board at the time of the view.
        board_t: (V, 3) mm.
        points: (O, 3) mm, board frame.
        pixels: (O, 2) px as observed.
        used: (O,) False for corners that take no part.
        inverse_sigma: (V,) 1/px.
        velocity: (O, 2) px/s at which each corner moves in its picture.
        jitter: (V,) s, how much later than its camera's lag says a picture is.
        huber: Where the loss turns linear, in standard deviations of the distance.
        lens_free: Fill the rows of the intrinsics.
        with_blocks: Fill ``H`` and ``g``.
        residuals: (O, 2) px filled with predicted minus observed; NaN without an image.
        H: (V, 25, 25) filled, order: camera 6, intrinsics 12, board pose 6, jitter.
        g: (V, 25) filled with the gradient.

    Returns:
        Half the sum of the losses.
    """
    by_point, by_lens = np.empty((2, 3)), np.empty((2, INTRINSICS))
    size = VIEW
    J = np.zeros((2, size))
    cost = 0.0
    for v in range(len(view_camera)):
        c = view_camera[v]
        R, t, Rb, tb, k = camera_R[c], camera_t[c], board_R[v], board_t[v], intrinsics[c]
        if with_blocks:
            H[v] = 0.0
            g[v] = 0.0
        for o in range(starts[v], starts[v + 1]):
            px, py, pz = points[o, 0], points[o, 1], points[o, 2]
            bx = Rb[0, 0] * px + Rb[0, 1] * py + Rb[0, 2] * pz
            by = Rb[1, 0] * px + Rb[1, 1] * py + Rb[1, 2] * pz
            bz = Rb[2, 0] * px + Rb[2, 1] * py + Rb[2, 2] * pz
            wx, wy, wz = bx + tb[0], by + tb[1], bz + tb[2]
            rx = R[0, 0] * wx + R[0, 1] * wy + R[0, 2] * wz
            ry = R[1, 0] * wx + R[1, 1] * wy + R[1, 2] * wz
            rz = R[2, 0] * wx + R[2, 1] * wy + R[2, 2] * wz
            z = rz + t[2]
            if not z > NEAREST_MM:
                residuals[o] = math.nan
                if used[o]:
                    cost += huber * (BEHIND - 0.5 * huber)
                continue
            u, w = project_with_derivatives(fisheye[c], k, rx + t[0], ry + t[1], z, by_point, by_lens)
            du = u - velocity[o, 0] * jitter[v] - pixels[o, 0]
            dv = w - velocity[o, 1] * jitter[v] - pixels[o, 1]
            residuals[o, 0], residuals[o, 1] = du, dv
            if not used[o]:
                continue
            distance = math.sqrt(du * du + dv * dv) * inverse_sigma[v]
            weight = inverse_sigma[v] * inverse_sigma[v]
            if distance > huber:
                cost += huber * (distance - 0.5 * huber)
                weight *= huber / distance
            else:
                cost += 0.5 * distance * distance
            if not with_blocks:
                continue
            for i in range(2):
                p0, p1, p2 = by_point[i, 0], by_point[i, 1], by_point[i, 2]
                # A small turn w moves x by w x x, so its derivative is x x (row of the point's derivative).
                J[i, 0] = ry * p2 - rz * p1
                J[i, 1] = rz * p0 - rx * p2
                J[i, 2] = rx * p1 - ry * p0
                J[i, 3], J[i, 4], J[i, 5] = p0, p1, p2
                q0 = p0 * R[0, 0] + p1 * R[1, 0] + p2 * R[2, 0]
                q1 = p0 * R[0, 1] + p1 * R[1, 1] + p2 * R[2, 1]
                q2 = p0 * R[0, 2] + p1 * R[1, 2] + p2 * R[2, 2]
                J[i, POSE] = by * q2 - bz * q1
                J[i, POSE + 1] = bz * q0 - bx * q2
                J[i, POSE + 2] = bx * q1 - by * q0
                J[i, POSE + 3], J[i, POSE + 4], J[i, POSE + 5] = q0, q1, q2
                J[i, JITTER] = -velocity[o, i]
                if lens_free:
                    for j in range(INTRINSICS):
                        J[i, 6 + j] = by_lens[i, j]
            for i in range(size):
                if not lens_free and 6 <= i < POSE:
                    continue
                j0, j1 = weight * J[0, i], weight * J[1, i]
                g[v, i] += j0 * du + j1 * dv
                for j in range(i + 1):
                    H[v, i, j] += j0 * J[0, j] + j1 * J[1, j]
        if with_blocks:
            for i in range(size):
                for j in range(i):
                    H[v, j, i] = H[v, i, j]
    return cost


@compiled
def eliminate_jitter(jitter: Floats, spread: Floats, H: Floats, g: Floats) -> float:
    """Take the time error of every single view out of its normal equations.

    Args:
        jitter: (V,) s, as estimated so far.
        spread: (V,) s, its standard deviation; 0 for views without.
        H: (V, 25, 25) from ``view_blocks``, changed in place but for the row of the jitter, which finds it
            again; may be empty, then only the cost is computed.
        g: (V, 25), changed in place but for the jitter's entry.

    Returns:
        Half the sum of squares of the jitter in standard deviations.
    """
    cost = 0.0
    for v in range(len(jitter)):
        sigma = spread[v]
        if sigma == 0.0:
            continue
        cost += 0.5 * (jitter[v] / sigma) ** 2
        if len(H) == 0:
            continue
        H[v, JITTER, JITTER] += 1.0 / sigma**2
        g[v, JITTER] += jitter[v] / sigma**2
        own = H[v, JITTER, JITTER]
        for i in range(JITTER):
            factor = H[v, i, JITTER] / own
            g[v, i] -= factor * g[v, JITTER]
            for j in range(JITTER):
                H[v, i, j] -= factor * H[v, JITTER, j]
    return cost


@compiled
def add_views(
    view_camera: Ints,
    first_knot: Ints,
    turn: Floats,
    shift: Floats,
    speed: Floats,
    since: Floats,
    H: Floats,
    g: Floats,
    A: Floats,
    a: Floats,
    B: Floats,
    band: Floats,
    b: Floats,
    gradients: Floats,
) -> None:
    """Add the blocks of all views to the normal equations of cameras and knots.

    Args:
        view_camera: (V,).
        first_knot: (V,) first of the ``WINDOW`` knots that a view depends on.
        turn: (V, WINDOW, 3, 3) turn of the board in the view per turn of a knot.
        shift: (V, WINDOW) shift of the board in the view per shift of a knot.
        speed: (V, 6) turn and shift of the board per second at the time of the view.
        since: (V,) s, the lever of the drift.
        H: From ``view_blocks``.
        g: From ``view_blocks``.
        A: (C, p, p) of the cameras, p = ``CAMERA``.
        a: (C, p) gradient.
        B: (6 N, C p) knots by cameras.
        band: (6 N, BAND) lower band of the knots, see ``band_solver``.
        b: (6 N,) gradient.
        gradients: (V, p) filled with the part of each view in ``a``.
    """
    n = POSE
    M, W = np.zeros((6, BAND)), np.zeros((6, BAND))
    L = np.zeros((CAMERA, 6))
    for v in range(len(view_camera)):
        c, start = view_camera[v], 6 * first_knot[v]
        for m in range(WINDOW):
            for i in range(3):
                for j in range(3):
                    M[i, 6 * m + j] = turn[v, m, i, j]
                M[3 + i, 6 * m + 3 + i] = shift[v, m]
        P = H[v, n : n + 6, n : n + 6]
        # How the camera's own parameters and the board's pose act together; a lag moves the pose back in
        # time.
        for j in range(6):
            along = 0.0
            for i in range(6):
                along += speed[v, i] * P[i, j]
            L[LAG, j] = -along
            L[DRIFT, j] = -along * since[v]
            for i in range(n):
                L[i, j] = H[v, i, n + j]
        along = 0.0
        for i in range(n):
            for j in range(n):
                A[c, i, j] += H[v, i, j]
            gradients[v, i] = g[v, i]
            cross = 0.0
            for j in range(6):
                cross -= H[v, i, n + j] * speed[v, j]
            A[c, i, LAG] += cross
            A[c, LAG, i] += cross
            A[c, i, DRIFT] += cross * since[v]
            A[c, DRIFT, i] += cross * since[v]
        square = 0.0
        for j in range(6):
            square -= L[LAG, j] * speed[v, j]
            along -= speed[v, j] * g[v, n + j]
        A[c, LAG, LAG] += square
        A[c, LAG, DRIFT] += square * since[v]
        A[c, DRIFT, LAG] += square * since[v]
        A[c, DRIFT, DRIFT] += square * since[v] * since[v]
        gradients[v, LAG] = along
        gradients[v, DRIFT] = along * since[v]
        for i in range(CAMERA):
            a[c, i] += gradients[v, i]
        for i in range(6):
            for j in range(BAND):
                W[i, j] = 0.0
                for m in range(6):
                    W[i, j] += P[i, m] * M[m, j]
        for j in range(BAND):
            total = 0.0
            for m in range(6):
                total += M[m, j] * g[v, n + m]
            b[start + j] += total
            for i in range(j, BAND):
                total = 0.0
                for m in range(6):
                    total += M[m, i] * W[m, j]
                band[start + j, i - j] += total
            for i in range(CAMERA):
                total = 0.0
                for m in range(6):
                    total += L[i, m] * M[m, j]
                B[start + j, c * CAMERA + i] += total
