"""Everything that travels between processes, and who sends it to whom.

On the wire a message is: topic, msgpack header, raw frames. The header is an ``Envelope`` whose ``payload``
is one of the types below, chosen by the topic. msgspec checks types while decoding, so a malformed message
cannot get further than ``decode``.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

WIRE_VERSION: Final = 1


class Envelope(msgspec.Struct, frozen=True):
    """Header of every message."""

    v: int
    seq: int
    t_capture_ns: int
    t_sent_ns: int
    payload: msgspec.Raw


class FrameReady(msgspec.Struct, frozen=True):
    """Grabber to inference: a picture waits in shared memory."""

    camera: str
    index: int
    ring: str
    slot: int
    generation: int


class StreamOpened(msgspec.Struct, frozen=True):
    """Grabber to recorder: what the packets that follow are. Sent again after a restart of the grabber."""

    camera: str
    codec: str
    width: int
    height: int
    fps: float
    extradata: bytes
    pixel_format: str


class PacketInfo(msgspec.Struct, frozen=True, array_like=True):
    """Times of one packet; its bytes are the raw frame at the same position."""

    pts_ns: int
    dts_ns: int
    keyframe: bool


class FrameRecord(msgspec.Struct, frozen=True):
    """Grabber to recorder: one captured frame, its fate, and the packets that came with it."""

    camera: str
    index: int
    cause: str
    """Why it is not recorded; empty when it is."""

    packets: list[PacketInfo]


class StreamClosed(msgspec.Struct, frozen=True):
    """Grabber to recorder: nothing follows; how many frames were captured while recording."""

    camera: str
    captured: int


class ArrayInfo(msgspec.Struct, frozen=True):
    """Name, type and shape of a raw frame that holds an array."""

    name: str
    dtype: str
    shape: list[int]


class Poses(msgspec.Struct, frozen=True):
    """Inference to everyone: the poses of one instant.

    The arrays follow as raw frames, in the order of ``arrays``. ``latency_ns`` is the time from capture to
    this message.
    """

    skeleton: str
    cameras: list[str]
    arrays: list[ArrayInfo]
    stage_ms: dict[str, float]
    latency_ns: int


class SeenView(msgspec.Struct, frozen=True, array_like=True):
    """The board in one camera's picture of an instant.

    Where it is not, ``corners`` is 0, ``reason`` says why, and ``evidence`` whether something like it was.
    """

    camera: str
    frame: int
    time_ns: int
    corners: int
    mirrored: bool
    inverted: bool
    sharpness: float
    reason: str
    evidence: bool


class BoardSeen(msgspec.Struct, frozen=True):
    """Board finder to the calibration session: what the cameras saw of the board at one instant.

    The arrays that follow hold the corners of all views, one view after the other.
    """

    views: list[SeenView]
    arrays: list[ArrayInfo]
    detect_ms: float


class Command(msgspec.Struct, frozen=True):
    """Supervisor to all nodes, or to the one named in ``to``."""

    kind: Literal["ping", "go", "release", "record", "event", "stop_recording", "stop"]
    details: dict[str, Any] = {}
    to: str = ""


class Report(msgspec.Struct, frozen=True):
    """Any node to the supervisor."""

    node: str
    pid: int
    kind: Literal["ready", "alive", "telemetry", "event", "recording", "take_closed", "ended", "failed"]
    message: str = ""
    details: dict[str, Any] = {}


TOPICS: Final[dict[str, type[msgspec.Struct]]] = {
    "frame": FrameReady,
    "stream_opened": StreamOpened,
    "frame_record": FrameRecord,
    "stream_closed": StreamClosed,
    "poses": Poses,
    "board_seen": BoardSeen,
    "command": Command,
    "report": Report,
}
