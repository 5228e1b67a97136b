import numpy as np
import pytest

from calibration.rig import Rig
from models.skeletons import get_skeleton
from models.triangulation.benchmark import ring_rig
from models.triangulation.mirror_evidence import (
    SidePairs,
    against_joints,
    against_view,
    chirality,
    fundamental_matrices,
    preference,
)
from models.triangulation.mirror_repair import PEOPLE, MirrorRepair, MirrorRepairConfig
from models.triangulation.robust import RobustConfig, RobustTriangulator

SKELETON = get_skeleton("halpe_26")
# A standing person, facing +x, mm; left is +y.
FIGURE = {
    "nose": (110, 0, 1620), "eye": (90, 32, 1650), "ear": (10, 72, 1640), "shoulder": (0, 180, 1430),
    "elbow": (10, 240, 1150), "wrist": (90, 260, 920), "hip": (0, 95, 930), "knee": (40, 105, 500),
    "ankle": (0, 110, 90), "big_toe": (180, 120, 20), "small_toe": (150, 170, 20), "heel": (-50, 110, 30),
    "head_top": (0, 0, 1780), "neck": (0, 0, 1480), "pelvis": (0, 0, 940),
}  # fmt: skip


def standing(skeleton=SKELETON, at=(0.0, 0.0), turn=0.0):
    joints = []
    for name in skeleton.joints:
        side = -1.0 if name.startswith("right_") else 1.0
        x, y, z = FIGURE[name.removeprefix("left_").removeprefix("right_")]
        joints.append((x, side * y, z))
    c, s = np.cos(turn), np.sin(turn)
    return np.array(joints) @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]).T + [*at, 0.0]


def walk(frames=60):
    """Somebody walking an arc while turning; arms and legs swing."""
    for frame in range(frames):
        joints = standing(at=(600.0 - 20.0 * frame, 200.0), turn=0.03 * frame)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            swing = sign * 150.0 * np.sin(0.4 * frame)
            for name, share in (("knee", 0.5), ("ankle", 1.0), ("wrist", -1.0)):
                joints[SKELETON.index(f"{side}_{name}"), 0] += share * swing
        yield joints


def repairer(rig: Rig, skeleton=SKELETON, **settings: float) -> MirrorRepair:
    return MirrorRepair(MirrorRepairConfig(**settings), RobustTriangulator(RobustConfig(), rig), skeleton)


def views_of(rig, joints, rng, noise_px=3.0, exchanged=()):
    keypoints = rig.project(joints) + rng.normal(0.0, noise_px, (len(rig), len(joints), 2))
    for view in exchanged:
        keypoints[view] = keypoints[view][SKELETON.mirror]
    return keypoints, np.full(keypoints.shape[:2], 0.9)


def test_right_labels_are_left_alone():
    rng, rig = np.random.default_rng(0), ring_rig(4)
    repair = repairer(rig)
    for joints in walk():
        keypoints, scores = views_of(rig, joints, rng)
        repaired, repaired_scores, swapped = repair(keypoints, scores, 0)
        assert not swapped.any()
        np.testing.assert_array_equal(repaired, keypoints)
        np.testing.assert_array_equal(repaired_scores, scores)


@pytest.mark.parametrize("views", [3, 4, 8])
def test_one_view_exchanged_from_the_first_frame_on(views):
    rng, rig = np.random.default_rng(1), ring_rig(views)
    for wrong in range(views):
        repair = repairer(rig)
        for joints in list(walk())[:5]:
            keypoints, scores = views_of(rig, joints, rng, exchanged=[wrong])
            repaired, _, swapped = repair(keypoints, scores, 0)
            assert np.flatnonzero(swapped).tolist() == [wrong]
            np.testing.assert_array_equal(repaired[wrong], keypoints[wrong][SKELETON.mirror])


def test_an_exchange_that_lasts_is_repaired_in_every_frame():
    rng, rig = np.random.default_rng(2), ring_rig(4)
    repair = repairer(rig)
    for frame, joints in enumerate(walk()):
        wrong = [2] if 10 <= frame < 50 else []
        _, _, swapped = repair(*views_of(rig, joints, rng, exchanged=wrong), 0)
        assert np.flatnonzero(swapped).tolist() == wrong


def test_most_views_exchanged_later_keep_the_labels_of_before():
    rng, rig = np.random.default_rng(3), ring_rig(4)
    repair = repairer(rig)
    for frame, joints in enumerate(walk(30)):
        wrong = [0, 1, 3] if frame >= 10 else []
        _, _, swapped = repair(*views_of(rig, joints, rng, exchanged=wrong), 0)
        assert np.flatnonzero(swapped).tolist() == wrong


def test_half_of_the_views_at_the_start_is_decided_by_anatomy():
    rng, rig = np.random.default_rng(4), ring_rig(4)
    for wrong in ([0, 1], [1, 2], [0, 2]):
        _, _, swapped = repairer(rig)(*views_of(rig, standing(), rng, exchanged=wrong), 0)
        assert np.flatnonzero(swapped).tolist() == wrong


def test_a_wrong_start_is_revised_by_the_vote():
    rng, rig = np.random.default_rng(5), ring_rig(4)
    repair = repairer(rig)
    wrong_at_first, decided = [0, 1, 2], []
    for frame, joints in enumerate(walk(100)):
        exchanged = wrong_at_first if frame == 0 else []
        _, _, swapped = repair(*views_of(rig, joints, rng, exchanged=exchanged), 0)
        decided.append(swapped.all())
    # Three of four views are wrong in the first frame only. Anatomy weighs half a view's majority, so the
    # start may be mirrored as a whole, but not for long: each later frame votes -1.5 against -15 that are
    # needed.
    assert not any(decided[11:])


def test_mirror_of_everything_follows_the_labels_equally():
    rng, rig = np.random.default_rng(6), ring_rig(5)
    joints = standing()
    keypoints, scores = views_of(rig, joints, rng)
    scores = rng.uniform(0.4, 1.0, scores.shape)
    keypoints[1], scores[1] = keypoints[1][SKELETON.mirror], scores[1][SKELETON.mirror]
    repaired, repaired_scores, swapped = repairer(rig)(keypoints, scores, 0)
    assert np.flatnonzero(swapped).tolist() == [1]
    np.testing.assert_array_equal(repaired_scores[1], scores[1][SKELETON.mirror])
    assert np.linalg.norm(repaired - rig.project(joints), axis=-1).max() < 3.0 * 6.0


def test_people_are_remembered_apart_and_forgotten():
    rng, rig = np.random.default_rng(7), ring_rig(4)
    repair = repairer(rig)
    for joints in walk(5):
        shifted = joints + np.array([0.0, 1200.0, 0.0])
        _, _, first = repair(*views_of(rig, joints, rng, exchanged=[1]), 1)
        _, _, second = repair(*views_of(rig, shifted, rng, exchanged=[3]), 2)
        assert np.flatnonzero(first).tolist() == [1]
        assert np.flatnonzero(second).tolist() == [3]
    # With the body of before, three exchanged views are known to be wrong; without it, the fourth is.
    after = views_of(rig, joints, rng, exchanged=[0, 1, 2])
    assert np.flatnonzero(repair(*after, 1)[2]).tolist() == [0, 1, 2]
    repair.forget(1)
    assert np.flatnonzero(repair(*after, 1)[2]).tolist() == [3]
    repair.reset()
    assert np.flatnonzero(repair(*after, 2)[2]).tolist() == [3]
    for person in range(3 * PEOPLE):
        repair(*views_of(rig, joints, rng), person)
    assert len(repair._people) == PEOPLE


def test_views_without_the_person_are_not_judged():
    rng, rig = np.random.default_rng(8), ring_rig(4)
    repair = repairer(rig)
    for frame, joints in enumerate(walk(20)):
        keypoints, scores = views_of(rig, joints, rng, exchanged=[2])
        if frame % 3 == 1:
            keypoints[2], scores[2] = np.nan, 0.0
        if frame % 5 == 4:
            keypoints[0], scores[0] = np.nan, 0.0
        _, _, swapped = repair(keypoints, scores, 0)
        assert np.flatnonzero(swapped).tolist() == ([] if frame % 3 == 1 else [2])


def test_nothing_seen_and_one_view_only():
    rng, rig = np.random.default_rng(9), ring_rig(3)
    repair = repairer(rig)
    nothing = np.full((3, 26, 2), np.nan), np.zeros((3, 26))
    assert not repair(*nothing, 0)[2].any()
    keypoints, scores = views_of(rig, standing(), rng)
    scores[1:] = 0.0
    assert not repair(keypoints, scores, 0)[2].any()
    assert not repair(*nothing, 0)[2].any()


def test_somebody_elsewhere_is_a_new_start():
    rng, rig = np.random.default_rng(10), ring_rig(4)
    repair = repairer(rig)
    repair(*views_of(rig, standing(), rng), 0)
    far = standing(at=(-900.0, 900.0), turn=2.0)
    _, _, swapped = repair(*views_of(rig, far, rng, exchanged=[3]), 0)
    assert np.flatnonzero(swapped).tolist() == [3]


class TestEvidence:
    def test_preference_is_one_for_perfect_labels_and_minus_one_mirrored(self):
        rig, joints = ring_rig(4), standing()
        pairs = SidePairs(SKELETON)
        ideal = rig.undistort(rig.project(joints))
        scores = np.ones(ideal.shape[:2])
        own, other = against_joints(joints, ideal, scores, rig.projections, pairs)
        assert own.max() < 1e-6
        # 36 cm between shoulders, 52 between wrists, 19 between hips, seen from different sides.
        assert (other > 30.0).all()
        assert (other < 520.0).all()
        np.testing.assert_allclose(preference(own, other), 1.0, atol=1e-6)
        mirrored = ideal[:, SKELETON.mirror]
        own, other = against_joints(joints, mirrored, scores, rig.projections, pairs)
        np.testing.assert_allclose(preference(own, other), -1.0, atol=1e-6)

    def test_error_is_in_mm_at_the_joint(self):
        rig, joints = ring_rig(3), standing()
        moved = joints + 40.0 * rig.cameras[0].R[0]  # 40 mm to the right, as camera 1 sees it
        ideal = rig.undistort(rig.project(moved))
        own, _ = against_joints(joints, ideal, np.ones(ideal.shape[:2]), rig.projections, SidePairs(SKELETON))
        assert own[0] == pytest.approx(40.0, rel=1e-6)

    def test_epipolar_lines_pass_through_the_other_view(self):
        rig, joints = ring_rig(3), standing()
        ideal = rig.undistort(rig.project(joints))
        lines = fundamental_matrices(rig)
        own, other = against_view(0, ideal, np.ones(ideal.shape[:2]), lines[0], SidePairs(SKELETON))
        assert own[1:].max() < 1e-6
        assert other[1:].min() > 1.0

    def test_nothing_known_is_no_preference(self):
        rig = ring_rig(3)
        nothing = against_joints(
            np.full((26, 3), np.nan),
            np.zeros((3, 26, 2)),
            np.ones((3, 26)),
            rig.projections,
            SidePairs(SKELETON),
        )
        assert (preference(*nothing) == 0.0).all()

    def test_chirality(self):
        for turn in (0.0, 1.0, 2.5):
            joints = standing(turn=turn)
            assert chirality(joints, SKELETON) > 0.9
            assert chirality(joints[SKELETON.mirror], SKELETON) < -0.9
        coco = get_skeleton("coco_17")
        assert chirality(standing(coco), coco) > 0.8
        # Without face and feet, a body looks the same from the front and, mirrored, from the back.
        faceless = standing()
        for name in ("nose", "left_heel", "right_heel"):
            faceless[SKELETON.index(name)] = np.nan
        assert chirality(faceless, SKELETON) == 0.0
