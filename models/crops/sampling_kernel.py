"""Crop, undistort, resize and normalise in one pass over the crop's pixels (CPU)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, fastmath=True)
def sample_normalised(
    picture: NDArray[np.uint8],
    nodes: NDArray[np.float32],
    step: int,
    gain: NDArray[np.float32],
    offset: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Read a picture bilinearly at positions interpolated between nodes.

    Args:
        picture: (h, w, 3).
        nodes: (N, N, 2) px (x, y) of ``picture`` for every ``step``-th pixel of ``out``; must be finite.
        step: Pixels between nodes.
        gain: (3,) factor per channel.
        offset: (3,) added per channel afterwards.
        out: (3, H, W), written: ``value * gain + offset``; pixels outside the picture count as 0.
    """
    height, width = picture.shape[0], picture.shape[1]
    rows, columns = out.shape[1], out.shape[2]
    for v in range(rows):
        node_v, rest_v = v // step, (v % step) / np.float32(step)
        below = min(node_v + 1, nodes.shape[0] - 1)
        for node_u in range(-(-columns // step)):
            right = min(node_u + 1, nodes.shape[1] - 1)
            x0 = nodes[node_v, node_u, 0] + rest_v * (nodes[below, node_u, 0] - nodes[node_v, node_u, 0])
            y0 = nodes[node_v, node_u, 1] + rest_v * (nodes[below, node_u, 1] - nodes[node_v, node_u, 1])
            x1 = nodes[node_v, right, 0] + rest_v * (nodes[below, right, 0] - nodes[node_v, right, 0])
            y1 = nodes[node_v, right, 1] + rest_v * (nodes[below, right, 1] - nodes[node_v, right, 1])
            dx, dy = (x1 - x0) / np.float32(step), (y1 - y0) / np.float32(step)
            for u in range(node_u * step, min((node_u + 1) * step, columns)):
                along = np.float32(u - node_u * step)
                x, y = x0 + along * dx, y0 + along * dy
                if x <= -1 or y <= -1 or x >= width or y >= height:
                    for c in range(3):
                        out[c, v, u] = offset[c]
                    continue
                left, top = int(np.floor(x)), int(np.floor(y))
                fx, fy = x - np.float32(left), y - np.float32(top)
                w00, w01 = (1 - fx) * (1 - fy), fx * (1 - fy)
                w10, w11 = (1 - fx) * fy, fx * fy
                if left < 0:
                    w00 = w10 = np.float32(0)
                if left + 1 >= width:
                    w01 = w11 = np.float32(0)
                if top < 0:
                    w00 = w01 = np.float32(0)
                if top + 1 >= height:
                    w10 = w11 = np.float32(0)
                l0, l1 = max(left, 0), min(left + 1, width - 1)
                t0, t1 = max(top, 0), min(top + 1, height - 1)
                for c in range(3):
                    value = (
                        w00 * picture[t0, l0, c]
                        + w01 * picture[t0, l1, c]
                        + w10 * picture[t1, l0, c]
                        + w11 * picture[t1, l1, c]
                    )
                    out[c, v, u] = value * gain[c] + offset[c]
