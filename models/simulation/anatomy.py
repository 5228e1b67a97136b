"""The performer's bones: what hangs on what, how long it is, and where the joints of the truth sit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BONES = (
    "pelvis",
    "abdomen",
    "chest",
    "neck",
    "head",
    "left_upper_arm",
    "left_forearm",
    "left_hand",
    "right_upper_arm",
    "right_forearm",
    "right_hand",
    "left_thigh",
    "left_shin",
    "left_foot",
    "right_thigh",
    "right_shin",
    "right_foot",
)
BONE = {name: index for index, name in enumerate(BONES)}
PARENT = np.array([-1, 0, 1, 2, 3, 2, 5, 6, 2, 8, 9, 0, 11, 12, 0, 14, 15])
"""(B,) parent of each bone; parents come before children."""


@dataclass(frozen=True)
class Anatomy:
    """Proportions of one adult, every length in mm.

    All bones share their axes when the body stands upright with hanging arms: x forward, y to the left, z up.
    The segment lengths follow the usual anthropometric fractions of body height (hip joints at 0.52, knees at
    0.28, shoulders at 0.81, upper arm 0.165, forearm 0.145), quoted here for a height of 1750 mm.

    Attributes:
        height: Standing height.
        shoulder_width: Factor on the width of the shoulders.
        hip_width: Factor on the width of the hips.
    """

    height: float = 1750.0
    shoulder_width: float = 1.0
    hip_width: float = 1.0

    @property
    def scale(self) -> float:
        """Size relative to the table."""
        return self.height / 1750.0

    @property
    def thigh(self) -> float:
        """Hip joint to knee joint."""
        return 425.0 * self.scale

    @property
    def shin(self) -> float:
        """Knee joint to ankle joint."""
        return 412.0 * self.scale

    @property
    def ankle_height(self) -> float:
        """Ankle joint above the floor when the foot, in its shoe, stands flat."""
        return 90.0 * self.scale

    @property
    def toe_reach(self) -> float:
        """From the ankle joint forward to where the shoe leaves the floor last."""
        return 165.0 * self.scale

    @property
    def heel_reach(self) -> float:
        """From the ankle joint back to where the shoe touches the floor first."""
        return 55.0 * self.scale

    def offsets(self) -> Array:
        """(B, 3) origin of each bone in its parent's axes; the pelvis' origin is the middle of the hips."""
        shoulder, hip = 178.0 * self.shoulder_width, 88.0 * self.hip_width
        table = {
            "pelvis": (0, 0, 0),
            "abdomen": (-8, 0, 95),
            "chest": (-4, 0, 160),
            "neck": (-8, 0, 268),
            "head": (22, 0, 92),
            "left_upper_arm": (-4, shoulder, 232),
            "left_forearm": (0, 0, -288),
            "left_hand": (0, 0, -252),
            "left_thigh": (0, hip, 0),
            "left_shin": (0, 0, -425),
            "left_foot": (0, 0, -412),
        }
        rows = []
        for bone in BONES:
            x, y, z = table[bone.replace("right", "left")]
            rows.append((x, -y if bone.startswith("right") else y, z))
        return np.array(rows, np.float64) * self.scale

    def landmarks(self) -> dict[str, tuple[int, Array]]:
        """Every joint of the truth: the bone it is fixed to, and its place (3,) on that bone."""
        places: dict[str, tuple[str, tuple[float, float, float]]] = {
            "nose": ("head", (112, 0, 62)),
            "head_top": ("head", (-6, 0, 217)),
            "neck": ("neck", (0, 0, 0)),
            "pelvis": ("pelvis", (0, 0, 0)),
        }
        for side, sign in (("left", 1.0), ("right", -1.0)):
            places |= {
                f"{side}_eye": ("head", (86, sign * 32, 98)),
                f"{side}_ear": ("head", (2, sign * 80, 84)),
                f"{side}_shoulder": (f"{side}_upper_arm", (0, 0, 0)),
                f"{side}_elbow": (f"{side}_forearm", (0, 0, 0)),
                f"{side}_wrist": (f"{side}_hand", (0, 0, 0)),
                f"{side}_hip": (f"{side}_thigh", (0, 0, 0)),
                f"{side}_knee": (f"{side}_shin", (0, 0, 0)),
                f"{side}_ankle": (f"{side}_foot", (0, 0, 0)),
                f"{side}_big_toe": (f"{side}_foot", (172, sign * -18, -58)),
                f"{side}_small_toe": (f"{side}_foot", (138, sign * 40, -62)),
                f"{side}_heel": (f"{side}_foot", (-58, 0, -58)),
            }
        return {
            joint: (BONE[bone], np.array(place, np.float64) * self.scale)
            for joint, (bone, place) in places.items()
        }
