"""Recordings that begin and end between key frames: every frame can be shown, and nothing else is one."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from app.cli.main import main
from models.pose_frame import PoseFrame
from pipeline.estimation.offline import process
from pipeline.estimation.pipeline_config import load_pipeline
from pipeline.exporters.export import export_take
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.recording.feed import RecordFeed
from pipeline.recording.gate import RecordGate
from pipeline.recording.lead_in import Captured, PictureGroup
from pipeline.recording.outbox import RecordOutbox
from pipeline.recording.recording import Recording
from pipeline.rigs.footage import FootageReader, find_footage
from pipeline.take.header import TakeHeader
from pipeline.take.matroska import read_bones
from pipeline.take.picture_seeker import PictureSeeker
from pipeline.take.repair import repair_take
from pipeline.take.report.page import write_report
from pipeline.take.scene import TakeScene
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from pipeline.take.video_file import RecordedVideo
from pipeline.take.video_writer import VideoWriter
from pipeline.take.writer import TakeWriter
from pipeline.wire.bus import Message, WireError
from pipeline.wire.messages import LeadIn, PacketInfo
from tests.pipeline.take.synthetic_take import SKELETON, make_pose, make_rig
from tests.pipeline.take.test_video import SIZE, encode, number_of

LONG = "1000"
STREAMS = {
    "h264": ("libx264", True, {"preset": "ultrafast", "g": LONG}),
    "h264 with B frames": ("libx264", True, {"preset": "fast", "bf": "3", "g": LONG}),
    "h264 in band": ("libx264", False, {"preset": "ultrafast", "g": LONG}),
    "hevc": ("libx265", True, {"preset": "ultrafast", "g": LONG, "x265-params": "log-level=none"}),
    "mpeg4": ("mpeg4", True, {"g": LONG}),
}


@dataclass
class Camera:
    """What a driver hands out: pictures in the order shown, with the packets that were needed by then."""

    format: VideoFormat
    frames: list[Captured]


def camera_of(name: str, **options: str) -> Camera:
    encoder, in_header, own = STREAMS[name]
    packets, extradata = encode(encoder, global_header=in_header, options={**own, **options})
    fmt = VideoFormat(name.split(maxsplit=1)[0], SIZE, 30.0, extradata if in_header else b"", "yuv420p")
    frames, handed = [], 0
    for index, pts in enumerate(sorted(packet.pts_ns for packet in packets)):
        own_place = next(at for at, packet in enumerate(packets) if packet.pts_ns == pts)
        new = packets[handed : own_place + 1]
        handed = max(handed, own_place + 1)
        frames.append(Captured(index, pts, tuple(new)))
    return Camera(fmt, frames)


@pytest.fixture(scope="module")
def cameras() -> dict[str, Camera]:
    return {name: camera_of(name) for name in STREAMS}


@dataclass
class Recorder:
    """The recorder's side without a process: takes what the outbox sends, or is away."""

    folder: Path
    origin_ns: int
    away: bool = False
    kept: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        header = TakeHeader("take", {}, None, {}, {}, self.origin_ns, "", None, ("cam",), "none", software={})
        self.gate = RecordGate(("cam",))
        begun = Recording.begin(self.folder, header)
        assert begun.recording is not None
        self.recording = begun.recording

    def send(self, topic, payload, frames=(), *, t_capture_ns=0) -> bool:
        if self.away:
            return False
        message = Message(topic, 0, t_capture_ns, 0, payload, [memoryview(data) for data in frames])
        self.gate.check(message)
        self.recording.write([message])
        return True


def feed_of(camera: Camera, recorder: Recorder, group: PictureGroup | None = None, told=None) -> RecordFeed:
    told = [] if told is None else told
    return RecordFeed("cam", camera.format, RecordOutbox(recorder), told.append, group)


def record(camera: Camera, folder: Path, first: int, heard: int, last: int, **parts) -> Recorder:
    """A take whose origin is just before frame ``first``; the order is heard before ``heard`` is there."""
    recorder = Recorder(folder, int(camera.frames[first].t_ns) - 1_000_000)
    feed = feed_of(camera, recorder, **parts)
    for frame in camera.frames[:heard]:
        feed.take(frame)
    feed.start(recorder.origin_ns)
    for frame in camera.frames[heard : last + 1]:
        feed.take(frame)
    feed.stop()
    return recorder


def shown(folder: Path) -> dict[int, int]:
    """Number of the picture of each recorded frame, by capture time."""
    return {t_ns: number_of(image) for _, t_ns, image in Take.open(folder).frames("cam")}


def truth(camera: Camera, numbers) -> dict[int, int]:
    return {camera.frames[number].t_ns: number for number in numbers}


@pytest.mark.parametrize("name", STREAMS)
def test_every_frame_from_the_origin_on_can_be_shown(cameras, tmp_path, name):
    camera, folder = cameras[name], tmp_path / "take"
    summary, _ = record(camera, folder, 17, 20, 34).recording.close()
    totals = summary.totals["cam"]
    assert (totals.captured, totals.recorded, totals.dropped) == (18, 18, {})
    assert shown(folder) == truth(camera, range(17, 35))
    check = check_take(folder)
    assert check.intact, check.problems
    assert check.notes == ()
    # For anybody else's player: pictures before time 0 of the take have negative times.
    origin_ns = Take.open(folder).header.origin_ns
    with av.open(str(folder / "videos/cam.mkv")) as container:
        times_ms = [round(picture.time * 1000) for picture in container.decode(video=0)][:35]
    pictures = [frame.t_ns for frame in camera.frames[:35]]
    np.testing.assert_allclose(times_ms, (np.array(pictures) - origin_ns) / 1e6, atol=0.51)
    assert sum(time_ms < 0 for time_ms in times_ms) == 17


@pytest.mark.parametrize("name", ["h264", "h264 with B frames"])
def test_players_and_processing_see_the_same(cameras, tmp_path, name):
    camera, folder = cameras[name], tmp_path / "take"
    record(camera, folder, 17, 20, 34).recording.close()
    take = Take.open(folder)
    rows = take.ledger("cam").recorded
    times_ns = np.array([row.t_capture_ns for row in rows], np.int64)
    seeker = PictureSeeker(folder / "videos/cam.mkv", times_ns, take.header.origin_ns)
    for row in (0, 12, 3, 17, 0):
        picture = seeker.picture(row)
        assert picture is not None
        assert number_of(picture) == 17 + row
    seeker.close()
    footage = find_footage(folder)
    reader = FootageReader(footage, footage.rig.cameras[0], take.header.origin_ns)
    frames = [frame for frame, _ in reader.frames()]
    reader.close()
    assert [frame.t_capture_ns for frame in frames] == times_ns.tolist()
    assert [number_of(frame.image) for frame in frames] == list(range(17, 35))
    # Their packets make a copy that can be shown as well.
    copy = VideoWriter(tmp_path / "copy.mkv", reader.info.stream, take.header.origin_ns)
    for frame in frames:
        for packet in frame.packets:
            copy.write(packet)
    copy.close()
    again = RecordedVideo(tmp_path / "copy.mkv")
    inside = again.rows(times_ns.tolist(), take.header.origin_ns)
    found = {int(inside[place]): number_of(image) for place, image in again.pictures() if inside[place] >= 0}
    assert found == {row: 17 + row for row in range(len(rows))}


class NumberReader:
    """In the place of an estimator: notes which picture it is given at which time."""

    def __init__(self) -> None:
        self.rig = make_rig([SIZE])
        self.skeleton, self.device, self.instant_s, self.origin_ns = SKELETON, "cpu", 0.0, 0
        self.seen: dict[int, int] = {}

    def description(self) -> dict[str, Any]:
        return {}

    def estimate(self, images, times_ns, time_ns) -> PoseFrame:
        self.seen[times_ns[0]] = number_of(images[0])
        return make_pose(self.rig, time_ns, 1, np.random.default_rng(0))

    def close(self) -> None:
        pass


@pytest.mark.parametrize("name", ["h264", "h264 with B frames"])
def test_what_is_processed_and_exported_is_the_take(cameras, tmp_path, name):
    camera = cameras[name]
    record(camera, tmp_path / "take", 17, 20, 34).recording.close()
    footage = find_footage(tmp_path / "take")
    reader = NumberReader()
    again = tmp_path / "again"
    result = process(footage, reader.rig, load_pipeline("noisy_truth"), again, estimator=reader)
    assert result.failures == ()
    assert reader.seen == truth(camera, range(17, 35))
    check = check_take(again)
    assert check.intact, check.problems
    assert (check.notes, check.poses) == ((), 18)
    assert shown(again) == truth(camera, range(17, 35)), "the lead-in was copied with the packets"
    [table] = export_take(again, ["csv"])
    rows = csv.DictReader(table.read_text("utf-8").splitlines())
    times_s = sorted({float(row["time_s"]) for row in rows})
    origin_ns = Take.open(again).header.origin_ns
    np.testing.assert_allclose(times_s, [(t_ns - origin_ns) / 1e9 for t_ns in reader.seen], atol=1e-6)


def test_footage_in_a_plain_folder_begins_at_time_0(cameras, tmp_path):
    record(cameras["h264"], tmp_path / "take", 17, 20, 34).recording.close()
    footage = find_footage(tmp_path / "take/videos")
    assert footage.take is None
    reader = FootageReader(footage, footage.rig.cameras[0], 0)
    frames = [frame for frame, _ in reader.frames()]
    reader.close()
    assert [number_of(frame.image) for frame in frames] == list(range(17, 35))
    # 1 ms after the origin, to the millisecond the file counts in.
    assert frames[0].t_capture_ns == pytest.approx(1_000_000, abs=600_000)


@pytest.mark.parametrize("name", ["h264", "h264 with B frames"])
@pytest.mark.parametrize("seed", range(4))
def test_a_kill_at_any_byte_can_be_repaired(cameras, tmp_path, name, seed):
    camera, folder = cameras[name], tmp_path / "killed"
    recorder = record(camera, tmp_path / "take", 17, 20, 39)
    shutil.copytree(tmp_path / "take", folder)
    recorder.recording.close()
    whole = (tmp_path / "take/videos/cam.mkv").read_bytes()
    video = folder / "videos/cam.mkv"
    first_cluster = read_bones(tmp_path / "take/videos/cam.mkv").clusters[0][0]
    cut = int(np.random.default_rng(seed).integers(first_cluster, len(whole)))
    video.write_bytes(whole[:cut])  # as much as had reached the disk, more or less than the ledger says
    repaired = repair_take(folder)
    totals = repaired.totals["cam"]
    assert totals.captured == 23 == totals.recorded + sum(totals.dropped.values())
    check = check_take(folder)
    assert check.intact, check.problems
    found = shown(folder)
    assert len(found) == totals.recorded
    assert found.items() <= truth(camera, range(17, 40)).items()


@pytest.mark.parametrize("name", ["h264", "h264 with B frames", "h264 in band"])
def test_a_recorder_that_takes_over_gets_the_lead_in_again(cameras, tmp_path, name):
    camera, folder = cameras[name], tmp_path / "take"
    recorder = Recorder(tmp_path / "take", int(camera.frames[17].t_ns) - 1_000_000)
    feed = feed_of(camera, recorder)
    for frame in camera.frames[:20]:
        feed.take(frame)
    feed.start(recorder.origin_ns)
    for frame in camera.frames[20:26]:
        feed.take(frame)
    # Killed: what FFmpeg has not given to the file is gone, and nobody closes anything.
    shutil.copytree(tmp_path / "take", tmp_path / "seen by the next one")
    recorder.recording.close()
    shutil.rmtree(folder)
    (tmp_path / "seen by the next one").rename(folder)
    feed.outbox._sender = Recorder(folder, recorder.origin_ns)
    feed.outbox.send_again()
    for frame in camera.frames[26:35]:
        feed.take(frame)
    feed.stop()
    feed.outbox._sender.recording.close()
    assert shown(folder) == truth(camera, range(17, 35))
    assert check_take(folder).intact


def test_a_second_recording_begins_in_the_same_group(cameras, tmp_path):
    camera = cameras["h264"]
    feed = feed_of(camera, Recorder(tmp_path / "a", camera.frames[5].t_ns))
    for frame in camera.frames[:6]:
        feed.take(frame)
    feed.start(feed.outbox._sender.origin_ns)
    for frame in camera.frames[6:12]:
        feed.take(frame)
    feed.stop()
    first = feed.outbox._sender
    first.recording.close()
    feed.outbox._sender = Recorder(tmp_path / "b", camera.frames[20].t_ns)
    for frame in camera.frames[12:22]:
        feed.take(frame)
    feed.start(feed.outbox._sender.origin_ns)
    for frame in camera.frames[22:30]:
        feed.take(frame)
    feed.stop()
    feed.outbox._sender.recording.close()
    assert shown(tmp_path / "a") == truth(camera, range(5, 12))
    assert shown(tmp_path / "b") == truth(camera, range(20, 30))


def test_a_group_that_finds_no_room_is_said_and_its_frames_are_dropped_ones(tmp_path):
    camera, folder, told = camera_of("h264", g="15"), tmp_path / "take", []
    recorder = record(camera, folder, 12, 14, 34, group=PictureGroup(most_packets=10), told=told)
    summary, _ = recorder.recording.close()
    totals = summary.totals["cam"]
    # Frame 15 is the next key frame.
    assert (totals.captured, totals.recorded, totals.dropped) == (21, 20, {"no_key_frame": 1})
    [note] = told
    assert note.kind == "no_key_frame"
    assert "set a shorter interval of key frames" in note.message
    assert shown(folder) == truth(camera, range(15, 35))
    assert check_take(folder).intact


@pytest.mark.parametrize("name", ["h264", "h264 with B frames"])
def test_a_camera_whose_frame_was_lost_begins_at_its_next_key_frame(tmp_path, name):
    camera, folder, told = camera_of(name, g="15"), tmp_path / "take", []
    camera.frames[3] = Captured(3, camera.frames[3].t_ns, cause="lost_by_camera")
    summary, _ = record(camera, folder, 5, 7, 34, told=told).recording.close()
    totals = summary.totals["cam"]
    found = shown(folder)
    assert totals.recorded == len(found)
    assert totals.dropped == {"no_key_frame": totals.captured - totals.recorded}
    [note] = told
    assert "frames since the last one are missing" in note.message
    assert found == truth(camera, range(min(found.values()), 35))
    assert check_take(folder).intact


def test_frames_of_before_the_origin_are_none_of_the_take(cameras, tmp_path):
    """Told to record before it has begun, and what a stream had in store comes first."""
    camera, folder = cameras["h264"], tmp_path / "take"
    summary, _ = record(camera, folder, 6, 0, 20).recording.close()
    assert summary.totals["cam"].captured == 15
    assert shown(folder) == truth(camera, range(6, 21))


def test_frames_lost_while_the_order_came_are_counted_from_the_origin_on(cameras, tmp_path):
    camera, folder = camera_of("h264", g="15"), tmp_path / "take"
    for number in range(8, 15):
        camera.frames[number] = Captured(number, camera.frames[number].t_ns, cause="lost_by_camera")
    summary, _ = record(camera, folder, 11, 9, 30).recording.close()
    assert summary.totals["cam"].dropped == {"lost_by_camera": 4}
    assert shown(folder) == truth(camera, range(15, 31))
    assert check_take(folder).intact


def test_frames_of_older_takes_that_nothing_can_show_are_told(tmp_path):
    """Recorded without a lead-in: the first frames lie between key frames."""
    camera, folder = camera_of("h264", g="15"), tmp_path / "take"
    header = TakeHeader(
        "take", {}, None, {}, {}, camera.frames[9].t_ns, "", None, ("cam",), "none", software={}
    )
    with TakeWriter.create(folder, header) as writer:
        writer.open_video("cam", camera.format)
        for at, frame in enumerate(camera.frames[9:35]):
            writer.write_frame("cam", at, frame.t_ns, "recorded", "", frame.packets)
    check = check_take(folder)
    assert check.intact, "what was recorded is all there"
    assert (check.unshown["cam"].without_key, check.unshown["cam"].after_loss) == (6, 0)
    assert check.notes == (
        "cam: 6 recorded frames at the beginning cannot be shown: their key frame was not recorded",
    )
    assert shown(folder) == truth(camera, range(15, 35))
    footage = find_footage(folder)
    reader = FootageReader(footage, footage.rig.cameras[0], header.origin_ns)
    frames = [frame for frame, _ in reader.frames()]
    reader.close()
    numbers = [None if frame.image is None else number_of(frame.image) for frame in frames]
    assert numbers == [None] * 6 + list(range(15, 35))


def test_frames_after_lost_ones_are_told_up_to_the_next_key_frame(tmp_path, capsys):
    camera, folder = camera_of("h264", g="15"), tmp_path / "take"
    recorder = Recorder(folder, camera.frames[0].t_ns)
    feed = feed_of(camera, recorder)
    feed.start(recorder.origin_ns)
    for frame in camera.frames:
        if frame.index not in {20, 21}:  # no room on the way
            feed.take(frame)
    feed.stop()
    summary, _ = recorder.recording.close()
    assert summary.totals["cam"].dropped == {"recorder_behind": 2}
    found = check_take(folder).unshown["cam"]
    assert (found.without_key, found.after_loss) == (0, 8)
    assert main(["repair", "--check", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "cam: 8 recorded frames after lost ones may be shown damaged, up to the next key frame" in told
    write_report(TakeScene.of(Take.open(folder)), folder / "report.html")
    assert "8 recorded frames after lost ones" in (folder / "report.html").read_text("utf-8")


def test_the_group_is_bounded_by_bytes_and_packets(cameras):
    frames = [
        Captured(at, at * 10, (EncodedPacket(bytes(100), at * 10, at * 10, at % 20 == 0),))
        for at in range(50)
    ]
    group = PictureGroup(most_bytes=2000)
    for frame in frames:
        group.add(frame)
    assert [frame.index for frame in group.frames()] == list(range(40, 50))
    assert group.size == 1000
    group = PictureGroup(most_packets=15)
    large = []
    for frame in frames:
        group.add(frame)
        large.append(group.too_large)
        assert group.size <= 1500
    assert [at for at, is_large in enumerate(large) if is_large] == [*range(15, 20), *range(35, 40)]


def test_the_gate_lets_a_lead_in_pass_that_is_whole():
    gate = RecordGate(("cam",))
    infos = [PacketInfo(1, 1, True)]
    gate.check(Message("lead_in", 0, 5, 5, LeadIn("cam", infos), [memoryview(b"x")]))
    for bad in (LeadIn("cam", []), LeadIn("other", infos)):
        with pytest.raises(WireError):
            gate.check(Message("lead_in", 0, 5, 5, bad, [memoryview(b"x")]))
