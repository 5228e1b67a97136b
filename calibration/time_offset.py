"""Large time offsets between cameras, from how fast the board moves.

How fast a board moves does not depend on where a fixed camera stands. So the speeds that two cameras see,
shifted by their offset, rise and fall together. This is coarse, but needs nothing else and reaches seconds;
the bundle adjustment refines it to fractions of a picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH_S = 3.0
GRID_S = 0.01
LONGEST_STEP_S = 0.4
"""Speeds between pictures further apart say nothing about the time in between."""
FEWEST_OVERLAP_S = 2.0
LEAST_CORRELATION = 0.7
TURN_WEIGHT_MM = 500.0


def coarse_lags(
    view_camera: Ints, view_time: Floats, R: Floats, t: Floats, cameras: int, reference: int
) -> Floats | None:
    """How much older each camera's pictures are than stamped, relative to the reference.

    Args:
        view_camera: (V,).
        view_time: (V,) s.
        R: (V, 3, 3) camera from board, from single views.
        t: (V, 3) mm.
        cameras: Their number.
        reference: Index of the camera with lag 0.

    Returns:
        (C,) s, exact to about a picture; None where speeds do not correlate clearly.
    """
    signals = [
        _speed(view_time[view_camera == c], R[view_camera == c], t[view_camera == c]) for c in range(cameras)
    ]
    lags = np.full(cameras, np.nan)
    lags[reference] = 0.0
    while np.isnan(lags).any():
        best: tuple[float, int, float] | None = None
        for known in np.flatnonzero(~np.isnan(lags)):
            for other in np.flatnonzero(np.isnan(lags)):
                found = _offset(signals[known], signals[other])
                if found is not None and (best is None or found[0] > best[0]):
                    best = (found[0], int(other), float(lags[known]) + found[1])
        if best is None or best[0] < LEAST_CORRELATION:
            return None
        lags[best[1]] = best[2]
    return lags


def _speed(times: Floats, R: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Middle times (K,) s and speeds (K,), turns counted as lengths, NaN across gaps."""
    order = np.argsort(times, kind="stable")
    times, R, t = times[order], R[order], t[order]
    step = np.diff(times)
    # |R - S| (Frobenius) is sqrt(2) times the angle for small turns.
    turn = np.linalg.norm(R[1:] - R[:-1], axis=(1, 2)) / np.sqrt(2.0)
    speed = np.hypot(np.linalg.norm(np.diff(t, axis=0), axis=1), TURN_WEIGHT_MM * turn) / np.maximum(
        step, 1e-9
    )
    speed[(step > LONGEST_STEP_S) | (step <= 0.0)] = np.nan
    return 0.5 * (times[1:] + times[:-1]), speed


def _offset(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> tuple[float, float] | None:
    """Correlation and lag (s) of the second signal against the first."""
    if len(first[0]) < 3 or len(second[0]) < 3:
        return None
    start = min(first[0][0], second[0][0]) - REACH_S
    end = max(first[0][-1], second[0][-1]) + REACH_S
    grid = np.arange(start, end, GRID_S)
    a, b = (np.log1p(np.interp(grid, *signal, left=np.nan, right=np.nan)) for signal in (first, second))
    best: tuple[float, float] | None = None
    reach = round(REACH_S / GRID_S)
    for shift in range(-reach, reach + 1, 2):
        # The second camera shows at stamp s + lag what the first shows at s.
        x, y = (a[:-shift], b[shift:]) if shift > 0 else (a[-shift:], b[: len(b) + shift])
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() * GRID_S < FEWEST_OVERLAP_S:
            continue
        x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
        norm = float(np.sqrt((x @ x) * (y @ y)))
        correlation = float(x @ y) / norm if norm > 0.0 else 0.0
        if best is None or correlation > best[0]:
            best = (correlation, shift * GRID_S)
    return best
