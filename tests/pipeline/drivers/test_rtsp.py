"""What the contract does not say about network cameras."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from configs.loading import parse_config
from pipeline.drivers.base import CameraError, CameraSettings
from pipeline.drivers.rtsp import RtspConfig, RtspDriver
from pipeline.drivers.safe_url import safe_url
from pipeline.frames.frame import Frame
from pipeline.take.video_writer import VideoWriter
from tests.support.rtsp_server import RtspServer
from tests.support.videos import read_number

FPS = 60
PATIENCE_S = 20.0


@pytest.fixture
def server() -> Iterator[RtspServer]:
    made = RtspServer(FPS, user="operator:hunter2")
    made.start()
    yield made
    made.cut()


def camera_for(server: RtspServer, user: str = "operator:hunter2", **settings) -> RtspDriver:
    config = RtspConfig(url=server.url(user), **{"timeout_s": 2, "reconnect_s": 0.1, **settings})
    return RtspDriver(config, CameraSettings("hall", None, None, time.monotonic_ns()))


def read_some(camera: RtspDriver, count: int) -> list[Frame]:
    frames: list[Frame] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while len(frames) < count:
        assert time.monotonic() < deadline_s, f"only {len(frames)} of {count} frames came"
        frame = camera.read(0.1)
        if frame is not None:
            frames.append(frame)
    return frames


def test_capture_times_follow_the_scene(server: RtspServer):
    with camera_for(server) as camera:
        frames = read_some(camera, 40)[10:]
    delays_ms = [
        (frame.t_capture_ns - server.shown_at[read_number(frame.image)]) / 1e6
        for frame in frames
        if frame.image is not None
    ]
    assert len(delays_ms) > 20
    # A frame is complete when the next one begins, never earlier; encoding and a busy machine add to that.
    assert min(delays_ms) >= 1000 / FPS - 0.001
    assert np.median(delays_ms) < 1000 / FPS + 50


def test_packets_can_be_recorded(server: RtspServer, tmp_path: Path):
    with camera_for(server) as camera:
        info = camera.open()
        frames = read_some(camera, 25)
        frames += camera.finish()
    assert info.stream is not None
    packets = [packet for frame in frames for packet in frame.packets]
    writer = VideoWriter(tmp_path / "v.mkv", info.stream, packets[0].dts_ns)
    for packet in packets:
        writer.write(packet)
    writer.close()
    with av.open(str(tmp_path / "v.mkv")) as container:
        shown = [read_number(picture.to_ndarray(format="bgr24")) for picture in container.decode(video=0)]
    assert shown == list(range(shown[0], shown[0] + len(frames)))


def test_a_cut_cable_is_waited_for_and_the_gap_is_told(server: RtspServer):
    with camera_for(server) as camera:
        before = read_some(camera, 5)
        server.cut()
        assert any(camera.read(0.05) is None for _ in range(100))
        gone_ns = time.monotonic_ns()
        server.start()
        after = read_some(camera, 80)
    frames = before + after
    assert all(late.t_capture_ns > early.t_capture_ns for early, late in itertools.pairwise(frames))
    jumps = [
        (late.index - early.index, late.t_capture_ns - early.t_capture_ns, late)
        for early, late in itertools.pairwise(frames)
    ]
    missing, gap_ns, first_back = max(jumps, key=lambda jump: jump[0])
    assert missing > 1
    assert missing == pytest.approx(gap_ns * FPS / 1e9, abs=2)  # each end is known to a frame, no better
    assert first_back.t_capture_ns > gone_ns - 1e9
    assert [jump[0] for jump in jumps].count(1) == len(jumps) - 1, "one gap, everything else in a row"
    packets = [packet for frame in frames for packet in frame.packets]
    assert all(late.dts_ns > early.dts_ns for early, late in itertools.pairwise(packets))
    assert first_back.packets[0].keyframe


def test_a_camera_that_falls_silent_is_reconnected(server: RtspServer):
    with camera_for(server, timeout_s=0.5) as camera:
        read_some(camera, 3)
        server.silent = True
        deadline_s = time.monotonic() + 5
        while camera.read(0.1) is not None:
            assert time.monotonic() < deadline_s
        time.sleep(0.6)  # longer than the timeout: the connection is given up
        server.silent = False
        frames = read_some(camera, 60)
    steps = [late.index - early.index for early, late in itertools.pairwise(frames)]
    assert all(step >= 1 for step in steps)


def test_another_picture_size_after_reconnecting_is_a_failure(server: RtspServer):
    with camera_for(server) as camera:
        read_some(camera, 3)
        server.cut()
        server.size = (160, 120)
        server.start()
        with pytest.raises(CameraError, match="came back with h264 160x120 instead of h264 320x240"):
            read_some(camera, 300)


@pytest.mark.parametrize("user", ["", "operator:wrong-pw"])
def test_a_wrong_password_is_told_and_not_shown(server: RtspServer, user: str):
    camera = camera_for(server, user)
    with pytest.raises(CameraError, match=r"401 unauthorized.*check user name and password") as failure:
        camera.open()
    assert "wrong-pw" not in str(failure.value)


def test_the_password_is_nowhere(server: RtspServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with camera_for(server, give_up_s=0.3) as camera:
        info = camera.open()
        read_some(camera, 2)
        server.cut()
        with pytest.raises(CameraError) as failure:
            for _ in range(200):
                camera.read(0.1)
    shown = [
        str(failure.value),
        repr(failure.getrepr(chain=True)),
        caplog.text,
        info.device,
        repr(camera.config),
    ]
    assert "127.0.0.1" in failure.value.args[0]
    assert all("hunter2" not in text and "operator" not in text for text in shown)


def test_nobody_there(server: RtspServer):
    camera = camera_for(server)
    server.cut()
    with pytest.raises(CameraError, match="connection refused; check that the camera is on"):
        camera.open()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://me:p%40ss@10.0.0.5:554/ch1?user=me&password=x", "rtsp://10.0.0.5:554/ch1"),
        ("rtsp://[fe80::1]:8554/a", "rtsp://[fe80::1]:8554/a"),
        ("rtsp://me:pw@host:notaport/", "the stream"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, shown: str):
    assert safe_url(url) == shown


def test_a_wrong_address_is_not_shown_either():
    config = parse_config(RtspConfig, {"url": "me:hunter2@host/ch1"})
    with pytest.raises(Exception, match="not the address of a stream") as failure:
        RtspDriver(config, CameraSettings("hall", None, None, 0)).open()
    assert "hunter2" not in str(failure.value)
