"""Linear triangulation of one joint, compiled; the same arithmetic as ``dlt.solve_rows``."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LAGUERRE_STEPS = 6
SINGULAR = 1e-13
DAMPING = 1e-6
NOTHING = 1e-60
MINUTE = 1e-140
"""These five: see ``dlt``."""


@njit(cache=True, nogil=True, error_model="numpy")
def solve_joint(rows: Floats, count: int, point: Floats, inverse: Floats) -> bool:
    """Smallest singular vector of the first ``count`` rows, in the scale (X, 1).

    Args:
        rows: (>= count, 4).
        count: Rows to use.
        point: (3,) out, X.
        inverse: (6,) out, upper triangle of (H - s I)^-1, zero where H is singular.

    Returns:
        Whether H is regular.
    """
    h00 = h01 = h02 = h11 = h12 = h22 = g0 = g1 = g2 = 0.0
    for r in range(count):
        a, b, c, d = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        h00 += a * a
        h01 += a * b
        h02 += a * c
        h11 += b * b
        h12 += b * c
        h22 += c * c
        g0 += a * d
        g1 += b * d
        g2 += c * d
    trace = h00 + h11 + h22
    c00, c01, c02 = h11 * h22 - h12 * h12, h02 * h12 - h01 * h22, h01 * h12 - h02 * h11
    c11, c12, c22 = h00 * h22 - h02 * h02, h01 * h02 - h00 * h12, h00 * h11 - h01 * h01
    determinant = h00 * c00 + h01 * c01 + h02 * c02
    minors = c00 + c11 + c22
    determined = determinant > SINGULAR * trace * minors
    if not determined:
        damped = DAMPING * trace + NOTHING
        h00, h11, h22, trace = h00 + damped, h11 + damped, h22 + damped, trace + 3.0 * damped
        c00, c01, c02 = h11 * h22 - h12 * h12, h02 * h12 - h01 * h22, h01 * h12 - h02 * h11
        c11, c12, c22 = h00 * h22 - h02 * h02, h01 * h02 - h00 * h12, h00 * h11 - h01 * h01
        determinant = h00 * c00 + h01 * c01 + h02 * c02
        minors = c00 + c11 + c22
    x = -(c00 * g0 + c01 * g1 + c02 * g2) / determinant
    y = -(c01 * g0 + c11 * g1 + c12 * g2) / determinant
    z = -(c02 * g0 + c12 * g1 + c22 * g2) / determinant
    if not determined:
        point[0], point[1], point[2] = x, y, z
        inverse[:] = 0.0
        return False

    squares = g0 = g1 = g2 = 0.0
    for r in range(count):
        residual = rows[r, 0] * x + rows[r, 1] * y + rows[r, 2] * z + rows[r, 3]
        squares += residual * residual
        g0 += residual * rows[r, 0]
        g1 += residual * rows[r, 1]
        g2 += residual * rows[r, 2]
    q2 = x * x + y * y + z * z
    length = q2 + 1.0
    q0 = c00 * x * x + c11 * y * y + c22 * z * z + 2.0 * (c01 * x * y + c02 * x * z + c12 * y * z)
    q1 = h00 * x * x + h11 * y * y + h22 * z * z + 2.0 * (h01 * x * y + h02 * x * z + h12 * y * z)
    q1 -= trace * q2
    k0 = determinant * squares
    k1 = -(determinant * length + minors * squares)
    k2 = minors * length + trace * squares - q0
    k3 = -(trace * length + squares) - q1
    s = 0.0
    for _ in range(LAGUERRE_STEPS):
        value = k0 + s * (k1 + s * (k2 + s * (k3 + s)))
        slope = k1 + s * (2.0 * k2 + s * (3.0 * k3 + 4.0 * s))
        bend = 2.0 * k2 + s * (6.0 * k3 + 12.0 * s)
        below = slope - math.sqrt(max(9.0 * slope * slope - 12.0 * value * bend, 0.0))
        if not below < 0.0:
            break
        step = -4.0 * value / below
        s += step
        if abs(step) <= 1e-15 * s:
            break
    h00 -= s
    h11 -= s
    h22 -= s
    c00, c01, c02 = h11 * h22 - h12 * h12, h02 * h12 - h01 * h22, h01 * h12 - h02 * h11
    c11, c12, c22 = h00 * h22 - h02 * h02, h01 * h02 - h00 * h12, h00 * h11 - h01 * h01
    determinant = h00 * c00 + h01 * c01 + h02 * c02
    inverse[0], inverse[1], inverse[2] = c00 / determinant, c01 / determinant, c02 / determinant
    inverse[3], inverse[4], inverse[5] = c11 / determinant, c12 / determinant, c22 / determinant
    u, v, w = s * x - g0, s * y - g1, s * z - g2
    point[0] = x + inverse[0] * u + inverse[1] * v + inverse[2] * w
    point[1] = y + inverse[1] * u + inverse[3] * v + inverse[4] * w
    point[2] = z + inverse[2] * u + inverse[4] * v + inverse[5] * w
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def add_rows(rows: Floats, at: int, x: float, y: float, projection: Floats, weight: float) -> None:
    """Write the two rows of one view."""
    for k in range(4):
        rows[at, k] = weight * (x * projection[2, k] - projection[0, k])
        rows[at + 1, k] = weight * (y * projection[2, k] - projection[1, k])


@njit(cache=True, nogil=True, error_model="numpy")
def solve_all(
    points: Floats, projections: Floats, weights: Floats, out: Floats, inverse: Floats, determined: Bools
) -> None:
    """Every joint of every sample.

    Args:
        points: (B, V, J, 2) px; ignored where the weight is zero.
        projections: (B, V, 3, 4).
        weights: (B, V, J) >= 0.
        out: (B, J, 3) out.
        inverse: (B, J, 6) out, see ``solve_joint``.
        determined: (B, J) out.
    """
    samples, views, joints = weights.shape
    rows = np.empty((2 * views, 4))
    for b in range(samples):
        for j in range(joints):
            largest = MINUTE
            for v in range(views):
                largest = max(largest, weights[b, v, j])
            count = 0
            for v in range(views):
                if weights[b, v, j] > 0.0:
                    x, y = points[b, v, j, 0], points[b, v, j, 1]
                    add_rows(rows, count, x, y, projections[b, v], weights[b, v, j] / largest)
                    count += 2
            determined[b, j] = solve_joint(rows, count, out[b, j], inverse[b, j])
