"""The landmarks of the person in a region: crop, network output, refinement by heat maps."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.keypoints.base import Image
from models.keypoints.blazepose.network import Network
from models.keypoints.blazepose.region import CROP_SIDE, Region

OUTPUTS = ("Identity", "Identity_1", "Identity_3")
"""Landmarks, probability of a person, heat maps. Segmentation and metric points are not used."""

LANDMARKS = 33
"""Landmarks of the body; two more points follow that give the next picture's region."""

POINTS = LANDMARKS + 2
ROW = 5  # x, y, z, visibility, presence
STRIDE = 4
"""Crop pixels per heat map cell."""

RADIUS = 4
"""Half of the 9 x 9 cells looked at; a 7 x 7 window misses the published values by 0.7 px median."""

SMOOTH_BELOW = 384.0
"""Region side, px, up to which a picture is not averaged before cropping: 1.5 picture px per crop px."""

_STEPS = np.arange(-RADIUS, RADIUS + 1)


@dataclass(frozen=True)
class Landmarks:
    """What the network says about one region.

    Attributes:
        points: (33, 2) px of the picture.
        visibility: (33,) in [0, 1].
        person: Probability that the region holds a person.
        next_region: Where to look in the next picture.
    """

    points: NDArray[np.float64]
    visibility: NDArray[np.float64]
    person: float
    next_region: Region


def find_landmarks(network: Network, image: Image, region: Region, *, smooth: bool) -> Landmarks:
    """Landmarks of the person in ``region`` of a (H, W, 3) BGR picture; see ``crop`` for ``smooth``."""
    network.feed(crop(image, region, smooth=smooth), scale=1 / 255, offset=0.0)
    network.run()
    rows = network.output("Identity").reshape(-1, ROW)[:POINTS].astype(np.float64)
    person = float(network.output("Identity_1")[0, 0])
    points = region.to_picture(refine(rows[:, :2], network.output("Identity_3")[0]))
    visibility = expit(rows[:LANDMARKS, 3])
    return Landmarks(
        points[:LANDMARKS], visibility, person, Region.around(points[LANDMARKS], points[LANDMARKS + 1])
    )


def crop(image: Image, region: Region, *, smooth: bool) -> Image:
    """(256, 256, 3) RGB picture of the region, upright; outside the picture the border repeats.

    Args:
        image: (H, W, 3) BGR.
        region: What to show.
        smooth: Average blocks of 2, 4, 8, … pixels first where the region is large, so that no picture pixel
            is skipped. Steadier, but not what the network's publisher does.
    """
    matrix = region.picture_from_crop
    factor = 1
    while smooth and region.side / factor > SMOOTH_BELOW:
        factor *= 2
    if factor == 1:
        return cv2.cvtColor(_sample(image, matrix), cv2.COLOR_BGR2RGB)  # type: ignore[return-value]
    image, (x, y) = _averaged(image, region, factor)
    # Pixel i of the average covers pixels factor*i ... factor*i + factor-1 of the picture.
    matrix = matrix / factor
    matrix[:, 2] -= np.array([x, y]) / factor + (factor - 1) / (2 * factor)
    # Four channels are sampled twice as fast as three; on the small picture that pays for the conversion.
    four: Image = cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)  # type: ignore[assignment]
    return cv2.cvtColor(_sample(four, matrix), cv2.COLOR_RGBA2RGB)  # type: ignore[return-value]


def _sample(image: Image, picture_from_crop: NDArray[np.float64]) -> Image:
    sampled: Image = cv2.warpAffine(  # type: ignore[assignment]
        image,
        picture_from_crop,
        (CROP_SIDE, CROP_SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return sampled


def _averaged(image: Image, region: Region, factor: int) -> tuple[Image, tuple[int, int]]:
    """The region's neighbourhood, block-averaged, and its first pixel in the picture."""
    height, width = image.shape[:2]
    corners = region.corners
    # Two blocks of margin: bilinear sampling must not meet the cut where the picture goes on.
    low = np.floor(corners.min(axis=0) / factor - 2).astype(int) * factor
    high = np.ceil(corners.max(axis=0) / factor + 2).astype(int) * factor
    # Whole blocks only: up to factor-1 last columns and rows of the picture take no part. A region beside the
    # picture still needs one block of it, whose border then repeats.
    size = np.maximum(np.array([width, height]) // factor, 1) * factor
    low = np.clip(low, 0, size - factor)
    high = np.clip(high, low + factor, size)
    part = image[low[1] : high[1], low[0] : high[0]]
    while factor > 1:  # halving twice is three times faster than one step of four
        part = cv2.resize(  # type: ignore[assignment]
            part,
            (max(part.shape[1] // 2, 1), max(part.shape[0] // 2, 1)),
            interpolation=cv2.INTER_AREA,
        )
        factor //= 2
    return part, (int(low[0]), int(low[1]))


def refine(points: NDArray[np.float64], heat_maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Move points to the centre of mass of their heat maps' nearby response.

    Args:
        points: (N, 2) crop px, as regressed.
        heat_maps: (64, 64, M) logits, M >= N.

    Returns:
        (N, 2) crop px; points whose cell lies outside the map, or whose window holds no probability of at
        least one half, as they were.
    """
    height, width = heat_maps.shape[:2]
    finite = np.asarray(np.isfinite(points).all(axis=1))
    cells = np.trunc(np.where(finite[:, None], points, -STRIDE) / STRIDE).astype(np.intp)
    inside = finite & (cells >= 0).all(axis=1) & (cells < (width, height)).all(axis=1)
    columns = cells[:, 0, None] + _STEPS  # (N, 9)
    rows = cells[:, 1, None] + _STEPS
    columns_in = (columns >= 0) & (columns < width)
    rows_in = (rows >= 0) & (rows < height)
    windows = heat_maps[
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
        np.arange(len(points))[:, None, None],
    ].astype(np.float64)
    windows[~(rows_in[:, :, None] & columns_in[:, None, :])] = -np.inf  # weighs nothing
    weights = expit(windows)
    moved = inside & (weights.max(axis=(1, 2)) >= 0.5)
    total = np.where(moved, weights.sum(axis=(1, 2)), 1.0)
    mean_x = np.einsum("nrc,nc->n", weights, columns) / total
    mean_y = np.einsum("nrc,nr->n", weights, rows) / total
    refined = np.stack([mean_x, mean_y], axis=1) * STRIDE
    return np.where(moved[:, None], refined, points)
