"""``reading.read_peaks`` on maps that are probabilities already, compiled, for all joints and views."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_REACH = 2
"""As ``reading.REACH``; compiled code on disk is only renewed when its own file changes."""


@njit(cache=True, nogil=True, error_model="numpy")
def read_probabilities(
    maps: NDArray[np.float32], places: NDArray[np.float64], likely: NDArray[np.float64]
) -> None:
    """The most likely place of every joint and how likely it is; see ``reading.read_peaks``.

    Args:
        maps: (N, J, h, w) probabilities.
        places: (N, J, 2) is filled with x and y in cells.
        likely: (N, J) is filled, in [0, 1].
    """
    rows, columns = maps.shape[2], maps.shape[3]
    beside = np.zeros((rows + 2, columns), np.float32)  # sums of three neighbours in a row, nothing around
    for n in range(maps.shape[0]):
        for joint in range(maps.shape[1]):
            cells = maps[n, joint]
            for y in range(rows):
                line, sums = cells[y], beside[y + 1]
                sums[0] = line[0] + line[1]
                for x in range(1, columns - 1):
                    sums[x] = line[x - 1] + line[x] + line[x + 1]
                sums[columns - 1] = line[columns - 2] + line[columns - 1]
            best, row, column = np.float32(-1.0), 0, 0
            for y in range(rows):
                highest = np.float32(-1.0)
                for x in range(columns):
                    highest = max(highest, beside[y, x] + beside[y + 1, x] + beside[y + 2, x])
                if highest > best:
                    best, row = highest, y
            for x in range(columns - 1, -1, -1):
                if beside[row, x] + beside[row + 1, x] + beside[row + 2, x] == best:
                    column = x
            total = along = down = 0.0
            for y in range(max(row - _REACH, 0), min(row + _REACH + 1, rows)):
                for x in range(max(column - _REACH, 0), min(column + _REACH + 1, columns)):
                    mass = float(cells[y, x])
                    total += mass
                    along += mass * x
                    down += mass * y
            safe = max(total, 1e-30)
            places[n, joint, 0] = along / safe
            places[n, joint, 1] = down / safe
            likely[n, joint] = min(total, 1.0)
