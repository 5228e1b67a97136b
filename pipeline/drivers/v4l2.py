"""A Linux webcam through Video4Linux2: what it can do, its settings, its frames."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import logging
import mmap
import os
import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from pipeline.drivers import v4l2_abi as abi
from pipeline.drivers.device_info import Mode

log = logging.getLogger(__name__)

_MOST_ENTRIES: Final = 256
"""Ends an enumeration by a driver that never says it has no more."""


class Kernel:
    """The system calls below, in one place."""

    def open(self, path: str) -> int:
        """Open a device for reading and writing, never waiting."""
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, descriptor: int) -> None:
        """Close a device."""
        os.close(descriptor)

    def ioctl(self, descriptor: int, request: int, argument: ctypes.Structure | ctypes.c_int32) -> None:
        """Ask the driver; it may fill in ``argument``."""
        import fcntl  # not on Windows, where this class is never used

        fcntl.ioctl(descriptor, request, argument)  # type: ignore[arg-type,unused-ignore]

    def map(self, descriptor: int, length: int, offset: int) -> mmap.mmap:
        """Map a capture buffer into memory."""
        return mmap.mmap(descriptor, length, offset=offset)

    def wait(self, descriptor: int, timeout_s: float) -> bool:
        """Whether a frame, or an error, is there before the time is up."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLPRI)
        return bool(poll.poll(max(0, round(timeout_s * 1e3))))


KERNEL: Final = Kernel()


@dataclass(frozen=True)
class StreamFormat:
    """What the driver really set.

    Attributes:
        fourcc: Pixel format.
        size: (width, height) px.
        bytes_per_line: Bytes from one row to the next, 0 for compressed formats.
    """

    fourcc: str
    size: tuple[int, int]
    bytes_per_line: int


@dataclass(frozen=True)
class ControlRange:
    """Range of a control, in its own unit."""

    minimum: int
    maximum: int
    step: int


@dataclass(frozen=True)
class RawFrame:
    """One filled buffer.

    Attributes:
        data: The picture's bytes; a copy.
        sequence: Count of the driver, modulo 2**32; a jump means frames were lost.
        time_ns: The driver's time stamp.
        monotonic: Whether that stamp is of the system's monotonic clock.
        damaged: Whether the driver itself says that the data are not usable.
    """

    data: bytes
    sequence: int
    time_ns: int
    monotonic: bool
    damaged: bool


class V4l2Device:
    """One opened device. All methods raise OSError with the driver's reason.

    Args:
        path: Device file, such as ``/dev/video0``.
        kernel: The system calls to use.
    """

    def __init__(self, path: str, kernel: Kernel) -> None:
        self.path = path
        self._kernel = kernel
        self._maps: list[mmap.mmap] = []
        self._streaming = False
        self._descriptor: int | None = kernel.open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop streaming and close; an unplugged device does not mind."""
        if self._descriptor is None:
            return
        if self._streaming:
            with contextlib.suppress(OSError):
                self._call(abi.VIDIOC_STREAMOFF, ctypes.c_int32(abi.BUF_TYPE_VIDEO_CAPTURE))
            self._streaming = False
        for mapping in self._maps:
            mapping.close()
        self._maps.clear()
        self._kernel.close(self._descriptor)
        self._descriptor = None

    def capability(self) -> abi.Capability:
        """Name, bus and abilities of the device."""
        answer: abi.Capability = self._call(abi.VIDIOC_QUERYCAP, abi.Capability())
        return answer

    def can_capture(self) -> bool:
        """Whether this device file delivers pictures (webcams also have one for metadata)."""
        answer = self.capability()
        abilities = answer.capabilities
        if abilities & abi.CAP_DEVICE_CAPS:
            abilities = answer.device_caps
        wanted = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING
        return bool(abilities & wanted == wanted)

    def modes(self) -> list[Mode]:
        """Every pixel format, size and frame rate that the camera names."""
        modes = []
        for code in self._pixel_formats():
            for size in self._sizes(code):
                rates = tuple(sorted(set(self._rates(code, size)), reverse=True))
                modes.append(Mode(abi.fourcc_text(code), size, rates))
        return modes

    def current_format(self) -> StreamFormat:
        """The mode the camera is in."""
        query = abi.Format(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        return _stream_format(self._call(abi.VIDIOC_G_FMT, query))

    def set_format(self, fourcc: str, size: tuple[int, int]) -> StreamFormat:
        """Ask for a mode; returns the one the driver chose, which may be another."""
        query = abi.Format(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        query.fmt.pix.width, query.fmt.pix.height = size
        query.fmt.pix.pixelformat = abi.fourcc(fourcc)
        query.fmt.pix.field = abi.FIELD_ANY
        return _stream_format(self._call(abi.VIDIOC_S_FMT, query))

    def set_rate(self, fps: float) -> float:
        """Ask for a frame rate; returns the one the driver chose."""
        query = abi.StreamParameters(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        query.parm.capture.numerator = 1000
        query.parm.capture.denominator = round(fps * 1000)
        return _rate(self._call(abi.VIDIOC_S_PARM, query))

    def rate(self) -> float:
        """The frame rate the camera is set to; 0 if it does not say."""
        query = abi.StreamParameters(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        return _rate(self._call(abi.VIDIOC_G_PARM, query))

    def control_range(self, identifier: int) -> ControlRange | None:
        """Range of a control, None when the camera does not have it."""
        try:
            answer = self._call(abi.VIDIOC_QUERYCTRL, abi.QueryControl(id=identifier))
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOTTY}:
                return None
            raise
        if answer.flags & abi.CTRL_FLAG_DISABLED:
            return None
        return ControlRange(answer.minimum, answer.maximum, answer.step)

    def set_control(self, identifier: int, value: int) -> None:
        """Set a control."""
        self._call(abi.VIDIOC_S_CTRL, abi.Control(id=identifier, value=value))

    def control(self, identifier: int) -> int:
        """Value of a control."""
        return int(self._call(abi.VIDIOC_G_CTRL, abi.Control(id=identifier)).value)

    def start(self, buffers: int = 4) -> None:
        """Map ``buffers`` capture buffers and let the camera run."""
        assert self._descriptor is not None
        request = abi.RequestBuffers(count=buffers, type=abi.BUF_TYPE_VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)
        for index in range(self._call(abi.VIDIOC_REQBUFS, request).count):
            buffer = self._call(abi.VIDIOC_QUERYBUF, _buffer(index))
            self._maps.append(self._kernel.map(self._descriptor, buffer.length, buffer.m.offset))
            self._call(abi.VIDIOC_QBUF, _buffer(index))
        self._call(abi.VIDIOC_STREAMON, ctypes.c_int32(abi.BUF_TYPE_VIDEO_CAPTURE))
        self._streaming = True

    def read(self, timeout_s: float) -> RawFrame | None:
        """The next frame, None when none came in time."""
        assert self._descriptor is not None
        if not self._kernel.wait(self._descriptor, timeout_s):
            return None
        try:
            buffer = self._call(abi.VIDIOC_DQBUF, _buffer(0))
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        data = self._maps[buffer.index][: buffer.bytesused]
        frame = RawFrame(
            data,
            buffer.sequence,
            buffer.seconds * 1_000_000_000 + buffer.microseconds * 1000,
            buffer.flags & abi.BUF_FLAG_TIMESTAMP_MASK == abi.BUF_FLAG_TIMESTAMP_MONOTONIC,
            bool(buffer.flags & abi.BUF_FLAG_ERROR) or not data,
        )
        self._call(abi.VIDIOC_QBUF, _buffer(buffer.index))
        return frame

    def _pixel_formats(self) -> Iterator[int]:
        def ask(index: int) -> Any:
            query = abi.FormatDescription(index=index, type=abi.BUF_TYPE_VIDEO_CAPTURE)
            return self._call(abi.VIDIOC_ENUM_FMT, query)

        for answer in _enumerate(ask):
            yield answer.pixelformat

    def _sizes(self, code: int) -> Iterator[tuple[int, int]]:
        """Sizes of a format; of a range, its two ends."""

        def ask(index: int) -> Any:
            query = abi.FrameSize(index=index, pixel_format=code)
            return self._call(abi.VIDIOC_ENUM_FRAMESIZES, query)

        for answer in _enumerate(ask):
            if answer.type == abi.FRMSIZE_TYPE_DISCRETE:
                yield answer.sizes[0], answer.sizes[1]
            else:
                yield answer.sizes[0], answer.sizes[3]
                yield answer.sizes[1], answer.sizes[4]
                return

    def _rates(self, code: int, size: tuple[int, int]) -> Iterator[float]:
        """Frame rates of a size; of a range, its two ends."""

        def ask(index: int) -> Any:
            query = abi.FrameInterval(index=index, pixel_format=code, width=size[0], height=size[1])
            return self._call(abi.VIDIOC_ENUM_FRAMEINTERVALS, query)

        for answer in _enumerate(ask):
            fractions = answer.intervals
            pairs = 1 if answer.type == abi.FRMIVAL_TYPE_DISCRETE else 2
            for pair in range(pairs):
                numerator, denominator = fractions[2 * pair], fractions[2 * pair + 1]
                if numerator:
                    yield round(denominator / numerator, 3)
            if pairs == 2:
                return

    def _call(self, request: int, argument: Any) -> Any:
        assert self._descriptor is not None
        self._kernel.ioctl(self._descriptor, request, argument)
        return argument


def _buffer(index: int) -> abi.Buffer:
    return abi.Buffer(index=index, type=abi.BUF_TYPE_VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)


def _stream_format(answer: abi.Format) -> StreamFormat:
    pix = answer.fmt.pix
    return StreamFormat(abi.fourcc_text(pix.pixelformat), (pix.width, pix.height), pix.bytesperline)


def _rate(answer: abi.StreamParameters) -> float:
    capture = answer.parm.capture
    return float(capture.denominator / capture.numerator) if capture.numerator else 0.0


def _enumerate(ask: Callable[[int], Any]) -> Iterator[Any]:
    """Ask for index 0, 1, 2, … until the driver says that there is no such entry."""
    for index in range(_MOST_ENTRIES):
        try:
            yield ask(index)
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOTTY}:
                return
            raise
