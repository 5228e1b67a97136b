from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.errors import TakeError
from pipeline.take.video_file import RecordedVideo, match_pictures
from pipeline.take.video_writer import VideoWriter, in_band_extradata

ORIGIN = 7_000_000_000_000
SIZE = (320, 240)
TICKS = 60_000  # per second; MPEG-4 knows no finer time
FRAMES = 40
# 33.4 ms with a few ms of jitter: what real cameras do.
TIMES_NS = ORIGIN + np.arange(FRAMES) * 33_400_000 + np.random.default_rng(0).integers(0, 5_000_000, FRAMES)


def scene(number: int) -> np.ndarray:
    """A picture that tells its number by the place of a white bar."""
    image = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    image[:, number * 8 : number * 8 + 8] = 250
    return image


def number_of(image: np.ndarray) -> int:
    return int(np.argmax(image[..., 1].astype(float).mean(0).reshape(-1, 8).mean(1)))


def encode(
    encoder: str, *, global_header: bool, options: dict[str, str] | None = None, count: int = FRAMES
) -> tuple[list[EncodedPacket], bytes]:
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height = SIZE
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, TICKS)
    context.framerate = Fraction(30)
    context.options = options or {}
    if global_header:
        context.flags |= int(av.codec.context.Flags.global_header)
    packets = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(scene(number), format="bgr24").reformat(format="yuv420p")
        frame.pts = round(int(TIMES_NS[number] - ORIGIN) * TICKS / 1e9)
        frame.time_base = context.time_base
        packets += context.encode(frame)
    packets += context.encode(None)

    def ns(ticks: int) -> int:
        return ORIGIN + round(ticks * 1e9 / TICKS)

    encoded = [EncodedPacket(bytes(p), ns(p.pts), ns(p.dts), bool(p.is_keyframe)) for p in packets]
    return encoded, bytes(context.extradata or b"")


X264 = {"preset": "ultrafast", "g": "12"}
STREAMS = {
    "h264": ("libx264", True, X264),
    "h264 with B frames": ("libx264", True, {"preset": "fast", "bf": "3", "g": "20"}),
    "h264 in band": ("libx264", False, X264),
    "hevc": ("libx265", True, {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "hevc in band": ("libx265", False, {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "mpeg4": ("mpeg4", True, {"g": "12"}),
    "mpeg4 in band": ("mpeg4", False, {"g": "12"}),
    "vp9": ("libvpx-vp9", False, {"cpu-used": "8", "deadline": "realtime"}),
    "vp8": ("libvpx", False, {"cpu-used": "8", "deadline": "realtime"}),
}


@pytest.mark.parametrize("name", STREAMS)
def test_packets_of_every_codec_become_a_file_that_any_player_opens(tmp_path: Path, name: str):
    encoder, global_header, options = STREAMS[name]
    packets, extradata = encode(encoder, global_header=global_header, options=options)
    if "B frames" in name:
        assert [p.pts_ns for p in packets] != sorted(p.pts_ns for p in packets)
    path = tmp_path / "cam.mkv"
    fmt = VideoFormat(name.split(maxsplit=1)[0], SIZE, 30.0, extradata if global_header else b"", "yuv420p")
    writer = VideoWriter(path, fmt, ORIGIN)
    for packet in packets:
        writer.write(packet)
    writer.close()
    # Independent reading: the header says everything, packets in file order, pictures in time order.
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.width, stream.codec_context.height) == SIZE
        if fmt.codec in ("h264", "hevc"):
            assert bytes(stream.codec_context.extradata)[0] == 1, "Matroska wants avcC and hvcC, not Annex B"
        times = [frame.pts * float(stream.time_base) for frame in container.decode(stream)]
    # Matroska counts milliseconds: at most half of one away, and half a tick of the encoder.
    np.testing.assert_allclose(times, (TIMES_NS - ORIGIN) / 1e9, atol=0.0005 + 0.5 / TICKS + 1e-9)
    video = RecordedVideo(path)
    assert len(video) == FRAMES
    assert (video.codec, video.size) == (fmt.codec, SIZE)
    assert [(place, number_of(image)) for place, image in video.pictures()] == [(i, i) for i in range(FRAMES)]
    assert [place for place, _ in video.pictures({5, 39})] == [5, 39]


def write_jpegs(path: Path, count: int = FRAMES) -> list[bytes]:
    writer = VideoWriter(path, VideoFormat("mjpeg", SIZE, 30.0), ORIGIN)
    data = [simplejpeg.encode_jpeg(scene(number), 90, colorspace="BGR") for number in range(count)]
    for time_ns, jpeg in zip(TIMES_NS, data, strict=False):
        writer.write(EncodedPacket(jpeg, int(time_ns), int(time_ns), True))
    writer.close()
    return data


def test_jpegs_are_stored_as_they_are(tmp_path: Path):
    data = write_jpegs(tmp_path / "cam.mkv")
    with av.open(str(tmp_path / "cam.mkv")) as container:
        stored = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert stored == data


def test_a_damaged_picture_does_not_shift_the_others(tmp_path: Path):
    path = tmp_path / "cam.mkv"
    data = write_jpegs(path)
    content = path.read_bytes()
    at = content.index(data[7])
    path.write_bytes(content[:at] + b"\x00" * len(data[7]) + content[at + len(data[7]) :])
    read = [(place, number_of(image)) for place, image in RecordedVideo(path).pictures()]
    assert read == [(i, i) for i in range(FRAMES) if i != 7]


def test_a_cut_file_is_readable_up_to_the_cut(tmp_path: Path):
    path = tmp_path / "cam.mkv"
    data = write_jpegs(path)
    content = path.read_bytes()
    for cut in (content.index(data[20]) + 100, content.index(data[30]), len(content) - 50):
        path.write_bytes(content[:cut])
        whole = sum(content.index(jpeg) + len(jpeg) <= cut for jpeg in data)
        numbers = [number_of(image) for _, image in RecordedVideo(path).pictures()]
        assert numbers[:whole] == list(range(whole))
        assert len(numbers) <= whole + 1  # half of a JPEG may decode to half of a picture


def test_two_pictures_within_a_millisecond_keep_their_order(tmp_path: Path):
    writer = VideoWriter(tmp_path / "cam.mkv", VideoFormat("mjpeg", SIZE, 2000.0), ORIGIN)
    for number in range(20):
        time_ns = ORIGIN + number * 300_000
        jpeg = simplejpeg.encode_jpeg(scene(number), 90, colorspace="BGR")
        writer.write(EncodedPacket(jpeg, time_ns, time_ns, True))
    writer.close()
    read = [(place, number_of(image)) for place, image in RecordedVideo(tmp_path / "cam.mkv").pictures()]
    assert read == [(i, i) for i in range(20)]
    video = RecordedVideo(tmp_path / "cam.mkv")
    assert [number_of(image) for _, image in video.pictures({3, 4, 17})] == [3, 4, 17]


@pytest.mark.parametrize("codec", ["mjpeg", "h264"])
def test_pictures_before_time_0_keep_their_times(tmp_path: Path, codec: str):
    """Left to itself FFmpeg would shift the whole file, and every picture would be found at a wrong time."""
    path, before = tmp_path / "cam.mkv", 12
    origin_ns = int(TIMES_NS[before]) - 2_000_000
    if codec == "mjpeg":
        times_ns, extradata = [int(time_ns) for time_ns in TIMES_NS], b""
        data = [simplejpeg.encode_jpeg(scene(number), 90, colorspace="BGR") for number in range(FRAMES)]
        packets = [EncodedPacket(jpeg, t, t, True) for jpeg, t in zip(data, times_ns, strict=True)]
    else:
        packets, extradata = encode("libx264", global_header=True, options=X264)
        times_ns = sorted(packet.pts_ns for packet in packets)
    writer = VideoWriter(path, VideoFormat(codec, SIZE, 30.0, extradata), origin_ns)
    for packet in packets:
        writer.write(packet)
    writer.close()
    video = RecordedVideo(path)
    np.testing.assert_allclose(video.times_ms, (np.array(times_ns) - origin_ns) / 1e6, atol=0.51)
    assert [number_of(image) for _, image in video.pictures()] == list(range(FRAMES))
    # Frames of a JPEG camera that was late are frames of the take; of others it is a lead-in.
    rows = video.rows(times_ns if codec == "mjpeg" else times_ns[before:], origin_ns)
    assert rows.tolist() == (list(range(FRAMES)) if codec == "mjpeg" else [-1] * before + list(range(28)))


def test_a_video_without_pictures_is_removed(tmp_path: Path):
    for codec in ("mjpeg", "h264"):
        writer = VideoWriter(tmp_path / "cam.mkv", VideoFormat(codec, SIZE, 30.0), ORIGIN)
        writer.close()
        writer.close()
        assert list(tmp_path.iterdir()) == []


def test_refusals(tmp_path: Path):
    path = tmp_path / "cam.mkv"
    with pytest.raises(ValueError, match="unheard_of"):
        VideoWriter(path, VideoFormat("unheard_of", SIZE, 30.0), ORIGIN)
    path.unlink()
    packets, _ = encode("libx264", global_header=False, options=X264, count=5)
    writer = VideoWriter(path, VideoFormat("h264", SIZE, 30.0), ORIGIN)
    with pytest.raises(ValueError, match="must be a keyframe"):
        writer.write(packets[1])
    writer.close()
    write_jpegs(path)
    with pytest.raises(FileExistsError):
        write_jpegs(path)
    (tmp_path / "text.mkv").write_text("no video")
    with pytest.raises(TakeError, match="no readable video"):
        RecordedVideo(tmp_path / "text.mkv")


def test_extradata_of_other_codecs_is_empty():
    assert in_band_extradata("mjpeg", b"\xff\xd8") == b""
    assert in_band_extradata("mpeg4", b"no picture here") == b""


MS = np.array([0.0, 33.0, 67.0, 100.0, 133.0])
NS = [ORIGIN + t for t in (0, 33_333_333, 66_666_666, 99_999_999, 133_333_332)]


@pytest.mark.parametrize(
    ("pictures", "rows", "expected"),
    [
        ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
        ([0, 1, 2], [0, 1, 2, 3, 4], [0, 1, 2]),  # the video's end is lost
        ([0, 1, 2, 3, 4], [0, 1, 2], [0, 1, 2, -1, -1]),  # the ledger's end is lost
        ([0, 1, 3, 4], [0, 1, 2, 3, 4], [0, 1, 3, 4]),  # a picture in the middle is lost
        ([0, 1, 2, 3, 4], [0, 2, 3, 4], [0, -1, 1, 2, 3]),
        ([], [0, 1], []),
        ([0, 1], [], [-1, -1]),
        ([2], [0, 1, 2, 3], [2]),
    ],
)
def test_pictures_find_their_rows(pictures: list[int], rows: list[int], expected: list[int]):
    found = match_pictures(MS[pictures], [NS[row] for row in rows], ORIGIN)
    assert found.tolist() == expected
