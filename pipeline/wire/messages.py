"""Everything that travels between processes, and who sends it to whom.

On the wire a message is: topic, msgpack header, raw frames. The header is an ``Envelope`` whose ``payload``
is one of the types below, chosen by the topic. msgspec checks types and ranges while decoding, so a malformed
message cannot get further than ``decode``: whoever receives one may rely on what is written here, and has
only to check what hangs on its own state.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

WIRE_VERSION: Final = 1

_MOST_CAMERAS: Final = 64
MOST_PACKETS: Final = 64
"""In one message. A frame brings none or a few."""
_LONGEST_SIDE: Final = 1 << 16

Name = Annotated[str, Meta(min_length=1, max_length=200)]
"""Of cameras, nodes, skeletons, codecs."""
Text = Annotated[str, Meta(max_length=1 << 20)]
"""For people; a long traceback fits."""
Int64 = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
Count = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
TimeNs = Annotated[int, Meta(ge=0, le=(1 << 62) - 1)]
"""ns of a monotonic clock. Below 2^62, so that differences and sums of two fit into 64 bits."""
Side = Annotated[int, Meta(ge=1, le=_LONGEST_SIDE)]


class Envelope(msgspec.Struct, frozen=True):
    """Header of every message."""

    v: Int64
    seq: Count
    t_capture_ns: TimeNs
    t_sent_ns: TimeNs
    payload: msgspec.Raw


class FrameReady(msgspec.Struct, frozen=True):
    """Grabber to inference: a picture waits in shared memory."""

    camera: Name
    index: Count
    ring: Name
    slot: Annotated[int, Meta(ge=0, le=63)]
    generation: Count


class StreamOpened(msgspec.Struct, frozen=True):
    """Grabber to recorder: what the packets that follow are.

    Sent again after a restart of the grabber, and to a recorder that takes over.
    """

    camera: Name
    codec: Name
    width: Side
    height: Side
    fps: Annotated[float, Meta(gt=0, le=100_000)]
    extradata: Annotated[bytes, Meta(max_length=1 << 20)]
    pixel_format: Annotated[str, Meta(max_length=200)]
    epoch: TimeNs = 0
    """Names this start of the camera: with the same one, the numbers of frames go on."""


class PacketInfo(msgspec.Struct, frozen=True, array_like=True):
    """Times of one packet; its bytes are the raw frame at the same position."""

    pts_ns: Annotated[int, Meta(ge=-(1 << 62), le=(1 << 62) - 1)]
    dts_ns: Annotated[int, Meta(ge=-(1 << 62), le=(1 << 62) - 1)]
    keyframe: bool


class FrameRecord(msgspec.Struct, frozen=True):
    """Grabber to recorder: one captured frame, its fate, and the packets that came with it."""

    camera: Name
    index: Count
    cause: Annotated[str, Meta(max_length=40, pattern="^[a-z0-9_]*$")]
    """Why it is not recorded; empty when it is. A word of the ledger, so it cannot break its lines."""

    packets: Annotated[list[PacketInfo], Meta(max_length=MOST_PACKETS)]


class LeadIn(msgspec.Struct, frozen=True):
    """Grabber to recorder: packets since the last key frame, for decoding the frames that follow.

    They come between ``StreamOpened`` and the first frame, in several messages where they are many, and are
    no frames of the take.
    """

    camera: Name
    packets: Annotated[list[PacketInfo], Meta(max_length=MOST_PACKETS)]


class StreamClosed(msgspec.Struct, frozen=True):
    """Grabber to recorder: nothing follows; how many frames were captured while recording."""

    camera: Name
    captured: Count


class CameraEvent(msgspec.Struct, frozen=True):
    """Grabber to recorder: something that happened to the camera, for the story of the take."""

    camera: Name
    kind: Name
    message: Text
    details: dict[str, Any] = {}

    def __post_init__(self) -> None:
        for key, value in self.details.items():
            if key in _OF_THE_EVENT or not isinstance(value, (str, int, float, bool, type(None))):
                raise ValueError(f"a detail of an event cannot be called {key!r} with {type(value).__name__}")
            if isinstance(value, float) and not isfinite(value):
                raise ValueError(f"the detail {key!r} of an event must be finite")


class RemoteAsk(msgspec.Struct, frozen=True):
    """Host to remote grabber: everything it wants from a camera. Sent again several times a second.

    Each message states the whole wish, so that none of them matters: a lost one is made good by the next.
    """

    session: Count
    """Random number of who asks; another one begins from the start."""
    run: Count
    """Of the ``RemoteOffer`` that the rest is about; 0: none was heard yet."""
    start_ns: TimeNs
    """The session's origin on the remote machine's clock; 0: only keep the camera open."""
    have: Int64
    """Index of the last frame that arrived; -1: none. What comes before it is not sent again."""
    leaving: bool = False
    """Nothing more is wanted; another host may have the camera."""


class RemoteOffer(msgspec.Struct, frozen=True):
    """Remote grabber to host: what there is, in answer to every ``RemoteAsk``."""

    camera: Name
    run: Count
    """Random number of this run of the remote grabber; another one has another clock and other indices."""
    state: Literal["opening", "ready", "running", "ended", "failed", "in_use", "free"]
    message: Text
    """Why it failed, or who uses it."""
    device: Text
    captured: Count
    delivered: Count
    waiting: Count
    dropped: Annotated[dict[Name, Count], Meta(max_length=64)]
    """The sender's own ledger: ``captured = delivered + waiting + dropped`` by cause."""


class FramesLost(msgspec.Struct, frozen=True):
    """Remote grabber to host: frames that were captured one after the other and will not come."""

    camera: Name
    first: Count
    count: Annotated[int, Meta(ge=1, le=1 << 24)]
    t_first_ns: TimeNs
    t_last_ns: TimeNs
    cause: Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z0-9_]*$")]


class ClockPing(msgspec.Struct, frozen=True):
    """Host to remote grabber: what time is it there?"""

    number: Count


class ClockPong(msgspec.Struct, frozen=True):
    """Remote grabber to host: the ping came and this left at these times of the remote clock."""

    number: Count
    run: Count
    t_received_ns: TimeNs
    t_sent_ns: TimeNs


class ArrayInfo(msgspec.Struct, frozen=True):
    """Name, type and shape of a raw frame that holds an array."""

    name: Name
    dtype: Annotated[str, Meta(max_length=20)]
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=8)]


class Poses(msgspec.Struct, frozen=True):
    """Inference to everyone: the poses of one instant.

    The arrays follow as raw frames, in the order of ``arrays``. ``latency_ns`` is the time from capture to
    this message.
    """

    skeleton: Name
    cameras: Annotated[list[Name], Meta(max_length=_MOST_CAMERAS)]
    arrays: Annotated[list[ArrayInfo], Meta(max_length=64)]
    stage_ms: Annotated[dict[Name, float], Meta(max_length=64)]
    latency_ns: Int64


class SeenView(msgspec.Struct, frozen=True, array_like=True):
    """The board in one camera's picture of an instant.

    Where it is not, ``corners`` is 0, ``reason`` says why, and ``evidence`` whether something like it was.
    """

    camera: Name
    frame: Count
    time_ns: TimeNs
    corners: Annotated[int, Meta(ge=0, le=1 << 20)]
    mirrored: bool
    inverted: bool
    sharpness: float
    reason: Text
    evidence: bool


class BoardSeen(msgspec.Struct, frozen=True):
    """Board finder to the calibration session: what the cameras saw of the board at one instant.

    The arrays that follow hold the corners of all views, one view after the other.
    """

    views: Annotated[list[SeenView], Meta(max_length=_MOST_CAMERAS)]
    arrays: Annotated[list[ArrayInfo], Meta(max_length=64)]
    detect_ms: float


class Command(msgspec.Struct, frozen=True):
    """Supervisor to all nodes, or to the one named in ``to``."""

    kind: Literal[
        "ping", "go", "release", "record", "written", "send_again", "event", "stop_recording", "stop"
    ]
    details: dict[str, Any] = {}
    to: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        for key, kind in _READ.get(self.kind, {}).items():
            value = self.details.get(key, _ABSENT)
            if value is not _ABSENT and (not isinstance(value, kind) or isinstance(value, bool)):
                raise ValueError(f"{key} of the command {self.kind} must be {kind.__name__}")


class Report(msgspec.Struct, frozen=True):
    """Any node to the supervisor."""

    node: Name
    pid: Int64
    kind: Literal[
        "ready", "alive", "telemetry", "event", "recording", "written", "take_closed", "ended", "failed"
    ]
    message: Text = ""
    details: dict[str, Any] = {}


_OF_THE_EVENT: Final = frozenset({"camera", "kind", "message", "t_ns"})
"""Names that an event's details cannot have: these are its own."""

_ABSENT: Final = object()
_READ: Final[dict[str, dict[str, type]]] = {
    "go": {"origin_ns": int},
    "record": {"folder": str},
    "event": {"kind": str, "message": str, "t_ns": int},
}
"""Types of what the nodes that hear a command read from its details."""


TOPICS: Final[dict[str, type[msgspec.Struct]]] = {
    "frame": FrameReady,
    "stream_opened": StreamOpened,
    "frame_record": FrameRecord,
    "lead_in": LeadIn,
    "stream_closed": StreamClosed,
    "camera_event": CameraEvent,
    "remote_ask": RemoteAsk,
    "remote_offer": RemoteOffer,
    "frames_lost": FramesLost,
    "clock_ping": ClockPing,
    "clock_pong": ClockPong,
    "poses": Poses,
    "board_seen": BoardSeen,
    "command": Command,
    "report": Report,
}


@dataclass(frozen=True)
class Limits:
    """How large a message of a topic may be; what is larger is not decoded.

    Attributes:
        header: Bytes of the msgpack header.
        frames: Number of raw frames.
        data: Bytes of all raw frames together.
    """

    header: int
    frames: int = 0
    data: int = 0


LARGEST_FRAME: Final = 64 << 20
"""Bytes of one raw frame: a compressed picture or an array. A JPEG of 100 megapixels is smaller."""

LIMITS: Final[dict[str, Limits]] = {
    "frame": Limits(4 << 10),
    "stream_opened": Limits(2 << 20),
    "frame_record": Limits(64 << 10, frames=MOST_PACKETS, data=LARGEST_FRAME),
    "lead_in": Limits(64 << 10, frames=MOST_PACKETS, data=LARGEST_FRAME),
    "stream_closed": Limits(4 << 10),
    "camera_event": Limits(2 << 20),
    "remote_ask": Limits(4 << 10),
    "remote_offer": Limits(4 << 20),
    "frames_lost": Limits(4 << 10),
    "clock_ping": Limits(4 << 10),
    "clock_pong": Limits(4 << 10),
    "poses": Limits(64 << 10, frames=16, data=LARGEST_FRAME),
    "board_seen": Limits(2 << 20, frames=8, data=LARGEST_FRAME),
    "command": Limits(4 << 20),
    "report": Limits(4 << 20),
}

FREE_FORM: Final = frozenset({"command", "report", "camera_event"})
"""Topics whose messages hold dictionaries of any content, so that their nesting has to be looked at first."""
