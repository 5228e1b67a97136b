"""Unprojection on the CPU: every voxel is projected, sampled and merged in one go.

The sampled views of a voxel live in a buffer of V x C numbers in the first-level cache, so nothing of the
size (V, C, S, S, S) is ever written. Maps and volume have their channels last: the four neighbours of a
position are four contiguous rows, and the loops over channels become vector instructions.
"""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

SUM, MAX, SOFTMAX, CONF, CONF_NORM = range(5)
MODES = {"sum": SUM, "max": MAX, "softmax": SOFTMAX, "conf": CONF, "conf_norm": CONF_NORM}
SMALLEST_SHARE = 2048
"""Points that are worth a thread: about 0.3 ms of work, several times what starting it costs."""

LOG2E = np.float32(1.4426950408889634)
# Taylor coefficients of 2^f for |f| <= 1/2: the next term, 1.2e-9, is below the rounding of float32.
C1 = np.float32(0.6931471805599453)
C2 = np.float32(0.2402265069591007)
C3 = np.float32(0.0555041086648216)
C4 = np.float32(0.009618129107628477)
C5 = np.float32(0.0013333558146428443)
C6 = np.float32(0.00015403530393381608)
C7 = np.float32(1.5252733804059841e-05)


@njit(cache=True, nogil=True, fastmath={"nsz", "arcp", "contract", "afn", "reassoc"}, error_model="numpy")
def unproject_points(
    maps: Floats,
    projections: Floats,
    points: Floats,
    confidences: Floats,
    present: Bools,
    mode: int,
    mask_unseen: bool,
    first: int,
    last: int,
    volume: Floats,
) -> None:
    """Fill ``volume[first:last]`` of one sample.

    Args:
        maps: (V, h, w, C).
        projections: (V, 3, 4) from points to positions in the map.
        points: (N, 3).
        confidences: (V, C).
        present: (V,).
        mode: One of the constants of this module.
        mask_unseen: Leave out views in which the point is not visible.
        first: First point to do.
        last: One past the last point to do.
        volume: (N, C), written.
    """
    views, height, width, channels = maps.shape
    values = np.empty((views, channels), np.float32)
    power = np.empty(channels, np.float32)
    bits = np.empty(channels, np.int32)
    scale = bits.view(np.float32)
    top = np.empty(channels, np.float32)
    total = np.empty(channels, np.float32)
    merged = np.empty(channels, np.float32)
    view_of = np.empty(views, np.int64)

    for n in range(first, last):
        px, py, pz = points[n, 0], points[n, 1], points[n, 2]
        taken = 0  # views that take part, in the first rows of ``values``
        sampled = 0
        for v in range(views):
            if not present[v]:
                continue
            row = taken
            depth = (
                projections[v, 2, 0] * px
                + projections[v, 2, 1] * py
                + projections[v, 2, 2] * pz
                + projections[v, 2, 3]
            )
            x = np.float32(-2.0)
            y = np.float32(-2.0)
            if depth > 0:
                x = (
                    projections[v, 0, 0] * px
                    + projections[v, 0, 1] * py
                    + projections[v, 0, 2] * pz
                    + projections[v, 0, 3]
                ) / depth
                y = (
                    projections[v, 1, 0] * px
                    + projections[v, 1, 1] * py
                    + projections[v, 1, 2] * pz
                    + projections[v, 1, 3]
                ) / depth
            if mask_unseen and not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                continue
            view_of[taken] = v
            taken += 1
            if not (-1 < x < width and -1 < y < height):
                for c in range(channels):
                    values[row, c] = 0
                continue
            sampled += 1
            column, line = int(np.floor(x)), int(np.floor(y))
            right = x - np.float32(column)
            below = y - np.float32(line)
            left, above = np.float32(1) - right, np.float32(1) - below
            if column < 0:
                left, column_left = np.float32(0), 0
            else:
                column_left = column
            if column + 1 >= width:
                right, column_right = np.float32(0), width - 1
            else:
                column_right = column + 1
            if line < 0:
                above, line_above = np.float32(0), 0
            else:
                line_above = line
            if line + 1 >= height:
                below, line_below = np.float32(0), height - 1
            else:
                line_below = line + 1
            w00, w01, w10, w11 = above * left, above * right, below * left, below * right
            for c in range(channels):
                values[row, c] = (
                    w00 * maps[v, line_above, column_left, c]
                    + w01 * maps[v, line_above, column_right, c]
                    + w10 * maps[v, line_below, column_left, c]
                    + w11 * maps[v, line_below, column_right, c]
                )

        if sampled == 0:
            for c in range(channels):
                volume[n, c] = 0
            continue

        if mode in (MAX, SOFTMAX):
            for c in range(channels):
                top[c] = values[0, c]
            for v in range(1, taken):
                for c in range(channels):
                    top[c] = max(top[c], values[v, c])
        if mode == MAX:
            for c in range(channels):
                volume[n, c] = top[c]
            continue

        for c in range(channels):
            merged[c] = 0
            total[c] = 0
        if mode == SOFTMAX:
            for v in range(taken):
                # exp(d) = 2^n 2^f with n whole and |f| <= 1/2; 2^n is put together from its bits.
                for c in range(channels):
                    exponent = max((values[v, c] - top[c]) * LOG2E, np.float32(-126))
                    whole = np.floor(exponent + np.float32(0.5))
                    f = exponent - whole
                    p = C6 + f * C7
                    p = C5 + f * p
                    p = C4 + f * p
                    p = C3 + f * p
                    p = C2 + f * p
                    p = C1 + f * p
                    power[c] = np.float32(1) + f * p
                    bits[c] = (np.int32(whole) + np.int32(127)) << np.int32(23)
                for c in range(channels):
                    weight = power[c] * scale[c]
                    total[c] += weight
                    merged[c] += weight * values[v, c]
            for c in range(channels):
                volume[n, c] = merged[c] / total[c]
            continue

        if mode == SUM:
            for v in range(taken):
                for c in range(channels):
                    merged[c] += values[v, c]
        else:
            for v in range(taken):
                for c in range(channels):
                    weight = confidences[view_of[v], c]
                    total[c] += weight
                    merged[c] += weight * values[v, c]
        if mode == CONF_NORM:
            for c in range(channels):
                merged[c] /= max(total[c], np.float32(1.1754944e-38))
        for c in range(channels):
            volume[n, c] = merged[c]


def unproject_cpu(
    features: Tensor,
    projections: Tensor,
    points: Tensor,
    aggregation: str,
    confidences: Tensor | None,
    present: Tensor | None,
    mask_unseen: bool,
) -> Tensor:
    """``unprojection.unproject`` without gradients, on as many threads as torch uses.

    Args:
        features: (B, V, C, h, w) on the CPU.
        projections: (B, V, 3, 4) from points to positions in the map.
        points: (N, 3) or (B, N, 3).
        aggregation: A key of ``MODES``.
        confidences: (B, V, C) for the modes that need them.
        present: (B, V) bool, None for all.
        mask_unseen: Leave out views in which the point is not visible.

    Returns:
        (B, C, N) float32; in memory the channels run fastest, which ``channels_last_3d`` networks take as is.
    """
    batch, views, channels = features.shape[:3]
    maps = _array(features.permute(0, 1, 3, 4, 2))
    each = _array(points if points.ndim == 3 else points.expand(batch, -1, -1))
    rows = _array(projections)
    there = np.ones((batch, views), np.bool_) if present is None else present.numpy()
    weights = np.ones((batch, views, channels), np.float32) if confidences is None else _array(confidences)
    volume = np.empty((batch, points.shape[-2], channels), np.float32)
    mode = MODES[aggregation]

    shares = _shares(batch, points.shape[-2], torch.get_num_threads())

    def fill(share: list[tuple[int, int, int]]) -> None:
        for b, first, last in share:
            unproject_points(
                maps[b],
                rows[b],
                each[b],
                weights[b],
                there[b],
                mode,
                mask_unseen,
                first,
                last,
                volume[b],
            )

    workers = [threading.Thread(target=fill, args=(share,)) for share in shares[1:]]
    for worker in workers:
        worker.start()
    fill(shares[0])
    for worker in workers:
        worker.join()
    return torch.from_numpy(volume).transpose(1, 2)


def _array(tensor: Tensor) -> Floats:
    """The values as a contiguous float32 array, copied only if they are not."""
    array: Floats = tensor.detach().to(torch.float32).contiguous().numpy()
    return array


def _shares(batch: int, points: int, threads: int) -> list[list[tuple[int, int, int]]]:
    """Equal parts of all samples' points, one list of (sample, first, last) per thread."""
    count = max(1, min(threads, batch * points // SMALLEST_SHARE))
    bounds = np.linspace(0, batch * points, count + 1).astype(int).tolist()
    shares = []
    for begin, end in pairwise(bounds):
        share = []
        for b in range(begin // points, -(-end // points)):
            first, last = max(begin - b * points, 0), min(end - b * points, points)
            share.append((b, first, last))
        shares.append(share)
    return shares
