import numpy as np
import pytest

from configs.errors import BadInputError
from models.skeletons import (
    BODY_JOINTS,
    MEASURED_BONES,
    NEAR,
    SKELETONS,
    bone_indices,
    convert_joints,
    get_skeleton,
    joint_map,
)

SIZES = {
    "blazepose_33": 33,
    "halpe_26": 26,
    "coco_17": 17,
    "coco_wholebody_133": 133,
    "human36m_lt17": 17,
    "human36m_17": 17,
    "cmu_19": 19,
    "mpii_16": 16,
    "mpi_inf_3dhp_17": 17,
    "smpl_24": 24,
}


def test_every_convention_is_there_with_its_size():
    assert {name: len(skeleton) for name, skeleton in SKELETONS.items()} == SIZES


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS.keys())
class TestEverySkeleton:
    def test_names_are_unique(self, skeleton):
        assert len(set(skeleton.joints)) == len(skeleton)

    def test_bones_connect_all_joints_that_bones_touch(self, skeleton):
        touched = {joint for bone in skeleton.bones for joint in bone}
        reached, frontier = set(), [skeleton.body[0]]
        while frontier:
            joint = frontier.pop()
            reached.add(joint)
            frontier += [b for bone in skeleton.bones for b in bone if joint in bone and b not in reached]
        # A face drawn without a neck may float; trunk and limbs must hang together.
        assert set(skeleton.body) <= reached
        assert touched <= set(range(len(skeleton)))

    def test_mirror_exchanges_the_sides_and_nothing_else(self, skeleton):
        for at, to in enumerate(skeleton.mirror):
            name = skeleton.joints[at]
            expected = name.replace("left_", "RIGHT_").replace("right_", "left_").replace("RIGHT_", "right_")
            assert skeleton.joints[to] == expected
        assert (skeleton.mirror[skeleton.mirror] == np.arange(len(skeleton))).all()

    def test_every_sided_joint_has_its_pair(self, skeleton):
        sided = [joint for joint in skeleton.joints if joint.startswith(("left_", "right_"))]
        assert len(sided) == 2 * len(skeleton.pairs)

    def test_bones_are_symmetric(self, skeleton):
        bones = {frozenset(bone) for bone in skeleton.bones}
        assert {frozenset(skeleton.mirror[list(bone)]) for bone in bones} == bones

    def test_body_joints(self, skeleton):
        assert tuple(skeleton.joints[at] for at in skeleton.body) == BODY_JOINTS
        assert bone_indices(skeleton).shape == (len(MEASURED_BONES), 2)


def test_orders_against_the_published_definitions():
    # Spot checks from the definitions of each data set, one per block of its table.
    blazepose = get_skeleton("blazepose_33").joints
    assert [blazepose[i] for i in (0, 7, 12, 15, 19, 23, 28, 31)] == [
        "nose", "left_ear", "right_shoulder", "left_wrist", "left_index", "left_hip", "right_ankle",
        "left_foot_index",
    ]  # fmt: skip
    halpe = get_skeleton("halpe_26").joints
    assert halpe[:17] == get_skeleton("coco_17").joints
    assert halpe[17:] == (
        "head_top", "neck", "pelvis", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe",
        "left_heel", "right_heel",
    )  # fmt: skip
    smpl = get_skeleton("smpl_24").joints
    assert [smpl[i] for i in (0, 1, 5, 7, 12, 15, 17, 22)] == [
        "pelvis", "left_hip", "right_knee", "left_ankle", "neck", "head", "right_shoulder", "left_hand",
    ]  # fmt: skip
    cmu = get_skeleton("cmu_19").joints
    assert [cmu[i] for i in (0, 2, 3, 8, 9, 14, 16, 17)] == [
        "neck", "pelvis", "left_shoulder", "left_ankle", "right_shoulder", "right_ankle", "left_ear",
        "right_eye",
    ]  # fmt: skip


def test_both_human36m_orders_pick_the_same_raw_joints():
    # Indices into the 32 joints of the raw recordings, as each family of networks publishes them.
    lt = [3, 2, 1, 6, 7, 8, 0, 12, 13, 15, 27, 26, 25, 17, 18, 19, 14]
    lifting = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    order = joint_map(get_skeleton("human36m_lt17"), get_skeleton("human36m_17"))
    assert [lt[at] for at in order] == lifting


def test_joint_map_finds_by_name_and_marks_the_rest():
    order = joint_map(get_skeleton("coco_17"), get_skeleton("human36m_17"))
    names = [get_skeleton("coco_17").joints[at] if at >= 0 else None for at in order]
    expected = [
        joint if joint in get_skeleton("coco_17").joints else None
        for joint in get_skeleton("human36m_17").joints
    ]
    assert names == expected
    assert names.count(None) == 4  # pelvis, spine, neck, head top


def test_stand_ins_only_on_request():
    blazepose, halpe = get_skeleton("blazepose_33"), get_skeleton("halpe_26")
    toe = halpe.index("left_big_toe")
    assert joint_map(blazepose, halpe)[toe] == -1
    assert joint_map(blazepose, halpe, near=True)[toe] == blazepose.index("left_foot_index")


def test_stand_ins_name_joints_that_exist():
    known = {joint for skeleton in SKELETONS.values() for joint in skeleton.joints}
    assert {joint for joint, others in NEAR.items() for joint in (joint, *others)} <= known


def test_convert_joints_carries_values_and_nan():
    source, target = get_skeleton("coco_17"), get_skeleton("cmu_19")
    values = np.random.default_rng(0).normal(size=(2, 17, 3))
    converted = convert_joints(values, source, target)
    assert converted.shape == (2, 19, 3)
    assert (converted[:, target.index("left_knee")] == values[:, source.index("left_knee")]).all()
    assert np.isnan(converted[:, target.index("pelvis")]).all()


def test_unknown_skeleton_names_the_nearest():
    with pytest.raises(BadInputError, match=r'did you mean "halpe_26"'):
        get_skeleton("halpe26")
