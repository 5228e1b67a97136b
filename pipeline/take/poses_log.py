"""Poses while they are recorded: an append-only file of checksummed records.

Layout, little endian: the 8 bytes ``PSPOSES1``, then records of ``length u32, crc32 u32, payload``. The
first payload is a msgpack map with the skeleton and the cameras, each further one a msgpack array of one
instant whose arrays are raw float64, int64 or bool bytes. A record that was being written when the process
died has a wrong length or checksum; the reader stops before it and says so.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.pose_frame import PoseFrame
from models.skeleton import Skeleton
from pipeline.take.append import append_whole
from pipeline.take.errors import TakeError

_MAGIC = b"PSPOSES1"
_PREFIX = struct.Struct("<II")
_LONGEST = 64 << 20  # 64 MiB: over a thousand times a frame of 8 views and 10 people; more is damage


_NOT_OURS = (msgspec.MsgspecError, ValueError, AssertionError, RecursionError, OverflowError, MemoryError)
"""What decoding raises where a record is whole and does not hold what it should."""


class _Head(msgspec.Struct, frozen=True):
    skeleton: str
    joints: list[str]
    bones: list[tuple[int, int]]
    pairs: list[tuple[int, int]]
    body: list[int]
    cameras: list[str]


class _Record(msgspec.Struct, frozen=True, array_like=True):
    time_ns: int
    people: int
    view_times_ns: bytes
    person: bytes
    joints: bytes
    scores: bytes
    covariance: bytes
    keypoints: bytes
    used: bytes
    smoothed: bytes
    swapped: bytes
    stage_ms: dict[str, float]


class PosesLogWriter:
    """Appends instants; the file is created with the first one, which fixes skeleton and cameras."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames = 0
        self.most_people = 0
        self._encoder = msgspec.msgpack.Encoder()
        self._head: _Head | None = None
        self._stream = path.open("xb", buffering=0)
        self._stream.write(_MAGIC)

    @classmethod
    def resume(cls, path: Path) -> PosesLogWriter:
        """Go on with the log of a killed process behind its last whole instant."""
        try:
            log = PosesLog(path)
        except (FileNotFoundError, TakeError):
            path.unlink(missing_ok=True)
            return cls(path)
        writer = cls.__new__(cls)
        writer.path = path
        writer._encoder = msgspec.msgpack.Encoder()
        writer.frames = writer.most_people = 0
        for frame in log:
            writer.frames += 1
            writer.most_people = max(writer.most_people, len(frame.person))
        writer._head = log.head
        writer._stream = path.open("ab", buffering=0)
        writer._stream.truncate(log.good_bytes)
        return writer

    def append(self, frame: PoseFrame) -> None:
        """Write one instant.

        Raises:
            ValueError: Skeleton or cameras differ from those of the first instant.
            OSError: The disk refused.
        """
        head = _head_of(frame)
        if self._head is None:
            self._write(self._encoder.encode(head))
            self._head = head
        elif head != self._head:
            raise ValueError(f"all poses of a take have one skeleton and one list of cameras, not {head}")
        record = _Record(
            frame.time_ns,
            len(frame.person),
            _raw(frame.view_times_ns, np.int64),
            _raw(frame.person, np.int64),
            _raw(frame.joints, np.float64),
            _raw(frame.scores, np.float64),
            _raw(frame.covariance, np.float64),
            _raw(frame.keypoints, np.float64),
            _raw(frame.used, np.bool_),
            _raw(frame.smoothed, np.float64),
            _raw(frame.swapped, np.bool_),
            frame.stage_ms,
        )
        self._write(self._encoder.encode(record))
        self.frames += 1
        self.most_people = max(self.most_people, len(frame.person))

    def _write(self, payload: bytes) -> None:
        # One call, so that a kill cannot come between prefix and payload; a torn write is found by the CRC.
        append_whole(self._stream, _PREFIX.pack(len(payload), crc32(payload)) + payload)

    def fsync(self) -> None:
        """Wait until the poses are on the disk."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._stream.close()


class PosesLog:
    """Reads a poses log from its beginning, as often as wanted.

    Attributes:
        problem: What is wrong with the file's end; set when an iteration met it, empty when nothing is.
        good_bytes: Length of the part of the file that an iteration found whole.

    Raises:
        TakeError: The file is not a poses log.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self.head: _Head | None = None
        self.good_bytes = len(_MAGIC)
        with path.open("rb") as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:
                raise TakeError(f"{path}: is not a poses log")

    def __iter__(self) -> Iterator[PoseFrame]:
        """Every whole instant in order; stops cleanly before a torn record."""
        self.problem = ""
        self.good_bytes = len(_MAGIC)
        decoder = msgspec.msgpack.Decoder(_Record)
        with self.path.open("rb") as stream:
            stream.seek(len(_MAGIC))
            first = self._payload(stream, 0)
            if first is None:
                return
            try:
                head = msgspec.msgpack.decode(first, type=_Head)
                skeleton = Skeleton(
                    head.skeleton, tuple(head.joints), tuple(head.bones), tuple(head.pairs), tuple(head.body)
                )
            except _NOT_OURS:
                self._give_up(0, first)
                return
            self.head = head
            number = 1
            while (payload := self._payload(stream, number)) is not None:
                try:
                    frame = _frame(decoder.decode(payload), skeleton, tuple(head.cameras))
                except _NOT_OURS:
                    self._give_up(number, payload)
                    return
                yield frame
                number += 1

    def _give_up(self, number: int, payload: bytes) -> None:
        """Its checksum fits, but no program of ours writes such a record."""
        self.good_bytes -= _PREFIX.size + len(payload)
        self.problem = f"record {number} holds something else; the records before it are good"

    def _payload(self, stream: BinaryIO, number: int) -> bytes | None:
        prefix = stream.read(_PREFIX.size)
        if not prefix:
            return None
        if len(prefix) == _PREFIX.size:
            length, crc = _PREFIX.unpack(prefix)
            payload = stream.read(length) if length <= _LONGEST else b""
            if len(payload) == length and crc32(payload) == crc:
                self.good_bytes += _PREFIX.size + length
                return payload
        self.problem = f"record {number} is cut short or damaged; the records before it are good"
        return None


def _head_of(frame: PoseFrame) -> _Head:
    skeleton = frame.skeleton
    return _Head(
        skeleton.name,
        list(skeleton.joints),
        list(skeleton.bones),
        list(skeleton.pairs),
        list(skeleton.body),
        list(frame.cameras),
    )


def _raw(values: NDArray[np.generic], dtype: type[np.generic]) -> bytes:
    return np.ascontiguousarray(values, dtype).tobytes()


def _frame(record: _Record, skeleton: Skeleton, cameras: tuple[str, ...]) -> PoseFrame:
    P, V, J = record.people, len(cameras), len(skeleton)
    return PoseFrame(
        time_ns=record.time_ns,
        skeleton=skeleton,
        cameras=cameras,
        view_times_ns=np.frombuffer(record.view_times_ns, np.int64),
        person=np.frombuffer(record.person, np.int64),
        joints=np.frombuffer(record.joints).reshape(P, J, 3),
        scores=np.frombuffer(record.scores).reshape(P, J),
        covariance=np.frombuffer(record.covariance).reshape(P, J, 3, 3),
        keypoints=np.frombuffer(record.keypoints).reshape(P, V, J, 3),
        used=np.frombuffer(record.used, np.bool_).reshape(P, V, J),
        smoothed=np.frombuffer(record.smoothed).reshape(P, J, 3),
        swapped=np.frombuffer(record.swapped, np.bool_).reshape(P, V),
        stage_ms=dict(record.stage_ms),
    )
