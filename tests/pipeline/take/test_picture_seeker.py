from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.errors import TakeError
from pipeline.take.picture_seeker import PictureSeeker
from pipeline.take.video_writer import VideoWriter
from tests.pipeline.take.synthetic_take import jpeg
from tests.pipeline.take.test_video import FRAMES, ORIGIN, SIZE, TIMES_NS, X264, encode, number_of, scene


def write(path: Path, codec: str, *, without: frozenset[int] = frozenset(), origin_ns: int = ORIGIN) -> None:
    if codec == "mjpeg":
        times = TIMES_NS.tolist()
        packets = [EncodedPacket(jpeg(scene(number)), t, t, True) for number, t in enumerate(times)]
        extradata = b""
    else:
        options = X264 if codec == "h264" else {"preset": "fast", "bf": "3", "g": "20"}
        packets, extradata = encode("libx264", global_header=True, options=options)
        codec = "h264"
    writer = VideoWriter(path, VideoFormat(codec, SIZE, 30.0, extradata, "yuv420p"), origin_ns)
    for number, packet in enumerate(packets):
        if number not in without:
            writer.write(packet)
    writer.close()


ORDERS = {
    "forwards": list(range(FRAMES)),
    "backwards": list(range(FRAMES))[::-1],
    "about": np.random.default_rng(1).integers(0, FRAMES, 30).tolist(),
    "again": [7, 7, 7, 8, 8, 39, 39, 0],
}


@pytest.mark.parametrize("codec", ["mjpeg", "h264", "B frames"])
@pytest.mark.parametrize("order", ORDERS)
def test_every_picture_is_found_in_any_order(tmp_path: Path, codec: str, order: str):
    write(tmp_path / "cam.mkv", codec)
    seeker = PictureSeeker(tmp_path / "cam.mkv", TIMES_NS, ORIGIN)
    assert seeker.size == SIZE
    for row in ORDERS[order]:
        image = seeker.picture(row)
        assert image is not None
        assert image.shape == (SIZE[1], SIZE[0], 3)
        assert number_of(image) == row
    seeker.close()


@pytest.mark.parametrize("codec", ["mjpeg", "h264", "B frames"])
def test_the_first_picture_of_a_take_that_began_while_live(tmp_path: Path, codec: str):
    earlier = ORIGIN - 103_000_000  # the session's clock started before the recording
    write(tmp_path / "cam.mkv", codec, origin_ns=earlier)
    seeker = PictureSeeker(tmp_path / "cam.mkv", TIMES_NS, earlier)
    for row in (0, 1, 0, 39, 0):
        image = seeker.picture(row)
        assert image is not None
        assert number_of(image) == row
    seeker.close()


def test_pictures_are_shrunk_while_they_are_converted(tmp_path: Path):
    write(tmp_path / "cam.mkv", "mjpeg")
    seeker = PictureSeeker(tmp_path / "cam.mkv", TIMES_NS, ORIGIN)
    small, whole = seeker.picture(20, (80, 60)), seeker.picture(20)
    assert small is not None
    assert whole is not None
    assert small.shape == (60, 80, 3)
    mean = whole.astype(float).reshape(60, 4, 80, 4, 3).mean(axis=(1, 3))
    # Area averages; chroma subsampling and rounding make at most a few grey levels.
    assert np.abs(small - mean).max() <= 12
    seeker.close()


def test_a_missing_picture_does_not_shift_the_others(tmp_path: Path):
    write(tmp_path / "cam.mkv", "mjpeg", without=frozenset({11, 39}))
    seeker = PictureSeeker(tmp_path / "cam.mkv", TIMES_NS, ORIGIN)
    for row in (10, 11, 12, 39, 38, 11, 40, -1):
        image = seeker.picture(row)
        if row in (11, 39, 40, -1):
            assert image is None
        else:
            assert image is not None
            assert number_of(image) == row
    seeker.close()


def test_where_times_do_not_fit_the_order_decides(tmp_path: Path):
    write(tmp_path / "cam.mkv", "mjpeg")
    other_times = ORIGIN + (TIMES_NS - ORIGIN) * 2 + 500_000_000
    seeker = PictureSeeker(tmp_path / "cam.mkv", other_times, ORIGIN)
    for row in (30, 3, 4):
        image = seeker.picture(row)
        assert image is not None
        assert number_of(image) == row
    seeker.close()


def test_what_is_no_video_says_so(tmp_path: Path):
    (tmp_path / "cam.mkv").write_bytes(b"nothing")
    with pytest.raises(TakeError, match="no readable video"):
        PictureSeeker(tmp_path / "cam.mkv", TIMES_NS, ORIGIN)
