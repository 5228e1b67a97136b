"""The kernel's side of a webcam: answers the same system calls with the same structures."""

from __future__ import annotations

import ctypes
import errno
import mmap
import time
from typing import Any, cast

import cv2
import numpy as np
import simplejpeg

from pipeline.drivers import v4l2
from pipeline.drivers import v4l2_abi as abi
from tests.support.videos import numbered_picture

MODES = {
    ("MJPG", (320, 240)): (60.0, 30.0),
    ("MJPG", (640, 480)): (30.0,),
    ("YUYV", (320, 240)): (30.0,),
    ("YUYV", (160, 120)): (90.0,),
}


class _Memory(bytearray):
    def close(self) -> None:
        self.clear()


class FakeWebcam(v4l2.Kernel):
    """A camera at ``/dev/videoN`` that films ``numbered_picture`` 0, 1, 2, …

    Attributes:
        errno_on_open: Reason to refuse opening.
        unplugged: The cable is out.
        damaged: Sequence numbers whose pictures arrive damaged.
        cut_short: Sequence numbers whose pictures lack their second half without the driver noticing.
        clock_offset_ns: What the time stamps differ by from the monotonic clock.
        controls: Control values by identifier.
    """

    def __init__(self) -> None:
        self.errno_on_open = 0
        self.unplugged = False
        self.stalled = False
        self.damaged: set[int] = set()
        self.cut_short: set[int] = set()
        self.clock_offset_ns = 0
        self.controls = {
            abi.CID_EXPOSURE_AUTO: abi.EXPOSURE_APERTURE_PRIORITY,
            abi.CID_EXPOSURE_AUTO_PRIORITY: 1,
            abi.CID_EXPOSURE_ABSOLUTE: 157,
        }
        self.ranges = {
            abi.CID_EXPOSURE_AUTO: (0, 3),
            abi.CID_EXPOSURE_AUTO_PRIORITY: (0, 1),
            abi.CID_EXPOSURE_ABSOLUTE: (3, 2047),
        }
        self.format = ("YUYV", (320, 240))
        self.rate = 30.0
        self.open_descriptors: set[int] = set()
        self.set_rate: float | None = None
        self._next_descriptor = 100
        self._started_ns = 0
        self._streaming = False
        self._sequence = -1
        self._queued: list[int] = []
        self._memory: dict[int, _Memory] = {}

    def open(self, path: str) -> int:
        if self.errno_on_open or self.unplugged:
            raise OSError(self.errno_on_open or errno.ENODEV, "refused")
        self._next_descriptor += 1
        self.open_descriptors.add(self._next_descriptor)
        return self._next_descriptor

    def close(self, descriptor: int) -> None:
        self.open_descriptors.remove(descriptor)

    def map(self, descriptor: int, length: int, offset: int) -> mmap.mmap:
        self._memory[offset // 4096] = memory = _Memory(length)
        return cast(mmap.mmap, memory)

    def wait(self, descriptor: int, timeout_s: float) -> bool:
        if self.unplugged:
            return True
        due_ns = self._due_ns(self._sequence + 1)
        if self.stalled or not self._streaming:
            time.sleep(max(0.0, timeout_s))
            return False
        wait_s = (due_ns - time.monotonic_ns()) / 1e9
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        return wait_s <= timeout_s

    def ioctl(self, descriptor: int, request: int, argument: Any) -> None:
        if descriptor not in self.open_descriptors:
            raise OSError(errno.EBADF, "not open")
        if self.unplugged:
            raise OSError(errno.ENODEV, "gone")
        handlers = {
            abi.VIDIOC_QUERYCAP: self._querycap,
            abi.VIDIOC_ENUM_FMT: self._enum_fmt,
            abi.VIDIOC_ENUM_FRAMESIZES: self._enum_sizes,
            abi.VIDIOC_ENUM_FRAMEINTERVALS: self._enum_intervals,
            abi.VIDIOC_G_FMT: self._get_format,
            abi.VIDIOC_S_FMT: self._set_format,
            abi.VIDIOC_G_PARM: self._get_rate,
            abi.VIDIOC_S_PARM: self._set_rate,
            abi.VIDIOC_QUERYCTRL: self._query_control,
            abi.VIDIOC_G_CTRL: self._get_control,
            abi.VIDIOC_S_CTRL: self._set_control,
            abi.VIDIOC_REQBUFS: lambda request: None,
            abi.VIDIOC_QUERYBUF: self._query_buffer,
            abi.VIDIOC_QBUF: lambda buffer: self._queued.append(buffer.index),
            abi.VIDIOC_DQBUF: self._dequeue,
            abi.VIDIOC_STREAMON: self._stream_on,
            abi.VIDIOC_STREAMOFF: self._stream_off,
        }
        handlers[request](argument)

    def encode(self, sequence: int) -> bytes:
        picture = numbered_picture(sequence, self.format[1])
        if self.format[0] == "MJPG":
            return simplejpeg.encode_jpeg(picture, quality=90, colorspace="BGR", colorsubsampling="422")
        yuv = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV)
        packed = np.empty((*picture.shape[:2], 2), np.uint8)
        # COLOR_BGR2YUV has full range; YUYV from a camera has luma 16..235 and chroma 16..240.
        packed[..., 0] = 16 + yuv[..., 0] * (219 / 255)
        packed[:, 0::2, 1] = 128 + (yuv[:, 0::2, 1].astype(float) - 128) * (224 / 255) * (0.564 / 0.492)
        packed[:, 1::2, 1] = 128 + (yuv[:, 0::2, 2].astype(float) - 128) * (224 / 255) * (0.713 / 0.877)
        return packed.tobytes()

    def _due_ns(self, sequence: int) -> int:
        return self._started_ns + round((sequence + 1) * 1e9 / self.rate)

    def _querycap(self, answer: abi.Capability) -> None:
        answer.card, answer.bus_info, answer.driver = b"Test Cam HD", b"usb-0000:00:14.0-2", b"uvcvideo"
        answer.capabilities = abi.CAP_DEVICE_CAPS | abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING
        answer.device_caps = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING

    def _enum_fmt(self, answer: abi.FormatDescription) -> None:
        answer.pixelformat = abi.fourcc(_at(["MJPG", "YUYV"], answer.index))

    def _enum_sizes(self, answer: abi.FrameSize) -> None:
        code = abi.fourcc_text(answer.pixel_format)
        width, height = _at([size for fourcc, size in MODES if fourcc == code], answer.index)
        answer.type = abi.FRMSIZE_TYPE_DISCRETE
        answer.sizes[0], answer.sizes[1] = width, height

    def _enum_intervals(self, answer: abi.FrameInterval) -> None:
        rates = MODES[abi.fourcc_text(answer.pixel_format), (answer.width, answer.height)]
        answer.type = abi.FRMIVAL_TYPE_DISCRETE
        answer.intervals[0], answer.intervals[1] = (
            10_000_000,
            round(_at(list(rates), answer.index) * 10_000_000),
        )

    def _get_format(self, answer: abi.Format) -> None:
        fourcc, (width, height) = self.format
        pix = answer.fmt.pix
        pix.width, pix.height, pix.pixelformat = width, height, abi.fourcc(fourcc)
        pix.bytesperline = 2 * width if fourcc == "YUYV" else 0
        pix.sizeimage = 2 * width * height

    def _set_format(self, answer: abi.Format) -> None:
        asked = abi.fourcc_text(answer.fmt.pix.pixelformat), (answer.fmt.pix.width, answer.fmt.pix.height)
        if asked in MODES:
            self.format = asked
        self._get_format(answer)

    def _get_rate(self, answer: abi.StreamParameters) -> None:
        answer.parm.capture.numerator = 1000
        answer.parm.capture.denominator = round(self.rate * 1000)

    def _set_rate(self, answer: abi.StreamParameters) -> None:
        asked = answer.parm.capture.denominator / answer.parm.capture.numerator
        self.rate = self.set_rate or min(MODES[self.format], key=lambda rate: abs(rate - asked))
        self._get_rate(answer)

    def _query_control(self, answer: abi.QueryControl) -> None:
        if answer.id not in self.ranges:
            raise OSError(errno.EINVAL, "no such control")
        answer.minimum, answer.maximum = self.ranges[answer.id]

    def _get_control(self, answer: abi.Control) -> None:
        answer.value = self.controls[answer.id]

    def _set_control(self, argument: abi.Control) -> None:
        low, high = self.ranges[argument.id]
        if not low <= argument.value <= high:
            raise OSError(errno.ERANGE, "out of range")
        if argument.id == abi.CID_EXPOSURE_ABSOLUTE and self.controls[abi.CID_EXPOSURE_AUTO] != 1:
            raise OSError(errno.EINVAL, "exposure is automatic")
        self.controls[argument.id] = argument.value

    def _query_buffer(self, answer: abi.Buffer) -> None:
        answer.length = 2 * self.format[1][0] * self.format[1][1] + 65536
        answer.m.offset = answer.index * 4096

    def _stream_on(self, argument: ctypes.c_int32) -> None:
        self._streaming, self._sequence, self._started_ns = True, -1, time.monotonic_ns()

    def _stream_off(self, argument: ctypes.c_int32) -> None:
        self._streaming = False
        self._queued.clear()

    def _dequeue(self, answer: abi.Buffer) -> None:
        # Like uvcvideo: without a free buffer frames are lost, and the sequence goes on.
        newest = int((time.monotonic_ns() - self._started_ns) * self.rate / 1e9) - 1
        if newest <= self._sequence or not self._queued:
            raise OSError(errno.EAGAIN, "nothing there")
        self._sequence = max(self._sequence + 1, newest - len(self._queued) + 1)
        data = self.encode(self._sequence)
        if self._sequence in self.cut_short:
            data = data[: len(data) // 2]
        answer.index = self._queued.pop(0)
        self._memory[answer.index][: len(data)] = data
        answer.bytesused = len(data)
        answer.sequence = self._sequence
        stamp_ns = self._due_ns(self._sequence) + self.clock_offset_ns
        answer.seconds, answer.microseconds = stamp_ns // 10**9, stamp_ns % 10**9 // 1000
        answer.flags = abi.BUF_FLAG_TIMESTAMP_MONOTONIC
        if self._sequence in self.damaged:
            answer.flags |= abi.BUF_FLAG_ERROR


def _at(items: list[Any], index: int) -> Any:
    if index >= len(items):
        raise OSError(errno.EINVAL, "no more")
    return items[index]
