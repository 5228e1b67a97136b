import numpy as np
import pytest

from models.keypoints.retiming import KeypointRetimer, RetimingConfig, joints_at_instant
from models.triangulation.benchmark import ring_rig

MS = 1_000_000


def test_straight_motion_is_moved_exactly():
    retime = KeypointRetimer(RetimingConfig(), 1)
    for frame in range(3):
        now = frame * 33 * MS
        point = np.array([[[10.0 + 2.0 * frame, 50.0 - frame]]])
        moved = retime(point, np.array([now]), now + 11 * MS)
    np.testing.assert_allclose(moved, [[[14.0 + 2 / 3, 48.0 - 1 / 3]]])


def test_a_single_position_and_a_missing_one_stay():
    retime = KeypointRetimer(RetimingConfig(), 1)
    first = np.array([[[1.0, 2.0], [np.nan, np.nan]]])
    np.testing.assert_array_equal(retime(first, np.array([0]), 10 * MS), first)
    second = np.array([[[2.0, 2.0], [5.0, 5.0]]])
    moved = retime(second, np.array([30 * MS]), 45 * MS)
    np.testing.assert_allclose(moved, [[[2.5, 2.0], [5.0, 5.0]]])


@pytest.mark.parametrize("shift_ms", [0.5, 60.0])
def test_tiny_and_huge_shifts_are_left_alone(shift_ms):
    retime = KeypointRetimer(RetimingConfig(), 1)
    for frame in range(3):
        point = np.array([[[10.0 * frame, 0.0]]])
        moved = retime(point, np.array([frame * 33 * MS]), round((frame * 33 + shift_ms) * MS))
    np.testing.assert_array_equal(moved, point)


def test_a_gap_is_a_new_start():
    retime = KeypointRetimer(RetimingConfig(), 1)
    retime(np.zeros((1, 1, 2)), np.array([0]), 0)
    late = np.array([[[100.0, 0.0]]])
    np.testing.assert_array_equal(retime(late, np.array([500 * MS]), 510 * MS), late)


def test_views_without_a_picture_are_skipped():
    retime = KeypointRetimer(RetimingConfig(), 2)
    points = np.full((2, 1, 2), np.nan)
    points[0] = 3.0
    np.testing.assert_array_equal(retime(points, np.array([5 * MS, -1]), 5 * MS), points)


@pytest.mark.parametrize(("shift", "line", "parabola"), [(0.5, 1.05, 2.94), (-0.5, 0.45, 0.47)])
def test_noise_of_a_shift_by_half_a_frame_is_as_documented(shift, line, parabola):
    """Of fits through four positions: 1/4 + (1.5 + s)^2 / 5, and ((1.5 + s)^2 - 1.25)^2 / 4 for the bend."""
    noise = np.random.default_rng(0).normal(0, 1.0, (4, 4, 20_000, 2))
    retime = KeypointRetimer(RetimingConfig(), 4)
    for frame in range(4):
        now = frame * 33 * MS
        moved = retime(noise[frame], np.full(4, now), now + round(shift * 33 * MS))
    # Four views believe together in some of the bends of chance, which are the larger ones: a fifth.
    assert line * 0.98 < moved.var() < line + 0.25 * (parabola - line) + 0.01
    assert retime.noise_px == pytest.approx(1.0, rel=0.05)


def test_a_bent_path_is_followed_where_it_is_more_than_noise():
    """200 keypoints that stand still tell the noise; one that accelerates in all views is not cut short."""
    dice = np.random.default_rng(1)
    retime = KeypointRetimer(RetimingConfig(), 4)
    still = dice.uniform(0, 500, (4, 200, 2))
    for frame in range(8):
        points = still + dice.normal(0, 0.2, still.shape)
        points[:, 0] = [6.0 * frame**2, 0.0]
        now = frame * 33 * MS
        moved = retime(points, np.full(4, now), now + round(16.5 * MS))
    np.testing.assert_allclose(moved[:, 0], np.broadcast_to([6.0 * 7.5**2, 0.0], (4, 2)), atol=1.0)
    # The line alone is some 16 px behind: of 6 t^2 over t = -3..0 it is -6 - 18 t, -15 at 0.5 and not 1.5.


def test_a_lost_position_and_one_that_others_contradict_do_not_bend_the_path():
    retime = KeypointRetimer(RetimingConfig(), 3)
    for frame in range(4):
        points = np.full((3, 12, 2), 10.0 * frame)
        if frame == 1:
            points[0, 3] = np.nan
        if frame == 2:
            points[1, 5] += 40.0
        now = frame * 33 * MS
        moved = retime(points, np.full(3, now), now + 11 * MS)
        used = np.isfinite(points[..., 0])
        if frame == 2:
            used[1, 5] = False
        retime.learn(used, np.isfinite(points[..., 0]))
    np.testing.assert_allclose(moved, 10.0 * (3 + 1 / 3), atol=1e-9)


def test_what_nobody_contradicts_is_not_forgotten():
    """A joint that was not found at all says nothing about its keypoints."""
    retime = KeypointRetimer(RetimingConfig(), 2)
    for frame in range(3):
        points = np.full((2, 1, 2), 10.0 * frame)
        moved = retime(points, np.full(2, frame * 33 * MS), round((frame + 0.5) * 33 * MS))
        retime.learn(np.zeros((2, 1), bool), np.ones((2, 1), bool))
    np.testing.assert_allclose(moved, 25.0)


def test_unsynchronised_cameras_see_a_fast_hand_in_one_place():
    """A hand swings at up to 6 m/s before four 30 Hz cameras whose shutters are up to 15 ms apart."""
    rig = ring_rig(4)
    phases = np.array([-15, -5, 6, 15]) * MS
    retime = KeypointRetimer(RetimingConfig(), 4)

    def hand(t_s):
        return np.array([[500 * np.sin(12 * t_s), 300 * np.cos(9 * t_s), 1200 + 200 * np.sin(7 * t_s)]])

    errors = {"as filmed": [], "moved": []}
    for frame in range(5, 90):
        instant = frame * 1_000_000_000 // 30
        times = instant + phases
        seen = np.stack([rig.project(hand(time / 1e9))[view] for view, time in enumerate(times)])
        moved = retime(seen, times, instant)
        truth = hand(instant / 1e9)
        errors["as filmed"].append(np.linalg.norm(rig.triangulate(seen) - truth))
        errors["moved"].append(np.linalg.norm(rig.triangulate(moved) - truth))
    assert np.median(errors["as filmed"]) > 8.0
    assert np.median(errors["moved"]) < 0.5 * np.median(errors["as filmed"])


def test_joints_of_a_network_go_where_its_points_go():
    """A volumetric head gives other joints than its points triangulate to; the move is that of the points."""
    rig, dice = ring_rig(4), np.random.default_rng(2)
    joints, there = dice.uniform([-500, -500, 500], [500, 500, 1500], (2, 10, 3))
    there = joints + 0.05 * (there - joints)
    keypoints = np.concatenate([rig.project(joints), np.full((4, 10, 1), 0.8)], axis=-1)
    keypoints[1, 3] = (np.nan, np.nan, 0.0)
    bias = dice.normal(0, 5, joints.shape)
    moved = joints_at_instant(rig, joints + bias, keypoints, rig.project(there))
    np.testing.assert_allclose(moved, there + bias, atol=1e-5)
    same = joints_at_instant(rig, joints + bias, keypoints, keypoints[..., :2])
    np.testing.assert_array_equal(same, joints + bias)
    keypoints[:3, 5, 2] = 0.0  # a single view says nothing about depth
    lone = joints_at_instant(rig, joints + bias, keypoints, rig.project(there))
    np.testing.assert_array_equal(lone[5], joints[5] + bias[5])
