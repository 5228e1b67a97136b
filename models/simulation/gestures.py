"""What arms, trunk and head do beside walking."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sin


@dataclass(frozen=True)
class ArmPose:
    """Angles of one arm, rad; the same numbers mean mirrored poses on the two sides.

    Attributes:
        flexion: Raised forward from hanging.
        abduction: Raised sideways.
        twist: Turned outwards about its own axis.
        elbow: Bent; 0 is straight.
    """

    flexion: float
    abduction: float
    twist: float
    elbow: float

    def towards(self, other: ArmPose, strength: float) -> ArmPose:
        """Part of the way to another pose."""
        return ArmPose(
            self.flexion + (other.flexion - self.flexion) * strength,
            self.abduction + (other.abduction - self.abduction) * strength,
            self.twist + (other.twist - self.twist) * strength,
            self.elbow + (other.elbow - self.elbow) * strength,
        )


@dataclass(frozen=True)
class UpperBody:
    """Everything above the hips, rad, and how deep the hips sink.

    Attributes:
        left: Left arm.
        right: Right arm.
        bend: Trunk forward.
        twist: Trunk to the left, over the pelvis.
        head_yaw: Head to the left, over the chest.
        head_pitch: Head down.
        sink: mm the pelvis goes down.
    """

    left: ArmPose
    right: ArmPose
    bend: float = 0.0
    twist: float = 0.0
    head_yaw: float = 0.0
    head_pitch: float = 0.0
    sink: float = 0.0


def arm_joint_limits() -> dict[str, tuple[float, float]]:
    """Range of each arm angle that an adult reaches with ease, rad."""
    return {"flexion": (-0.9, 2.8), "abduction": (-0.3, 2.6), "twist": (-1.3, 1.5), "elbow": (0.0, 2.5)}


def apply_gesture(
    walking: UpperBody, gesture: str, strength: float, since: float, right_handed: bool
) -> UpperBody:
    """Blend a gesture over what the walk does to the upper body.

    Args:
        walking: Without the gesture.
        gesture: One of ``choreography.GESTURES``, or "" for none.
        strength: 0 not at all, 1 fully.
        since: s since the gesture began.
        right_handed: Which arm a one-armed gesture uses.
    """
    if not gesture or strength == 0.0:
        return walking
    left, right = walking.left, walking.right
    bend, twist, yaw, pitch, sink = 0.0, 0.0, 0.0, 0.0, 0.0
    if gesture == "wave":
        arm = ArmPose(0.1, 1.45, 1.35, 1.35 + 0.4 * sin(2 * pi * 1.3 * since))
        left, right = (left, arm) if right_handed else (arm, right)
        yaw = -0.15 if right_handed else 0.15
    elif gesture == "arms_out":
        left = right = ArmPose(0.05, 1.5, 0.4, 0.08)
    elif gesture == "squat":
        left = right = ArmPose(1.45, 0.12, 0.0, 0.15)
        bend, pitch, sink = 0.55, -0.35, 330.0
    elif gesture == "reach_up":
        left = right = ArmPose(2.45, 0.25, 0.0, 0.2)
        bend, pitch = -0.06, -0.25
    elif gesture == "look_around":
        sway = sin(2 * pi * since / 4.0)
        twist, yaw = 0.35 * sway, 0.6 * sway
    elif gesture == "hands_on_hips":
        left = right = ArmPose(-0.55, 0.75, -0.75, 1.5)
    elif gesture == "point":
        arm = ArmPose(1.45, 0.25, 0.2, 0.06)
        left, right = (left, arm) if right_handed else (arm, right)
        yaw = -0.2 if right_handed else 0.2
    elif gesture == "bow":
        left, right = (
            left.towards(ArmPose(0.5, 0.1, 0.0, 0.1), 0.8),
            right.towards(ArmPose(0.5, 0.1, 0.0, 0.1), 0.8),
        )
        bend, pitch = 0.75, 0.2
    else:
        raise ValueError(f"no gesture is called {gesture!r}")
    return UpperBody(
        left=walking.left.towards(left, strength),
        right=walking.right.towards(right, strength),
        bend=walking.bend + bend * strength,
        twist=walking.twist + twist * strength,
        head_yaw=walking.head_yaw + yaw * strength,
        head_pitch=walking.head_pitch + pitch * strength,
        sink=sink * strength,
    )
