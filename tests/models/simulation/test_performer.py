import numpy as np
import pytest

from models.simulation.anatomy import Anatomy
from models.simulation.choreography import GESTURES, compose
from models.simulation.footsteps import Footsteps
from models.simulation.performer import Performer
from models.skeletons import get_skeleton

HALPE = get_skeleton("halpe_26")
SEEDS = (0, 1, 2, 3)
RATE_HZ = 240


def performer(seed: int) -> Performer:
    return Performer(Anatomy(), compose([seed], (0.0, 0.0), 1000.0), HALPE)


@pytest.fixture(scope="module", params=SEEDS)
def recorded(request):
    """A performer and (T, J, 3) joints over a whole round and a little more."""
    one = performer(request.param)
    times = np.arange(0, one.choreography.period + 1.0, 1 / RATE_HZ)
    return one, times, np.stack([one.joints(t) for t in times])


def test_the_choreographies_of_these_seeds_show_every_gesture():
    shown = {act.gesture for seed in SEEDS for act in performer(seed).choreography.acts}
    assert shown >= set(GESTURES)


def test_rigid_bones_keep_their_lengths(recorded):
    _, _, joints = recorded
    sides = ("left", "right")
    pairs = [
        (f"{side}_{a}", f"{side}_{b}")
        for side in sides
        for a, b in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("hip", "knee"),
            ("knee", "ankle"),
            ("ankle", "heel"),
            ("heel", "big_toe"),
            ("eye", "ear"),
        )
    ]
    pairs += [("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("neck", "left_shoulder")]
    for first, second in pairs:
        bone = joints[:, HALPE.index(first)] - joints[:, HALPE.index(second)]
        length = np.linalg.norm(bone, axis=1)
        assert np.ptp(length) < 1e-6, (first, second)  # mm; float64 rounding of numbers around 1000


def test_proportions_are_human(recorded):
    one, _, joints = recorded
    standing = joints[:, HALPE.index("head_top"), 2].max()
    assert standing == pytest.approx(
        one.anatomy.height, abs=25
    )  # knees never quite straight, head never quite
    shoulders = np.linalg.norm(
        joints[0, HALPE.index("left_shoulder")] - joints[0, HALPE.index("right_shoulder")]
    )
    assert 0.19 < shoulders / one.anatomy.height < 0.23
    hips = np.linalg.norm(joints[0, HALPE.index("left_hip")] - joints[0, HALPE.index("right_hip")])
    assert 0.09 < hips / one.anatomy.height < 0.12


def test_nothing_sinks_into_the_floor(recorded):
    _, _, joints = recorded
    assert joints[..., 2].min() > 10.0  # the lowest joints lie 26 mm above the sole
    pelvis = joints[:, HALPE.index("pelvis"), 2]
    assert pelvis.min() > 500.0
    assert pelvis.max() < 960.0


def test_motion_is_humanly_fast_and_has_no_jumps(recorded):
    _, _, joints = recorded
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * RATE_HZ / 1000
    # Feet swing at up to 4.5 m/s in brisk walking; the trunk walks at less than 1.5 m/s.
    assert speed.max() < 4.5
    assert speed[:, HALPE.index("pelvis")].max() < 1.5
    acceleration = np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1) * RATE_HZ**2 / 1000
    # Feet in walking reach some 40 m/s^2. A jump of 1 mm would show as 58 m/s^2 on top at this rate.
    assert acceleration.max() < 55.0


def test_planted_feet_do_not_slide(recorded):
    one, times, joints = recorded
    steps = Footsteps(one.choreography, 0.92 * one.anatomy.offsets()[11, 1])
    for side, name in ((0, "left_ankle"), (1, "right_ankle")):
        flat = np.array([(foot := steps.foot(side, t)).swing == 0 and foot.pitch == 0 for t in times])
        both = flat[:-1] & flat[1:]
        assert both.mean() > 0.2
        moved = np.linalg.norm(np.diff(joints[:, HALPE.index(name)], axis=0), axis=-1)[both]
        assert moved.max() < 1e-9


def test_it_walks_stops_and_stays_near_the_centre(recorded):
    _, _, joints = recorded
    pelvis = joints[:, HALPE.index("pelvis"), :2]
    assert np.linalg.norm(pelvis, axis=1).max() < 1200.0
    speed = np.linalg.norm(np.diff(pelvis, axis=0), axis=-1) * RATE_HZ
    assert (speed > 500).mean() > 0.3
    assert (speed < 100).mean() > 0.15


def test_the_round_begins_again_where_it_ended(recorded):
    one, _, _ = recorded
    period = one.choreography.period
    for t in (0.0, 3.3, 20.0):
        apart = np.linalg.norm(one.joints(t + period) - one.joints(t), axis=-1)
        feet = [HALPE.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("ankle", "heel")]
        assert apart[feet].max() < 1e-6
        # breath and looks have periods of their own: some hundredths of a radian at arm's length
        assert apart.max() < 60.0


def test_faces_where_it_walks():
    one = performer(0)
    t = 1.0
    forward = one.joints(t + 0.1)[HALPE.index("pelvis")] - one.joints(t)[HALPE.index("pelvis")]
    joints = one.joints(t)
    left = joints[HALPE.index("left_hip")] - joints[HALPE.index("right_hip")]
    nose = joints[HALPE.index("nose")] - joints[[HALPE.index("left_ear"), HALPE.index("right_ear")]].mean(
        axis=0
    )
    assert nose @ forward > 0.8 * np.linalg.norm(nose) * np.linalg.norm(forward)
    assert np.cross(forward, left)[2] > 0


def test_the_same_seed_moves_the_same_and_another_does_not():
    assert np.array_equal(performer(5).joints(7.7), performer(5).joints(7.7))
    assert not np.allclose(performer(5).joints(7.7), performer(6).joints(7.7))


def test_times_in_any_order_and_before_zero():
    one = performer(1)
    later = one.joints(9.0)
    one.joints(-3.0)
    assert np.isfinite(one.joints(-3.0)).all()
    assert np.array_equal(one.joints(9.0), later)
