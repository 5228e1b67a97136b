"""A webcam through OpenCV, for systems without Video4Linux2: raw pictures, times of arrival."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

import cv2

from configs.errors import bad_input
from pipeline.drivers.base import CameraError, CameraInfo, CameraSettings
from pipeline.drivers.device_info import DeviceInfo, Mode
from pipeline.frames.frame import Frame, Image

_BACKENDS: Final = {"win32": cv2.CAP_MSMF, "darwin": cv2.CAP_AVFOUNDATION, "linux": cv2.CAP_V4L2}
_SILENCE_S: Final = 1.0
"""Time of failing reads after which the camera counts as unplugged; one failing read may be a glitch."""

_DEFAULT_FPS: Final = 30.0


class OpenCvCapture:
    """The camera with the given number."""

    def __init__(self, index: int, exposure_us: int | str | None, settings: CameraSettings) -> None:
        self._index = index
        self._exposure_us = exposure_us
        self._settings = settings
        self._capture: Any = None

    def open(self) -> CameraInfo:
        """Open the camera and check what it delivers."""
        name = self._settings.name
        if self._exposure_us is not None:
            raise bad_input(
                "can only be set on Linux; set the exposure in the camera's own program",
                key=f"cameras.{name}.driver.exposure_us",
                value=self._exposure_us,
            )
        capture = cv2.VideoCapture(self._index, _BACKENDS.get(sys.platform, cv2.CAP_ANY))
        self._capture = capture
        if not capture.isOpened():
            raise CameraError(
                f'camera "{name}": number {self._index} is not connected, is in use by another program, '
                "or this program may not use cameras (see the system's privacy settings)"
            )
        if self._settings.size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._settings.size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._settings.size[1])
        if self._settings.fps is not None:
            capture.set(cv2.CAP_PROP_FPS, self._settings.fps)
        got, image = capture.read()
        if not got:
            raise CameraError(f'camera "{name}": number {self._index} opens but delivers no picture')
        size = (image.shape[1], image.shape[0])
        if self._settings.size is not None and size != tuple(self._settings.size):
            raise bad_input(
                f"the camera delivers {size[0]}x{size[1]} instead of the size asked for",
                key=f"cameras.{name}.size",
                value=list(self._settings.size),
            )
        fps = float(capture.get(cv2.CAP_PROP_FPS)) or self._settings.fps or _DEFAULT_FPS
        self.start(self._settings.origin_ns)
        self._last_t_ns = 0
        self._last_good_s = time.monotonic()
        return CameraInfo(size, fps, f"camera {self._index}", None)

    def start(self, origin_ns: int) -> None:
        """Count frames from the first one that comes after ``origin_ns``."""
        self._origin_ns = origin_ns
        self._count = 0

    def read(self, timeout_s: float) -> Frame | None:
        """The next picture; OpenCV waits for it as long as it wants."""
        if not self._capture.grab():
            if time.monotonic() - self._last_good_s > _SILENCE_S:
                raise CameraError(
                    f'camera "{self._settings.name}": number {self._index} was unplugged or stopped; '
                    "plug it in again"
                )
            time.sleep(min(timeout_s, 0.02))
            return None
        t_ns = max(time.monotonic_ns(), self._last_t_ns + 1)
        got, picture = self._capture.retrieve()
        if not got:
            return None
        self._last_t_ns = t_ns
        self._last_good_s = time.monotonic()
        if t_ns < self._origin_ns:
            return None
        image: Image = picture
        frame = Frame(self._settings.name, self._count, t_ns, image)
        self._count += 1
        return frame

    def close(self) -> None:
        """Release the camera."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def probe_index(index: int) -> DeviceInfo | None:
    """Look whether there is a camera with this number."""
    capture = cv2.VideoCapture(index, _BACKENDS.get(sys.platform, cv2.CAP_ANY))
    try:
        if not capture.isOpened():
            return None
        width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        fps = capture.get(cv2.CAP_PROP_FPS)
        mode = Mode("", (width, height), (fps,) if fps > 0 else ())
        return DeviceInfo(str(index), str(index), f"camera {index}", capture.getBackendName(), (mode,))
    finally:
        capture.release()
