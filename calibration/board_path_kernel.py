"""Compiled arithmetic of the board's path: which knots make a pose, and the pose with its derivatives."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WINDOW = 4
"""Neighbouring knots on which a pose depends."""


@compiled
def find_windows(
    times: Floats,
    begin: Ints,
    end: Ints,
    moments: Floats,
    parts: Ints,
    first: Ints,
    weights: Floats,
    rates: Floats,
) -> None:
    """Blend of knots at each moment.

    Args:
        times: (N,) s of the knots, rising within each part.
        begin: (P,) first knot of each part.
        end: (P,) behind its last one.
        moments: (V,) s.
        parts: (V,) part of each moment.
        first: (V,) filled with the first of ``WINDOW`` knots.
        weights: (V, WINDOW) filled.
        rates: (V, WINDOW) filled with their derivatives, 1/s.
    """
    knots = np.empty(WINDOW)
    later, later_rates = np.empty(WINDOW), np.empty(WINDOW)
    for v in range(len(moments)):
        low, high = begin[parts[v]], end[parts[v]]
        moment = moments[v]
        size = min(high - low, WINDOW)
        before = low + np.searchsorted(times[low:high], moment, side="right") - 1
        start = min(max(before - 1, low), high - size)
        place = min(start, len(times) - WINDOW)
        first[v] = place
        for m in range(WINDOW):
            knots[m] = times[place + m]
        lead = start - place
        if size < WINDOW:
            _parabola(knots, lead, lead + size, moment, weights[v], rates[v])
            continue
        share = (moment - knots[1]) / (knots[2] - knots[1])
        _parabola(knots, 0, WINDOW - 1, moment, weights[v], rates[v])
        if share <= 0.0:
            continue
        _parabola(knots, 1, WINDOW, moment, later, later_rates)
        slope = 1.0 / (knots[2] - knots[1])
        if share >= 1.0:
            share, slope = 1.0, 0.0
        for m in range(WINDOW):
            difference = later[m] - weights[v, m]
            rates[v, m] += share * (later_rates[m] - rates[v, m]) + slope * difference
            weights[v, m] += share * difference


@compiled
def _parabola(knots: Floats, low: int, high: int, moment: float, weights: Floats, rates: Floats) -> None:
    """Weights of knots ``low`` to ``high`` in the polynomial through them (Lagrange); 0 for the others."""
    for k in range(len(knots)):
        weight, rate = 0.0, 0.0
        if low <= k < high:
            weight = 1.0
            for other in range(low, high):
                if other != k:
                    distance = knots[k] - knots[other]
                    factor = (moment - knots[other]) / distance
                    rate = rate * factor + weight / distance
                    weight *= factor
        weights[k], rates[k] = weight, rate


@compiled
def blend_poses(
    first: Ints,
    weights: Floats,
    rates: Floats,
    quaternions: Floats,
    positions: Floats,
    R: Floats,
    t: Floats,
    turn: Floats,
    speed: Floats,
) -> None:
    """Poses from knots.

    Args:
        first: (V,) from ``find_windows``.
        weights: (V, WINDOW).
        rates: (V, WINDOW) 1/s.
        quaternions: (N, 4) w x y z.
        positions: (N, 3) mm.
        R: (V, 3, 3) filled.
        t: (V, 3) filled, mm.
        turn: (V, WINDOW, 3, 3) filled with the turn per turn of each knot.
        speed: (V, 6) filled: rad/s and mm/s.
    """
    q, basis, own = np.empty(4), np.empty((4, 3)), np.empty((4, 3))
    for v in range(len(first)):
        start = first[v]
        q[:] = 0.0
        for m in range(WINDOW):
            for i in range(4):
                q[i] += weights[v, m] * quaternions[start + m, i]
        length = math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
        for i in range(4):
            q[i] /= length
        w, x, y, z = q[0], q[1], q[2], q[3]
        R[v, 0, 0], R[v, 0, 1], R[v, 0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
        R[v, 1, 0], R[v, 1, 1], R[v, 1, 2] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
        R[v, 2, 0], R[v, 2, 1], R[v, 2, 2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)
        turned_basis(q, basis)
        t[v] = 0.0
        speed[v] = 0.0
        for m in range(WINDOW):
            turned_basis(quaternions[start + m], own)
            for i in range(3):
                t[v, i] += weights[v, m] * positions[start + m, i]
                speed[v, 3 + i] += rates[v, m] * positions[start + m, i]
                for j in range(4):
                    speed[v, i] += 2.0 * basis[j, i] * rates[v, m] / length * quaternions[start + m, j]
                for j in range(3):
                    total = 0.0
                    for k in range(4):
                        total += basis[k, i] * own[k, j]
                    turn[v, m, i, j] = total * weights[v, m] / length


@compiled
def turned_basis(q: Floats, result: Floats) -> None:
    """Fill (4, 3): twice the derivative of a quaternion (4,) by a small turn applied from the left."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    result[0, 0], result[0, 1], result[0, 2] = -x, -y, -z
    result[1, 0], result[1, 1], result[1, 2] = w, z, -y
    result[2, 0], result[2, 1], result[2, 2] = -z, w, x
    result[3, 0], result[3, 1], result[3, 2] = y, -x, w
