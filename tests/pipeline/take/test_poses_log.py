from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from pipeline.take.errors import TakeError
from pipeline.take.poses_file import map_poses, read_poses, write_poses
from pipeline.take.poses_log import PosesLog, PosesLogWriter
from tests.pipeline.take.synthetic_take import ORIGIN_NS, PERIOD_NS, SKELETON, make_pose, make_rig

ARRAYS = (
    "view_times_ns",
    "person",
    "joints",
    "scores",
    "covariance",
    "keypoints",
    "used",
    "smoothed",
    "swapped",
)
PEOPLE = [1, 0, 2, 1]


@pytest.fixture(scope="module")
def frames():
    rig = make_rig([(320, 240)] * 3)
    generator = np.random.default_rng(0)
    return [make_pose(rig, ORIGIN_NS + i * PERIOD_NS, n, generator) for i, n in enumerate(PEOPLE)]


@pytest.fixture
def path(tmp_path: Path, frames) -> Path:
    path = tmp_path / "poses.log"
    writer = PosesLogWriter(path)
    for frame in frames:
        writer.append(frame)
    writer.close()
    assert (writer.frames, writer.most_people) == (4, 2)
    return path


def assert_same(first, second):
    assert first.time_ns == second.time_ns
    assert first.skeleton == second.skeleton
    assert first.cameras == second.cameras
    assert first.stage_ms == second.stage_ms
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def test_frames_come_back_exactly(path: Path, frames):
    log = PosesLog(path)
    for _ in range(2):  # as often as wanted
        read = list(log)
        assert log.problem == ""
        assert len(read) == len(frames)
        for first, second in zip(frames, read, strict=True):
            assert_same(first, second)


def test_a_torn_tail_at_any_byte_loses_only_the_last_record(path: Path, frames):
    content = path.read_bytes()
    sizes = [len(content)]
    for cut in range(1, 400):  # within the last record, which is over 4 kB long
        path.write_bytes(content[:-cut])
        log = PosesLog(path)
        read = list(log)
        assert [frame.time_ns for frame in read] == [frame.time_ns for frame in frames[:3]]
        assert log.problem == "record 4 is cut short or damaged; the records before it are good"
    assert sizes[0] > 4000


def test_a_flipped_bit_is_found(path: Path, frames):
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    log = PosesLog(path)
    assert len(list(log)) == 3
    assert "record 4" in log.problem


def test_an_absurd_length_is_not_allocated(path: Path):
    path.write_bytes(path.read_bytes() + b"\xff" * 8)
    log = PosesLog(path)
    assert len(list(log)) == 4
    assert "record 5" in log.problem


def test_another_file_is_refused(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"something else")
    with pytest.raises(TakeError, match="not a poses log"):
        PosesLog(tmp_path / "x")


def test_another_skeleton_is_refused(tmp_path: Path, frames):
    writer = PosesLogWriter(tmp_path / "poses.log")
    writer.append(frames[0])
    with pytest.raises(ValueError, match="one skeleton"):
        writer.append(replace(frames[0], cameras=("a", "b", "c")))
    writer.close()


def test_npz_has_exactly_the_arrays_of_the_contract(path: Path, frames, tmp_path: Path):
    target = tmp_path / "poses.npz"
    write_poses(target, PosesLog(path), count=4, people=2)
    T, P, V, J = 4, 2, 3, len(SKELETON)
    shapes = {
        "times_ns": (T,),
        "person": (T, P),
        "joints": (T, P, J, 3),
        "scores": (T, P, J),
        "covariance": (T, P, J, 3, 3),
        "keypoints": (T, P, V, J, 3),
        "smoothed": (T, P, J, 3),
        "used": (T, P, V, J),
        "one_camera": (T, P, J),
        "swapped": (T, P, V),
        "view_times_ns": (T, V),
        "stage_ms": (T, 2),
        "stages": (2,),
        "skeleton": (),
        "cameras": (V,),
        "joint_names": (J,),
    }
    with np.load(target, allow_pickle=False) as data:
        assert {name: data[name].shape for name in data.files} == shapes
        assert data["times_ns"].dtype == data["person"].dtype == np.int64
        assert str(data["skeleton"]) == "halpe_26"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["poses.log", "poses.npz"]


def test_npz_pads_missing_people(path: Path, frames, tmp_path: Path):
    target = tmp_path / "poses.npz"
    write_poses(target, PosesLog(path), count=4, people=2)
    poses = read_poses(target)
    assert poses.person.tolist() == [[0, -1], [-1, -1], [0, 1], [0, -1]]
    assert poses.cameras == ("cam1", "cam2", "cam3")
    assert poses.stages == ("detect", "triangulate")
    for row, frame in enumerate(frames):
        there = PEOPLE[row]
        np.testing.assert_array_equal(poses.joints[row, :there], frame.joints)
        np.testing.assert_array_equal(poses.keypoints[row, :there], frame.keypoints)
        np.testing.assert_array_equal(poses.covariance[row, :there], frame.covariance)
        np.testing.assert_array_equal(poses.stage_ms[row], list(frame.stage_ms.values()))
        assert np.isnan(poses.joints[row, there:]).all()
        assert np.isnan(poses.keypoints[row, there:, ..., :2]).all()
        assert (poses.keypoints[row, there:, ..., 2] == 0).all()
        assert (poses.scores[row, there:] == 0).all()
        assert not poses.used[row, there:].any()


def test_npz_of_a_take_where_nobody_was_seen(tmp_path: Path, frames):
    target = tmp_path / "poses.npz"
    write_poses(target, [frames[1]], count=1, people=0)
    poses = read_poses(target)
    assert poses.joints.shape == (1, 0, len(SKELETON), 3)
    assert len(poses) == 1


def test_a_wrong_count_is_a_bug_and_leaves_no_file(tmp_path: Path, frames):
    for count in (3, 5):
        with pytest.raises(ValueError, match="instants"):
            write_poses(tmp_path / "poses.npz", frames, count=count, people=2)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("people", [[1, 0, 2, 1], [0, 0]])
def test_mapped_poses_are_those_that_would_be_loaded(tmp_path: Path, frames, people, compressed: bool):
    rig = make_rig([(320, 240)] * 3)
    generator = np.random.default_rng(0)
    path = tmp_path / "poses.npz"
    shown = [make_pose(rig, ORIGIN_NS + i, n, generator) for i, n in enumerate(people)]
    write_poses(path, shown, count=len(people), people=max(people))
    if compressed:
        with np.load(path) as data:
            np.savez_compressed(path, **{name: data[name] for name in data.files})
    loaded, mapped = read_poses(path), map_poses(path)
    assert (mapped.skeleton, mapped.cameras, mapped.stages) == (
        loaded.skeleton,
        loaded.cameras,
        loaded.stages,
    )
    for name in (*ARRAYS, "times_ns", "stage_ms"):
        first, second = getattr(loaded, name), getattr(mapped, name)
        np.testing.assert_array_equal(first, second, err_msg=name)
        assert first.dtype == second.dtype
        assert isinstance(second, np.memmap) == (not compressed and second.size > 0), name


def test_a_missing_or_damaged_file_is_bad_input_also_when_mapped(tmp_path: Path, frames):
    path = tmp_path / "poses.npz"
    with pytest.raises(BadInputError, match="no such file"):
        map_poses(path)
    path.write_bytes(b"PK" + bytes(100))
    with pytest.raises(BadInputError, match="is damaged"):
        map_poses(path)
    np.savez(path, joints=np.zeros(3))
    with pytest.raises(BadInputError, match="has no array"):
        map_poses(path)
