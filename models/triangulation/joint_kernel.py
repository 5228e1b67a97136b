"""One joint from V views: the compiled arithmetic under ``robust_kernel``.

Every loop over views runs a bounded number of times, so the time is linear in the number of views. Works on
ideal pixels in a world centred on the cameras (the caller shifts). All lengths mm, all image errors px.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

L1_STEPS = 6
"""Reweighted steps to the point with the smallest sum of distances to the rays; later steps move it by less
than the keypoint noise."""
ROUNDS = 6
"""Rounds of dropping. Each at least halves the worst error that is left, so six span a factor of 64 between
a gross error and the limit; what is still beyond the limit after that is dropped at once."""
STEPS_PER_ROUND = 3
SURE = 2.0
"""Factor on the limit for dropping one of three views: the two that remain agree whatever they show, so
nothing would vouch for the choice. Only a gross error is worth that."""
NEAREST_MM = 10.0
"""A camera cannot see a joint closer than this to its centre; avoids division by a vanishing depth."""
BEHIND_PX = 1e9
"""Error of a view that has the point behind it: larger than any other, yet a number to compare with."""
RELATIVE_SINGULAR = 1e-13
"""Determinant of a 3 x 3 normal matrix, relative to the product of its diagonal, at which rounding
decides."""
HUBER = 1.345
"""Huber's limit in standard deviations, the usual 95 % efficiency."""


@njit(cache=True, nogil=True, error_model="numpy")
def solve(
    a00: float, a01: float, a02: float, a11: float, a12: float, a22: float, b0: float, b1: float, b2: float
) -> tuple[bool, float, float, float]:
    """Solve a symmetric positive definite 3 x 3 system; False when it is singular up to rounding."""
    c00 = a11 * a22 - a12 * a12
    c01 = a02 * a12 - a01 * a22
    c02 = a01 * a12 - a02 * a11
    determinant = a00 * c00 + a01 * c01 + a02 * c02
    if not determinant > RELATIVE_SINGULAR * a00 * a11 * a22:
        return False, math.nan, math.nan, math.nan
    c11 = a00 * a22 - a02 * a02
    c12 = a01 * a02 - a00 * a12
    c22 = a00 * a11 - a01 * a01
    return (
        True,
        (c00 * b0 + c01 * b1 + c02 * b2) / determinant,
        (c01 * b0 + c11 * b1 + c12 * b2) / determinant,
        (c02 * b0 + c12 * b1 + c22 * b2) / determinant,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_to_rays(x: Floats, origins: Floats, directions: Floats, weights: Floats) -> bool:
    """Put into ``x`` the point with the smallest weighted sum of distances to the rays.

    The sum is convex, so there is one answer whatever the start, and a ray that is far off pulls no harder
    than one that is near: Weiszfeld's reweighting from the least-squares point.
    """
    for step in range(L1_STEPS):
        a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = 0.0
        for v in range(len(weights)):
            w = weights[v]
            if w <= 0.0:
                continue
            d0, d1, d2 = directions[v, 0], directions[v, 1], directions[v, 2]
            o0, o1, o2 = origins[v, 0], origins[v, 1], origins[v, 2]
            if step > 0:
                e0, e1, e2 = x[0] - o0, x[1] - o1, x[2] - o2
                along = e0 * d0 + e1 * d1 + e2 * d2
                away = e0 * e0 + e1 * e1 + e2 * e2 - along * along
                # 1 mm keeps the weight of a ray that is hit exactly finite.
                w /= math.sqrt(max(away, 0.0) + 1.0)
            q00, q01, q02 = w * (1.0 - d0 * d0), -w * d0 * d1, -w * d0 * d2
            q11, q12, q22 = w * (1.0 - d1 * d1), -w * d1 * d2, w * (1.0 - d2 * d2)
            a00 += q00
            a01 += q01
            a02 += q02
            a11 += q11
            a12 += q12
            a22 += q22
            b0 += q00 * o0 + q01 * o1 + q02 * o2
            b1 += q01 * o0 + q11 * o1 + q12 * o2
            b2 += q02 * o0 + q12 * o1 + q22 * o2
        solved, x0, x1, x2 = solve(a00, a01, a02, a11, a12, a22, b0, b1, b2)
        if not solved:
            return False
        x[0], x[1], x[2] = x0, x1, x2
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def residuals(
    x: Floats, pixels: Floats, usable: Bools, R: Floats, t: Floats, K: Floats, residual: Floats
) -> None:
    """Reprojection error of every usable view, px; ``BEHIND_PX`` where the point is not in front."""
    for v in range(len(usable)):
        if not usable[v]:
            continue
        depth = R[v, 2, 0] * x[0] + R[v, 2, 1] * x[1] + R[v, 2, 2] * x[2] + t[v, 2]
        if not depth > NEAREST_MM:
            residual[v] = BEHIND_PX
            continue
        a = (R[v, 0, 0] * x[0] + R[v, 0, 1] * x[1] + R[v, 0, 2] * x[2] + t[v, 0]) / depth
        b = (R[v, 1, 0] * x[0] + R[v, 1, 1] * x[1] + R[v, 1, 2] * x[2] + t[v, 1]) / depth
        du = K[v, 0] * a + K[v, 2] - pixels[v, 0]
        dv = K[v, 1] * b + K[v, 3] - pixels[v, 1]
        residual[v] = math.sqrt(du * du + dv * dv)


@njit(cache=True, nogil=True, error_model="numpy")
def normal_equations(
    x: Floats,
    pixels: Floats,
    confidence: Floats,
    active: Bools,
    noise: Floats,
    R: Floats,
    t: Floats,
    K: Floats,
    out: Floats,
) -> None:
    """Sums over the active views of one joint, into ``out`` (15).

    0 to 5: upper triangle of the Huber-weighted normal matrix; 6 to 8: right-hand side; 9: number of views;
    then over the standardised errors e with Huber weights w: 10: e^2; 11: (w e)^2; 12: w; 13 and 14:
    derivative of w e and its square, averaged over directions.
    """
    out[:] = 0.0
    for v in range(len(active)):
        if not active[v]:
            continue
        r20, r21, r22 = R[v, 2, 0], R[v, 2, 1], R[v, 2, 2]
        depth = r20 * x[0] + r21 * x[1] + r22 * x[2] + t[v, 2]
        if not depth > NEAREST_MM:
            continue
        r00, r01, r02 = R[v, 0, 0], R[v, 0, 1], R[v, 0, 2]
        r10, r11, r12 = R[v, 1, 0], R[v, 1, 1], R[v, 1, 2]
        a = (r00 * x[0] + r01 * x[1] + r02 * x[2] + t[v, 0]) / depth
        b = (r10 * x[0] + r11 * x[1] + r12 * x[2] + t[v, 1]) / depth
        du = pixels[v, 0] - K[v, 2] - K[v, 0] * a
        dv = pixels[v, 1] - K[v, 3] - K[v, 1] * b
        error = math.sqrt(du * du + dv * dv) / noise[v]
        huber = 1.0 if error <= HUBER else HUBER / error
        squared = confidence[v] * confidence[v]
        w = huber * squared / (noise[v] * noise[v])
        fu, fv = K[v, 0] / depth, K[v, 1] / depth
        u0, u1, u2 = fu * (r00 - a * r20), fu * (r01 - a * r21), fu * (r02 - a * r22)
        v0, v1, v2 = fv * (r10 - b * r20), fv * (r11 - b * r21), fv * (r12 - b * r22)
        out[0] += w * (u0 * u0 + v0 * v0)
        out[1] += w * (u0 * u1 + v0 * v1)
        out[2] += w * (u0 * u2 + v0 * v2)
        out[3] += w * (u1 * u1 + v1 * v1)
        out[4] += w * (u1 * u2 + v1 * v2)
        out[5] += w * (u2 * u2 + v2 * v2)
        out[6] += w * (u0 * du + v0 * dv)
        out[7] += w * (u1 * du + v1 * dv)
        out[8] += w * (u2 * du + v2 * dv)
        out[9] += 1.0
        out[10] += squared * error * error
        out[11] += squared * error * error * huber * huber
        out[12] += huber
        # Beyond the limit, w e keeps its length and only turns: huber * sin^2 along an axis at any angle.
        out[13] += 1.0 if error <= HUBER else 0.5 * huber
        out[14] += 1.0 if error <= HUBER else 0.375 * huber * huber


@njit(cache=True, nogil=True, error_model="numpy")
def refine(
    x: Floats,
    steps: int,
    pixels: Floats,
    confidence: Floats,
    active: Bools,
    noise: Floats,
    R: Floats,
    t: Floats,
    K: Floats,
    out: Floats,
) -> bool:
    """Gauss-Newton steps on the robust reprojection error; False when the views do not fix the point."""
    for _ in range(steps):
        normal_equations(x, pixels, confidence, active, noise, R, t, K, out)
        if out[9] < 2.0:
            return False
        solved, d0, d1, d2 = solve(out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7], out[8])
        if not solved:
            return False
        x[0] += d0
        x[1] += d1
        x[2] += d2
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def select_views(
    x: Floats,
    limit: float,
    pixels: Floats,
    confidence: Floats,
    usable: Bools,
    active: Bools,
    noise: Floats,
    R: Floats,
    t: Floats,
    K: Floats,
    residual: Floats,
    out: Floats,
) -> bool:
    """Refine ``x`` and drop, worst first, the views that contradict it by more than ``limit`` deviations.

    At least two views stay. A dropped view comes back when the others, freed of what was wrong, agree with
    it.
    """
    views = len(usable)
    for v in range(views):
        active[v] = usable[v]
    for turn in range(ROUNDS):
        if not refine(x, STEPS_PER_ROUND, pixels, confidence, active, noise, R, t, K, out):
            return False
        residuals(x, pixels, usable, R, t, K, residual)
        worst, count = 0.0, 0
        first = second = third = math.inf
        for v in range(views):
            if not active[v]:
                continue
            deviation = residual[v] / noise[v]
            count += 1
            worst = max(worst, deviation)
            if deviation < first:
                first, second, third = deviation, first, second
            elif deviation < second:
                second, third = deviation, second
            elif deviation < third:
                third = deviation
        if count <= 2 or worst <= (limit if count > 3 else SURE * limit):
            break
        # Innocent views near a gross error look bad too, so only the worse half of the range goes in one
        # round, and three stay for another look.
        bar = limit if turn == ROUNDS - 1 else max(limit, 0.5 * worst)
        bar = max(bar, third) if count > 3 else second
        for v in range(views):
            if active[v] and residual[v] / noise[v] > bar:
                active[v] = False
    for v in range(views):
        if usable[v] and residual[v] <= limit * noise[v]:
            active[v] = True
    if not refine(x, STEPS_PER_ROUND, pixels, confidence, active, noise, R, t, K, out):
        return False
    residuals(x, pixels, usable, R, t, K, residual)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def covariance_of(scale: float, out: Floats, covariance: Floats) -> None:
    """Inverse of the normal matrix in ``out`` times ``scale``, into ``covariance`` (3, 3)."""
    a00, a01, a02, a11, a12, a22 = out[0], out[1], out[2], out[3], out[4], out[5]
    for column in range(3):
        e0 = 1.0 if column == 0 else 0.0
        e1 = 1.0 if column == 1 else 0.0
        e2 = 1.0 if column == 2 else 0.0
        solved, c0, c1, c2 = solve(a00, a01, a02, a11, a12, a22, e0, e1, e2)
        if not solved:
            covariance[:, :] = math.nan
            return
        covariance[0, column], covariance[1, column], covariance[2, column] = (
            scale * c0,
            scale * c1,
            scale * c2,
        )
