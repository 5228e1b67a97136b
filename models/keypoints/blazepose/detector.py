"""Where people are in a picture: input, decoding and merging of the detection network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.keypoints.base import Image
from models.keypoints.blazepose.anchors import INPUT_SIDE, anchor_centres
from models.keypoints.blazepose.network import Network
from models.keypoints.blazepose.region import Region

MERGE_OVERLAP = 0.3
"""Intersection over union above which two boxes are one person; the value the network was published with."""

_ANCHORS = anchor_centres()


@dataclass(frozen=True)
class Person:
    """One detected person.

    Attributes:
        score: In [0, 1].
        points: (4, 2) px: hips, reach of the whole body, shoulders, reach of the upper body.
    """

    score: float
    points: NDArray[np.float64]

    @property
    def region(self) -> Region:
        """The square to look for landmarks in."""
        return Region.around(self.points[0], self.points[1])


def detect_people(network: Network, image: Image, min_score: float) -> list[Person]:
    """People in a picture, best first.

    Args:
        network: The detection network.
        image: (H, W, 3) BGR.
        min_score: Rows below are ignored, in (0, 1).
    """
    scale, shift_x, shift_y = _letterbox(image.shape[1], image.shape[0])
    # The network depends on this exact sampling: pixel indices without half-pixel term, no smoothing.
    small: Image = cv2.warpAffine(  # type: ignore[assignment]
        image,
        np.array([[scale, 0, shift_x], [0, scale, shift_y]]),
        (INPUT_SIDE, INPUT_SIDE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    rgb: Image = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
    network.feed(rgb, scale=1 / 127.5, offset=-1.0)
    network.run()
    rows, scores = decode(network.output("Identity")[0], network.output("Identity_1")[0, :, 0], min_score)
    people = []
    for row, score in merge(rows, scores):
        points = row[4:].reshape(4, 2) * INPUT_SIDE
        people.append(Person(score, (points - (shift_x, shift_y)) / scale))
    return people


def decode(
    raw: NDArray[np.float32], logits: NDArray[np.float32], min_score: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn raw rows into boxes and points.

    Args:
        raw: (2254, 12) network output.
        logits: (2254,) network output.
        min_score: Rows below are left out, in (0, 1).

    Returns:
        rows: (N, 12) x, y of the box's centre, width, height, then four points x, y, in units of the input.
        scores: (N,) in [min_score, 1].
    """
    keep = np.flatnonzero(logits >= logit(min_score))
    rows = raw[keep].astype(np.float64) / INPUT_SIDE
    centres = np.tile(_ANCHORS[keep], 5)
    rows[:, :2] += centres[:, :2]
    rows[:, 4:] += centres[:, 2:]
    return rows, expit(logits[keep].astype(np.float64))


def merge(rows: NDArray[np.float64], scores: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], float]]:
    """Weighted non-maximum suppression: overlapping rows become their score-weighted mean.

    Args:
        rows: (N, 12) as from ``decode``.
        scores: (N,).

    Returns:
        One (12,) row and the best score of its group for every person, best first.
    """
    order = np.argsort(-scores, kind="stable")
    merged = []
    while len(order):
        overlap = _overlap(rows[order[0]], rows[order])
        overlap[0] = 1.0  # an empty box overlaps nothing, but must not stay
        group = order[overlap > MERGE_OVERLAP]
        weight = scores[group]
        merged.append((weight @ rows[group] / weight.sum(), float(scores[order[0]])))
        order = order[overlap <= MERGE_OVERLAP]
    return merged


def _overlap(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) intersection over union of one box with (N, 12) rows."""
    low = np.maximum(box[:2] - box[2:4] / 2, boxes[:, :2] - boxes[:, 2:4] / 2)
    high = np.minimum(box[:2] + box[2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2)
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(box[2:4]) + np.prod(boxes[:, 2:4], axis=1) - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)


def _letterbox(width: int, height: int) -> tuple[float, float, float]:
    """Scale and shift that centre a picture in the network's square input."""
    scale = INPUT_SIDE / max(width, height)
    return scale, (INPUT_SIDE - scale * width) / 2, (INPUT_SIDE - scale * height) / 2
