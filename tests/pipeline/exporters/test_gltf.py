"""glTF: where joints are when the animation plays, and what the specification demands of the file."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from models.skeletons import get_skeleton
from pipeline.exporters.base import ExportError
from pipeline.exporters.export import export_take
from pipeline.exporters.gltf import GlbExporter, read_gltf
from pipeline.exporters.joint_tree import joint_tree, tree_motion
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import make_take


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Take:
    return Take.open(make_take(tmp_path_factory.mktemp("takes") / "walk", frames=8, sizes=[(64, 48)] * 2))


@pytest.mark.parametrize("name", ["glb", "gltf"])
def test_the_animation_moves_joints_as_they_were_measured(walk: Take, tmp_path: Path, name: str):
    poses = walk.poses()
    assert poses is not None
    (path,) = export_take(walk.folder, [name], tmp_path)
    ((names, times_s, places),) = read_gltf(path)
    np.testing.assert_allclose(times_s, np.arange(8) / 30, atol=1e-6)
    skeleton = get_skeleton(poses.skeleton)
    x, y, z = poses.joints[:, 0, skeleton.index("pelvis")].T
    # Z up becomes Y up, and what was forward comes towards the viewer; metres in single precision.
    np.testing.assert_allclose(places[:, names.index("pelvis")], np.stack([x, z, -y], axis=1), atol=1e-3)
    expected = tree_motion(joint_tree(skeleton), poses.joints[:, 0]).positions()
    turned = np.stack([expected[..., 0], expected[..., 2], -expected[..., 1]], axis=-1)
    np.testing.assert_allclose(places, turned, atol=2e-3)
    height = dict(zip(names, places[0, :, 1], strict=True))
    assert height["head_top"] > height["pelvis"] > height["left_knee"] > height["left_ankle"]
    assert 1500 < height["head_top"] - height["left_heel"] < 2000, "a person of some 1.7 m, read in metres"


def document_of(path: Path) -> tuple[dict, bytes]:
    """Header, JSON and buffer of a binary file, by the specification and without the library."""
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    start = 20 + size
    rest, binary = struct.unpack_from("<I4s", data, start)
    assert binary == b"BIN\0"
    return json.loads(data[20:start]), data[start + 8 : start + 8 + rest]


def test_the_file_keeps_to_the_specification(walk: Take, tmp_path: Path):
    (path,) = export_take(walk.folder, ["glb"], tmp_path)
    document, data = document_of(path)
    assert document["asset"]["version"] == "2.0"
    assert document["buffers"][0]["byteLength"] <= len(data)
    sizes = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}
    for accessor in document["accessors"]:
        view = document["bufferViews"][accessor["bufferView"]]
        number = {5126: 4, 5123: 2}[accessor["componentType"]]
        assert view.get("byteOffset", 0) % 4 == 0
        assert view["byteLength"] == number * sizes[accessor["type"]] * accessor["count"]
        assert view.get("byteOffset", 0) + view["byteLength"] <= document["buffers"][0]["byteLength"]
    (animation,) = document["animations"]
    (skin,) = document["skins"]
    assert {channel["target"]["node"] for channel in animation["channels"]} <= set(skin["joints"])
    for sampler in animation["samplers"]:
        times = document["accessors"][sampler["input"]]
        assert times["min"] == [0.0]
        assert times["max"] == [pytest.approx(7 / 30, abs=1e-6)]
        assert document["accessors"][sampler["output"]]["count"] == times["count"]
    children = [child for node in document["nodes"] for child in node.get("children", [])]
    assert len(children) == len(set(children)), "every joint has one parent"
    assert set(children) | {skin["joints"][0]} == set(skin["joints"])
    primitive = document["meshes"][0]["primitives"][0]
    corners = document["accessors"][primitive["attributes"]["POSITION"]]
    indexed = document["accessors"][primitive["indices"]]["bufferView"]
    view = document["bufferViews"][indexed]
    indices = np.frombuffer(data, "<u2", view["byteLength"] // 2, view["byteOffset"])
    assert indices.max() == corners["count"] - 1
    owners = document["accessors"][primitive["attributes"]["JOINTS_0"]]
    assert owners["count"] == corners["count"]


def test_solids_look_outwards(walk: Take, tmp_path: Path):
    (path,) = export_take(walk.folder, ["glb"], tmp_path)
    document, data = document_of(path)
    primitive = document["meshes"][0]["primitives"][0]

    def array(number: int, kind: str, width: int) -> np.ndarray:
        accessor = document["accessors"][number]
        view = document["bufferViews"][accessor["bufferView"]]
        found = np.frombuffer(data, kind, accessor["count"] * width, view["byteOffset"])
        return found.reshape(-1, width)

    corners = array(primitive["attributes"]["POSITION"], "<f4", 3).astype(float).reshape(-1, 6, 3)
    faces = array(primitive["indices"], "<u2", 1).reshape(-1, 8, 3) % 6
    for solid, own in zip(corners, faces, strict=True):
        a, b, c = (solid[own[:, corner]] for corner in range(3))
        outwards = (np.cross(b - a, c - a) * ((a + b + c) / 3 - solid.mean(axis=0))).sum(axis=1)
        assert (outwards > 0).all(), "counter-clockwise from outside"


def test_everybody_is_in_the_file_and_nobody_is_an_error(tmp_path: Path):
    two = make_take(tmp_path / "two", frames=4, sizes=[(64, 48)] * 2, people=lambda _: 2)
    (path,) = export_take(two, ["glb"], tmp_path)
    people = read_gltf(path)
    assert len(people) == 2
    document, _ = document_of(path)
    assert {"person0:pelvis", "person1:pelvis"} <= {node["name"] for node in document["nodes"]}
    assert np.abs(people[0][2][:, 0] - people[1][2][:, 0]).max() > 100, "they stand at different places"
    empty = make_take(tmp_path / "empty", frames=4, sizes=[(64, 48)] * 2, people=lambda _: 0)
    for name in ("glb", "gltf"):
        with pytest.raises(BadInputError, match="nobody was found in this take"):
            export_take(empty, [name], tmp_path)


def test_another_file_is_not_taken_for_this_take(walk: Take, tmp_path: Path):
    (path,) = export_take(walk.folder, ["glb"], tmp_path)
    poses = walk.poses()
    assert poses is not None
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ExportError, match="cannot be read back"):
        GlbExporter().verify(walk, poses, path)
