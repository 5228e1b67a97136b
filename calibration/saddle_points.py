"""Points where four squares may meet: saddle points of the brightness, found in a few milliseconds.

A search for a checkerboard in a picture without one costs OpenCV's detectors a tenth of a second and more.
The count of saddle points tells beforehand whether it is worth it, and their cluster where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

# All in px of the reduced picture. The smoothing joins the pixels of one edge; the ring lies outside the blur
# of the corner and inside squares down to 5 px.
_SMOOTHING = 1.2
_RING = 4.0
_RING_SAMPLES = 16
# Grey values between the lightest and darkest pixel near a corner.
_FEWEST_GREYS = 15.0
# Root of the Hessian's determinant over the contrast: 1 / (pi * smoothing^2) = 0.22 at a perfect corner.
_STEEPNESS = 0.10
# Half of the ring must repeat the other half to this part of its contrast.
_ASYMMETRY = 0.35
# Neighbours in a grid are about as far from each other as from their other neighbours.
_LINK = 2.1
# A twin is where it should be to this part of the step; perspective and lenses change steps by a tenth.
_TWIN = 0.25


@dataclass(frozen=True)
class Cluster:
    """Saddle points that lie like a grid.

    Attributes:
        count: How many.
        low: (2,) px, upper left of their bounding box.
        high: (2,) px, lower right.
        spacing_px: Median distance to the nearest neighbour.
        regularity: Share of nearest neighbours that have a twin on the other side: 0.6 to 0.8 in a board,
            0.14 and more where markers or clutter lie between its corners, up to 0.1 in noise (measured).
    """

    count: int
    low: Floats
    high: Floats
    spacing_px: float
    regularity: float


def find_saddle_points(grey: Grey, longest_side: int) -> Floats:
    """Saddle points of a picture.

    Args:
        grey: (H, W).
        longest_side: The picture is reduced to this many px first; more finds smaller squares and costs more
            (4 ms for 480, measured).

    Returns:
        (N, 2) px of the full picture, accurate to a pixel of the reduced one.
    """
    scale = min(1.0, longest_side / max(grey.shape))
    copy = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    smooth = cv2.GaussianBlur(copy.astype(np.float32), (0, 0), _SMOOTHING)
    # The factor makes them derivatives per px.
    xx = cv2.Sobel(smooth, -1, 2, 0, ksize=3, scale=0.25)
    yy = cv2.Sobel(smooth, -1, 0, 2, ksize=3, scale=0.25)
    xy = cv2.Sobel(smooth, -1, 1, 1, ksize=3, scale=0.25)
    saddle = xy * xy - xx * yy
    highest = cv2.dilate(saddle, np.ones((5, 5), np.uint8))
    ys, xs = np.nonzero((saddle >= highest) & (saddle > (_STEEPNESS * _FEWEST_GREYS) ** 2))
    if not len(xs):
        return np.zeros((0, 2))
    ring = _rings(smooth, xs, ys)
    contrast = np.ptp(ring, axis=1)
    deep = saddle[ys, xs] > (_STEEPNESS * contrast) ** 2
    ring = ring - ring.mean(axis=1, keepdims=True)
    changes = np.count_nonzero(np.diff(np.sign(np.column_stack([ring, ring[:, 0]])), axis=1), axis=1)
    half = _RING_SAMPLES // 2
    asymmetry = np.abs(ring[:, :half] - ring[:, half:]).sum(axis=1) / (np.abs(ring).sum(axis=1) + 1e-6)
    keep = deep & (contrast > _FEWEST_GREYS) & (changes == 4) & (asymmetry < _ASYMMETRY)
    found: Floats = (np.column_stack([xs, ys])[keep] + 0.5) / scale - 0.5
    return found


def largest_cluster(points: Floats) -> Cluster | None:
    """The most points that hang together like a grid; None of fewer than four points."""
    if len(points) < 4:
        return None
    # Here, as it takes 0.2 s to import and ChArUco boards are found without.
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    distances, neighbours = tree.query(points, k=min(5, len(points)))
    # The second nearest neighbour: one stray point beside a corner does not make its spacing small.
    own = distances[:, min(2, distances.shape[1] - 1)]
    labels = np.arange(len(points))
    linked = [
        (a, int(b))
        for a in range(len(points))
        for b, distance in zip(neighbours[a, 1:], distances[a, 1:], strict=True)
        if distance <= _LINK * min(own[a], own[int(b)])
    ]
    for a, b in linked:
        keep, lose = labels[a], labels[b]
        if keep != lose:
            labels[labels == lose] = keep
    values, counts = np.unique(labels, return_counts=True)
    members = labels == values[np.argmax(counts)]
    chosen = points[members]
    opposite = 2.0 * chosen[:, None] - points[neighbours[members, 1:3]]
    gaps, _ = tree.query(opposite.reshape(-1, 2))
    return Cluster(
        int(members.sum()),
        chosen.min(axis=0),
        chosen.max(axis=0),
        float(np.median(distances[members, 1])),
        float(np.mean(gaps < _TWIN * distances[members, 1:3].ravel())),
    )


def _rings(smooth: NDArray[Any], xs: NDArray[np.intp], ys: NDArray[np.intp]) -> Floats:
    angles = np.arange(_RING_SAMPLES) * (2 * np.pi / _RING_SAMPLES)
    x = (xs[:, None] + _RING * np.cos(angles)).astype(np.float32)
    y = (ys[:, None] + _RING * np.sin(angles)).astype(np.float32)
    # remap takes at most 32767 rows; a picture with more saddle points than that is noise, not a board.
    most = 20_000
    sampled = cv2.remap(smooth, x[:most], y[:most], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rings = np.zeros((len(xs), _RING_SAMPLES))
    rings[:most] = sampled
    return rings
