"""The bones of a Matroska file that FFmpeg has written: where its clusters are, and how to finish it later.

A file whose writer was killed has a header, whole clusters, perhaps a torn one, and no index. Its clusters
can be found without decoding anything; more can be appended behind the last whole one; and the index that
FFmpeg writes at the end can be written by us, in place and without copying a single picture.

Element names and numbers are those of RFC 9559 (Matroska) and RFC 8794 (EBML).
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.take.errors import TakeError

_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_SEEK_HEAD: Final = 0x114D9B74
_INFO: Final = 0x1549A966
_TRACKS: Final = 0x1654AE6B
_TRACK: Final = 0xAE
_DELAY: Final = 0x56AA
_TAGS: Final = 0x1254C367
_CLUSTER: Final = 0x1F43B675
_CUES: Final = 0x1C53BB6B
_VOID: Final = 0xEC
_TIMESTAMP: Final = 0xE7
_SIMPLE_BLOCK: Final = 0xA3
_BLOCK_GROUP: Final = 0xA0
_BLOCK: Final = 0xA1
_REFERENCE: Final = 0xFB
_DURATION: Final = 0x4489

_UNKNOWN: Final = -1
_KEYFRAME: Final = 0x80
_DURATION_ROOM: Final = 11
"""Bytes that FFmpeg leaves in Info for a duration: an element of two bytes of name, one of size, a double."""

_Data = bytes | mmap.mmap


@dataclass
class Bones:
    """What a file consists of.

    Attributes:
        size_at: Where the eight bytes of the segment's size are.
        body: First byte inside the segment; positions in an index count from here.
        sized: Whether the segment states its size, which the writer does last.
        seek_room: Position and length of the gap left for the list of parts.
        duration_at: Position of the gap left for the duration, -1 where there is none.
        parts: Position of information, tracks and tags by name.
        clusters: Position, time (ms) and whether a picture can be decoded from there, of every whole cluster.
        times_ms: Time of every packet in whole clusters, in the order of the file, as it stands there.
        delay_ns: What readers subtract from these times; see ``with_delay``.
        end: Behind the last whole cluster; what follows is an index or torn.
    """

    size_at: int = -1
    body: int = -1
    sized: bool = False
    seek_room: tuple[int, int] = (-1, 0)
    duration_at: int = -1
    parts: dict[int, int] = field(default_factory=dict)
    clusters: list[tuple[int, int, bool]] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    delay_ns: int = 0
    end: int = -1


def read_bones(path: Path) -> Bones:
    """Find the clusters of a file, whole or cut short.

    Raises:
        TakeError: It does not begin like a Matroska file with tracks.
    """
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size == 0:
            raise TakeError(f"{path}: is empty")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            bones = _read(data)
    if bones.end < 0:
        raise TakeError(f"{path}: is no Matroska file, or was cut before its first picture")
    return bones


def header_length(data: bytes) -> int:
    """Where the first cluster begins in the first bytes of a file; -1 when it is not among them."""
    for name, at, body, end in _elements(data, _segment_body(data, Bones()), len(data)):
        if name == _CLUSTER:
            return at
        if end == _UNKNOWN or body > len(data):
            break
    return -1


def with_delay(header: bytes, delay_ns: int) -> bytes:
    """The header of a file whose first pictures come before its time 0.

    Times in a file cannot be negative, so they are all written so much later, and the header tells readers to
    subtract it (CodecDelay). What ends up below 0 is there to be decoded, not to be shown.

    Args:
        header: Of a file with one track that is not finished, so that nothing in it refers to a position.
        delay_ns: Whole milliseconds.
    """
    body = _segment_body(header, Bones())
    parts = [header[:body]]
    for name, at, inner, end in _elements(header, body, len(header)):
        if name != _TRACKS:
            parts.append(header[at:end])
            continue
        tracks = b"".join(
            _element(kind, header[begin:after] + _number(_DELAY, delay_ns))
            if kind == _TRACK
            else header[place:after]
            for kind, place, begin, after in _elements(header, inner, end)
        )
        parts.append(_element(_TRACKS, tracks))
    return b"".join(parts)


def seal(path: Path) -> bool:
    """Write the index of a file whose writer did not come to it; a torn end is cut off.

    The pictures stay where they are, so this takes no time and no room, however long the video is. Killed
    meanwhile, the file is as readable as before, and this can be called again.

    Returns:
        False when the file was finished already.

    Raises:
        TakeError: It is no Matroska file.
        OSError: The disk refused.
    """
    bones = read_bones(path)
    if bones.sized:
        return False
    with path.open("r+b") as stream:
        stream.truncate(bones.end)
        stream.seek(bones.end)
        stream.write(_cues(bones))
        stream.flush()
        os.fsync(stream.fileno())
        _patch_header(stream, bones, path.stat().st_size)
        stream.flush()
        os.fsync(stream.fileno())
    return True


def _read(data: _Data) -> Bones:
    bones = Bones()
    body = _segment_body(data, bones)
    if body < 0:
        return bones
    previous = _UNKNOWN
    for name, at, inner, end in _elements(data, body, len(data)):
        if end == _UNKNOWN or end > len(data):
            break
        if name == _CLUSTER:
            _read_cluster(data, at, inner, end, bones)
            bones.end = end
        elif name == _CUES:
            break
        elif name in {_INFO, _TRACKS, _TAGS}:
            bones.parts[name] = at
            if name == _INFO:
                bones.duration_at = _gap(data, inner, end)
            elif name == _TRACKS:
                bones.end = end
                bones.delay_ns = _delay(data, inner, end)
        elif name in {_VOID, _SEEK_HEAD} and previous == _UNKNOWN:
            bones.seek_room = (at, end - at)
        elif name not in {_VOID, _SEEK_HEAD}:
            break
        if name in {_TAGS, _VOID} and not bones.clusters and bones.end >= 0:
            bones.end = end
        previous = name
    return bones


def _segment_body(data: _Data, bones: Bones) -> int:
    """First byte inside the segment, -1 when there is none."""
    try:
        name, at = _name(data, 0)
        size, at = _size(data, at)
        if name != _EBML or size == _UNKNOWN:
            return -1
        name, at = _name(data, at + size)
        if name != _SEGMENT:
            return -1
        bones.size_at = at
        size, bones.body = _size(data, at)
    except IndexError:
        return -1
    bones.sized = size != _UNKNOWN
    return bones.body


def _read_cluster(data: _Data, at: int, body: int, end: int, bones: Bones) -> None:
    time_ms, decodable, first = 0, False, True
    for name, _, inner, after in _elements(data, body, end):
        if name == _TIMESTAMP:
            time_ms = int.from_bytes(data[inner:after], "big")
        elif name in {_SIMPLE_BLOCK, _BLOCK_GROUP}:
            whole = name == _BLOCK_GROUP
            block, keyframe = _block_of(data, inner, after) if whole else (inner, False)
            _, block = _size(data, block)  # the track's number is written like a size
            relative, flags = struct.unpack_from(">hB", data, block)
            bones.times_ms.append(time_ms + relative)
            if first:
                decodable = keyframe or bool(not whole and flags & _KEYFRAME)
            first = False
    bones.clusters.append((at, time_ms, decodable))


def _block_of(data: _Data, body: int, end: int) -> tuple[int, bool]:
    """Where the block of a group is, and whether it refers to no other one."""
    block, refers = body, False
    for name, _, inner, _ in _elements(data, body, end):
        if name == _BLOCK:
            block = inner
        refers = refers or name == _REFERENCE
    return block, not refers


def _delay(data: _Data, body: int, end: int) -> int:
    for name, _, inner, after in _elements(data, body, end):
        if name == _TRACK:
            for kind, _, begin, past in _elements(data, inner, after):
                if kind == _DELAY and past - begin <= 8:
                    return int.from_bytes(data[begin:past], "big")
    return 0


def _gap(data: _Data, body: int, end: int) -> int:
    for name, at, _, after in _elements(data, body, end):
        if name == _VOID and after - at == _DURATION_ROOM:
            return at
    return -1


def _elements(data: _Data, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(name, position, position of the content, end or unknown) of the elements between two positions."""
    while 0 <= at < end:
        try:
            name, inner = _name(data, at)
            size, inner = _size(data, inner)
        except IndexError:  # cut in the middle of a name or size
            return
        after = _UNKNOWN if size == _UNKNOWN else inner + size
        yield name, at, inner, after
        if after == _UNKNOWN:
            return
        at = after


def _name(data: _Data, at: int) -> tuple[int, int]:
    length = 9 - data[at].bit_length()
    if length > 4:
        raise IndexError("no name of an element")
    if at + length > len(data):
        raise IndexError("cut short")
    return int.from_bytes(data[at : at + length], "big"), at + length


def _size(data: _Data, at: int) -> tuple[int, int]:
    length = 9 - data[at].bit_length()
    if length > 8 or at + length > len(data):
        raise IndexError("no size, or cut short")
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return (_UNKNOWN if value == (1 << 7 * length) - 1 else value), at + length


def _element(name: int, content: bytes) -> bytes:
    """An element with a size of as few bytes as can be."""
    length = 1
    while len(content) >= (1 << 7 * length) - 1:
        length += 1
    size = (1 << 7 * length | len(content)).to_bytes(length, "big")
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size + content


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _cues(bones: Bones) -> bytes:
    points = bytearray()
    for at, time_ms, decodable in bones.clusters:
        if decodable:
            place = _element(0xB7, _number(0xF7, 1) + _number(0xF1, at - bones.body))
            points += _element(0xBB, _number(0xB3, time_ms) + place)
    return _element(_CUES, bytes(points))


def _patch_header(stream: BinaryIO, bones: Bones, size: int) -> None:
    """What becomes known only at the end: duration, list of parts, and last of all the size."""
    if bones.duration_at >= 0:
        longest = float(max(bones.times_ms, default=0))
        if len(bones.times_ms) > 1:  # the last picture is shown as long as the others
            longest += (longest - min(bones.times_ms)) / (len(bones.times_ms) - 1)
        stream.seek(bones.duration_at)
        stream.write(_element(_DURATION, struct.pack(">d", longest)))
    at, room = bones.seek_room
    entries = b"".join(
        _element(0x4DBB, _element(0x53AB, name.to_bytes(4, "big")) + _number(0x53AC, place - bones.body))
        for name, place in [*bones.parts.items(), (_CUES, bones.end)]
    )
    seek_head = _element(_SEEK_HEAD, entries)
    gap = room - len(seek_head)
    if gap >= 9:
        stream.seek(at)
        filler = gap - 9  # a size of eight bytes fills a gap of any length
        stream.write(seek_head + b"\xec" + (1 << 56 | filler).to_bytes(8, "big") + bytes(filler))
    stream.seek(bones.size_at)
    stream.write((1 << 56 | size - bones.body).to_bytes(8, "big"))
