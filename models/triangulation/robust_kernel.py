"""People from V views, compiled: the loop over people and joints of ``RobustTriangulator``."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.triangulation.joint_kernel import (
    BEHIND_PX,
    NEAREST_MM,
    covariance_of,
    nearest_to_rays,
    normal_equations,
    refine,
    residuals,
    select_views,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PRIOR_STEPS = 2
"""Steps under the assumed noise before it is measured: enough to leave the corner points of the median
behind."""
PRIOR_COUNT = 10.0
"""Weight of the assumed noise against the measured one, in residual
components."""
RAYLEIGH_MEDIAN = 1.1774100225154747
"""Median length of a 2D Gaussian vector with unit variance per axis, sqrt(2 ln 2)."""


@njit(cache=True, nogil=True, error_model="numpy")
def triangulate_people(
    pixels: Floats,
    scores: Floats,
    R: Floats,
    t: Floats,
    K: Floats,
    min_score: float,
    noise_mm: float,
    min_noise_px: float,
    limit: float,
    consistency: Floats,
    joints: Floats,
    covariance: Floats,
    used: Bools,
    residual_px: Floats,
    agreement: Floats,
) -> None:
    """Triangulate N people; see ``RobustTriangulator`` for the method and the meaning of the numbers.

    Args:
        pixels: (N, V, J, 2) ideal px, NaN where missing.
        scores: (N, V, J) in [0, 1].
        R: (V, 3, 3) camera from the centred world.
        t: (V, 3) mm.
        K: (V, 4) fx, fy, cx, cy.
        min_score: Views below do not take part.
        noise_mm: Largest standard deviation of a keypoint per axis, at the person, that is believed.
        min_noise_px: Standard deviation that no view falls below.
        limit: Residual, in standard deviations, above which a view is dropped.
        consistency: (2 V + 1,) largest plausible sum of squared residuals by degrees of freedom.
        joints: (N, J, 3) out, mm.
        covariance: (N, J, 3, 3) out, mm^2.
        used: (N, V, J) out.
        residual_px: (N, V, J) out, NaN where a view has no keypoint.
        agreement: (N, J) out, share of the usable scores that the views used have, in [0, 1].
    """
    people, views, count = scores.shape
    origins = np.empty((views, 3))
    for v in range(views):
        for axis in range(3):
            origins[v, axis] = -(R[v, 0, axis] * t[v, 0] + R[v, 1, axis] * t[v, 1] + R[v, 2, axis] * t[v, 2])
    # Joint-major copies: everything about one joint lies together.
    xy = np.empty((count, views, 2))
    confidence = np.empty((count, views))
    usable = np.empty((count, views), np.bool_)
    active = np.empty((count, views), np.bool_)
    residual = np.empty((count, views))
    points = np.empty((count, 3))
    known = np.empty(count, np.bool_)
    directions = np.empty((views, 3))
    noise = np.empty(views)
    px_per_mm = np.empty(views)
    out = np.empty(15)
    chi_square = np.empty(count)
    degrees = np.empty(count)
    for n in range(people):
        # 1. Geometric median of the rays: a start that one wrong view cannot carry away.
        for j in range(count):
            seen = 0
            for v in range(views):
                c, px, py = scores[n, v, j], pixels[n, v, j, 0], pixels[n, v, j, 1]
                usable[j, v] = c >= min_score and c > 0.0 and math.isfinite(px) and math.isfinite(py)
                confidence[j, v] = min(c, 1.0) if usable[j, v] else 0.0
                xy[j, v, 0], xy[j, v, 1] = px, py
                residual[j, v] = math.nan
                if not usable[j, v]:
                    continue
                seen += 1
                a, b = (px - K[v, 2]) / K[v, 0], (py - K[v, 3]) / K[v, 1]
                length = math.sqrt(a * a + b * b + 1.0)
                for axis in range(3):
                    directions[v, axis] = (R[v, 0, axis] * a + R[v, 1, axis] * b + R[v, 2, axis]) / length
            known[j] = seen >= 2 and nearest_to_rays(points[j], origins, directions, confidence[j])

        # 2. How large a millimetre at the person is in each view.
        for v in range(views):
            depths = np.empty(count)
            found = 0
            for j in range(count):
                if known[j]:
                    depth = (
                        R[v, 2, 0] * points[j, 0] + R[v, 2, 1] * points[j, 1] + R[v, 2, 2] * points[j, 2]
                    ) + t[v, 2]
                    if depth > NEAREST_MM:
                        depths[found] = depth
                        found += 1
            px_per_mm[v] = 0.5 * (K[v, 0] + K[v, 1]) / np.median(depths[:found]) if found else 0.0
            noise[v] = math.sqrt(min_noise_px**2 + (noise_mm * px_per_mm[v]) ** 2)

        # 3. The noise of this person's keypoints: median over views and joints, which gross errors do not
        # move.
        errors = np.empty(count * views)
        found = 0
        for j in range(count):
            if not known[j]:
                continue
            for v in range(views):
                active[j, v] = usable[j, v]
            start = points[j].copy()
            if not refine(points[j], PRIOR_STEPS, xy[j], confidence[j], active[j], noise, R, t, K, out):
                points[j] = start
                continue
            residuals(points[j], xy[j], usable[j], R, t, K, residual[j])
            # A point is fitted to its views: 2 V residuals keep the spread of 2 V - 3.
            inflate = math.sqrt(2.0 * out[9] / (2.0 * out[9] - 3.0))
            for v in range(views):
                if usable[j, v]:
                    errors[found] = residual[j, v] / noise[v] * inflate
                    found += 1
        if found:
            spread = np.median(errors[:found]) / RAYLEIGH_MEDIAN
            spread = math.sqrt((PRIOR_COUNT + found * spread * spread) / (PRIOR_COUNT + found))
            measured_mm = noise_mm * min(spread, 1.0)
            for v in range(views):
                noise[v] = math.sqrt(min_noise_px**2 + (measured_mm * px_per_mm[v]) ** 2)

        # 4. Views that contradict the rest go; the rest decide.
        squares, freedom = PRIOR_COUNT, PRIOR_COUNT
        kept, weight, slope, slope_squared = 0.0, 0.0, 0.0, 0.0
        for j in range(count):
            for v in range(views):
                active[j, v] = False
            if known[j]:
                known[j] = select_views(
                    points[j],
                    limit,
                    xy[j],
                    confidence[j],
                    usable[j],
                    active[j],
                    noise,
                    R,
                    t,
                    K,
                    residual[j],
                    out,
                )
            if known[j]:
                normal_equations(points[j], xy[j], confidence[j], active[j], noise, R, t, K, out)
                known[j] = out[9] >= 2.0
            if known[j]:
                chi_square[j], degrees[j] = out[10], 2.0 * out[9] - 3.0
                if chi_square[j] <= consistency[int(degrees[j])]:
                    squares += out[11]
                    freedom += degrees[j]
                    kept += out[9]
                    weight += out[12]
                    slope += out[13]
                    slope_squared += out[14]
        # Variance of an M-estimator with its small-sample factor (Huber and Ronchetti, Robust Statistics,
        # sec. 7.6), and the mean weight put back because the normal matrix below is the weighted one.
        variance = squares / freedom
        if kept > 0.0:
            weight, slope, slope_squared = weight / kept, slope / kept, slope_squared / kept
            unknowns = 1.0 - (freedom - PRIOR_COUNT) / (2.0 * kept)
            small_sample = 1.0 + unknowns * (slope_squared / slope**2 - 1.0)
            variance *= small_sample**2 * weight / slope**2

        # 5. Covariance, and what is left to say.
        for j in range(count):
            fits, evidence = 0.0, 0.0
            for v in range(views):
                used[n, v, j] = known[j] and active[j, v]
                error = residual[j, v] if known[j] else math.nan
                residual_px[n, v, j] = math.inf if error == BEHIND_PX else error
                if usable[j, v] and known[j]:
                    evidence += confidence[j, v]
                    if active[j, v]:
                        fits += confidence[j, v]
            if not known[j]:
                joints[n, j, :] = math.nan
                covariance[n, j, :, :] = math.nan
                agreement[n, j] = 0.0
                continue
            agreement[n, j] = fits / evidence
            normal_equations(points[j], xy[j], confidence[j], active[j], noise, R, t, K, out)
            scale = variance
            if chi_square[j] > consistency[int(degrees[j])]:
                scale = max(variance, chi_square[j] / degrees[j])
            joints[n, j] = points[j]
            covariance_of(scale, out, covariance[n, j])
