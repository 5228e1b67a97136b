"""Every driver of the registry keeps the promises of ``CameraDriver``."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from configs.loading import parse_config
from pipeline.drivers.base import CameraDriver, CameraError, CameraInfo, EndOfStream
from pipeline.drivers.registry import DRIVERS
from pipeline.frames.frame import Frame
from tests.pipeline.drivers.rigs import BENCHES, FPS, Bench
from tests.support.videos import read_number

PATIENCE_S = 20.0


@pytest.fixture(params=sorted(DRIVERS))
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    threads = set(threading.enumerate())
    made = BENCHES[request.param](tmp_path, monkeypatch)
    yield made
    made.close()
    assert set(threading.enumerate()) <= threads, "a thread was left running"


def read_some(camera: CameraDriver, count: int) -> list[Frame]:
    """Frames with their own copy of the picture."""
    frames: list[Frame] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while len(frames) < count:
        assert time.monotonic() < deadline_s, f"only {len(frames)} of {count} frames came"
        frame = camera.read(0.1)
        if frame is not None:
            image = None if frame.image is None else frame.image.copy()
            frames.append(Frame(frame.camera, frame.index, frame.t_capture_ns, image, frame.packets))
    return frames


@contextmanager
def opened(camera: CameraDriver) -> Iterator[tuple[CameraDriver, CameraInfo]]:
    try:
        yield camera, camera.open()
    finally:
        camera.close()


def read_to_failure(camera: CameraDriver) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        camera.read(0.1)


def start_now(camera: CameraDriver) -> None:
    camera.start(time.monotonic_ns())


def test_every_driver_has_a_bench():
    assert set(BENCHES) == set(DRIVERS)


def test_frames_have_rising_times_and_indices(bench: Bench):
    with bench.make() as camera:
        start_now(camera)
        frames = read_some(camera, 10)
    times = [frame.t_capture_ns for frame in frames]
    indices = [frame.index for frame in frames]
    assert all(late > early for early, late in itertools.pairwise(times))
    assert all(late > early for early, late in itertools.pairwise(indices))
    assert indices[0] == 0
    assert {frame.camera for frame in frames} == {"cam1"}


def test_capture_times_keep_the_rate(bench: Bench):
    with opened(bench.make()) as (camera, info):
        start_now(camera)
        frames = read_some(camera, 10)
    span_s = (frames[-1].t_capture_ns - frames[0].t_capture_ns) / 1e9
    periods = frames[-1].index - frames[0].index
    assert info.fps == pytest.approx(FPS)
    # Sources that are stamped on arrival vary by what a busy machine delays, which no clock can undo.
    assert span_s == pytest.approx(periods / FPS, abs=0.002 if bench.driver != "rtsp" else 0.2)


def test_times_are_of_the_monotonic_clock(bench: Bench):
    with bench.make() as camera:
        start_now(camera)
        for _ in range(5):
            frame = read_some(camera, 1)[0]
            age_s = (time.monotonic_ns() - frame.t_capture_ns) / 1e9
            assert 0 <= age_s < PATIENCE_S


def test_pictures_are_bgr_of_the_size_stated(bench: Bench):
    with opened(bench.make(size=bench.size)) as (camera, info):
        start_now(camera)
        frames = read_some(camera, 6)
    assert info.size == bench.size
    pictures = [frame.image for frame in frames if frame.image is not None]
    assert pictures
    for picture in pictures:
        assert picture.shape == (bench.size[1], bench.size[0], 3)
        assert picture.dtype == np.uint8
    if bench.numbered:
        shown = [(frame.index, read_number(frame.image)) for frame in frames if frame.image is not None]
        offset = shown[0][1] - shown[0][0]
        assert [number - index for index, number in shown] == [offset] * len(shown)
        height = bench.size[1]
        # numbered_picture's top is BGR (40, 200, 60): a swap of red and blue, or a wrong colour matrix or
        # range, moves a channel by more than the 12 levels that lossy codecs at these qualities need.
        top = pictures[0][2 : height // 8 - 2].reshape(-1, 3).mean(0)
        assert top == pytest.approx([40, 200, 60], abs=12)


def test_packets_belong_to_frames(bench: Bench):
    with opened(bench.make()) as (camera, info):
        start_now(camera)
        frames = read_some(camera, 10)
        frames += camera.finish()
    packets = [packet for frame in frames for packet in frame.packets]
    if info.stream is None:
        assert not packets
        assert all(frame.image is not None for frame in frames)
        return
    assert sorted(packet.pts_ns for packet in packets) == [frame.t_capture_ns for frame in frames]
    assert all(late.dts_ns > early.dts_ns for early, late in itertools.pairwise(packets))
    assert all(packet.pts_ns >= packet.dts_ns for packet in packets)
    assert packets[0].keyframe
    handed_out: set[int] = set()
    for frame in frames:
        handed_out |= {packet.pts_ns for packet in frame.packets}
        assert frame.t_capture_ns in handed_out


def test_no_frame_in_time_is_none(bench: Bench):
    with bench.make() as camera:
        start_now(camera)
        read_some(camera, 1)
        # Just after a frame the next one is a whole period away; one of several tries hits that instant
        # even on a machine that stops us in between.
        assert any(camera.read(0.0) is None for _ in range(20))


def test_reopens_after_close(bench: Bench):
    camera = bench.make()
    for _ in range(2):
        camera.open()
        start_now(camera)
        frames = read_some(camera, 3)
        assert frames[0].index == 0
        camera.close()


def test_reopens_without_close(bench: Bench):
    camera = bench.make()
    camera.open()
    start_now(camera)
    read_some(camera, 2)
    camera.open()
    start_now(camera)
    assert read_some(camera, 1)[0].index == 0
    camera.close()


def test_close_is_safe_at_any_time(bench: Bench):
    camera = bench.make()
    camera.close()
    camera.open()
    camera.close()
    camera.close()


def test_reading_a_closed_camera_says_so(bench: Bench):
    camera = bench.make()
    with pytest.raises(CameraError, match='"cam1" is not open'):
        camera.read(0.1)
    camera.open()
    camera.close()
    with pytest.raises(CameraError, match='"cam1" is not open'):
        camera.read(0.1)
    assert camera.finish() == []


def test_files_end(bench: Bench):
    if bench.ends_after is None:
        pytest.skip("this source has no end")
    with bench.make() as camera:
        start_now(camera)
        frames = read_some(camera, bench.ends_after)
        for _ in range(2):
            with pytest.raises(EndOfStream):
                camera.read(1.0)
        assert camera.finish() == []
    assert [frame.index for frame in frames] == list(range(bench.ends_after))


def test_files_loop(bench: Bench):
    if bench.ends_after is None:
        pytest.skip("this source has no end")
    count = 2 * bench.ends_after + 3
    with bench.make(loop=True, pace="free") as camera:
        start_now(camera)
        frames = read_some(camera, count)
    packets = [packet for frame in frames for packet in frame.packets]
    steps = np.diff([frame.t_capture_ns for frame in frames])
    assert steps == pytest.approx(1e9 / FPS, abs=100_000)  # a tick of the file's time base is 65 us
    assert all(late.dts_ns > early.dts_ns for early, late in itertools.pairwise(packets))
    numbers = [read_number(frame.image) for frame in frames if frame.image is not None]
    assert numbers == [number % bench.ends_after for number in range(len(frames))]


def test_unplugging_is_a_camera_error_and_frees_everything(bench: Bench):
    if bench.unplug is None:
        pytest.skip("nothing to unplug")
    camera = bench.make()
    camera.open()
    start_now(camera)
    read_some(camera, 2)
    bench.unplug()
    with pytest.raises(CameraError, match="cam1"):
        read_to_failure(camera)
    camera.close()
    # A file cut short still opens, and fails again where it ends; the others do not open.
    with pytest.raises((CameraError, BadInputError)):
        camera.open()
        start_now(camera)
        read_to_failure(camera)
    camera.close()


def test_settings_that_cannot_work_are_bad_input(bench: Bench):
    for changes, words in bench.bad_configs:
        camera = bench.make(**changes)
        with pytest.raises(BadInputError) as failure:
            camera.open()
        assert words in str(failure.value)
        assert "\n" not in str(failure.value)
        with pytest.raises(CameraError, match="not open"):
            camera.read(0.1)
        camera.close()


def test_another_size_than_asked_is_bad_input(bench: Bench):
    camera = bench.make(size=(333, 222))
    with pytest.raises(BadInputError) as failure:
        camera.open()
    assert "333" in str(failure.value)
    assert f"{bench.size[0]}x{bench.size[1]}" in str(failure.value)


def test_a_misspelt_key_names_the_right_one(bench: Bench):
    key = next(iter(bench.config))
    with pytest.raises(BadInputError, match=f'did you mean "{key}"'):
        parse_config(DRIVERS.load(bench.driver).Config, {**bench.config, f"{key}x": 1}, source="rig.yaml")
