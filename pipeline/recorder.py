"""The recorder's process: packets to disk, the fate of every frame to the ledger, every pose to the log."""

from __future__ import annotations

import logging
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pipeline.bus import Bus, Message, Receiver
from pipeline.frame import EncodedPacket, VideoFormat
from pipeline.messages import CameraEvent, Command, FrameRecord, StreamClosed, StreamOpened
from pipeline.node import Node, NodeContext
from pipeline.pose_messages import unpack_poses
from pipeline.take.errors import DiskFullError
from pipeline.take.folder import RESERVE_BYTES
from pipeline.take.header import TakeHeader
from pipeline.take.ledger import Fate
from pipeline.take.writer import TakeSummary, TakeWriter
from pipeline.telemetry import Drops, Rate

log = logging.getLogger(__name__)

_SYNC_S: Final = 0.5
_CLOSE_DEADLINE_S: Final = 10.0
"""Silence of all cameras after which a take is closed although not all of them said that they ended."""

_QUEUE: Final = 100
"""Messages taken from each camera's queue in advance; the rest waits, and is bounded, in the grabber."""


class _CameraLedger:
    """Numbering of one camera's frames across restarts of its grabber."""

    def __init__(self) -> None:
        self.video: VideoFormat | None = None
        self.refused = ""  # why packets of a restarted grabber cannot continue the video
        self.offset = 0
        self.next_index = 0
        self.last_time_ns = 0
        self.ended = False
        self.recorded = 0
        self.dropped = Drops()
        self.rate = Rate()


class Recorder(Node):
    """Writes a take. Idle until told to record; closes the take when all cameras have ended.

    ``header`` is what all takes of this session have in common; name, clock and models come with the command.
    """

    def __init__(self, context: NodeContext, header: TakeHeader) -> None:
        super().__init__(context)
        self._header = header
        self._records: Receiver | None = None
        self._writer: TakeWriter | None = None
        self._cameras: dict[str, _CameraLedger] = {}
        self._next_sync = 0.0
        self._closer = ThreadPoolExecutor(1, thread_name_prefix="close-take")
        self._closing: Future[TakeSummary] | None = None
        self._stop_asked_at: float | None = None
        self._bytes = 0
        self._frames = 0

    def open(self, bus: Bus) -> dict[str, Any]:
        """Listen for records."""
        self._records = bus.receiver(self.context.endpoints.records, _QUEUE)
        self.running = True  # needs no common start: it only reacts
        return {}

    def on_command(self, command: Command) -> None:
        """Begin or end a take."""
        if command.kind == "record" and self._writer is None:
            self._report_closed(wait=True)
            details = dict(command.details)
            folder = Path(details.pop("folder"))
            header = replace(self._header, **details)
            self._writer = TakeWriter.create(folder, header)
            self._cameras = {name: _CameraLedger() for name in header.cameras}
            self._frames = self._bytes = 0
            self._stop_asked_at = None
            self.report("recording", f"recording to {folder}", folder=str(folder))
        elif command.kind == "event" and self._writer is not None:
            self._writer.write_event(**command.details)
        elif command.kind == "stop_recording" and self._writer is not None:
            self._stop_asked_at = time.monotonic()

    def step(self) -> bool:
        """Write what has arrived."""
        assert self._records is not None
        messages = self._records.receive_all(timeout_ms=20, limit=200)
        now = time.monotonic()
        if messages and self._stop_asked_at is not None:
            self._stop_asked_at = now
        try:
            for message in messages:
                self._write(message)
            if self._writer is not None and now >= self._next_sync:
                self._writer.sync()
                self._check_space(self._writer)
                self._next_sync = now + _SYNC_S
        except DiskFullError as error:
            self.report("event", str(error), what="disk_full")
            self._close_take()
        self._close_when_complete(now)
        self._report_closed()
        return True

    def close(self) -> None:
        """Finish the take that is open, with everything that has arrived."""
        if self._records is not None and self._writer is not None:
            for message in self._records.receive_all(timeout_ms=100, limit=100_000):
                self._write(message)
            if self._stop_asked_at is None:
                text = "the recorder was ended without having been told to stop recording"
                self._writer.write_event("interrupted", text, time.monotonic_ns())
        self._close_take()
        self._report_closed(wait=True)
        self._closer.shutdown()

    def telemetry(self) -> dict[str, Any]:
        """What has been written to the take that is open, or was last."""
        cameras = {
            name: {
                "recorded": ledger.recorded,
                "dropped": ledger.dropped.summary(),
                "fps": round(ledger.rate.recent_hz, 2),
            }
            for name, ledger in self._cameras.items()
        }
        return {
            "frames": self._frames,
            "bytes": self._bytes,
            "recording": self._writer is not None,
            "cameras": cameras,
        }

    def _write(self, message: Message) -> None:
        writer = self._writer
        payload = message.payload
        if writer is None:
            return
        if isinstance(payload, (FrameRecord, StreamClosed)) and self._cameras[payload.camera].video is None:
            return  # left over from an earlier take: in this one the camera has not started yet
        if isinstance(payload, StreamOpened):
            ledger = self._cameras[payload.camera]
            ledger.offset = ledger.next_index
            ledger.ended = False
            size = (payload.width, payload.height)
            video = VideoFormat(payload.codec, size, payload.fps, payload.extradata, payload.pixel_format)
            if ledger.video is None:
                writer.open_video(payload.camera, video)
                ledger.video = video
            else:
                same = (video.codec, video.size, video.extradata) == (
                    ledger.video.codec,
                    ledger.video.size,
                    ledger.video.extradata,
                )
                ledger.refused = "" if same else "format_changed"
        elif isinstance(payload, FrameRecord):
            self._write_frame(writer, message, payload)
        elif isinstance(payload, StreamClosed):
            ledger = self._cameras[payload.camera]
            self._note_missing(writer, payload.camera, ledger.offset + payload.captured, ledger.last_time_ns)
            ledger.ended = True
        elif isinstance(payload, CameraEvent):
            details = {"camera": payload.camera, **payload.details}
            writer.write_event(payload.kind, payload.message, message.t_capture_ns, **details)
        elif message.topic == "poses":
            writer.write_poses(unpack_poses(message))

    def _write_frame(self, writer: TakeWriter, message: Message, record: FrameRecord) -> None:
        ledger = self._cameras[record.camera]
        index = ledger.offset + record.index
        self._note_missing(writer, record.camera, index, message.t_capture_ns)
        packets = [
            EncodedPacket(bytes(data), info.pts_ns, info.dts_ns, info.keyframe)
            for info, data in zip(record.packets, message.frames, strict=True)
        ]
        cause = ledger.refused or record.cause
        fate: Fate = "dropped" if cause else "recorded"
        writer.write_frame(
            record.camera, index, message.t_capture_ns, fate, cause, packets if not cause else []
        )
        if cause:
            ledger.dropped.add(cause)
        else:
            ledger.recorded += 1
            ledger.rate.tick(message.t_capture_ns)
        ledger.next_index = index + 1
        ledger.last_time_ns = message.t_capture_ns
        self._frames += 1
        self._bytes += sum(len(packet.data) for packet in packets)

    @staticmethod
    def _missing_times(last_ns: int, next_ns: int, missing: int) -> list[int]:
        step = max((next_ns - last_ns) // (missing + 1), 1)
        return [last_ns + step * (place + 1) for place in range(missing)]

    def _note_missing(self, writer: TakeWriter, camera: str, index: int, next_time_ns: int) -> None:
        """Frames that were captured but whose record never came: the queue to here was full."""
        ledger = self._cameras[camera]
        missing = index - ledger.next_index
        if missing <= 0:
            return
        for place, time_ns in enumerate(self._missing_times(ledger.last_time_ns, next_time_ns, missing)):
            writer.write_frame(camera, ledger.next_index + place, time_ns, "dropped", "recorder_behind", [])
            ledger.dropped.add("recorder_behind")
        ledger.next_index = index

    def _close_when_complete(self, now: float) -> None:
        if self._writer is None or self._stop_asked_at is None:
            return
        waited = now - self._stop_asked_at
        if all(ledger.ended for ledger in self._cameras.values()) or waited > _CLOSE_DEADLINE_S:
            self._close_take()

    def _check_space(self, writer: TakeWriter) -> None:
        """Stop while there is room to close the take in order, and for the system to live."""
        free = shutil.disk_usage(writer.folder).free
        if free < RESERVE_BYTES:
            message = (
                f"{writer.folder}: the disk is nearly full, {free / 1e6:.0f} MB are left; recording stopped, "
                "the take up to here is complete"
            )
            log.warning("%s", message)
            self.report("event", message, what="disk_full")
            self._close_take()

    def _close_take(self) -> None:
        """Close in the background: arranging the poses of a long take takes longer than silence may last."""
        if self._writer is None:
            return
        self._closing = self._closer.submit(self._writer.close)
        self._writer = self._stop_asked_at = None

    def _report_closed(self, *, wait: bool = False) -> None:
        if self._closing is None or not (wait or self._closing.done()):
            return
        closing, self._closing = self._closing, None
        summary = closing.result()
        totals = {camera: total.to_dict() for camera, total in summary.totals.items()}
        message = f"take {summary.folder} is closed"
        self.report("take_closed", message, folder=str(summary.folder), totals=totals, poses=summary.poses)
