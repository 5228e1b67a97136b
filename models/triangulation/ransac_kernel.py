"""Robust triangulation from pairs of views and its refinement, compiled: see ``ransac``."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.triangulation.linear_kernel import add_rows, solve_joint

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

ITERATIONS = 300
"""Of the refinement, at most; it stops when a step is shorter than ``STANDSTILL_MM``."""
STANDSTILL_MM = 1e-5
DAMPING_START, DAMPING_UP, DAMPING_DOWN, DAMPING_MOST = 1e-4, 8.0, 0.2, 1e12
"""Levenberg-Marquardt: damping over the diagonal of the normal matrix, and its factors."""


@njit(cache=True, nogil=True, error_model="numpy")
def half_distance(projection: Floats, point: Floats, x: float, y: float) -> float:
    """Half the distance between a keypoint and the projected joint, px."""
    w = projection[2, 3]
    u = projection[0, 3]
    v = projection[1, 3]
    for k in range(3):
        u += projection[0, k] * point[k]
        v += projection[1, k] * point[k]
        w += projection[2, k] * point[k]
    return 0.5 * math.hypot(u / w - x, v / w - y)


@njit(cache=True, nogil=True, error_model="numpy")
def select_all(
    points: Floats,
    projections: Floats,
    seen: Bools,
    pairs: Integers,
    limit: float,
    first_wins: bool,
    out: Floats,
    inliers: Bools,
    determined: Bools,
) -> None:
    """The largest set of views that agree with a joint seen from two of them, and the joint from all of it.

    Args:
        points: (B, V, J, 2) px.
        projections: (B, V, 3, 4).
        seen: (B, V, J).
        pairs: (B or 1, J or 1, n, 2) views to try, in this order.
        limit: Half distance in px up to which a view agrees.
        first_wins: Among equally large sets take the first, otherwise the one with the smallest errors.
        out: (B, J, 3) out.
        inliers: (B, V, J) out.
        determined: (B, J) out.
    """
    samples, views, joints = seen.shape
    rows = np.empty((2 * views, 4))
    inverse = np.empty(6)
    point = np.empty(3)
    candidate = np.empty(views, np.bool_)
    for b in range(samples):
        for j in range(joints):
            tries = pairs[b if pairs.shape[0] > 1 else 0, j if pairs.shape[1] > 1 else 0]
            best_count, best_cost = 0, math.inf
            for v in range(views):
                inliers[b, v, j] = False
            for n in range(tries.shape[0]):
                first, second = tries[n, 0], tries[n, 1]
                if not (seen[b, first, j] and seen[b, second, j]):
                    continue
                add_rows(rows, 0, points[b, first, j, 0], points[b, first, j, 1], projections[b, first], 1.0)
                add_rows(
                    rows, 2, points[b, second, j, 0], points[b, second, j, 1], projections[b, second], 1.0
                )
                if not solve_joint(rows, 4, point, inverse):
                    continue
                count, cost = 0, 0.0
                for v in range(views):
                    candidate[v] = False
                    if not seen[b, v, j]:
                        continue
                    error = half_distance(projections[b, v], point, points[b, v, j, 0], points[b, v, j, 1])
                    candidate[v] = v in (first, second) or error < limit
                    count += candidate[v]
                    cost += min(error, limit)
                if count > best_count or (count == best_count and not first_wins and cost < best_cost):
                    best_count, best_cost = count, cost
                    for v in range(views):
                        inliers[b, v, j] = candidate[v]
            used = 0
            for v in range(views):
                if inliers[b, v, j]:
                    add_rows(rows, used, points[b, v, j, 0], points[b, v, j, 1], projections[b, v], 1.0)
                    used += 2
            determined[b, j] = solve_joint(rows, used, out[b, j], inverse)


@njit(cache=True, nogil=True, error_model="numpy")
def cost_of(point: Floats, points: Floats, projections: Floats, inliers: Bools, j: int) -> float:
    """Sum over the views of Huber's function of the half distances, scale 1 px."""
    total = 0.0
    for v in range(inliers.shape[0]):
        if inliers[v, j]:
            error = half_distance(projections[v], point, points[v, j, 0], points[v, j, 1])
            total += error * error if error <= 1.0 else 2.0 * error - 1.0
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def refine_all(points: Floats, projections: Floats, inliers: Bools, determined: Bools, out: Floats) -> None:
    """Minimise Huber's function of the half distances by Levenberg-Marquardt steps.

    Args:
        points: (B, V, J, 2) px.
        projections: (B, V, 3, 4).
        inliers: (B, V, J).
        determined: (B, J); others are left alone.
        out: (B, J, 3) start and result.
    """
    samples, views, joints = inliers.shape
    gradient = np.empty(3)
    moved = np.empty(3)
    jacobian = np.empty((2, 3))
    for b in range(samples):
        for j in range(joints):
            if not determined[b, j]:
                continue
            point = out[b, j]
            damping = DAMPING_START
            cost = cost_of(point, points[b], projections[b], inliers[b], j)
            for _ in range(ITERATIONS):
                a00 = a01 = a02 = a11 = a12 = a22 = 0.0
                gradient[:] = 0.0
                for v in range(views):
                    if not inliers[b, v, j]:
                        continue
                    P = projections[b, v]
                    w = P[2, 0] * point[0] + P[2, 1] * point[1] + P[2, 2] * point[2] + P[2, 3]
                    x = (P[0, 0] * point[0] + P[0, 1] * point[1] + P[0, 2] * point[2] + P[0, 3]) / w
                    y = (P[1, 0] * point[0] + P[1, 1] * point[1] + P[1, 2] * point[2] + P[1, 3]) / w
                    ex, ey = x - points[b, v, j, 0], y - points[b, v, j, 1]
                    half = 0.5 * math.hypot(ex, ey)
                    weight = 0.25 if half <= 1.0 else 0.25 / half
                    for k in range(3):
                        jacobian[0, k] = (P[0, k] - x * P[2, k]) / w
                        jacobian[1, k] = (P[1, k] - y * P[2, k]) / w
                        gradient[k] += weight * (jacobian[0, k] * ex + jacobian[1, k] * ey)
                    a00 += weight * (jacobian[0, 0] ** 2 + jacobian[1, 0] ** 2)
                    a01 += weight * (jacobian[0, 0] * jacobian[0, 1] + jacobian[1, 0] * jacobian[1, 1])
                    a02 += weight * (jacobian[0, 0] * jacobian[0, 2] + jacobian[1, 0] * jacobian[1, 2])
                    a11 += weight * (jacobian[0, 1] ** 2 + jacobian[1, 1] ** 2)
                    a12 += weight * (jacobian[0, 1] * jacobian[0, 2] + jacobian[1, 1] * jacobian[1, 2])
                    a22 += weight * (jacobian[0, 2] ** 2 + jacobian[1, 2] ** 2)
                step = 0.0
                while damping < DAMPING_MOST:
                    more = damping * (a00 + a11 + a22)
                    d00, d11, d22 = a00 + more, a11 + more, a22 + more
                    c00, c01, c02 = d11 * d22 - a12 * a12, a02 * a12 - a01 * d22, a01 * a12 - a02 * d11
                    c11, c12, c22 = d00 * d22 - a02 * a02, a01 * a02 - d00 * a12, d00 * d11 - a01 * a01
                    determinant = d00 * c00 + a01 * c01 + a02 * c02
                    sx = -(c00 * gradient[0] + c01 * gradient[1] + c02 * gradient[2]) / determinant
                    sy = -(c01 * gradient[0] + c11 * gradient[1] + c12 * gradient[2]) / determinant
                    sz = -(c02 * gradient[0] + c12 * gradient[1] + c22 * gradient[2]) / determinant
                    moved[0], moved[1], moved[2] = point[0] + sx, point[1] + sy, point[2] + sz
                    lower = cost_of(moved, points[b], projections[b], inliers[b], j)
                    if lower <= cost:
                        step = math.sqrt(sx * sx + sy * sy + sz * sz)
                        point[:] = moved
                        cost = lower
                        damping *= DAMPING_DOWN
                        break
                    damping *= DAMPING_UP
                if step < STANDSTILL_MM:
                    break
