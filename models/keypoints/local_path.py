"""Where a point of a picture was at a moment between, or just behind, its last few positions.

Least squares over those positions: a straight line, and what a parabola would add to it. Both come from
polynomials that are orthogonal on the times at hand, so that missing positions cost nothing but their weight
and nothing has to be inverted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEDIAN_OF_TWO: float = 2.0 * float(np.log(2.0))
"""Median of the sum of two squared standard normal numbers, along x and y: 1.386."""


@dataclass(frozen=True)
class LocalPath:
    """What the positions of V views and J points say about one moment of each view.

    Attributes:
        straight: (V, J, 2) px on the line; NaN with fewer than two positions.
        bend: (V, J, 2) px that the parabola adds to it; 0 with fewer than three.
        bend_px2: (V, J) squared size of the bend in units of its own spread: of points that do not bend it
            is the variance of a position times a chi-square number of two degrees. NaN with fewer than three.
        misfit_px2: (V, J) sum of squares that the parabola leaves, as the same multiple of the variance;
            NaN unless there are four positions.
    """

    straight: Floats
    bend: Floats
    bend_px2: Floats
    misfit_px2: Floats


def local_path(times: Floats, positions: Floats, at: Floats) -> LocalPath:
    """Fit.

    Args:
        times: (V, N) in any unit, N up to 4; those of missing positions do not matter.
        positions: (V, N, J, 2) px, NaN where missing.
        at: (V,) the moments, in the same unit.
    """
    there = np.isfinite(positions[..., 0])
    weight = there.astype(np.float64)
    count = weight.sum(axis=1)
    points = np.where(there[..., None], positions, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_time = (weight * times[:, :, None]).sum(axis=1) / count
        since = np.where(there, times[:, :, None] - mean_time[:, None], 0.0)
        second = (since**2).sum(axis=1)
        tilt, level = (since**3).sum(axis=1) / second, second / count
        curve = np.where(there, since**2 - tilt[:, None] * since - level[:, None], 0.0)
        curve_size = (curve**2).sum(axis=1)
        mean = points.sum(axis=1) / count[..., None]
        slope = _along(since, points) / second[..., None]
        curvature = _along(curve, points) / curve_size[..., None]
        ahead = at[:, None] - mean_time
        straight = mean + slope * ahead[..., None]
        bend = curvature * (ahead**2 - tilt * ahead - level)[..., None]
        bend_px2 = (curvature**2).sum(axis=-1) * curve_size
        from_mean = np.where(there[..., None], positions - mean[:, None], 0.0)
        spread = (from_mean**2).sum(axis=(1, 3)) - (slope**2).sum(axis=-1) * second
        misfit = np.maximum(spread - bend_px2, 0.0)
    straight[count < 2] = np.nan
    curved = count >= 3
    bend[~curved] = 0.0
    bend_px2[~curved] = np.nan
    misfit[count != 4] = np.nan
    return LocalPath(straight, bend, bend_px2, misfit)


def trust_in_bend(bend_px2: Floats, variance_px2: float) -> Floats:
    """(J,) how much of a bend is more than noise, 0 to 1, judged over all views of a point together.

    After James and Stein (1961): what is left of a squared size when that of pure noise is taken off. The
    median over views keeps a gross error in one of them from counting as motion.

    Args:
        bend_px2: (V, J) of ``LocalPath``.
        variance_px2: Of a position, along each axis.
    """
    ordered = np.sort(bend_px2, axis=0)  # NaN last
    count = np.isfinite(bend_px2).sum(axis=0)
    middle = [np.maximum(place, 0) for place in ((count - 1) // 2, count // 2 - (count == 0))]
    low, high = (np.take_along_axis(ordered, place[None], axis=0)[0] for place in middle)
    typical = np.where(count > 0, (low + high) / 2, 0.0)
    noise = MEDIAN_OF_TWO * variance_px2
    return np.asarray(np.maximum(0.0, 1.0 - noise / np.maximum(typical, max(noise, 1e-12))), np.float64)


def _along(shape: Floats, points: Floats) -> Floats:
    """(V, J, 2) sums over the N positions."""
    found: Floats = np.einsum("vnj,vnjc->vjc", shape, points)
    return found
