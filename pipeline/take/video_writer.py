"""Compressed packets into a Matroska file that is playable at any moment, also after the process was killed.

Matroska as FFmpeg writes it counts whole milliseconds; the exact nanoseconds are in the ledger. Left to
itself it would shift a video that begins before its time 0; here readers get the negative times, see
``with_delay``.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.errors import TakeError
from pipeline.take.matroska import header_length, read_bones, seal, with_delay

NANOSECONDS = Fraction(1, 1_000_000_000)

# A cluster reaches the file when it is finished: this bounds what a kill can take from streams with few
# keyframes. A keyframe finishes the cluster before it (unless that is under 4 kB), so JPEG loses one picture.
_CLUSTER_MS = 500

# NAL unit types of parameter sets: H.264 (7 sequence, 8 picture), HEVC (32 video, 33 sequence, 34 picture).
_PARAMETER_SETS: dict[str, tuple[Callable[[int], int], frozenset[int]]] = {
    "h264": (lambda first: first & 0x1F, frozenset({7, 8})),
    "hevc": (lambda first: (first >> 1) & 0x3F, frozenset({32, 33, 34})),
}


class VideoWriter:
    """One camera's ``.mkv``.

    Args:
        path: File to create; must not exist.
        fmt: The stream.
        origin_ns: Time that becomes 0 in the file.

    Attributes:
        packets: How many are in the file, or on their way into it.
        in_band: Codec configuration that was found in the first packet; empty when there was none.

    Raises:
        FileExistsError: The file is there already.
        ValueError: FFmpeg cannot put this codec into Matroska.
    """

    def __init__(self, path: Path, fmt: VideoFormat, origin_ns: int) -> None:
        self._prepare(path, fmt, origin_ns)
        # Our own descriptor: the muxer's is out of reach, and syncing any descriptor syncs the file.
        self._descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644
        )
        self._begin(str(path), fmt.extradata)

    def _prepare(self, path: Path, fmt: VideoFormat, origin_ns: int) -> None:
        self.path = path
        self.format = fmt
        self.packets = 0
        self.in_band = b""
        self._origin_ns = origin_ns
        self._there_ms: set[int] = set()
        self._resumed = False
        self._delay_ns = 0
        self._ours = False  # the header is written by us, and the index will be
        self._stream: Any = None

    @classmethod
    def resume(cls, path: Path, fmt: VideoFormat, origin_ns: int, in_band: bytes = b"") -> VideoWriter:
        """Go on with a file whose writer was killed, behind its last whole cluster.

        Packets that are in the file already may be written again: they are left out.

        Args:
            path: The file; made anew when it was cut before its first picture.
            fmt: The stream, the same as before.
            origin_ns: Time 0 of the file, the same as before.
            in_band: Codec configuration that the first writer found in its first packet.
        """
        try:
            bones = read_bones(path)
        except TakeError:
            bones = None
        if bones is None or not bones.clusters:
            path.unlink()
            return cls(path, fmt, origin_ns)
        writer = cls.__new__(cls)
        writer._prepare(path, fmt, origin_ns)
        writer.in_band = in_band
        writer.packets = len(bones.times_ms)
        writer._there_ms = set(bones.times_ms)
        writer._delay_ns = bones.delay_ns
        writer._resumed = writer._ours = True
        writer._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
        os.ftruncate(writer._descriptor, bones.end)
        writer._begin(_Behind(writer._descriptor), fmt.extradata or in_band)
        return writer

    def _begin(self, target: Any, extradata: bytes) -> None:
        self._container: Any = _muxer(target)
        try:
            if extradata or self.format.codec not in (*_PARAMETER_SETS, "mpeg4"):
                self._start(extradata)
        except BaseException:
            self.abandon()
            raise

    def _start(self, extradata: bytes) -> None:
        """Write the file's header, which has to hold the codec configuration."""
        self._stream = _add_stream(self._container, self.format, extradata)

    def _begin_earlier(self, first: EncodedPacket, extradata: bytes) -> None:
        """Begin anew for a stream whose first picture comes before time 0."""
        self._container.close()
        os.ftruncate(self._descriptor, 0)
        # Pictures that come later in the file may be shown earlier, but not before the first is decoded.
        earliest_ns = min(first.pts_ns, first.dts_ns)
        self._delay_ns = -((earliest_ns - self._origin_ns) // 1_000_000) * 1_000_000
        header = with_delay(_header(self.format, extradata), self._delay_ns)
        while header:
            header = header[os.write(self._descriptor, header) :]
        self._ours = True
        self._container = _muxer(_Behind(self._descriptor))
        self._start(extradata)

    def write(self, packet: EncodedPacket) -> None:
        """Append one packet; packets come in decoding order.

        Raises:
            OSError: The disk refused, or the packet does not fit the stream.
        """
        if self._stream is None:
            if not packet.keyframe:
                raise ValueError(f"{self.path.name}: the first packet of a stream must be a keyframe")
            self.in_band = in_band_extradata(self.format.codec, packet.data)
        if self.packets == 0 and packet.pts_ns < self._origin_ns:
            self._begin_earlier(packet, self.format.extradata or self.in_band)
        elif self._stream is None:
            self._start(self.in_band)
        shift_ns = self._delay_ns - self._origin_ns
        if self._resumed:
            time_ms = _milliseconds(packet.pts_ns + shift_ns)
            if time_ms in self._there_ms:
                return
            self._there_ms.add(time_ms)
        muxed: Any = av.Packet(packet.data)
        muxed.stream = self._stream
        muxed.time_base = NANOSECONDS
        muxed.pts = packet.pts_ns + shift_ns
        muxed.dts = packet.dts_ns + shift_ns
        muxed.is_keyframe = packet.keyframe
        self._container.mux(muxed)
        self.packets += 1

    def fsync(self) -> None:
        """Wait until everything that was written is on the disk."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Write the index and close; a video without any packet is removed. Safe to call twice.

        Raises:
            OSError: The disk refused; the file is readable without its index.
        """
        if self._descriptor < 0:
            return
        try:
            self._container.close()
            if self._ours:
                seal(self.path)
            self.fsync()
        finally:
            self.abandon()
        if self.packets == 0:
            self.path.unlink()

    def abandon(self) -> None:
        """Let go of the file without finishing it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _Behind:
    """Where a muxer writes behind a header that is there already: its clusters, without another header."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._header: bytearray | None = bytearray()

    def write(self, data: Any) -> int:
        content = bytes(data)
        if self._header is not None:
            self._header += content
            at = header_length(bytes(self._header))
            if at < 0:
                return len(content)
            rest, self._header = bytes(self._header[at:]), None
        else:
            rest = content
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return len(content)


def _muxer(target: Any) -> Any:
    options = {"flush_packets": "1", "cluster_time_limit": str(_CLUSTER_MS)}
    return av.open(target, "w", format="matroska", container_options=options)


def _add_stream(container: Any, fmt: VideoFormat, extradata: bytes) -> Any:
    """Add the one stream to a new file and have its header written."""
    stream = container.add_stream_from_template(_template(fmt), opaque=True)
    context = stream.codec_context
    context.width, context.height = fmt.size
    context.pix_fmt = fmt.pixel_format
    context.extradata = extradata or None
    stream.time_base = NANOSECONDS
    container.start_encoding()
    return stream


def _header(fmt: VideoFormat, extradata: bytes) -> bytes:
    """What a file begins with, as it is while nothing follows yet."""
    buffer = io.BytesIO()
    container = _muxer(buffer)
    _add_stream(container, fmt, extradata)
    header = buffer.getvalue()
    container.close()
    return header


def _milliseconds(time_ns: int) -> int:
    """As FFmpeg rounds: to the nearest, halves away from zero."""
    rounded = (abs(time_ns) + 500_000) // 1_000_000
    return rounded if time_ns >= 0 else -rounded


def in_band_extradata(codec: str, packet: bytes) -> bytes:
    """Codec configuration out of a stream's first packet, as players want it in the file's header.

    Returns:
        Parameter sets (H.264, HEVC, in Annex B form) or everything before the first picture (MPEG-4); empty
        for codecs that need none.
    """
    if codec == "mpeg4":
        before, picture, _ = packet.partition(b"\x00\x00\x01\xb6")
        return before if picture else b""
    if codec not in _PARAMETER_SETS:
        return b""
    unit_type, wanted = _PARAMETER_SETS[codec]
    units = [unit.rstrip(b"\x00") for unit in re.split(rb"\x00\x00\x01", packet)[1:]]
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units if unit and unit_type(unit[0]) in wanted)


def _template(fmt: VideoFormat) -> Any:
    """A stream of the wanted codec without an encoder behind it.

    PyAV lets codec configuration be set only on streams copied from an opened file; an empty AVI in memory is
    the smallest such file. AVI has no official HEVC, but FFmpeg reads the code.
    """
    buffer = io.BytesIO()
    # The muxer closes nothing in memory: the header alone is what is wanted.
    empty: Any = av.open(buffer, "w", format="avi")
    name = "h264" if fmt.codec == "hevc" else fmt.codec
    width, height = fmt.size
    empty.add_mux_stream(name, rate=Fraction(fmt.fps).limit_denominator(100_000), width=width, height=height)
    empty.start_encoding()
    empty.close()
    data = buffer.getvalue()
    if fmt.codec == "hevc":
        data = data.replace(b"H264", b"HEVC")
    return av.open(io.BytesIO(data), format="avi").streams.video[0]
