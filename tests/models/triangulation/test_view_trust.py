import numpy as np
import pytest

from models.triangulation.benchmark import ring_rig
from models.triangulation.robust import RobustConfig, RobustTriangulator
from models.triangulation.view_trust import ViewTrust, ViewTrustConfig

FRAME_NS = 1_000_000_000 // 60


def test_everybody_is_believed_at_first():
    trust = ViewTrust(ViewTrustConfig(), 3, 2)
    scores = np.array([[0.9, 0.5], [0.3, 0.1], [0.0, 1.0]])
    np.testing.assert_array_equal(trust.weigh(scores, 0.3, 0), scores)


def test_trust_is_lost_and_earned_back_with_the_time_constant():
    config = ViewTrustConfig(time_constant_s=0.2, lowest=0.2)
    trust = ViewTrust(config, 2, 1)
    scores, usable = np.ones((2, 1)), np.ones((2, 1), bool)
    wrong = np.array([[True], [False]])
    for frame in range(121):
        trust.weigh(scores, 0.1, frame * FRAME_NS)
        trust.learn(wrong, usable, frame * FRAME_NS)
    weights = trust.weigh(scores, 0.1, 121 * FRAME_NS)
    assert weights[0, 0] == 1.0
    assert weights[1, 0] == pytest.approx(0.2, abs=0.001)
    for frame in range(121, 121 + 12):  # 12 frames at 60 Hz are one time constant
        trust.learn(usable, usable, frame * FRAME_NS)
    assert trust.weigh(scores, 0.1, 133 * FRAME_NS)[1, 0] == pytest.approx(0.2 + 0.8 * 0.632, abs=0.01)


def test_the_memory_does_not_depend_on_the_frame_rate():
    weights = []
    for rate in (30, 120):
        trust = ViewTrust(ViewTrustConfig(), 1, 1)
        for frame in range(int(0.3 * rate) + 1):
            trust.learn(np.zeros((1, 1), bool), np.ones((1, 1), bool), frame * 1_000_000_000 // rate)
        weights.append(trust.weigh(np.ones((1, 1)), 0.1, 310_000_000)[0, 0])
    assert weights[0] == pytest.approx(weights[1], abs=0.005)


def test_nothing_is_learnt_where_a_view_could_not_take_part():
    trust = ViewTrust(ViewTrustConfig(), 1, 1)
    for frame in range(60):
        trust.learn(np.zeros((1, 1), bool), np.zeros((1, 1), bool), frame * FRAME_NS)
    assert trust.weigh(np.ones((1, 1)), 0.1, 60 * FRAME_NS)[0, 0] == 1.0


def test_a_gap_is_a_new_start():
    trust = ViewTrust(ViewTrustConfig(forget_after_s=0.5), 1, 1)
    for frame in range(60):
        trust.learn(np.zeros((1, 1), bool), np.ones((1, 1), bool), frame * FRAME_NS)
    assert trust.weigh(np.ones((1, 1)), 0.1, 60 * FRAME_NS)[0, 0] < 0.5
    assert trust.weigh(np.ones((1, 1)), 0.1, 2_000_000_000)[0, 0] == 1.0


def test_a_view_that_stays_wrong_near_the_limit_moves_the_joint_less():
    """One view is off by about the limit: without memory it comes and goes, and the joint with it."""
    rig = ring_rig(4)
    config = RobustConfig()
    dice = np.random.default_rng(1)
    truth = dice.uniform([-300, -300, 300], [300, 300, 1700], (30, 3))
    ideal = rig.project(truth)
    jitter, drops = {}, {}
    for memory in (False, True):
        noise = np.random.default_rng(2)
        triangulate = RobustTriangulator(config, rig)
        trust = ViewTrust(ViewTrustConfig(), 4, 30)
        found, used = [], []
        for frame in range(90):
            keypoints = ideal + noise.normal(0, 2.0, ideal.shape)
            keypoints[0] += np.array([22.0, 0.0]) + noise.normal(0, 5.0, (30, 2))
            scores = np.full((4, 30), 0.9)
            now = frame * FRAME_NS
            weighed = trust.weigh(scores, config.min_score, now) if memory else scores
            result = triangulate(keypoints[None], weighed[None])
            trust.learn(result.used[0], scores > 0, now)
            found.append(result.joints[0])
            used.append(result.used[0, 0])
        settled = np.array(found)[30:]
        jitter[memory] = np.nanmean(np.nanstd(settled, axis=0))
        drops[memory] = np.abs(np.diff(np.array(used)[30:].astype(int), axis=0)).mean()
    assert drops[False] > 0.05, "the scene must be near the limit to show anything"
    assert jitter[True] < 0.9 * jitter[False]
