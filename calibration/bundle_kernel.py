"""Compiled arithmetic of the bundle adjustment: projection with derivatives, and the normal equations.

Parameters of one camera, in this order: rotation (3, rad, camera axes, applied from the left), translation
(3, mm), intrinsics (``INTRINSICS``: fx fy cx cy and eight coefficients, see ``packed_intrinsics``), lag (s)
and drift of the lag (s per s). A board pose has rotation (3, rad, world axes, from the left) and translation
(3, mm).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.board_path_kernel import WINDOW, turned_basis
from calibration.compiled import compiled
from calibration.distortion import LensModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTRINSICS = 12
"""fx fy cx cy, then k1 k2 p1 p2 k3 k4 k5 k6 (fisheye: k1 k2 k3 k4 and four zeros)."""
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
NEAREST_MM = 1.0
"""A board corner closer than this to the camera's plane, or behind it, has no image."""
BEHIND = 1e3
"""Error of such a corner in standard deviations: worse than any other, and a number to compare with."""


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


def is_fisheye(model: LensModel) -> bool:
    """How the kernels tell the lens models apart: ``pinhole`` is ``rational`` with zeros."""
    return model == "fisheye"


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


@compiled
def add_inertia(
    knot_times: Floats,
    linked: NDArray[np.bool_],
    quaternions: Floats,
    positions: Floats,
    spread: Floats,
    band: Floats,
    b: Floats,
    with_blocks: bool,
) -> float:
    """What a hand-held board can do: weak priors on its speed and acceleration between linked knots.

    They decide only what no picture shows, such as the board's pose just before it came into view.

    Args:
        knot_times: (N,) s.
        linked: (N,) whether a knot continues the path of the one before it.
        quaternions: (N, 4).
        positions: (N, 3) mm.
        spread: (4,) standard deviations: rad/s, mm/s, rad/s2, mm/s2.
        band: As in ``add_views``; with ``with_blocks``.
        b: As in ``add_views``; with ``with_blocks``.
        with_blocks: Fill ``band`` and ``b``.

    Returns:
        Half the sum of squares.
    """
    factors = np.zeros(3)
    turned = np.empty((3, 4, 3))
    cost = 0.0
    for last in range(1, len(knot_times)):
        if not linked[last]:
            continue
        step = knot_times[last] - knot_times[last - 1]
        if with_blocks:
            for m in range(3):
                turned_basis(quaternions[max(last - m, 0)], turned[m])
        for order in range(1, 3):
            if order == 2 and (last < 2 or not linked[last - 1]):
                continue
            count = order + 1
            first = last - order
            if order == 1:
                factors[0], factors[1] = -1.0 / step, 1.0 / step
                turning, moving = 2.0 / spread[0], 1.0 / spread[1]
            else:
                before = knot_times[last - 1] - knot_times[last - 2]
                mean = 0.5 * (step + before)
                factors[0] = 1.0 / (before * mean)
                factors[2] = 1.0 / (step * mean)
                factors[1] = -factors[0] - factors[2]
                turning, moving = 2.0 / spread[2], 1.0 / spread[3]
            for i in range(4):
                residual = 0.0
                for m in range(count):
                    residual += factors[m] * quaternions[first + m, i]
                residual *= turning
                cost += 0.5 * residual * residual
                if not with_blocks:
                    continue
                for m in range(count):
                    for p in range(3):
                        left = 0.5 * turning * factors[m] * turned[order - m, i, p]
                        row = 6 * (first + m) + p
                        b[row] += left * residual
                        for n in range(m + 1):
                            for q in range(3):
                                column = 6 * (first + n) + q
                                if row >= column:
                                    right = 0.5 * turning * factors[n] * turned[order - n, i, q]
                                    band[column, row - column] += left * right
            for i in range(3):
                residual = 0.0
                for m in range(count):
                    residual += factors[m] * positions[first + m, i]
                residual *= moving
                cost += 0.5 * residual * residual
                if not with_blocks:
                    continue
                for m in range(count):
                    row = 6 * (first + m) + 3 + i
                    left = moving * factors[m]
                    b[row] += left * residual
                    for n in range(m + 1):
                        band[6 * (first + n) + 3 + i, 6 * (m - n)] += left * moving * factors[n]
    return cost


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
