"""The part of Linux's Video4Linux2 interface that a webcam needs: structures, constants, request numbers.

Written from the kernel's public interface (``linux/videodev2.h``); no package under a licence that fits ours
offers it (linuxpy is GPL).
"""

from __future__ import annotations

import ctypes
from ctypes import c_char, c_int32, c_long, c_uint8, c_uint32, c_ulong
from typing import ClassVar, Final

CAP_VIDEO_CAPTURE: Final = 0x00000001
CAP_STREAMING: Final = 0x04000000
CAP_DEVICE_CAPS: Final = 0x80000000

BUF_TYPE_VIDEO_CAPTURE: Final = 1
MEMORY_MMAP: Final = 1
FIELD_ANY: Final = 0

BUF_FLAG_ERROR: Final = 0x00000040
BUF_FLAG_TIMESTAMP_MASK: Final = 0x0000E000
BUF_FLAG_TIMESTAMP_MONOTONIC: Final = 0x00002000

FRMSIZE_TYPE_DISCRETE: Final = 1
FRMIVAL_TYPE_DISCRETE: Final = 1

CID_EXPOSURE_AUTO: Final = 0x009A0901
CID_EXPOSURE_ABSOLUTE: Final = 0x009A0902
CID_EXPOSURE_AUTO_PRIORITY: Final = 0x009A0903
EXPOSURE_AUTO: Final = 0
EXPOSURE_MANUAL: Final = 1
EXPOSURE_APERTURE_PRIORITY: Final = 3

CTRL_FLAG_DISABLED: Final = 0x0001


class Capability(ctypes.Structure):
    """``struct v4l2_capability``."""

    _fields_: ClassVar = [
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class FormatDescription(ctypes.Structure):
    """``struct v4l2_fmtdesc``."""

    _fields_: ClassVar = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_char * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class FrameSize(ctypes.Structure):
    """``struct v4l2_frmsizeenum``; ``sizes`` is (w, h) or (min, max, step of w, min, max, step of h)."""

    _fields_: ClassVar = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("sizes", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    ]


class FrameInterval(ctypes.Structure):
    """``struct v4l2_frmivalenum``; ``intervals`` is (num, den) or those of minimum, maximum and step."""

    _fields_: ClassVar = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("intervals", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    ]


class PixelFormat(ctypes.Structure):
    """``struct v4l2_pix_format``."""

    _fields_: ClassVar = [
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    ]


class _FormatUnion(ctypes.Union):
    # The kernel's union also holds a struct with pointers, hence its alignment.
    _fields_: ClassVar = [("pix", PixelFormat), ("raw", c_uint8 * 200), ("alignment", c_ulong)]


class Format(ctypes.Structure):
    """``struct v4l2_format``."""

    _fields_: ClassVar = [("type", c_uint32), ("fmt", _FormatUnion)]


class CaptureParameters(ctypes.Structure):
    """``struct v4l2_captureparm``; the frame period is ``numerator / denominator`` s."""

    _fields_: ClassVar = [
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    ]


class _ParametersUnion(ctypes.Union):
    _fields_: ClassVar = [("capture", CaptureParameters), ("raw", c_uint8 * 200)]


class StreamParameters(ctypes.Structure):
    """``struct v4l2_streamparm``."""

    _fields_: ClassVar = [("type", c_uint32), ("parm", _ParametersUnion)]


class RequestBuffers(ctypes.Structure):
    """``struct v4l2_requestbuffers``."""

    _fields_: ClassVar = [
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    ]


class _BufferPlace(ctypes.Union):
    _fields_: ClassVar = [("offset", c_uint32), ("userptr", c_ulong)]


class Buffer(ctypes.Structure):
    """``struct v4l2_buffer``; the time stamp is in seconds and microseconds."""

    _fields_: ClassVar = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("seconds", c_long),
        ("microseconds", c_long),
        ("timecode", c_uint32 * 4),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _BufferPlace),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    ]


class QueryControl(ctypes.Structure):
    """``struct v4l2_queryctrl``."""

    _fields_: ClassVar = [
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default_value", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    ]


class Control(ctypes.Structure):
    """``struct v4l2_control``."""

    _fields_: ClassVar = [("id", c_uint32), ("value", c_int32)]


_READ, _WRITE = 2, 1


def _request(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


VIDIOC_QUERYCAP: Final = _request(_READ, 0, ctypes.sizeof(Capability))
VIDIOC_ENUM_FMT: Final = _request(_READ | _WRITE, 2, ctypes.sizeof(FormatDescription))
VIDIOC_G_FMT: Final = _request(_READ | _WRITE, 4, ctypes.sizeof(Format))
VIDIOC_S_FMT: Final = _request(_READ | _WRITE, 5, ctypes.sizeof(Format))
VIDIOC_REQBUFS: Final = _request(_READ | _WRITE, 8, ctypes.sizeof(RequestBuffers))
VIDIOC_QUERYBUF: Final = _request(_READ | _WRITE, 9, ctypes.sizeof(Buffer))
VIDIOC_QBUF: Final = _request(_READ | _WRITE, 15, ctypes.sizeof(Buffer))
VIDIOC_DQBUF: Final = _request(_READ | _WRITE, 17, ctypes.sizeof(Buffer))
VIDIOC_STREAMON: Final = _request(_WRITE, 18, ctypes.sizeof(c_int32))
VIDIOC_STREAMOFF: Final = _request(_WRITE, 19, ctypes.sizeof(c_int32))
VIDIOC_G_PARM: Final = _request(_READ | _WRITE, 21, ctypes.sizeof(StreamParameters))
VIDIOC_S_PARM: Final = _request(_READ | _WRITE, 22, ctypes.sizeof(StreamParameters))
VIDIOC_G_CTRL: Final = _request(_READ | _WRITE, 27, ctypes.sizeof(Control))
VIDIOC_S_CTRL: Final = _request(_READ | _WRITE, 28, ctypes.sizeof(Control))
VIDIOC_QUERYCTRL: Final = _request(_READ | _WRITE, 36, ctypes.sizeof(QueryControl))
VIDIOC_ENUM_FRAMESIZES: Final = _request(_READ | _WRITE, 74, ctypes.sizeof(FrameSize))
VIDIOC_ENUM_FRAMEINTERVALS: Final = _request(_READ | _WRITE, 75, ctypes.sizeof(FrameInterval))


def fourcc(text: str) -> int:
    """Four characters as the number by which V4L2 knows a pixel format."""
    return int.from_bytes(text.encode("ascii"), "little")


def fourcc_text(code: int) -> str:
    """The four characters of a pixel format."""
    return (code & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace").rstrip()
