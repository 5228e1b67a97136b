"""Pictures and the instants they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

INTRA_ONLY: Final = frozenset({"mjpeg", "ffv1", "rawvideo", "png"})
"""Codecs whose every packet is a picture of its own; those of others build on the ones before."""


@dataclass(frozen=True)
class EncodedPacket:
    """One compressed packet of a camera's video stream, in decoding order.

    Attributes:
        data: The bytes as the codec wants them.
        pts_ns: Presentation time, ns on the camera's capture clock.
        dts_ns: Decoding time, ns; rises strictly from packet to packet.
        keyframe: Whether decoding can start here.
    """

    data: bytes
    pts_ns: int
    dts_ns: int
    keyframe: bool


@dataclass(frozen=True)
class VideoFormat:
    """What a player must know about a camera's compressed stream.

    Attributes:
        codec: FFmpeg's codec name, such as ``mjpeg`` or ``h264``.
        size: (width, height) px.
        fps: Nominal frame rate.
        extradata: Codec configuration, empty when the stream carries it in-band.
        pixel_format: FFmpeg's name of the decoded pixel format.
    """

    codec: str
    size: tuple[int, int]
    fps: float
    extradata: bytes = b""
    pixel_format: str = "yuvj420p"


@dataclass(frozen=True)
class Frame:
    """One captured picture of one camera.

    Attributes:
        camera: Name of the camera.
        index: 0, 1, 2, … in order of capture; a jump means that the source itself lost frames.
        t_capture_ns: When the scene was captured, ns of this machine's monotonic clock.
        image: (H, W, 3) BGR, or None when the source could not decode it in time.
        packets: Compressed packets that became available with this frame, for sources that deliver a
            compressed stream; they are recorded as they are. With reordered codecs a frame brings none or
            several; every packet up to and including this frame's own has been handed out by then.
            Empty for raw sources.
        cause: Why a frame that was captured is not here: a word of the ledger, from a source that knows it.
            Image and packets are absent then. Empty for a frame that is here.
    """

    camera: str
    index: int
    t_capture_ns: int
    image: Image | None
    packets: tuple[EncodedPacket, ...] = ()
    cause: str = ""
