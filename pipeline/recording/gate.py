"""What a recorder does not take from anybody: records that would break its take, or fill its disk and memory.

Types and ranges are checked when a message is decoded; this is about what hangs on the take: which cameras it
has, how many frames a camera can have captured since it was last heard.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

import av

from pipeline.wire.bus import Message, WireError
from pipeline.wire.messages import CameraEvent, FrameRecord, LeadIn, StreamClosed, StreamOpened
from pipeline.wire.pose_messages import unpack_poses

AHEAD_NS: Final = 10_000_000_000
"""A capture time may lie ahead of our clock by so much: clocks of other machines are known to within less."""
_MOST_FRAMES: Final = 10_000_000
"""Of one camera in a take that another recorder began: two days at 60 frames per second."""
_SPARE_FRAMES: Final = 1000
"""A camera may have captured so many more frames than its rate and the time say."""


class RecordGate:
    """Refuses messages before a recorder acts on them.

    Args:
        cameras: Of the take.
    """

    def __init__(self, cameras: Collection[str]) -> None:
        self._cameras = frozenset(cameras)
        self._rates: dict[str, float] = {}
        self._last: dict[str, tuple[int, int]] = {}
        """Camera to index and time of the last record, since it opened its stream."""

    def check(self, message: Message) -> None:
        """Look at a message of a camera.

        Raises:
            WireError: It is refused; ``kind`` says why.
        """
        payload = message.payload
        if not isinstance(payload, FrameRecord | LeadIn | StreamOpened | StreamClosed | CameraEvent):
            if message.topic != "poses":
                raise WireError(f"a {message.topic} message is nothing to record", "unexpected_topic")
            unpack_poses(message)
            return
        if payload.camera not in self._cameras:
            raise WireError(f"the take has no camera {payload.camera[:40]!r}", "unknown_camera")
        if message.t_capture_ns > time.monotonic_ns() + AHEAD_NS:
            raise WireError(f"{payload.camera}: a capture time in the future", "from_the_future")
        if isinstance(payload, StreamOpened):
            if payload.codec not in av.codecs_available:
                raise WireError(f"{payload.camera}: unknown codec {payload.codec[:40]!r}", "unknown_codec")
            self._rates[payload.camera] = payload.fps
            self._last.pop(payload.camera, None)
        if isinstance(payload, FrameRecord | LeadIn) and len(payload.packets) != len(message.frames):
            raise WireError(f"{payload.camera}: packets without bytes, or bytes without packets")
        if isinstance(payload, FrameRecord):
            self._check_gap(payload.camera, payload.index, message.t_capture_ns)
            self._last[payload.camera] = (payload.index, message.t_capture_ns)
        elif isinstance(payload, StreamClosed) and payload.camera in self._last:
            self._check_gap(payload.camera, payload.captured, time.monotonic_ns())

    def _check_gap(self, camera: str, index: int, now_ns: int) -> None:
        """Every frame of a gap gets a line in the ledger, so a gap must be believable."""
        if camera not in self._last and camera not in self._rates:
            last, believable = 0, float(_MOST_FRAMES)  # it began before this recorder took over
        else:
            last, last_ns = self._last.get(camera, (0, now_ns))
            believable = 2 * self._rates.get(camera, 1000.0) * max(now_ns - last_ns, 0) / 1e9 + _SPARE_FRAMES
        if index - last > believable:
            raise WireError(f"{camera}: frame {index} after frame {last}", "unbelievable_gap")
