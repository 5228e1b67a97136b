"""Cameras through OpenCV, as on macOS and Windows; OpenCV's own capture is replaced."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from configs.errors import BadInputError
from pipeline.drivers import opencv_capture
from pipeline.drivers.base import CameraError, CameraSettings
from pipeline.drivers.usb import UsbConfig, UsbDriver
from tests.support.videos import numbered_picture, read_number


class FakeCapture:
    """What ``cv2.VideoCapture`` does with a camera."""

    connected: ClassVar[bool] = True
    sizes: ClassVar[list[tuple[int, int]]] = [(320, 240), (160, 120)]

    def __init__(self, index: int, backend: int) -> None:
        self.values: dict[int, float] = {cv2.CAP_PROP_FPS: 30.0}
        self.set(cv2.CAP_PROP_FRAME_WIDTH, 320)
        self.set(cv2.CAP_PROP_FRAME_HEIGHT, 240)
        self.here = index == 0
        self.count = 0

    def isOpened(self) -> bool:
        return self.here and FakeCapture.connected

    def set(self, key: int, value: float) -> bool:
        self.values[key] = value
        return True

    def get(self, key: int) -> float:
        return self.values[key]

    def grab(self) -> bool:
        time.sleep(0.005)
        self.count += 1
        return FakeCapture.connected

    def retrieve(self) -> tuple[bool, Any]:
        asked = round(self.values[cv2.CAP_PROP_FRAME_WIDTH]), round(self.values[cv2.CAP_PROP_FRAME_HEIGHT])
        size = asked if asked in self.sizes else self.sizes[0]
        return True, numbered_picture(self.count, size)

    def read(self) -> tuple[bool, Any]:
        return (True, self.retrieve()[1]) if self.grab() else (False, None)

    def getBackendName(self) -> str:
        return "FAKE"

    def release(self) -> None:
        self.here = False


@pytest.fixture(autouse=True)
def _fake_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv_capture.cv2, "VideoCapture", FakeCapture)
    monkeypatch.setattr(FakeCapture, "connected", True)


def camera_for(size=None, **settings) -> UsbDriver:
    config = UsbConfig.model_validate({"backend": "opencv", **settings})
    return UsbDriver(config, CameraSettings("cam1", size, None, 0))


def test_frames_come_with_arrival_times():
    with camera_for(size=(160, 120)) as camera:
        info = camera.open()
        begun_ns = time.monotonic_ns()
        camera.start(begun_ns)
        frames = [frame for _ in range(5) if (frame := camera.read(0.1))]
        ended_ns = time.monotonic_ns()
    assert (info.size, info.fps, info.stream) == ((160, 120), 30.0, None)
    times_ns = [frame.t_capture_ns for frame in frames]
    assert begun_ns <= times_ns[0] and times_ns[-1] <= ended_ns
    assert np.diff(times_ns).min() > 0
    assert [frame.index for frame in frames] == list(range(5))
    assert np.diff([read_number(frame.image) for frame in frames]).tolist() == [1] * 4


def test_a_size_it_does_not_have():
    with pytest.raises(BadInputError, match="delivers 320x240 instead"):
        camera_for(size=(1920, 1080)).open()


def test_not_connected_and_unplugged():
    with pytest.raises(CameraError, match="number 3 is not connected"):
        camera_for(device="3").open()
    with camera_for() as camera:
        camera.read(0.1)
        FakeCapture.connected = False
        deadline_s = time.monotonic() + 10
        with pytest.raises(CameraError, match="was unplugged"):
            while time.monotonic() < deadline_s:
                assert camera.read(0.05) is None
    with pytest.raises(CameraError, match="not open"):
        camera.read(0.1)


def test_what_opencv_cannot_do_is_bad_input():
    with pytest.raises(BadInputError, match="exposure_us"):
        camera_for(exposure_us=5000).open()
    with pytest.raises(BadInputError, match="must be a number here"):
        camera_for(device="usb-Cam").open()


def test_discovery_asks_each_number(monkeypatch: pytest.MonkeyPatch):
    from pipeline.drivers import discovery

    monkeypatch.setattr(discovery.sys, "platform", "darwin")
    (device,) = discovery.discover(probe=True)
    assert (device.path, device.modes[0].size, device.bus) == ("0", (320, 240), "FAKE")
    assert discovery.discover(probe=False) == []
