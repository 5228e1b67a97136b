"""Which of the people in each view is the one being followed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from models.detections import Detections

Floats = NDArray[np.float64]


def choose_performer(
    detections: Sequence[Detections], rig: Rig, joints: int, last_joints: Floats | None
) -> tuple[Floats, Floats]:
    """Take the performer's keypoints out of everybody's.

    Args:
        detections: One per view of ``rig``.
        rig: The cameras.
        joints: Keypoints of a person.
        last_joints: (J, 3) mm in world, where the performer was last; None when nobody was followed.

    Returns:
        Keypoints (V, J, 2) distorted px and scores (V, J) of the person nearest to where the performer was,
        or of the surest one; NaN and 0 in views that see nobody.
    """
    keypoints = np.full((len(detections), joints, 2), np.nan)
    scores = np.zeros((len(detections), joints))
    several = last_joints is not None and any(len(found) > 1 for found in detections)
    expected = rig.project(last_joints) if last_joints is not None and several else None
    for view, found in enumerate(detections):
        if len(found) == 0:
            continue
        who = int(np.argmax(found.person_scores))
        if len(found) > 1 and expected is not None:
            distance = np.linalg.norm(found.keypoints - expected[view], axis=-1)
            known = np.isfinite(distance)
            if known.any():
                mean = np.where(known, distance, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
                who = int(np.argmin(np.where(known.any(axis=1), mean, np.inf)))
        keypoints[view], scores[view] = found.keypoints[who], found.scores[who]
    return keypoints, scores
