"""A person that moves: every bone and every joint of the truth at any time."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, log, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.anatomy import BONE, BONES, PARENT, Anatomy
from models.simulation.choreography import Choreography
from models.simulation.footsteps import FULL_STRIDE_MM, FootPose, Footsteps
from models.simulation.gestures import ArmPose, UpperBody, apply_gesture
from models.simulation.kinematics import bend_leg, forward_kinematics, local_rotations, turned
from models.skeleton import Skeleton

Array = NDArray[np.float64]

_PELVIS, _ABDOMEN, _CHEST, _NECK, _HEAD = (BONE[b] for b in ("pelvis", "abdomen", "chest", "neck", "head"))
_UPPER_ARMS, _FOREARMS, _HANDS, _THIGHS, _SHINS, _FEET = (
    (BONE[f"left_{bone}"], BONE[f"right_{bone}"])
    for bone in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
)

STRAIGHTEST_LEG = 0.993
"""Of the leg's full length: knees keep a bend of at least 13 degrees in walking, which also avoids the
singular straight leg."""


@dataclass(frozen=True)
class BodyPose:
    """Where the bones are.

    Attributes:
        rotations: (B, 3, 3) world_from_bone.
        origins: (B, 3) mm in world.
    """

    rotations: Array
    origins: Array


@dataclass(frozen=True)
class Stance:
    """What decides a pose.

    Attributes:
        place: x, y in mm and heading in rad of the body.
        feet: Left and right.
        upper: Everything above the hips.
    """

    place: tuple[float, float, float]
    feet: tuple[FootPose, FootPose]
    upper: UpperBody

    @property
    def ahead(self) -> float:
        """How far the left foot is ahead of the right one, in full strides: drives hips, trunk and arms."""
        return strides_ahead(self.place[2], self.feet)


def strides_ahead(heading: float, feet: tuple[FootPose, FootPose]) -> float:
    """How far the left foot is ahead of the right one along ``heading`` (rad), in full strides."""
    apart = feet[0].x - feet[1].x, feet[0].y - feet[1].y
    return (apart[0] * cos(heading) + apart[1] * sin(heading)) / FULL_STRIDE_MM


class Puppet:
    """A body that takes any stance.

    Args:
        anatomy: Proportions.
        skeleton: Joints of the truth, by name.
    """

    def __init__(self, anatomy: Anatomy, skeleton: Skeleton) -> None:
        self.anatomy = anatomy
        self._offsets = anatomy.offsets()
        landmarks = anatomy.landmarks()
        self._joint_bone = np.array([landmarks[joint][0] for joint in skeleton.joints])
        self._joint_place = np.array([landmarks[joint][1] for joint in skeleton.joints])

    @property
    def hip_half_width(self) -> float:
        """From the middle of the pelvis to a hip joint, mm."""
        return float(self._offsets[BONE["left_thigh"], 1])

    def joints_of(self, pose: BodyPose) -> Array:
        """(J, 3) truth of a pose, mm in world."""
        from_bone = np.einsum("jab,jb->ja", pose.rotations[self._joint_bone], self._joint_place)
        return np.asarray(pose.origins[self._joint_bone] + from_bone)

    def pose_in(self, stance: Stance) -> BodyPose:
        """All bones in a stance. Feet must be within reach of the hips."""
        x, y, heading = stance.place
        feet, upper, ahead = stance.feet, stance.upper, stance.ahead
        forward = cos(heading), sin(heading)
        sway = feet[1].swing - feet[0].swing

        angles = np.zeros((len(BONES), 3))
        angles[_PELVIS] = 0.03 + 0.45 * upper.bend, -0.03 * sway, 0.0
        angles[_ABDOMEN] = 0.3 * upper.bend, 0.03 * sway, 0.5 * upper.twist + 0.1 * ahead
        angles[_CHEST] = 0.25 * upper.bend, 0.0, 0.5 * upper.twist + 0.15 * ahead
        angles[_NECK] = 0.12 + 0.4 * upper.head_pitch, 0.0, 0.4 * upper.head_yaw
        angles[_HEAD] = 0.6 * upper.head_pitch - 0.12, 0.0, 0.6 * upper.head_yaw
        for side, arm, sign in ((0, upper.left, 1.0), (1, upper.right, -1.0)):
            angles[_UPPER_ARMS[side]] = -arm.flexion, sign * arm.abduction, sign * arm.twist
            angles[_FOREARMS[side]] = -arm.elbow, 0.0, sign * -0.5
            angles[_HANDS[side]] = -0.12, 0.0, 0.0
        pelvis_yaw = heading - 0.12 * ahead
        local = local_rotations(angles)
        local[_PELVIS] = turned(local[_PELVIS], pelvis_yaw)

        # Hips go back when the trunk bends, to keep the balance.
        back = 0.35 * upper.sink + 90.0 * max(0.0, upper.bend) * self.anatomy.scale
        root = np.zeros(3)
        root[0] = x - back * forward[0] - 18.0 * sway * forward[1]
        root[1] = y - back * forward[1] + 18.0 * sway * forward[0]
        ankles = [self._ankle(foot) for foot in feet]
        root[2] = self._pelvis_height(root, local[_PELVIS], ankles) - upper.sink
        rotations, origins = forward_kinematics(PARENT, self._offsets, root, local)
        for side, (foot, ankle) in enumerate(zip(feet, ankles, strict=True)):
            outwards = 0.12 if side == 0 else -0.12
            thigh, shin, sole = _THIGHS[side], _SHINS[side], _FEET[side]
            knee_yaw = pelvis_yaw + 0.6 * (foot.yaw - pelvis_yaw) + outwards
            rotations[thigh], rotations[shin] = bend_leg(
                origins[thigh], ankle, self.anatomy.thigh, self.anatomy.shin, knee_yaw
            )
            origins[shin] = origins[thigh] - self.anatomy.thigh * rotations[thigh, :, 2]
            origins[sole] = ankle
            flat = local_rotations(np.array([[foot.pitch, 0.0, 0.0]]))[0]
            rotations[sole] = turned(flat, foot.yaw + 0.5 * outwards)
        return BodyPose(rotations, origins)

    def _ankle(self, foot: FootPose) -> Array:
        """(3,) ankle joint in world, mm, of a foot that pitches about its pivot on the floor."""
        a = self.anatomy
        pivot = foot.pivot * (a.toe_reach + a.heel_reach) - a.heel_reach
        c, s = cos(foot.pitch), sin(foot.pitch)
        along = pivot - pivot * c + a.ankle_height * s
        height = pivot * s + a.ankle_height * c + foot.lift
        return np.array([foot.x + along * cos(foot.yaw), foot.y + along * sin(foot.yaw), height])

    def _pelvis_height(self, root: Array, pelvis: Array, ankles: list[Array]) -> float:
        """As high as the legs allow: a soft minimum over both, so that the height has no corners."""
        reach = STRAIGHTEST_LEG * (self.anatomy.thigh + self.anatomy.shin)
        softness = 12.0
        total = 0.0
        heights = []
        for thigh, ankle in zip(_THIGHS, ankles, strict=True):
            hip = root + pelvis @ self._offsets[thigh]
            apart = (hip[0] - ankle[0]) ** 2 + (hip[1] - ankle[1]) ** 2
            heights.append(float(ankle[2] + sqrt(reach * reach - apart) - hip[2]))
        lowest = min(heights)
        for height in heights:
            total += exp(-(height - lowest) / softness)
        return lowest - softness * log(total)


class Performer(Puppet):
    """A body that carries out a choreography. Nothing is random and nothing is kept between calls.

    Args:
        anatomy: Proportions.
        choreography: What it does.
        skeleton: Joints of the truth, by name.
    """

    def __init__(self, anatomy: Anatomy, choreography: Choreography, skeleton: Skeleton) -> None:
        super().__init__(anatomy, skeleton)
        self.choreography = choreography
        self._footsteps = Footsteps(choreography, 0.92 * self.hip_half_width)

    def joints(self, t: float) -> Array:
        """(J, 3) truth at time t in s, mm in world."""
        return self.joints_of(self.pose(t))

    def pose(self, t: float) -> BodyPose:
        """All bones at time t, s."""
        return self.pose_in(self.stance(t))

    def stance(self, t: float) -> Stance:
        """What it does at time t, s."""
        place = self.choreography.place(t)
        feet = self._footsteps.foot(0, t), self._footsteps.foot(1, t)
        return Stance(place, feet, self._upper_body(t, strides_ahead(place[2], feet)))

    def _upper_body(self, t: float, ahead: float) -> UpperBody:
        """Arms swing against the legs; breath and a wandering look never quite stop."""
        swing = 0.62 * ahead
        idle = t + self.choreography.shift
        breath = 0.015 * sin(2 * pi * idle / 3.7)
        walking = UpperBody(
            left=_swinging(-swing, breath),
            right=_swinging(swing, breath),
            bend=0.04 + breath,
            head_yaw=0.16 * sin(2 * pi * idle / 7.3) + 0.08 * sin(2 * pi * idle / 3.1 + 1.0),
            head_pitch=0.06 + 0.05 * sin(2 * pi * idle / 5.3 + 2.0),
        )
        return apply_gesture(walking, *self.choreography.gesture(t))


def _swinging(swing: float, breath: float) -> ArmPose:
    return ArmPose(0.05 + swing, 0.17 + breath, 0.0, 0.28 + 0.35 * max(0.0, swing + 0.2) ** 2 / 0.3)
