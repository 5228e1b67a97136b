"""Keypoints of any detector as the seventeen that lifting networks were trained on.

What a detector does not find is put together from what it does find; every such rule is written here, and
scores say how far to believe it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.skeleton import Skeleton
from models.skeletons import get_skeleton, joint_map

Floats = NDArray[np.float64]
Rule = tuple[tuple[str, float], ...]

TARGET: Final = get_skeleton("human36m_17")

HEAD_RISE: Final = 0.68
"""From the ears on to the top of the head, as a share of the way from neck to ears. A standing adult of
1.75 m: shoulders at 1.43 m, ear canals at 1.62 m, top at 1.75 m."""

RULES: Final[dict[str, Rule]] = {
    "pelvis": (("left_hip", 0.5), ("right_hip", 0.5)),
    "neck": (("left_shoulder", 0.5), ("right_shoulder", 0.5)),
    "spine": (("pelvis", 0.5), ("neck", 0.5)),
    "head_top": (
        ("left_ear", 0.5 * (1.0 + HEAD_RISE)),
        ("right_ear", 0.5 * (1.0 + HEAD_RISE)),
        ("neck", -HEAD_RISE),
    ),
}
"""Each joint that detectors may lack, from others; a rule may use joints that an earlier one made."""


def to_human36m(keypoints: Floats, scores: Floats, skeleton: Skeleton) -> tuple[Floats, Floats]:
    """Reorder, and put together what is missing.

    Args:
        keypoints: (N, J, 2) px without lens distortion, so that what is straight in space is straight here;
            or (N, J, 3) mm, as the rules hold in space as well.
        scores: (N, J).
        skeleton: Of both.

    Returns:
        (N, 17, 2 or 3) and (N, 17) scores of ``human36m_17``; NaN with score 0 where neither the keypoint
        nor all that its rule asks for is there. A joint made by a rule has the lowest score among its parts.
    """
    order = joint_map(skeleton, TARGET)
    found = np.where(order[:, None] < 0, np.nan, np.take(keypoints, np.maximum(order, 0), axis=1))
    trusted = np.where(order < 0, 0.0, np.take(scores, np.maximum(order, 0), axis=1))

    def part(name: str) -> tuple[Floats, Floats]:
        if name in TARGET.joints:
            at = TARGET.index(name)
            return found[:, at], trusted[:, at]
        if name in skeleton.joints:
            at = skeleton.index(name)
            return keypoints[:, at], scores[:, at]
        return np.full((len(keypoints), keypoints.shape[2]), np.nan), np.zeros(len(keypoints))

    for joint, rule in RULES.items():
        at = TARGET.index(joint)
        parts = [part(name) for name, _ in rule]
        made = sum(weight * points for (_, weight), (points, _) in zip(rule, parts, strict=True))
        absent = np.isnan(found[:, at]).any(axis=1)
        found[absent, at] = np.asarray(made)[absent]
        trusted[absent, at] = np.min([score for _, score in parts], axis=0)[absent]
    lost = np.isnan(found).any(axis=2)
    found[lost], trusted[lost] = np.nan, 0.0
    return found, trusted
