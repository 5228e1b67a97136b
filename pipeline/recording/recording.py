"""One take while it is recorded: what arrives from the cameras becomes files and ledger lines.

Goes on where a recorder was killed: frames that are written already are recognised by their numbers, their
pictures by their times, so cameras may send too much but never too little.
"""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import av

from calibration.assumed_camera import assumed_calibration
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.errors import DiskFullError, is_disk_full
from pipeline.take.events import read_events
from pipeline.take.folder import RESERVE_BYTES
from pipeline.take.header import TakeHeader, read_header
from pipeline.take.ledger import Fate
from pipeline.take.streams_log import StreamStart
from pipeline.take.writer import EVENTS, TakeSummary, TakeWriter, begun_state
from pipeline.wire.bus import Message
from pipeline.wire.messages import CameraEvent, FrameRecord, LeadIn, StreamClosed, StreamOpened
from pipeline.wire.pose_messages import unpack_poses
from pipeline.wire.telemetry import Drops, Rate

log = logging.getLogger(__name__)

_IN_THE_MUXER_NS: Final = 1_000_000_000
"""Pictures this much older than the newest are in the file: the muxer holds back half a second at most."""

_KEPT_EVENTS: Final = 1000
"""Of the events that are there when a recording goes on, so many are recognised when they come again."""


class _Camera:
    """Numbering of one camera's frames across restarts of its grabber and of the recorder."""

    def __init__(self) -> None:
        self.starts: list[StreamStart] = []
        self.open = False  # whether its stream was opened since this recorder began
        self.video: VideoFormat | None = None
        self.refused = ""  # why packets of a restarted grabber cannot continue the video
        self.next_index = 0
        self.last_time_ns = 0
        self.period_ns = 33_333_333
        self.ended = False
        self.returned = False  # its next frame is the first one after a break
        self.recorded = 0
        self.dropped = Drops()
        self.rate = Rate()
        self.in_files = 0
        self.written: deque[tuple[int, int]] = deque()

    @property
    def offset(self) -> int:
        """Ledger number of the grabber's frame 0."""
        return self.starts[-1].offset if self.starts else 0

    @property
    def epoch(self) -> int:
        """What the grabber calls its present start."""
        return self.starts[-1].epoch if self.starts else 0


@dataclass(frozen=True)
class Begun:
    """How a recording began.

    Attributes:
        recording: The take that is open, or None when it was closed already and only its end was not heard.
        resumed: Whether it goes on with what a killed recorder left.
        summary: Of a take that was closed already.
    """

    recording: Recording | None
    resumed: bool
    summary: TakeSummary | None = None


class Recording:
    """One open take. Used by one thread, except for ``telemetry`` and ``ended``."""

    def __init__(self, writer: TakeWriter) -> None:
        self._writer = writer
        self._cameras = {name: _Camera() for name in writer.header.cameras}
        self._gap_cause = "recorder_behind"
        self._events: set[tuple[int, str]] = set()
        self._frames = self._bytes = 0
        for name, found in writer.resumed.items():
            camera = self._cameras[name]
            camera.starts = list(found.starts)
            camera.video = found.starts[-1].format if found.starts else None
            camera.next_index, camera.last_time_ns = found.totals.captured, found.last_ns
            camera.recorded = found.totals.recorded
            for cause, count in found.totals.dropped.items():
                camera.dropped.add(cause, count)
        if writer.resumed:
            self._gap_cause = "recorder_restart"
            known = read_events(writer.folder / EVENTS)[0][-_KEPT_EVENTS:]
            self._events = {(event.t_ns, event.message) for event in known}

    @classmethod
    def begin(cls, folder: Path, header: TakeHeader) -> Begun:
        """Start the take, or go on with it when a recorder was killed in the middle of this very recording.

        Raises:
            BadInputError: The folder holds something else.
            TakeError: It cannot be written.
        """
        state = begun_state(folder, header.origin_ns)
        if state == "":
            return Begun(cls(TakeWriter.create(folder, header)), resumed=False)
        if state == "recording":
            return Begun(cls(TakeWriter.resume(folder)), resumed=True)
        totals = dict(read_header(folder).totals)
        return Begun(None, resumed=True, summary=TakeSummary(folder, totals, 0, 0))

    @property
    def folder(self) -> Path:
        """The take."""
        return self._writer.folder

    @property
    def ended(self) -> bool:
        """Whether every camera has said that nothing follows."""
        return all(camera.ended for camera in self._cameras.values())

    def event(self, kind: str, message: str, t_ns: int, **details: Any) -> None:
        """Write an event."""
        self._writer.write_event(kind, message, t_ns, **details)

    def write(self, messages: Sequence[Message]) -> None:
        """Write what has arrived, in order.

        Raises:
            DiskFullError: No room left.
        """
        for message in messages:
            self._write(message)

    def sync(self) -> dict[str, list[int]]:
        """Have it brought to the disk in the background.

        Returns:
            By camera the name of its present start, and the number of the first of its frames that may not
            be in the files yet.

        Raises:
            DiskFullError: The disk said so, or what is reserved for others is all that is left.
        """
        self._writer.sync()
        free = shutil.disk_usage(self.folder).free
        if free < RESERVE_BYTES:
            raise NearlyFullError(
                f"{self.folder}: the disk is nearly full, {free / 1e6:.0f} MB are left; recording stopped, "
                "the take up to here is complete"
            )
        return {
            name: [camera.epoch, camera.in_files]
            for name, camera in self._cameras.items()
            if camera.open and camera.epoch
        }

    def close(self) -> tuple[TakeSummary, str]:
        """Finish every file.

        Returns:
            What the take holds, and why it could not be finished; empty when it could.
        """
        try:
            return self._writer.close(), ""
        except DiskFullError as error:
            return self._writer.close(), str(error)  # the files were closed where they are

    def telemetry(self) -> dict[str, Any]:
        """Numbers of what has been written."""
        cameras = {
            name: {
                "recorded": camera.recorded,
                "dropped": camera.dropped.summary(),
                "fps": round(camera.rate.recent_hz, 2),
            }
            for name, camera in self._cameras.items()
        }
        return {"frames": self._frames, "bytes": self._bytes, "cameras": cameras}

    def _write(self, message: Message) -> None:
        payload = message.payload
        if message.topic == "poses":
            self._writer.write_poses(unpack_poses(message))
            return
        camera = self._cameras.get(getattr(payload, "camera", ""))
        if camera is None:
            return
        if isinstance(payload, StreamOpened):
            self._open(camera, payload)
        elif not camera.open:
            return  # left over from before: what belongs here is sent again after the stream is opened
        elif isinstance(payload, FrameRecord):
            self._write_frame(camera, message, payload)
        elif isinstance(payload, LeadIn):
            self._write_lead_in(camera, message, payload)
        elif isinstance(payload, StreamClosed):
            self._note_missing(
                payload.camera, camera, camera.offset + payload.captured, camera.last_time_ns, at_end=True
            )
            camera.ended = True
        elif isinstance(payload, CameraEvent) and (message.t_capture_ns, payload.message) not in self._events:
            details = {"camera": payload.camera, **payload.details}
            self._writer.write_event(payload.kind, payload.message, message.t_capture_ns, **details)

    def _open(self, camera: _Camera, opened: StreamOpened) -> None:
        name = opened.camera
        size = (opened.width, opened.height)
        video = VideoFormat(opened.codec, size, opened.fps, opened.extradata, opened.pixel_format)
        camera.period_ns = round(1e9 / opened.fps)
        camera.refused = "" if camera.video is None or _continues(camera.video, video) else "format_changed"
        known = [start for start in camera.starts if start.epoch == opened.epoch and opened.epoch]
        if not known:
            camera.starts.append(StreamStart(name, opened.epoch, camera.next_index, video))
            self._writer.note_stream(camera.starts[-1])
            camera.returned = camera.next_index > 0
            camera.in_files = 0
            camera.written.clear()
        elif known[-1] is not camera.starts[-1]:
            return  # an old start; the camera has begun anew since
        if not camera.open and not camera.refused:
            self._writer.open_video(name, video)
        camera.video = camera.video or video
        camera.open, camera.ended = True, False

    def _write_frame(self, camera: _Camera, message: Message, record: FrameRecord) -> None:
        name = record.camera
        index = camera.offset + record.index
        cause = camera.refused or record.cause
        packets = _packets(message, record)
        if index < camera.next_index:
            # Sent again: the ledger has it, the video may not.
            if self._writer.resumed and packets and not cause:
                self._writer.write_late_packets(name, packets)
            return
        time_ns = message.t_capture_ns
        if time_ns <= camera.last_time_ns:
            text = f"{name}: a frame came with a time before that of the last one; it got the next free time"
            self._writer.write_event("clock_step", text, camera.last_time_ns, camera=name, t_ns_was=time_ns)
            time_ns = camera.last_time_ns + 1
        self._note_missing(name, camera, index, time_ns)
        if camera.returned:
            gap_s = (time_ns - camera.last_time_ns) / 1e9
            text = f"{name} delivers again, after {gap_s:.2f} s without pictures"
            self._writer.write_event("camera_returned", text, time_ns, camera=name, gap_s=round(gap_s, 3))
            camera.returned = False
        self._line(name, camera, index, time_ns, cause, [] if cause else packets)
        camera.written.append((time_ns, record.index + 1))
        while camera.written and camera.written[0][0] <= time_ns - _IN_THE_MUXER_NS:
            camera.in_files = camera.written.popleft()[1]
        self._frames += 1
        self._bytes += sum(len(packet.data) for packet in packets)

    def _write_lead_in(self, camera: _Camera, message: Message, lead_in: LeadIn) -> None:
        """Packets for decoding what follows, before the first frame of a video."""
        if camera.refused or camera.offset or (camera.next_index and not self._writer.resumed):
            return
        try:
            self._writer.write_lead_in(lead_in.camera, _packets(message, lead_in))
        except (ValueError, av.FFmpegError) as error:
            if isinstance(error, OSError) and (is_disk_full(error) or not isinstance(error, ValueError)):
                raise
            log.warning("%s: what comes before the first frame cannot be written: %s", lead_in.camera, error)

    def _line(
        self, name: str, camera: _Camera, index: int, time_ns: int, cause: str, packets: list[EncodedPacket]
    ) -> None:
        fate: Fate = "dropped" if cause else "recorded"
        try:
            self._writer.write_frame(name, index, time_ns, fate, cause, packets)
        except (ValueError, av.FFmpegError) as error:
            if isinstance(error, OSError) and (is_disk_full(error) or not isinstance(error, ValueError)):
                raise
            # Bytes that the container refuses must not stop the other cameras, nor this one's next frames.
            log.warning("%s: frame %d cannot be written: %s", name, index, error)
            cause = "not_writable"
            self._writer.write_frame(name, index, time_ns, "dropped", cause)
        if cause:
            camera.dropped.add(cause)
        else:
            camera.recorded += 1
            camera.rate.tick(time_ns)
        camera.next_index, camera.last_time_ns = index + 1, time_ns

    def _note_missing(
        self, name: str, camera: _Camera, index: int, next_ns: int, *, at_end: bool = False
    ) -> None:
        """Frames that were captured but whose record never came: there was no room for them on the way."""
        missing = index - camera.next_index
        if missing <= 0:
            return
        last_ns = camera.last_time_ns or next_ns - (missing + 1) * camera.period_ns
        step_ns = camera.period_ns if at_end else max((next_ns - last_ns) // (missing + 1), 1)
        for place in range(missing):
            time_ns = max(last_ns + step_ns * (place + 1), camera.last_time_ns + 1)
            self._line(name, camera, camera.next_index, time_ns, self._gap_cause, [])


class NearlyFullError(DiskFullError):
    """There is just room to close the take in order, and for the system to live."""


def _packets(message: Message, record: FrameRecord | LeadIn) -> list[EncodedPacket]:
    return [
        EncodedPacket(bytes(data), info.pts_ns, info.dts_ns, info.keyframe)
        for info, data in zip(record.packets, message.frames, strict=False)
    ]


def _continues(before: VideoFormat, now: VideoFormat) -> bool:
    """Whether packets of one stream can follow those of another in one video."""
    if (before.codec, before.size) != (now.codec, now.size):
        return False
    # Kept from the first packet of a stream that does not state its configuration.
    return not now.extradata or before.extradata == now.extradata


def with_own(header: TakeHeader, details: dict[str, Any]) -> tuple[Path, TakeHeader]:
    """Folder and header of a take: what all takes of a session share, and what this one has of its own."""
    own = dict(details)
    folder = Path(own.pop("folder"))
    size = own.pop("assumed_size", None)
    if size is not None and header.calibration is None:
        header = replace(header, calibration=assumed_calibration(header.cameras[0], (size[0], size[1])))
    return folder, replace(header, **own)
