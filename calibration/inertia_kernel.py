"""Compiled prior of the board's path: what a hand can do with a board."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.board_path_kernel import turned_basis
from calibration.compiled import compiled

Floats = NDArray[np.float64]


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
        band: As in ``bundle_kernel.add_views``; with ``with_blocks``.
        b: As in ``bundle_kernel.add_views``; with ``with_blocks``.
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
