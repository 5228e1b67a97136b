"""What one camera's grabber gives to the recorder: the frames of a take, their numbers, their packets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from pipeline.drivers.base import CameraNote
from pipeline.frames.frame import INTRA_ONLY, EncodedPacket, VideoFormat
from pipeline.recording.lead_in import Captured, PictureGroup, key_place
from pipeline.recording.outbox import RecordOutbox
from pipeline.wire.messages import (
    MOST_PACKETS,
    CameraEvent,
    FrameRecord,
    LeadIn,
    PacketInfo,
    StreamClosed,
    StreamOpened,
)
from pipeline.wire.telemetry import Drops

NO_KEY_FRAME: Final = "no_key_frame"
"""Fate of a frame that nothing can be decoded from: the key frame it builds on is not there."""

_TOO_LARGE: Final = (
    "the last one is longer ago than pictures are kept; set a shorter interval of key frames (I-frame "
    "interval, GOP) in the camera"
)
_NOT_WHOLE: Final = "frames since the last one are missing"


class RecordFeed:
    """One camera's part in recordings, one after the other.

    A camera whose packets build on one another is followed at any time. A recording of it takes the frames
    that were captured from its origin on, also those that were there before the order to record was heard,
    and begins with a lead-in: the packets since the last key frame, which are no frames of the take.

    Args:
        camera: Its name.
        stream: What it delivers.
        outbox: To the recorder.
        tell: Called with what people and the take should know.
        group: Keeps what a lead-in needs.
    """

    def __init__(
        self,
        camera: str,
        stream: VideoFormat,
        outbox: RecordOutbox,
        tell: Callable[[CameraNote], None],
        group: PictureGroup | None = None,
    ) -> None:
        self.camera = camera
        self.stream = stream
        self.outbox = outbox
        self.recording = False
        self.epoch = 0
        """Names the present recording of this camera."""
        self.drops = Drops()
        self._tell = tell
        self._group = (group or PictureGroup()) if stream.codec not in INTRA_ONLY else None
        self._begun = False
        self._begins_ns = 0
        self._first_index = 0
        self._captured = 0
        self._last_ns = 0
        self._unshown: list[EncodedPacket] | None = None
        """While there is nothing to decode against: packets of a key frame that is not shown yet."""
        self._why_unshown = ""

    def start(self, origin_ns: int | None) -> None:
        """Begin a recording.

        Args:
            origin_ns: Of the take; None: it takes what comes from now on, whatever its time.
        """
        stream = self.stream
        self.epoch = time.monotonic_ns()
        self.outbox.begin(
            StreamOpened(
                self.camera,
                stream.codec,
                stream.size[0],
                stream.size[1],
                stream.fps,
                stream.extradata,
                stream.pixel_format,
                self.epoch,
            )
        )
        self.recording, self._begun = True, False
        self._captured = 0
        self._unshown, self._why_unshown = None, ""
        # Without a group to begin in, the first frame that comes is the first one of the take.
        self._begins_ns = self._last_ns + 1 if origin_ns is None or self._group is None else origin_ns

    def stop(self) -> None:
        """End it."""
        if self.recording:
            self.recording = False
            self.outbox.put("stream_closed", StreamClosed(self.camera, self._captured))

    def event(self, note: CameraNote, t_ns: int) -> None:
        """Something for the story of the take; nothing while none is recorded."""
        if self.recording:
            event = CameraEvent(self.camera, note.kind, note.message, note.details)
            self.outbox.put("camera_event", event, t_capture_ns=t_ns)

    def take(self, frame: Captured) -> None:
        """The next frame of the camera, recorded or not; times rise."""
        too_large = self._group is not None and self._group.too_large
        if self._group is not None:
            self._group.add(frame)
        self._last_ns = frame.t_ns
        if not self.recording:
            return
        if self._begun:
            self._hand_over(frame)
        elif frame.t_ns >= self._begins_ns:
            self._begin(frame, too_large)

    def _begin(self, frame: Captured, too_large: bool) -> None:
        """``frame`` is the first one from the origin on that is seen since the order was heard."""
        self._begun = True
        kept = self._group.frames() if self._group is not None else []
        if not kept:
            self._first_index = frame.index
            if self._group is not None:
                self._unshown, self._why_unshown = [], _TOO_LARGE if too_large else _NOT_WHOLE
            self._hand_over(frame)
            return
        shown_ns = max(self._begins_ns, kept[0].packets[0].pts_ns)
        counted = [other for other in kept if other.t_ns >= shown_ns]
        before = [packet for other in kept[: len(kept) - len(counted)] for packet in other.packets]
        self._first_index = counted[0].index
        if not self._lead_in(before, counted[0].t_ns):
            self._unshown, self._why_unshown = [], _NOT_WHOLE
        for other in counted:
            self._hand_over(other)

    def _lead_in(self, packets: Sequence[EncodedPacket], t_ns: int) -> bool:
        """Send what comes before the first frame; kept until that frame is in the files. False: no room."""
        for begin in range(0, len(packets), MOST_PACKETS):
            part = packets[begin : begin + MOST_PACKETS]
            lead_in = LeadIn(self.camera, _infos(part))
            data = [packet.data for packet in part]
            if not self.outbox.put("lead_in", lead_in, data, t_capture_ns=t_ns, index=0):
                return False
        return True

    def _hand_over(self, frame: Captured) -> None:
        packets: Sequence[EncodedPacket] = frame.packets
        cause = frame.cause
        if self._unshown is not None and not cause:
            packets = self._from_key(frame)
            if not packets:
                cause = NO_KEY_FRAME
                self._say_why()
        record = FrameRecord(self.camera, frame.index - self._first_index, cause, _infos(packets))
        self._captured += 1
        if cause:
            self.drops.add(cause)
        data = [packet.data for packet in packets]
        taken = self.outbox.put("frame_record", record, data, t_capture_ns=frame.t_ns, index=record.index)
        if not taken and not cause:
            # The recorder is behind or away; it learns of the hole from the jump in the index.
            self.drops.add("recorder_behind")

    def _from_key(self, frame: Captured) -> list[EncodedPacket]:
        """Packets from the first key frame on, once that is to be shown; until then they wait."""
        assert self._unshown is not None
        waiting = [*self._unshown, *frame.packets]
        waiting = waiting[key_place(waiting) :]
        if waiting and (waiting[0].pts_ns <= frame.t_ns or 2 * len(waiting) >= MOST_PACKETS):
            self._unshown = None
            return waiting
        self._unshown = waiting
        return []

    def _say_why(self) -> None:
        """Once for each time: nothing can be shown for now."""
        if self._why_unshown:
            text = (
                f"camera {self.camera}: nothing can be shown before its next key frame: {self._why_unshown}"
            )
            self._tell(CameraNote(NO_KEY_FRAME, f"{text}. Frames until then are dropped as {NO_KEY_FRAME}"))
            self._why_unshown = ""


def _infos(packets: Sequence[EncodedPacket]) -> list[PacketInfo]:
    return [PacketInfo(packet.pts_ns, packet.dts_ns, packet.keyframe) for packet in packets]
