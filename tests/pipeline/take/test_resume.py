"""A take whose recorder was killed goes on in another process, whatever byte the kill came at."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.errors import TakeError
from pipeline.take.events import read_events
from pipeline.take.lock import TakeLock
from pipeline.take.matroska import read_bones, seal
from pipeline.take.streams_log import StreamStart
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from pipeline.take.video_file import RecordedVideo
from pipeline.take.video_writer import VideoWriter
from pipeline.take.writer import TakeWriter, begun_state
from tests.pipeline.take.synthetic_take import (
    ORIGIN_NS,
    PERIOD_NS,
    body,
    jpeg,
    make_header,
    make_pose,
    make_rig,
    picture,
)
from tests.pipeline.take.test_video import ORIGIN, SIZE, encode, number_of

BEFORE, AFTER = 8, 14
FORMAT = VideoFormat("mjpeg", (160, 120), 30.0)


def time_of(index: int) -> int:
    return ORIGIN_NS + (index + 1) * PERIOD_NS


@pytest.fixture(scope="module")
def rig():
    return make_rig([(160, 120)] * 2)


@pytest.fixture(scope="module")
def packets(rig):
    data = {camera.name: jpeg(picture(camera, [body(0.0)])) for camera in rig.cameras}
    return {
        name: [EncodedPacket(data[name], time_of(index), time_of(index), True) for index in range(AFTER)]
        for name in rig.names
    }


@pytest.fixture(scope="module")
def killed(rig, packets, tmp_path_factory):
    """The folder as a kill leaves it: whatever had reached the files."""
    folder = tmp_path_factory.mktemp("takes")
    generator = np.random.default_rng(0)
    with TakeWriter.create(folder / "live", make_header(rig)) as writer:
        for name in rig.names:
            writer.note_stream(StreamStart(name, 77, 0, FORMAT))
            writer.open_video(name, FORMAT)
        for index in range(BEFORE):
            for name in rig.names:
                writer.write_frame(
                    name, index, time_of(index), "recorded", "", packets[name][index : index + 1]
                )
            writer.write_poses(make_pose(rig, time_of(index), 1, generator))
        writer.write_event("mark", "before", time_of(BEFORE))
        shutil.copytree(folder / "live", folder / "killed")
    return folder / "killed"


def go_on(folder: Path, rig, packets, generator) -> TakeWriter:
    """As a recorder does that is given the last second again: lines once, pictures in any case."""
    writer = TakeWriter.resume(folder)
    for name in rig.names:
        written = writer.resumed[name].totals.captured
        writer.open_video(name, FORMAT)
        for index in range(AFTER):
            own = packets[name][index : index + 1]
            if index < written:
                writer.write_late_packets(name, own)
            else:
                writer.write_frame(name, index, time_of(index), "recorded", "", own)
    for index in range(BEFORE, AFTER):
        writer.write_poses(make_pose(rig, time_of(index), 1, generator))
    writer.write_event("mark", "after", time_of(AFTER))
    return writer


def cut(path: Path, length: int) -> None:
    with path.open("r+b") as stream:
        stream.truncate(length)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_missing_and_nothing_is_twice_whatever_byte_the_kill_came_at(
    killed, rig, packets, tmp_path, seed
):
    folder = Path(shutil.copytree(killed, tmp_path / "take"))
    dice = np.random.default_rng(seed)
    for path in [*folder.glob("videos/*"), *folder.glob("ledger/*"), folder / "poses.log"]:
        cut(path, int(dice.integers(0, path.stat().st_size + 1)))
    go_on(folder, rig, packets, np.random.default_rng(1)).close()
    check = check_take(folder)
    assert check.intact, check.problems
    for totals in check.totals.values():
        assert (totals.captured, totals.recorded) == (AFTER, AFTER)
    assert BEFORE <= check.poses + BEFORE <= AFTER + BEFORE
    assert [event.message for event in Take.open(folder).events()] == ["before", "after"]
    for name in rig.names:
        frames = list(Take.open(folder).frames(name))
        assert [index for index, _, _ in frames] == list(range(AFTER))
        assert read_bones(folder / "videos" / f"{name}.mkv").sized, "it has an index like any other"
    assert not (folder / "streams.jsonl").exists()


def test_what_nobody_sends_again_is_said_to_be_lost(killed, rig, packets, tmp_path):
    folder = Path(shutil.copytree(killed, tmp_path / "take"))
    first = folder / "videos" / f"{rig.names[0]}.mkv"
    cut(first, read_bones(first).clusters[-1][0] + 10)
    left = len(read_bones(first).times_ms)
    assert 0 < left < BEFORE, "the ledger claims more"
    writer = TakeWriter.resume(folder)
    totals = writer.close().totals[rig.names[0]]
    assert (totals.recorded, totals.dropped) == (left, {"lost_in_interruption": BEFORE - left})
    assert check_take(folder).intact


def test_the_numbers_of_the_cameras_are_known_to_who_goes_on(killed, tmp_path):
    folder = Path(shutil.copytree(killed, tmp_path / "take"))
    with (folder / "streams.jsonl").open("ab") as stream:
        stream.write(b'{"camera": "cam1", "epo')
    writer = TakeWriter.resume(folder)
    found = writer.resumed["cam1"]
    assert [(start.epoch, start.offset) for start in found.starts] == [(77, 0)]
    assert found.starts[0].format == FORMAT
    assert (found.totals.captured, found.last_ns) == (BEFORE, time_of(BEFORE - 1))
    writer.close()


def test_only_the_same_recording_goes_on(killed, rig, tmp_path):
    folder = Path(shutil.copytree(killed, tmp_path / "take"))
    assert begun_state(folder, ORIGIN_NS) == "recording"
    assert begun_state(folder, ORIGIN_NS + 1) == ""
    assert begun_state(tmp_path, ORIGIN_NS) == ""
    with TakeLock(folder), pytest.raises(BadInputError, match="being written right now"):
        TakeWriter.resume(folder)
    TakeWriter.resume(folder).close()
    assert begun_state(folder, ORIGIN_NS) == "complete"
    with pytest.raises(TakeError, match="closed already"):
        TakeWriter.resume(folder)
    with pytest.raises(BadInputError, match="never overwrites"):
        TakeWriter.create(folder, make_header(rig))


def test_a_kill_before_the_first_file_leaves_nothing_in_the_way(rig, tmp_path):
    (tmp_path / "take" / "videos").mkdir(parents=True)
    TakeWriter.create(tmp_path / "take", make_header(rig)).close()


@pytest.mark.parametrize(
    ("encoder", "codec", "in_band"),
    [("libx264", "h264", True), ("libx264", "h264", False), ("mpeg4", "mpeg4", True)],
)
def test_streams_with_few_keyframes_go_on_too(tmp_path, encoder, codec, in_band):
    options = {"g": "10", "bf": "2"} if encoder == "libx264" else {"g": "10"}
    stream, extradata = encode(encoder, global_header=not in_band, options=options)
    fmt = VideoFormat(codec, SIZE, 30.0, b"" if in_band else extradata, "yuv420p")
    whole, path = tmp_path / "whole.mkv", tmp_path / "part.mkv"
    first = VideoWriter(whole, fmt, ORIGIN)
    for packet in stream[:25]:
        first.write(packet)
    shutil.copy(whole, path)  # the last half second is still in the first writer's hands
    second = VideoWriter.resume(path, fmt, ORIGIN, first.in_band)
    there = second.packets
    assert 0 < there < 25
    for packet in stream[5:]:
        second.write(packet)
    second.close()
    for packet in stream[25:]:
        first.write(packet)
    first.close()
    np.testing.assert_array_equal(RecordedVideo(path).times_ms, RecordedVideo(whole).times_ms)
    assert [number_of(image) for _, image in RecordedVideo(path).pictures()] == list(range(len(stream)))


def test_an_index_is_written_once_and_a_torn_end_cut_off(killed, rig, tmp_path):
    path = Path(shutil.copy(killed / "videos" / "cam1.mkv", tmp_path / "cut.mkv"))
    bones = read_bones(path)
    assert not bones.sized
    with path.open("ab") as stream:
        stream.write(bytes.fromhex("1f43b675208e") + b"torn")
    assert seal(path)
    assert not seal(path)
    assert read_bones(path).sized
    times = RecordedVideo(path).times_ms
    assert len(times) == len(bones.times_ms)


@pytest.mark.parametrize("content", [b"", b"no video at all", bytes(600)])
def test_what_is_no_matroska_is_not_touched(tmp_path, content):
    path = tmp_path / "other.mkv"
    path.write_bytes(content)
    with pytest.raises(TakeError):
        seal(path)
    assert path.read_bytes() == content


def test_events_go_on_behind_the_last_whole_line(killed, tmp_path):
    folder = Path(shutil.copytree(killed, tmp_path / "take"))
    with (folder / "events.jsonl").open("ab") as stream:
        stream.write(b'{"t_ns": 12, "kind": "ma')
    writer = TakeWriter.resume(folder)
    writer.write_event("mark", "after", 13)
    writer.close()
    events, problem = read_events(folder / "events.jsonl")
    assert not problem
    assert [event.message for event in events] == ["before", "after"]
