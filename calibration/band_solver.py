"""Cholesky factor of a banded matrix, and forward and backward substitution for many right-hand sides.

LAPACK has these, but for a narrow band it works column by column through threaded kernels that are slower
than one core when the machine has other work to do, as ours always has.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.compiled import compiled

Floats = NDArray[np.float64]


@compiled
def factorise_band(band: Floats) -> bool:
    """Replace a lower band by its Cholesky factor.

    Args:
        band: (N, W) symmetric positive definite; ``band[j, k]`` is the matrix at row ``j + k``, column ``j``.

    Returns:
        False where the matrix is not positive definite; ``band`` is then of no use.
    """
    size, width = band.shape
    for j in range(size):
        if not band[j, 0] > 0.0:
            return False
        pivot = math.sqrt(band[j, 0])
        reach = min(width, size - j)
        band[j, 0] = pivot
        for k in range(1, reach):
            band[j, k] /= pivot
        for k in range(1, reach):
            factor = band[j, k]
            if factor != 0.0:
                for i in range(k, reach):
                    band[j + k, i - k] -= factor * band[j, i]
    return True


@compiled
def substitute_forward(factor: Floats, right: Floats) -> None:
    """Solve ``L x = right`` for all columns of ``right`` (N, R), in place."""
    size, width = factor.shape
    columns = right.shape[1]
    for j in range(size):
        inverse = 1.0 / factor[j, 0]
        for r in range(columns):
            right[j, r] *= inverse
        for k in range(1, min(width, size - j)):
            value = factor[j, k]
            if value != 0.0:
                for r in range(columns):
                    right[j + k, r] -= value * right[j, r]


@compiled
def substitute_backward(factor: Floats, right: Floats) -> None:
    """Solve ``L^T x = right`` for all columns of ``right`` (N, R), in place."""
    size, width = factor.shape
    columns = right.shape[1]
    for j in range(size - 1, -1, -1):
        for k in range(1, min(width, size - j)):
            value = factor[j, k]
            if value != 0.0:
                for r in range(columns):
                    right[j, r] -= value * right[j + k, r]
        inverse = 1.0 / factor[j, 0]
        for r in range(columns):
            right[j, r] *= inverse


@compiled
def outer_products(rows: Floats, result: Floats) -> None:
    """Fill ``result`` (R, R) with ``rows^T rows`` of (N, R), skipping zeros."""
    count, columns = rows.shape
    result[:] = 0.0
    for n in range(count):
        for i in range(columns):
            value = rows[n, i]
            if value != 0.0:
                for j in range(i + 1):
                    result[i, j] += value * rows[n, j]
    for i in range(columns):
        for j in range(i):
            result[j, i] = result[i, j]
