"""Following people in one view from picture to picture, by their boxes and their keypoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from models.detections import Detections
from models.detectors.base import Boxes
from models.detectors.overlap import areas, overlaps
from models.skeleton import Skeleton

Floats = NDArray[np.float64]

MARGIN: Final = 1.25
"""Side of a box over the extent of the keypoints. They end at wrists, ankles and nose; hands, feet and hair
add about an eighth of the body on each side."""

SAME_BOX: Final = 0.3
"""Overlap from which a detection may belong to a person who is followed already. A runner at 6 m/s who is
0.6 m wide overlaps the box of the picture before by a half at 30 Hz; boxes differ in tightness as well."""

SAME_PERSON: Final = 0.5
"""Likeness of keypoints from which two tracks follow the same person; see ``likeness``."""

SPREAD: Final = 0.1
"""Spread of a keypoint between two looks at the same person, in square roots of the person's area. The
figures of COCO's object keypoint similarity lie between 0.05 (eyes) and 0.21 (hips)."""

FEWEST: Final = 3
"""Keypoints that a person needs to be followed."""


@dataclass(frozen=True)
class Candidate:
    """Where a person may be.

    Attributes:
        box: (4,) left, top, right, bottom, px.
        track: Number of the track it continues, None for somebody new.
    """

    box: Floats
    track: int | None


@dataclass
class _Track:
    number: int
    box: Floats
    keypoints: Floats
    scores: Floats
    person: float


class Tracker:
    """The people of one view.

    For each picture ask ``wants_detection``, get ``candidates``, find their keypoints, hand them to
    ``update``. A person's box in the next picture comes from the keypoints in this one, or from a detection
    that overlaps it.

    Args:
        skeleton: Of the keypoints.
        max_people: How many people are wanted; the largest first.
        detect_every: Pictures between two looks at the whole picture.
        min_score: Keypoints below do not count.
        min_person: A person whose mean score of the body's joints falls below is lost.
    """

    def __init__(
        self, skeleton: Skeleton, *, max_people: int, detect_every: int, min_score: float, min_person: float
    ) -> None:
        self._skeleton = skeleton
        self._max_people = max_people
        self._detect_every = detect_every
        self._min_score = min_score
        self._min_person = min_person
        self._next_number = 0
        self.reset()

    def reset(self) -> None:
        """Forget everyone. Track numbers are not used again."""
        self._tracks: list[_Track] = []
        self._since_detection = self._detect_every
        self._lost = False

    @property
    def wants_detection(self) -> bool:
        """Whether to look at the whole picture: the time has come, or somebody was just lost."""
        return self._lost or self._since_detection >= self._detect_every

    def candidates(self, found: Boxes | None) -> list[Candidate]:
        """Boxes to look at in this picture, people who are followed first, oldest first.

        Args:
            found: (N, 5) detections in this picture, None when there was no look.
        """
        boxes = [track.box for track in self._tracks]
        if found is None:
            self._since_detection += 1
            return self._followed(boxes)
        self._since_detection, self._lost = 1, False
        new = found
        if boxes and len(found):
            shared = overlaps(np.array(boxes), found)
            rows, columns = linear_sum_assignment(-shared)
            pairs = [(row, column) for row, column in zip(rows, columns, strict=True)]
            for row, column in pairs:
                if shared[row, column] >= SAME_BOX:
                    boxes[row] = found[column, :4]
            matched = [column for row, column in pairs if shared[row, column] >= SAME_BOX]
            new = np.delete(found, matched, axis=0)
        # The largest first: who is to be captured stands closer than who looks on.
        new = new[np.argsort(-areas(new), kind="stable")][: max(self._max_people - len(boxes), 0)]
        return self._followed(boxes) + [Candidate(box[:4].copy(), None) for box in new]

    def update(self, candidates: list[Candidate], keypoints: Floats, scores: Floats) -> Detections:
        """Who is there.

        Args:
            candidates: From ``candidates``.
            keypoints: (N, K, 2) px, NaN where not found.
            scores: (N, K) in [0, 1].
        """
        kept: list[_Track] = []
        for candidate, points, sure in zip(candidates, keypoints, scores, strict=True):
            person = float(sure[list(self._skeleton.body)].mean())
            counted = np.isfinite(points).all(axis=1) & (sure >= self._min_score)
            if person < self._min_person or counted.sum() < FEWEST:
                continue
            box = _box_round(points[counted])
            if (box[2:] - box[:2]).min() <= 0:
                continue
            track = _Track(-1 if candidate.track is None else candidate.track, box, points, sure, person)
            # The older of two tracks that have run together survives.
            if not any(likeness(track, other, self._min_score) >= SAME_PERSON for other in kept):
                kept.append(track)
        before = {track.number for track in self._tracks}
        self._lost = bool(before - {track.number for track in kept})
        for track in kept:
            if track.number < 0:
                track.number = self._next_number
                self._next_number += 1
        self._tracks = kept
        if not kept:
            return Detections.none(len(self._skeleton))
        return Detections(
            np.stack([track.keypoints for track in kept]),
            np.stack([track.scores for track in kept]),
            np.array([track.person for track in kept]),
            np.array([track.number for track in kept], np.int64),
        )

    def _followed(self, boxes: list[Floats]) -> list[Candidate]:
        return [Candidate(box, track.number) for box, track in zip(boxes, self._tracks, strict=True)]


def likeness(first: _Track, second: _Track, min_score: float) -> float:
    """How likely two sets of keypoints show one person, in [0, 1]: mean of exp(-distance² / 2 spread²)."""
    both = (first.scores >= min_score) & (second.scores >= min_score)
    if not both.any():
        return 0.0
    spread = SPREAD * np.sqrt(max(areas(first.box[None])[0], areas(second.box[None])[0]))
    squared = ((first.keypoints[both] - second.keypoints[both]) ** 2).sum(axis=1)
    return float(np.exp(-squared / (2 * spread**2)).mean())


def _box_round(points: Floats) -> Floats:
    low, high = points.min(axis=0), points.max(axis=0)
    half = (high - low) / 2 * MARGIN
    centre = (low + high) / 2
    return np.concatenate([centre - half, centre + half])
