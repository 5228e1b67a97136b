import numpy as np
import pytest

from models.simulation.choreography import GESTURES
from models.simulation.gestures import ArmPose, UpperBody, apply_gesture, arm_joint_limits

REST = UpperBody(ArmPose(0.1, 0.17, 0.0, 0.3), ArmPose(-0.1, 0.17, 0.0, 0.3), bend=0.04)


@pytest.mark.parametrize("gesture", GESTURES)
def test_gestures_stay_inside_the_joints_limits_and_move_something(gesture):
    limits = arm_joint_limits()
    for strength in np.linspace(0, 1, 11):
        for since in np.linspace(0, 4, 17):
            for right_handed in (True, False):
                body = apply_gesture(REST, gesture, strength, since, right_handed)
                for arm in (body.left, body.right):
                    for angle, (low, high) in limits.items():
                        assert low <= getattr(arm, angle) <= high, (gesture, angle)
    assert apply_gesture(REST, gesture, 1.0, 1.0, True) != REST


def test_no_gesture_changes_nothing():
    assert apply_gesture(REST, "", 1.0, 1.0, True) is REST
    assert apply_gesture(REST, "wave", 0.0, 1.0, True) is REST


def test_handedness_mirrors_a_one_armed_gesture():
    right = apply_gesture(REST, "wave", 1.0, 0.7, True)
    left = apply_gesture(REST, "wave", 1.0, 0.7, False)
    assert right.right == left.left
    assert right.left == REST.left
    assert left.right == REST.right


def test_an_unknown_gesture_is_an_error():
    with pytest.raises(ValueError, match="dance"):
        apply_gesture(REST, "dance", 1.0, 0.0, True)
