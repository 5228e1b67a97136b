"""What the contract does not say about video files."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from configs.errors import BadInputError
from pipeline.drivers import pacing
from pipeline.drivers.base import CameraError, CameraInfo, CameraSettings, EndOfStream
from pipeline.drivers.video_file import VideoFileConfig, VideoFileDriver
from pipeline.frames.frame import Frame
from pipeline.take.video_writer import VideoWriter
from tests.support.shared_data import SHARED, needs_shared
from tests.support.videos import read_number, write_video

FORMATS = [
    ("h264", "mp4"),
    ("h264", "mkv"),
    ("h264", "ts"),
    ("vp9", "webm"),
    ("mpeg4", "mp4"),
    ("mpeg4", "avi"),
    ("mjpeg", "mkv"),
    ("hevc", "mp4"),
]


def camera_for(path: Path, **settings) -> VideoFileDriver:
    config = VideoFileConfig(path=str(path), **{"pace": "free", **settings})
    return VideoFileDriver(config, CameraSettings("cam1", None, None, 0))


def play(path: Path, most: int = 10**6, **settings) -> tuple[CameraInfo, list[Frame]]:
    """Frames up to the end, a failure or the given number."""
    frames: list[Frame] = []
    with camera_for(path, **settings) as camera:
        info = camera.open()
        camera.start(0 if camera.config.pace == "free" else time.monotonic_ns())
        try:
            while len(frames) < most:
                frame = camera.read(0.5)
                if frame is not None:
                    frames.append(frame)
        except EndOfStream:
            pass
    return info, frames


def numbers(frames: list[Frame]) -> list[int | None]:
    return [None if frame.image is None else read_number(frame.image) for frame in frames]


@pytest.mark.parametrize(("codec", "suffix"), FORMATS)
def test_every_frame_comes_once_with_its_picture_and_packet(codec: str, suffix: str, tmp_path: Path):
    info, frames = play(write_video(tmp_path / f"v.{suffix}", codec))
    assert info.stream is not None
    assert (info.stream.codec, info.size, info.fps) == (codec, (320, 240), 30.0)
    assert numbers(frames) == list(range(30))
    packets = [packet for frame in frames for packet in frame.packets]
    assert sorted(packet.pts_ns for packet in packets) == [frame.t_capture_ns for frame in frames]
    assert all(late.dts_ns > early.dts_ns for early, late in itertools.pairwise(packets))
    assert all(packet.dts_ns <= packet.pts_ns for packet in packets)


@pytest.mark.parametrize(("codec", "suffix"), FORMATS)
def test_looping_goes_on_seamlessly(codec: str, suffix: str, tmp_path: Path):
    _, frames = play(write_video(tmp_path / f"v.{suffix}", codec, frames=10), most=25, loop=True)
    assert numbers(frames) == [number % 10 for number in range(25)]
    times_ms = [frame.t_capture_ns / 1e6 for frame in frames]
    assert times_ms == pytest.approx([number * 1000 / 30 for number in range(25)], abs=3.5)  # mkv ticks: 1 ms


def test_b_frames_are_really_reordered_and_bring_several_packets(tmp_path: Path):
    _, frames = play(write_video(tmp_path / "v.mp4", "h264", b_frames=2))
    packets = [packet for frame in frames for packet in frame.packets]
    assert [packet.pts_ns for packet in packets] != sorted(packet.pts_ns for packet in packets)
    assert max(len(frame.packets) for frame in frames) > 1
    assert sum(packet.keyframe for packet in packets) == 1


def test_stopping_midway_names_every_frame_whose_packet_was_handed_out(tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", "h264", b_frames=3)
    for stop_after in range(1, 12):
        with camera_for(path) as camera:
            frames = [frame for _ in range(stop_after) if (frame := camera.read(1.0))]
            frames += camera.finish()
        handed_out = sorted(packet.pts_ns for frame in frames for packet in frame.packets)
        assert [frame.t_capture_ns for frame in frames] == handed_out
        assert [frame.index for frame in frames] == list(range(len(frames)))
        assert all(number is not None for number in numbers(frames))


@pytest.mark.parametrize(("codec", "suffix"), FORMATS)
def test_packets_alone_give_back_the_video(codec: str, suffix: str, tmp_path: Path):
    info, frames = play(write_video(tmp_path / f"v.{suffix}", codec), most=45, loop=True)
    assert info.stream is not None
    writer = VideoWriter(tmp_path / "recorded.mkv", info.stream, 0)
    for packet in [packet for frame in frames for packet in frame.packets]:
        writer.write(packet)
    writer.close()
    with av.open(str(tmp_path / "recorded.mkv")) as container:
        pictures = list(container.decode(video=0))
    shown = [read_number(picture.to_ndarray(format="bgr24")) for picture in pictures]
    assert shown[:45] == [number % 30 for number in range(45)]
    times_ms = [picture.time * 1000 for picture in pictures[:45]]
    # Matroska counts milliseconds, and may shift the start when decoding has to begin before time 0.
    assert np.diff(times_ms) == pytest.approx(1000 / 30, abs=3.5)


def test_pace_scales_times_and_packets(tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", frames=10)
    with camera_for(path, pace=4.0) as camera:
        info = camera.open()
        origin_ns = time.monotonic_ns()
        camera.start(origin_ns)
        frames = []
        while len(frames) < 10:
            frame = camera.read(0.1)
            if frame is not None:
                assert time.monotonic_ns() >= frame.t_capture_ns, "handed out before its time"
                frames.append(frame)
    assert info.fps == 120.0
    assert [frame.t_capture_ns - origin_ns for frame in frames] == pytest.approx(
        [number * 1e9 / 120 for number in range(10)], abs=20_000
    )
    packets = [packet for frame in frames for packet in frame.packets]
    assert sorted(packet.pts_ns for packet in packets) == [frame.t_capture_ns for frame in frames]


def test_cameras_of_one_session_are_synchronous(tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", frames=5)
    origin_ns = time.monotonic_ns()
    times = []
    for _ in range(2):
        with camera_for(path, pace=8.0) as camera:
            camera.start(origin_ns)
            times.append([frame.t_capture_ns for _ in range(5) if (frame := camera.read(1.0))])
    assert times[0] == times[1]


def test_variable_frame_rate_keeps_its_own_times(tmp_path: Path):
    times_ms = [0, 10, 50, 51, 100, 200, 333, 334, 335, 500]
    _, frames = play(write_video(tmp_path / "v.mkv", frames=10, times_ms=times_ms))
    assert [frame.t_capture_ns / 1e6 for frame in frames] == pytest.approx(times_ms, abs=0.001)
    assert numbers(frames) == list(range(10))


@pytest.mark.parametrize(("codec", "suffix"), [("h264", "mp4"), ("vp9", "webm")])
def test_when_late_pictures_are_left_out_and_never_frames(
    codec: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write_video(tmp_path / f"v.{suffix}", codec, frames=60)
    # The session began so long ago that every frame is late, but not by so much that decoding stops.
    now_ns = time.monotonic_ns()
    monkeypatch.setattr(pacing.time, "monotonic_ns", lambda: now_ns)
    with camera_for(path, pace=1.0, max_late_s=60) as camera:
        camera.start(now_ns - 10_000_000_000)
        frames = [frame for _ in range(60) if (frame := camera.read(1.0))]
        with pytest.raises(EndOfStream):
            camera.read(1.0)
    assert [frame.index for frame in frames] == list(range(60))
    shown = numbers(frames)
    assert all(number in {None, frame.index} for number, frame in zip(shown, frames, strict=True))
    # The first frames are decoded before anything can be late; then one picture per 0.1 s of the 2 s.
    assert 20 <= sum(number is not None for number in shown) <= 24
    packets = [packet for frame in frames for packet in frame.packets]
    assert sorted(packet.pts_ns for packet in packets) == [frame.t_capture_ns for frame in frames]


def test_when_hopelessly_late_decoding_stops_until_a_key_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write_video(tmp_path / "v.mp4", frames=60, keyframe_every=20)
    origin_ns = time.monotonic_ns()
    clock = {"now": origin_ns + 2_000_000_000}

    def sleep(seconds: float) -> None:
        clock["now"] += round(seconds * 1e9)

    monkeypatch.setattr(pacing.time, "monotonic_ns", lambda: clock["now"])
    with camera_for(path, pace=1.0, max_late_s=0.5) as camera:
        camera.start(origin_ns)
        frames = []
        for place in range(60):
            if place == 30:  # the machine is free again
                clock["now"] = origin_ns + round(place * 1e9 / 30)
                monkeypatch.setattr(pacing.time, "sleep", sleep)
            frame = camera.read(1.0)
            assert frame is not None
            frames.append(frame)
    assert [frame.index for frame in frames] == list(range(60))
    shown = numbers(frames)
    # Frame 0 and what the decoder held with it came before anybody could know; 40 is the next key frame.
    assert all(number is None for number in shown[6:40])
    assert shown[40:] == list(range(40, 60))
    packets = [packet for frame in frames for packet in frame.packets]
    assert sorted(packet.pts_ns for packet in packets) == [frame.t_capture_ns for frame in frames]


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotated_videos_are_turned_as_opencv_does(rotation: int, tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", frames=3, rotation=rotation)
    info, frames = play(path)
    reader = cv2.VideoCapture(str(path))
    _, expected = reader.read()
    reader.release()
    assert info.stream is None, "the packets alone would be shown unturned"
    assert info.size == (expected.shape[1], expected.shape[0])
    np.testing.assert_array_equal(frames[0].image, expected)
    assert all(not frame.packets for frame in frames)


@pytest.mark.parametrize("fraction", [0.5, 0.8, 0.97])
def test_what_a_cut_video_still_holds_is_delivered_then_an_error(fraction: float, tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", grain=True, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * fraction)])
    with camera_for(path) as camera:
        frames = []
        with pytest.raises(CameraError, match=r"v\.mp4 is cut short .*near frame \d+") as failure:
            while True:
                frame = camera.read(1.0)
                assert frame is not None
                frames.append(frame)
    assert len(frames) >= int(30 * fraction) - 3
    assert f"near frame {len(frames)}" in str(failure.value)
    assert numbers(frames)[:10] == list(range(10))


def test_a_cut_matroska_file_is_noticed(tmp_path: Path):
    path = write_video(tmp_path / "v.mkv", frames=60, grain=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with camera_for(path) as camera, pytest.raises(CameraError, match=r"announces 2\.0 s"):
        while True:
            camera.read(1.0)


def test_a_damaged_packet_ends_the_video_with_its_place(tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", "vp9", frames=30)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    begin, size = places[20]
    data[begin : begin + size] = b"\xff" * size
    path.write_bytes(data)
    with camera_for(path) as camera:
        frames = []
        with pytest.raises(CameraError, match=r"v\.mp4 cannot be read or decoded .*near frame 21"):
            while True:
                frames.append(camera.read(1.0))
    assert numbers(frames) == list(range(20))


def test_a_video_without_its_index_is_bad_input(tmp_path: Path):
    path = write_video(tmp_path / "v.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInputError, match=r"v\.mp4: is not a video, or is cut short"):
        camera_for(path).open()


def test_sound_alone_is_bad_input(tmp_path: Path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        samples.sample_rate = 8000
        container.mux(stream.encode(samples))
        container.mux(stream.encode(None))
    with pytest.raises(BadInputError, match="has no video stream"):
        camera_for(path).open()


def test_colours_follow_matrix_and_range_of_the_stream(tmp_path: Path):
    """Pure colours through the definition of BT.601 and BT.709, limited and full range."""
    from pipeline.drivers.packet_decoder import BgrConverter

    y, u, v = 120, 90, 170
    for matrix, (kr, kb) in ((5, (0.299, 0.114)), (1, (0.2126, 0.0722))):
        for full in (False, True):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane, level in zip(frame.planes, (y, u, v), strict=True):
                plane.update(bytes([level]) * plane.buffer_size)
            frame.colorspace, frame.color_range = matrix, 2 if full else 1
            luma = y / 255 if full else (y - 16) / 219
            cb, cr = (((c - 128) / 255) if full else ((c - 128) / 224) for c in (u, v))
            red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
            green = (luma - kr * red - kb * blue) / (1 - kr - kb)
            expected = [255 * blue, 255 * green, 255 * red]
            # Two levels: swscale's tables have integer entries.
            assert BgrConverter()(frame)[32, 32].tolist() == pytest.approx(expected, abs=2.01)


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize(
    ("video", "codec", "frames", "size"),
    [
        ("pose2sim_single/videos/cam02.mp4", "vp9", 100, (1080, 1920)),
        ("pose2sim_single/videos/cam03.mp4", "h264", 100, (1088, 1920)),
        ("charuco_4cam/cam_0.mp4", "mpeg4", 111, (1280, 720)),
    ],
)
def test_real_recordings_at_many_times_their_pace(video: str, codec: str, frames: int, size: tuple[int, int]):
    """However overloaded: each frame once, in order, with its packet."""
    path = SHARED / "data" / video
    info, played = play(path, pace=40.0, max_late_s=0.2)
    assert info.stream is not None
    assert (info.stream.codec, info.size) == (codec, size)
    assert [frame.index for frame in played] == list(range(frames))
    with av.open(str(path)) as container:
        original = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert [packet.data for frame in played for packet in frame.packets] == original
