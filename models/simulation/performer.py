"""A person that moves: every bone and every joint of the truth at any time."""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, cos, exp, log, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.anatomy import BONE, BONES, Anatomy, about_x, about_y, about_z, forward_kinematics
from models.simulation.choreography import Choreography
from models.simulation.footsteps import FULL_STRIDE_MM, FootPose, Footsteps
from models.simulation.gestures import ArmPose, UpperBody, apply_gesture
from models.skeleton import Skeleton

Array = NDArray[np.float64]

STRAIGHTEST_LEG = 0.988
"""Of the leg's full length: knees keep a bend of at least 18 degrees in walking, which also avoids the
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


class Performer:
    """A body that carries out a choreography. Nothing is random and nothing is kept between calls.

    Args:
        anatomy: Proportions.
        choreography: What it does.
        skeleton: Joints of the truth, by name.
    """

    def __init__(self, anatomy: Anatomy, choreography: Choreography, skeleton: Skeleton) -> None:
        self.anatomy = anatomy
        self.choreography = choreography
        self._offsets = anatomy.offsets()
        hip_half_width = float(self._offsets[BONE["left_thigh"], 1])
        self._footsteps = Footsteps(choreography, 0.92 * hip_half_width)
        landmarks = anatomy.landmarks()
        self._joint_bone = np.array([landmarks[joint][0] for joint in skeleton.joints])
        self._joint_place = np.array([landmarks[joint][1] for joint in skeleton.joints])

    def joints(self, t: float) -> Array:
        """(J, 3) truth at time t in s, mm in world."""
        pose = self.pose(t)
        turned = np.einsum("jab,jb->ja", pose.rotations[self._joint_bone], self._joint_place)
        return np.asarray(pose.origins[self._joint_bone] + turned)

    def pose(self, t: float) -> BodyPose:
        """All bones at time t, s."""
        x, y, heading = self.choreography.place(t)
        feet = self._footsteps.foot(0, t), self._footsteps.foot(1, t)
        forward = np.array([cos(heading), sin(heading)])
        # How far the left foot is ahead of the right one, in full strides: drives hips, trunk and arms.
        ahead = float(np.array([feet[0].x - feet[1].x, feet[0].y - feet[1].y]) @ forward) / FULL_STRIDE_MM
        sway = feet[1].swing - feet[0].swing
        upper = self._upper_body(t, ahead)

        local = np.tile(np.eye(3), (len(BONES), 1, 1))
        pelvis_yaw = heading - 0.12 * ahead
        local[BONE["pelvis"]] = (
            about_z(pelvis_yaw) @ about_y(0.03 + 0.45 * upper.bend) @ about_x(-0.03 * sway)
        )
        local[BONE["abdomen"]] = (
            about_y(0.3 * upper.bend) @ about_x(0.03 * sway) @ about_z(0.5 * upper.twist + 0.1 * ahead)
        )
        local[BONE["chest"]] = about_y(0.25 * upper.bend) @ about_z(0.5 * upper.twist + 0.15 * ahead)
        local[BONE["neck"]] = about_y(0.12 + 0.4 * upper.head_pitch) @ about_z(0.4 * upper.head_yaw)
        local[BONE["head"]] = about_y(0.6 * upper.head_pitch - 0.12) @ about_z(0.6 * upper.head_yaw)
        for side, arm, sign in (("left", upper.left, 1.0), ("right", upper.right, -1.0)):
            local[BONE[f"{side}_upper_arm"]] = (
                about_y(-arm.flexion) @ about_x(sign * arm.abduction) @ about_z(sign * arm.twist)
            )
            local[BONE[f"{side}_forearm"]] = about_y(-arm.elbow) @ about_z(-sign * 0.5)
            local[BONE[f"{side}_hand"]] = about_y(-0.12)

        # Hips go back when the trunk bends, to keep the balance.
        back = 0.35 * upper.sink + 90.0 * max(0.0, upper.bend) * self.anatomy.scale
        ground = np.array([x, y]) - back * forward + 18.0 * sway * np.array([-forward[1], forward[0]])
        ankles = [self._ankle(foot) for foot in feet]
        root = np.array([*ground, 0.0])
        root[2] = self._pelvis_height(root, local[0], ankles) - upper.sink
        rotations, origins = forward_kinematics(self._offsets, root, local)
        for side, foot, ankle in zip(("left", "right"), feet, ankles, strict=True):
            self._bend_leg(side, foot, ankle, pelvis_yaw, rotations, origins)
        return BodyPose(rotations, origins)

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
        for side, ankle in zip(("left", "right"), ankles, strict=True):
            hip = root + pelvis @ self._offsets[BONE[f"{side}_thigh"]]
            apart = (hip[0] - ankle[0]) ** 2 + (hip[1] - ankle[1]) ** 2
            heights.append(float(ankle[2] + sqrt(reach * reach - apart) - hip[2]))
        lowest = min(heights)
        for height in heights:
            total += exp(-(height - lowest) / softness)
        return lowest - softness * log(total)

    def _bend_leg(
        self, side: str, foot: FootPose, ankle: Array, pelvis_yaw: float, rotations: Array, origins: Array
    ) -> None:
        """Two-bone inverse kinematics: exact for the ankle, the knee bends towards pelvis and foot."""
        thigh, shin, sole = (BONE[f"{side}_{bone}"] for bone in ("thigh", "shin", "foot"))
        upper, lower = self.anatomy.thigh, self.anatomy.shin
        line = ankle - origins[thigh]
        length = float(np.sqrt(line @ line))
        down = line / length
        outwards = 0.12 if side == "left" else -0.12
        yaw = pelvis_yaw + 0.6 * (foot.yaw - pelvis_yaw) + outwards
        front = np.array([cos(yaw), sin(yaw), 0.0])
        front -= (front @ down) * down
        front /= np.sqrt(front @ front)
        hip_angle = acos((upper * upper + length * length - lower * lower) / (2 * upper * length))
        knee_angle = acos((lower * lower + length * length - upper * upper) / (2 * lower * length))
        thigh_down = cos(hip_angle) * down + sin(hip_angle) * front
        shin_down = cos(knee_angle) * down - sin(knee_angle) * front
        left = np.cross(front, down)
        rotations[thigh] = np.column_stack([np.cross(thigh_down, left), left, -thigh_down])
        rotations[shin] = np.column_stack([np.cross(shin_down, left), left, -shin_down])
        rotations[sole] = about_z(foot.yaw + 0.5 * outwards) @ about_y(foot.pitch)
        origins[shin] = origins[thigh] + upper * thigh_down
        origins[sole] = ankle


def _swinging(swing: float, breath: float) -> ArmPose:
    return ArmPose(0.05 + swing, 0.17 + breath, 0.0, 0.28 + 0.35 * max(0.0, swing + 0.2) ** 2 / 0.3)
