"""Large time offsets between cameras, from how fast the board moves.

How fast a board moves does not depend on where a fixed camera stands. So the speeds that two cameras see,
shifted by their offset, rise and fall together. This is coarse, but needs nothing else and reaches seconds;
the bundle adjustment refines it to fractions of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Complexes = NDArray[np.complex128]

REACH_S = 3.0
GRID_S = 0.01
LONGEST_STEP_S = 0.4
"""Speeds between pictures further apart say nothing about the time in between."""
FEWEST_OVERLAP_S = 2.0
LEAST_CORRELATION = 0.7
TURN_WEIGHT_MM = 500.0
_STILL = 1e-9
"""Variance of the logarithm of speed below which there is nothing to correlate, only rounding."""


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
    if min(len(times) for times, _ in signals) < 3:
        return None
    grid = np.arange(
        min(times[0] for times, _ in signals) - REACH_S,
        max(times[-1] for times, _ in signals) + REACH_S,
        GRID_S,
    )
    spectra = [_Spectra.of(np.log1p(np.interp(grid, *one, left=np.nan, right=np.nan))) for one in signals]
    offsets: dict[tuple[int, int], tuple[float, float] | None] = {
        (a, b): _offset(spectra[a], spectra[b]) for a in range(cameras) for b in range(a)
    }
    lags = np.full(cameras, np.nan)
    lags[reference] = 0.0
    while np.isnan(lags).any():
        best: tuple[float, int, float] | None = None
        for (a, b), found in offsets.items():
            if found is None or np.isnan(lags[a]) == np.isnan(lags[b]):
                continue
            correlation, later = found
            new, lag = (b, lags[a] + later) if np.isnan(lags[b]) else (a, lags[b] - later)
            if best is None or correlation > best[0]:
                best = (correlation, new, float(lag))
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


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Fourier transforms of a signal with gaps: sums over all shifts of two of them cost a few products.

    Attributes:
        known: Of 1 where the signal is known, 0 elsewhere.
        value: Of the signal, 0 where it is not known.
        square: Of its square.
        size: Of the transforms.
    """

    known: Complexes
    value: Complexes
    square: Complexes
    size: int

    @classmethod
    def of(cls, signal: Floats) -> _Spectra:
        known = np.isfinite(signal)
        value = np.where(known, signal - (np.mean(signal[known]) if known.any() else 0.0), 0.0)
        # With room for the longest shift, so that ends do not wrap onto starts.
        size = 1 << int(np.ceil(np.log2(len(signal) + round(REACH_S / GRID_S) + 1)))
        known_spectrum, value_spectrum, square_spectrum = (
            np.fft.rfft(one, size) for one in (known.astype(np.float64), value, value**2)
        )
        return cls(known_spectrum, value_spectrum, square_spectrum, size)


def _offset(first: _Spectra, second: _Spectra) -> tuple[float, float] | None:
    """Correlation and lag (s) of the second signal against the first."""
    reach = round(REACH_S / GRID_S)
    shifts = np.arange(-reach, reach + 1)

    def sums(a: Complexes, b: Complexes) -> Floats:
        # The second camera shows at stamp s + lag what the first shows at s.
        return np.asarray(np.fft.irfft(np.conj(a) * b, first.size)[shifts])

    count = np.round(sums(first.known, second.known))
    enough = count * GRID_S >= FEWEST_OVERLAP_S
    if not enough.any():
        return None
    n = np.maximum(count, 1.0)
    x, y = sums(first.value, second.known), sums(first.known, second.value)
    xx = np.maximum(sums(first.square, second.known) - x * x / n, 0.0)
    yy = np.maximum(sums(first.known, second.square) - y * y / n, 0.0)
    size = np.sqrt(xx * yy)
    moving = size > _STILL * n
    correlation = np.where(moving, sums(first.value, second.value) - x * y / n, 0.0) / np.where(
        moving, size, 1.0
    )
    best = int(np.argmax(np.where(enough, correlation, -np.inf)))
    return float(correlation[best]), float(shifts[best]) * GRID_S
