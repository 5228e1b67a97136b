"""A webcam that is unplugged and plugged in again while it films."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.drivers import discovery, v4l2
from pipeline.drivers.base import CameraError, CameraInfo, CameraSettings
from pipeline.drivers.returning import AWAY, ReturningDriver
from pipeline.drivers.usb import UsbConfig, UsbDriver
from pipeline.frames.frame import Frame
from tests.support.fake_webcam import FakeWebcam
from tests.support.videos import read_number

FPS = 60.0
NAME = "usb-Test_Cam-video-index0"


@pytest.fixture
def webcam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWebcam:
    camera = FakeWebcam()
    monkeypatch.setattr(v4l2, "KERNEL", camera)
    monkeypatch.setattr(discovery, "DEV", tmp_path)
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    plug_in(tmp_path, "video0")
    return camera


def plug_in(folder: Path, node: str) -> None:
    (folder / node).touch()
    (folder / "v4l" / "by-id" / NAME).symlink_to(folder / node)


def pull_out(folder: Path, node: str) -> None:
    (folder / "v4l" / "by-id" / NAME).unlink()
    (folder / node).unlink()


@pytest.fixture
def driver(webcam: FakeWebcam) -> ReturningDriver:
    config = UsbConfig(device=NAME, backend="v4l2")
    made = ReturningDriver(UsbDriver(config, CameraSettings("cam1", (320, 240), FPS, 0)))
    made.open()
    made.start(time.monotonic_ns())
    return made


def read_some(driver: ReturningDriver, pictures: int) -> list[Frame]:
    frames: list[Frame] = []
    deadline_s = time.monotonic() + 30
    while sum(not frame.cause for frame in frames) < pictures:
        assert time.monotonic() < deadline_s
        frame = driver.read(0.05)
        if frame is not None:
            frames.append(frame)
    return frames


def until_away(driver: ReturningDriver) -> list[Frame]:
    frames: list[Frame] = []
    deadline_s = time.monotonic() + 30
    while not driver.telemetry()["away"]:
        assert time.monotonic() < deadline_s
        frame = driver.read(0.05)
        if frame is not None:
            frames.append(frame)
    return frames


def test_it_comes_back_by_its_name_as_another_device_and_the_gap_is_told(
    webcam: FakeWebcam, driver: ReturningDriver, tmp_path: Path
):
    frames = read_some(driver, 5)
    pull_out(tmp_path, "video0")
    webcam.unplugged = True
    frames += until_away(driver)
    assert not webcam.open_descriptors
    assert all(driver.read(0.02) is None for _ in range(20))
    plug_in(tmp_path, "video3")
    webcam.unplugged = False
    frames += read_some(driver, 5)
    driver.close()
    assert [note.kind for note in driver.notes()] == ["disconnect", "reconnect"]
    for early, late in itertools.pairwise(frames):
        assert late.index > early.index
        assert late.t_capture_ns > early.t_capture_ns
    # A busy machine may read too late, which the webcam itself counts; what was away is named frame by frame.
    away = [frame for frame in frames if frame.cause == AWAY]
    assert {frame.cause for frame in frames} == {"", AWAY}
    before = frames[frames.index(away[0]) - 1]
    after = frames[frames.index(away[-1]) + 1]
    assert after.index - before.index == len(away) + 1
    gap_s = (after.t_capture_ns - before.t_capture_ns) / 1e9
    assert gap_s > 0.3
    assert len(away) + 1 == pytest.approx(gap_s * FPS, abs=0.5)
    assert after.image is not None
    assert read_number(after.image) < 200


def test_a_recording_that_ends_while_it_is_away_counts_what_it_would_have_filmed(
    webcam: FakeWebcam, driver: ReturningDriver
):
    frames = read_some(driver, 3)
    webcam.unplugged = True
    frames += until_away(driver)
    last = frames[-1]
    time.sleep(0.2)
    until_ns = time.monotonic_ns()
    missing = driver.missing(until_ns)
    assert Counter(frame.cause for frame in missing) == {AWAY: len(missing)}
    assert len(missing) == pytest.approx((until_ns - last.t_capture_ns) / 1e9 * FPS, abs=1.5)
    assert [frame.index for frame in missing] == list(range(last.index + 1, last.index + 1 + len(missing)))
    assert driver.finish() == []
    webcam.unplugged = False
    again = read_some(driver, 1)
    assert again[0].index == missing[-1].index + 1, "nothing is counted twice"
    driver.close()


def test_while_it_is_there_nothing_is_missing(driver: ReturningDriver):
    frames = read_some(driver, 3)
    assert driver.missing(time.monotonic_ns()) == []
    assert [frame.cause for frame in frames] == ["", "", ""]
    assert driver.telemetry() == {"away": False, "returns": 0}
    driver.close()


def test_another_camera_in_its_place_is_a_failure(webcam: FakeWebcam, driver: ReturningDriver, monkeypatch):
    read_some(driver, 2)
    webcam.unplugged = True
    until_away(driver)
    monkeypatch.setattr(UsbDriver, "open", lambda self: _other_info())
    webcam.unplugged = False
    deadline_s = time.monotonic() + 30
    with pytest.raises(CameraError, match=r"cam1.*another size"):
        while time.monotonic() < deadline_s:
            driver.read(0.05)


def _other_info():
    return CameraInfo((640, 480), FPS, NAME, None)
