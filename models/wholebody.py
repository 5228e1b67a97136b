"""The 133 keypoints of COCO-WholeBody by name: body, feet, face, hands (Jin et al., ECCV 2020).

The face follows the 68 points of the iBUG convention, which starts at the person's right ear; the hands have
their root and four points per finger, from the palm outward.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

FINGERS: Final = ("thumb", "forefinger", "middle_finger", "ring_finger", "little_finger")


def _chain(side: str, part: str, numbers: range) -> list[str]:
    return [f"{side}_{part}_{number}" for number in numbers]


def _face() -> list[str]:
    """Numbers count from the outside inward and, for mouth and eyes, round them from above."""
    return [
        *_chain("right", "jaw", range(1, 9)),
        "chin",
        *_chain("left", "jaw", range(8, 0, -1)),
        *_chain("right", "brow", range(1, 6)),
        *_chain("left", "brow", range(5, 0, -1)),
        *(f"nose_bridge_{number}" for number in range(1, 5)),
        *_chain("right", "nostril", range(1, 3)),
        "nose_base",
        *_chain("left", "nostril", range(2, 0, -1)),
        *(f"right_eye_{place}" for place in ("out", "up_out", "up_in", "in", "low_in", "low_out")),
        *(f"left_eye_{place}" for place in ("in", "up_in", "up_out", "out", "low_out", "low_in")),
        *("right_lip_corner", "right_lip_up_1", "right_lip_up_2", "lip_up"),
        *("left_lip_up_2", "left_lip_up_1", "left_lip_corner"),
        *("left_lip_low_1", "left_lip_low_2", "lip_low", "right_lip_low_2", "right_lip_low_1"),
        *("right_mouth_corner", "right_mouth_up", "mouth_up", "left_mouth_up", "left_mouth_corner"),
        *("left_mouth_low", "mouth_low", "right_mouth_low"),
    ]


def _hand(side: str) -> list[str]:
    points = [f"{side}_{finger}_{number}" for finger in FINGERS for number in range(1, 5)]
    return [f"{side}_hand_root", *points]


def _hand_bones(side: str) -> list[tuple[str, str]]:
    bones = [(f"{side}_wrist", f"{side}_hand_root")]
    for finger in FINGERS:
        chain = [f"{side}_hand_root", *(f"{side}_{finger}_{number}" for number in range(1, 5))]
        bones += pairwise(chain)
    return bones


FEET: Final = (
    "left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel"  # not the order of Halpe
)
FOOT_BONES: Final = tuple(
    (f"{side}_{first}", f"{side}_{second}")
    for side in ("left", "right")
    for first, second in (("ankle", "heel"), ("heel", "big_toe"), ("heel", "small_toe"))
)
BEYOND_BODY: Final = " ".join([FEET, *_face(), *_hand("left"), *_hand("right")])
"""What follows the 17 keypoints of COCO."""

BEYOND_BODY_BONES: Final = (*FOOT_BONES, *_hand_bones("left"), *_hand_bones("right"))
"""Faces are drawn as points."""
