"""A USB camera: Video4Linux2 on Linux, OpenCV elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any, Final, Literal

import cv2
import numpy as np
import simplejpeg
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config
from pipeline.drivers import v4l2
from pipeline.drivers import v4l2_abi as abi
from pipeline.drivers.base import CameraDriver, CameraError, CameraInfo, CameraSettings
from pipeline.drivers.device_info import Mode
from pipeline.drivers.discovery import device_path, explain, stable_id
from pipeline.drivers.jpeg_picture import decode_bgr
from pipeline.drivers.opencv_capture import OpenCvCapture
from pipeline.frames.frame import EncodedPacket, Frame, Image, VideoFormat

log = logging.getLogger(__name__)

_FOURCC: Final = {"mjpeg": "MJPG", "yuyv": "YUYV"}
_JPEG_SUBSAMPLINGS: Final = {"420": "yuvj420p", "422": "yuvj422p", "444": "yuvj444p"}
_RATE_TOLERANCE: Final = 0.01
"""Cameras say 29.97 and mean 30."""

_FIRST_FRAME_S: Final = 5.0
"""Cheap cameras need up to some seconds until the first frame after being switched on."""

_STAMP_AGE_NS: Final = 2_000_000_000
"""A frame older than this on arrival cannot be: its time stamp is of another clock."""


class UsbConfig(Config):
    """Settings of the ``usb`` driver.

    Attributes:
        device: Number (``0``), path (``/dev/video0``) or stable id as ``launch.py cameras`` shows it.
        exposure_us: Exposure time, or ``auto``; None leaves the camera as it is.
        pixel_format: ``mjpeg`` is recorded as it comes, ``yuyv`` has no compression losses and needs more
            bandwidth; ``auto`` prefers mjpeg.
        backend: ``v4l2`` or ``opencv``; ``auto`` takes v4l2 on Linux.
    """

    device: str = Field(default="0", coerce_numbers_to_str=True)
    exposure_us: int | Literal["auto"] | None = None
    pixel_format: Literal["auto", "mjpeg", "yuyv"] = "auto"
    backend: Literal["auto", "v4l2", "opencv"] = "auto"


class UsbDriver(CameraDriver):
    """A webcam, by the way of this system."""

    Config = UsbConfig
    config: UsbConfig
    may_return = True

    def __init__(self, config: UsbConfig, settings: CameraSettings) -> None:
        super().__init__(config, settings)
        self._capture: V4l2Capture | OpenCvCapture | None = None

    def open(self) -> CameraInfo:
        """Open the camera, set mode and exposure, start it."""
        self.close()
        linux = sys.platform == "linux"
        if self.config.backend == "v4l2" or (self.config.backend == "auto" and linux):
            capture: V4l2Capture | OpenCvCapture = V4l2Capture(self.config, self.settings, self.canvas)
        else:
            if not self.config.device.isdigit():
                raise bad_input(
                    "must be a number here",
                    key=f"cameras.{self.settings.name}.driver.device",
                    value=self.config.device,
                )
            capture = OpenCvCapture(int(self.config.device), self.config.exposure_us, self.settings)
        try:
            info = capture.open()
        except BaseException:
            capture.close()
            raise
        self._capture = capture
        return info

    def start(self, origin_ns: int) -> None:
        """Begin with the first frame captured after ``origin_ns``."""
        super().start(origin_ns)
        if self._capture is not None:
            self._capture.start(origin_ns)

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, with the time at which the kernel got it."""
        if self._capture is None:
            raise CameraError(f'camera "{self.settings.name}" is not open')
        return self._capture.read(timeout_s)

    def close(self) -> None:
        """Stop and release the camera."""
        if self._capture is not None:
            self._capture.close()
            self._capture = None


class V4l2Capture:
    """A camera that Linux shows as ``/dev/videoN``."""

    def __init__(
        self, config: UsbConfig, settings: CameraSettings, canvas: Callable[[int, int], Image | None]
    ) -> None:
        self._config = config
        self._settings = settings
        self._canvas = canvas
        self._device: v4l2.V4l2Device | None = None

    def open(self) -> CameraInfo:
        """Open, choose and check the mode, start."""
        who = f'camera "{self._settings.name}": {self._config.device}'
        node = device_path(self._config.device)
        if node is None:
            raise CameraError(f"{who} is not connected; launch.py cameras lists what is there")
        try:
            self._device = v4l2.V4l2Device(str(node), v4l2.KERNEL)
            if not self._device.can_capture():
                raise CameraError(f"{who} ({node}) delivers no pictures; launch.py cameras lists what does")
            self._format, fps = self._set_mode(self._device)
            self._set_exposure(self._device)
            self._device.start()
        except OSError as error:
            raise CameraError(f"{who} ({node}) {explain(error)}") from error
        self._last_t_ns = 0
        self._stamps_ok = True
        self.start(0)
        first = self._first_frame(who)
        stream = None
        if self._format.fourcc == "MJPG":
            stream = VideoFormat("mjpeg", self._format.size, fps, pixel_format=_jpeg_format(first))
        self.start(self._settings.origin_ns)
        return CameraInfo(self._format.size, fps, stable_id(node), stream)

    def start(self, origin_ns: int) -> None:
        """Count frames from the first one captured after ``origin_ns``; older ones wait in the driver."""
        self._origin_ns = origin_ns
        self._first: int | None = None
        self._next_index = 0

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, None also where it is damaged or of before the start."""
        assert self._device is not None
        try:
            raw = self._device.read(timeout_s)
        except OSError as error:
            raise CameraError(
                f'camera "{self._settings.name}": {self._config.device} {explain(error)}'
            ) from error
        return None if raw is None else self._frame(raw)

    def close(self) -> None:
        """Stop and close."""
        if self._device is not None:
            self._device.close()
            self._device = None

    def _first_frame(self, who: str) -> Frame:
        deadline_s = time.monotonic() + _FIRST_FRAME_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            frame = self.read(left_s)
            if frame is not None:
                return frame
        raise CameraError(f"{who} opens but delivers no picture; unplug it and plug it in again")

    def _frame(self, raw: v4l2.RawFrame) -> Frame | None:
        t_ns = max(self._time_ns(raw), self._last_t_ns + 1)
        if t_ns < self._origin_ns:
            return None
        if self._first is None:
            self._first = raw.sequence
        # Damaged frames count: the jump in the index tells that they are missing.
        index = max((raw.sequence - self._first) & 0xFFFFFFFF, self._next_index)
        image = None if raw.damaged else self._decode(raw.data)
        if image is None:
            return None
        self._next_index, self._last_t_ns = index + 1, t_ns
        packets: tuple[EncodedPacket, ...] = ()
        if self._format.fourcc != "YUYV":
            packets = (EncodedPacket(raw.data, t_ns, t_ns, keyframe=True),)
        return Frame(self._settings.name, index, t_ns, image, packets)

    def _time_ns(self, raw: v4l2.RawFrame) -> int:
        now_ns = time.monotonic_ns()
        if raw.monotonic and self._stamps_ok:
            if 0 <= now_ns - raw.time_ns < _STAMP_AGE_NS:
                return raw.time_ns
            self._stamps_ok = False
            log.warning(
                "camera %s: the driver's time stamps are of another clock; taking times of arrival",
                self._settings.name,
            )
        return now_ns

    def _decode(self, data: bytes) -> Image | None:
        """BGR picture, None if the data are damaged (USB glitches, the first frame of some cameras)."""
        width, height = self._format.size
        if self._format.fourcc == "YUYV":
            stride = self._format.bytes_per_line or 2 * width
            if len(data) < stride * height:
                return None
            rows = np.frombuffer(data, np.uint8, stride * height).reshape(height, stride)
            packed = np.ascontiguousarray(rows[:, : 2 * width]).reshape(height, width, 2)
            converted: Any = cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_YUY2, dst=self._canvas(height, width))
        else:
            try:
                # Asked first: a damaged header may announce a picture of twelve gigabytes.
                if simplejpeg.decode_jpeg_header(data)[:2] != (height, width):
                    return None
                converted = decode_bgr(data, self._canvas(height, width))
            except ValueError:
                return None
        image: Image = converted
        return image

    def _set_mode(self, device: v4l2.V4l2Device) -> tuple[v4l2.StreamFormat, float]:
        current = device.current_format()
        size = self._settings.size or current.size
        mode = choose_mode(
            device.modes(), self._config.pixel_format, size, self._settings.fps, self._settings.name
        )
        chosen = device.set_format(mode, size)
        if (chosen.fourcc, chosen.size) != (mode, tuple(size)):
            raise CameraError(
                f'camera "{self._settings.name}": asked for {mode} {size[0]}x{size[1]}, the driver gives '
                f"{chosen.fourcc} {chosen.size[0]}x{chosen.size[1]}; launch.py cameras lists its modes"
            )
        fps = device.set_rate(self._settings.fps) if self._settings.fps else device.rate()
        asked = self._settings.fps
        if asked and abs(fps - asked) > _RATE_TOLERANCE * asked:
            log.warning(
                "camera %s: asked for %.2f fps, the driver sets %.2f", self._settings.name, asked, fps
            )
        return chosen, fps or asked or 30.0

    def _set_exposure(self, device: v4l2.V4l2Device) -> None:
        wanted = self._config.exposure_us
        if wanted is None:
            return
        if wanted == "auto":
            automatic = device.control_range(abi.CID_EXPOSURE_AUTO)
            if automatic is not None:
                # Webcams know "aperture priority" (3), few cameras the full automatic mode (0).
                value = abi.EXPOSURE_APERTURE_PRIORITY if automatic.maximum >= 3 else abi.EXPOSURE_AUTO
                device.set_control(abi.CID_EXPOSURE_AUTO, value)
            if device.control_range(abi.CID_EXPOSURE_AUTO_PRIORITY) is not None:
                # In dim light the frame rate, which synchronisation relies on, is not to drop.
                device.set_control(abi.CID_EXPOSURE_AUTO_PRIORITY, 0)
            return
        key = f"cameras.{self._settings.name}.driver.exposure_us"
        allowed = device.control_range(abi.CID_EXPOSURE_ABSOLUTE)
        if allowed is None:
            raise bad_input("this camera's exposure cannot be set", key=key, value=wanted)
        units = round(wanted / 100)  # the control counts in 100 µs
        if not allowed.minimum <= units <= allowed.maximum:
            raise bad_input(
                "this camera cannot expose so long or so short",
                key=key,
                value=wanted,
                allowed=f"{allowed.minimum * 100}..{allowed.maximum * 100} us",
            )
        if device.control_range(abi.CID_EXPOSURE_AUTO) is not None:
            device.set_control(abi.CID_EXPOSURE_AUTO, abi.EXPOSURE_MANUAL)
        device.set_control(abi.CID_EXPOSURE_ABSOLUTE, units)


def choose_mode(
    modes: list[Mode], pixel_format: str, size: tuple[int, int], fps: float | None, camera: str
) -> str:
    """The pixel format (four characters) in which a camera offers ``size`` at ``fps``.

    Raises:
        BadInputError: It does not; names what it offers.
    """
    wanted = [_FOURCC[pixel_format]] if pixel_format != "auto" else list(_FOURCC.values())
    usable = [mode for mode in modes if mode.pixel_format in wanted]
    if not usable:
        raise bad_input(
            "the camera does not offer this pixel format",
            key=f"cameras.{camera}.driver.pixel_format",
            value=pixel_format,
            allowed=", ".join(sorted({mode.pixel_format for mode in modes})) or "nothing we can read",
        )
    of_size = [mode for mode in usable if mode.size == tuple(size)]
    if not of_size:
        sizes = sorted({mode.size for mode in usable})
        raise bad_input(
            "the camera does not offer this size",
            key=f"cameras.{camera}.size",
            value=list(size),
            allowed=", ".join(f"{width}x{height}" for width, height in sizes),
        )
    if fps is not None:
        fast = [mode for mode in of_size if not mode.rates or _offers(mode, fps)]
        if not fast:
            rates = sorted({rate for mode in of_size for rate in mode.rates}, reverse=True)
            raise bad_input(
                f"the camera does not offer this rate at {size[0]}x{size[1]}",
                key=f"cameras.{camera}.fps",
                value=fps,
                allowed=", ".join(f"{rate:g}" for rate in rates),
            )
        of_size = fast
    return min(of_size, key=lambda mode: wanted.index(mode.pixel_format)).pixel_format


def _offers(mode: Mode, fps: float) -> bool:
    return any(abs(rate - fps) <= _RATE_TOLERANCE * fps for rate in mode.rates)


def _jpeg_format(frame: Frame) -> str:
    _, _, _, subsampling = simplejpeg.decode_jpeg_header(frame.packets[0].data)
    return _JPEG_SUBSAMPLINGS.get(subsampling, "yuvj422p")
