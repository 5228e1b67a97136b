from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from configs.errors import BadInputError
from models.skeletons import SKELETONS, get_skeleton
from pipeline.exporters.bvh import read_bvh
from pipeline.exporters.export import export_take
from pipeline.exporters.joint_tree import TreeMotion, joint_tree, tree_motion
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import make_take


@pytest.mark.parametrize("name", SKELETONS)
def test_every_skeleton_is_one_tree_from_the_pelvis(name: str):
    skeleton = get_skeleton(name)
    tree = joint_tree(skeleton)
    assert tree.names[0] == "pelvis"
    assert tree.parents[0] == -1
    assert all(0 <= parent < at for at, parent in enumerate(tree.parents) if at)
    assert set(skeleton.joints) <= set(tree.names)
    assert len(set(tree.names)) == len(tree.names)
    parent_of = {tree.names[at]: tree.names[parent] for at, parent in enumerate(tree.parents) if at}
    assert parent_of["left_knee"] == "left_hip"
    assert parent_of["left_wrist"] == "left_elbow"
    if "nose" in skeleton.joints:
        above = []
        joint = "nose"
        while joint != "pelvis":
            joint = parent_of[joint]
            above.append(joint)
        assert "neck" in above, "the head hangs on the neck"


@pytest.mark.parametrize("name", ["halpe_26", "coco_17", "human36m_17", "smpl_24"])
def test_a_rigid_body_that_moves_is_found_again(name: str):
    skeleton, generator = get_skeleton(name), np.random.default_rng(3)
    tree = joint_tree(skeleton)
    count, nodes = 40, len(tree.names)
    offsets = generator.normal(0, 200, (nodes, 3))
    offsets[0] = 0.0
    turns = Rotation.from_rotvec(generator.normal(0, 0.5, (count * nodes, 3))).as_matrix()
    rotations = turns.reshape(count, nodes, 3, 3)
    truth = TreeMotion(tree, offsets, generator.normal(0, 500, (count, 3)), rotations).positions()
    joints = np.full((count, len(skeleton), 3), np.nan)
    for node, source in enumerate(tree.sources):
        if len(source) == 1:
            joints[:, source[0]] = truth[:, node]
    found = tree_motion(tree, joints).positions()
    virtual = {at for at, source in enumerate(tree.sources) if len(source) > 1}
    if not virtual:
        # Rotations are found to 1e-6 (weight of staying) of a few metres of bones in a row.
        np.testing.assert_allclose(found, truth, atol=0.05)
    # Where the pelvis or neck is a middle, the truth's own was elsewhere: bones still point where measured.
    for node, parent in enumerate(tree.parents):
        if parent in virtual or node in virtual or parent < 0 or len(tree.children(parent)) > 1:
            continue
        way = found[:, node] - found[:, parent]
        measured = truth[:, node] - truth[:, parent]
        cosine = (way * measured).sum(-1) / (np.linalg.norm(way, axis=-1) * np.linalg.norm(measured, axis=-1))
        np.testing.assert_allclose(cosine, 1.0, atol=1e-9)


def test_missing_joints_are_filled_in_and_half_turns_stay_finite():
    skeleton = get_skeleton("coco_17")
    tree = joint_tree(skeleton)
    joints = np.random.default_rng(0).normal(0, 300, (6, 17, 3))
    joints[3] = joints[2]
    wrist, elbow = skeleton.index("left_wrist"), skeleton.index("left_elbow")
    joints[3, wrist] = 2 * joints[3, elbow] - joints[2, wrist]  # the forearm points the other way
    joints[1, wrist] = np.nan
    joints[:, skeleton.index("left_ear")] = np.nan
    motion = tree_motion(tree, joints)
    places = motion.positions()
    assert np.isfinite(places).all()
    node = tree.names.index("left_ear")
    np.testing.assert_allclose(places[:, node], places[:, tree.parents[node]])
    middle = (joints[0, wrist] + joints[2, wrist]) / 2
    way = places[1, tree.names.index("left_wrist")] - places[1, tree.names.index("left_elbow")]
    expected = middle - joints[1, elbow]
    assert way @ expected / np.linalg.norm(way) / np.linalg.norm(expected) == pytest.approx(1.0)


def test_the_file_stands_upright_in_centimetres(tmp_path: Path):
    folder = make_take(tmp_path / "walk", frames=8, sizes=[(640, 480)] * 3)
    take = Take.open(folder)
    poses = take.poses()
    assert poses is not None
    (path,) = export_take(folder, ["bvh"], tmp_path)
    text = path.read_text()
    lines = [line.strip() for line in text.splitlines()]
    assert lines[:2] == ["HIERARCHY", "ROOT pelvis"]
    assert lines[4] == "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
    assert text.count("{") == text.count("}")
    motion = lines.index("MOTION")
    assert lines[motion + 1] == "Frames: 8"
    assert float(lines[motion + 2].removeprefix("Frame Time: ")) == pytest.approx(1 / 30, abs=1e-7)
    skeleton = get_skeleton(poses.skeleton)
    root = np.array([float(word) for word in lines[motion + 3].split()[:3]])
    x, y, z = poses.joints[0, 0, skeleton.index("pelvis")]
    np.testing.assert_allclose(root, [x / 10, z / 10, -y / 10], atol=1e-4)
    (found,) = read_bvh(text)
    places = found.positions()
    height = {name: places[0, at, 1] for at, name in enumerate(found.tree.names)}
    assert height["head_top"] > height["pelvis"] > height["left_knee"] > height["left_ankle"]
    # Limbs of the drawn walker change their length as they swing, by some centimetres; bones here do not.
    measured = poses.joints[:, 0] @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]).T
    order = [found.tree.names.index(name) for name in skeleton.joints]
    assert np.median(np.linalg.norm(places[:, order] - measured, axis=-1)) < 60.0


def test_everybody_is_in_the_file_and_nobody_is_an_error(tmp_path: Path):
    two = make_take(tmp_path / "two", frames=4, sizes=[(64, 48)] * 2, people=lambda _: 2)
    (path,) = export_take(two, ["bvh"], tmp_path)
    assert len(read_bvh(path.read_text())) == 2
    assert "ROOT person0_pelvis" in path.read_text()
    assert "ROOT person1_pelvis" in path.read_text()
    empty = make_take(tmp_path / "empty", frames=4, sizes=[(64, 48)] * 2, people=lambda _: 0)
    with pytest.raises(BadInputError, match="nobody was found in this take"):
        export_take(empty, ["bvh"], tmp_path)
    export_take(empty, ["c3d", "trc", "csv"], tmp_path)
