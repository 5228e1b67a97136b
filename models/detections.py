"""What a 2D model saw in one view at one instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """People found in one picture.

    Attributes:
        keypoints: (N, J, 2) full-resolution, distorted pixels, (0, 0) the centre of the first pixel.
        scores: (N, J) in [0, 1]; a missing keypoint is NaN with score 0.
        person_scores: (N,) probability that the person is one.
        track: (N,) number of the person's track within this view; stays the same while it is followed.
    """

    keypoints: NDArray[np.float64]
    scores: NDArray[np.float64]
    person_scores: NDArray[np.float64]
    track: NDArray[np.int64]

    def __post_init__(self) -> None:
        people, joints = self.scores.shape
        assert self.keypoints.shape == (people, joints, 2)
        assert self.person_scores.shape == (people,)
        assert self.track.shape == (people,)

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls, joints: int) -> Detections:
        """Nobody seen."""
        return cls(np.zeros((0, joints, 2)), np.zeros((0, joints)), np.zeros(0), np.zeros(0, np.int64))
