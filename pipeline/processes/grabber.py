"""One camera's process: reads frames, shows them to inference, hands them to the recorder."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, Final

import simplejpeg

from pipeline.drivers.base import CameraDriver, CameraInfo, CameraNote, CameraSettings, EndOfStream
from pipeline.drivers.registry import DRIVERS
from pipeline.drivers.returning import ReturningDriver
from pipeline.frames.frame import EncodedPacket, Frame, VideoFormat
from pipeline.frames.ring import FrameRingWriter
from pipeline.processes.node import Node, NodeContext
from pipeline.recording.feed import RecordFeed
from pipeline.recording.lead_in import Captured
from pipeline.recording.outbox import MOST_FRAMES, RecordOutbox
from pipeline.rigs.rig_config import CameraConfig
from pipeline.wire.bus import Bus, Sender
from pipeline.wire.messages import Command, FrameReady
from pipeline.wire.telemetry import Distribution, Drops, Rate

log = logging.getLogger(__name__)

JPEG_QUALITY: Final = 90
_READ_TIMEOUT_S: Final = 0.1
_RECORD_QUEUE: Final = MOST_FRAMES
"""Frames that may wait for the recorder."""
_SOCKET_QUEUE: Final = 64
"""Of these so many are in the hands of the socket; the others can still be let go."""
_FLUSH_S: Final = 3.0
"""At the end, what waits for the recorder gets this long to be taken."""
_AHEAD_NS: Final = 50_000_000
"""No picture is captured later than it arrives; more than this is a clock that jumped."""
_NEVER_NS: Final = 1 << 62

_FRAME_QUEUE: Final = 256
_CLOCK_NS: Final = 60_000_000_000
"""While recording, the state of a camera's own clock goes into the take this often."""


class Grabber(Node):
    """Owns one camera. Never waits for anybody: what a reader has no room for is dropped and counted."""

    def __init__(self, context: NodeContext, camera: dict[str, Any], slots: int = 6) -> None:
        super().__init__(context)
        self.camera = CameraConfig.model_validate(camera)
        self._slots = slots
        self._driver: CameraDriver | None = None
        self._ring: FrameRingWriter | None = None
        self._info: CameraInfo | None = None
        self._frames: Sender | None = None
        self._records: RecordOutbox | None = None
        self._feed: RecordFeed | None = None
        self._next_index = 0
        self._last_time_ns = 0
        self._origin_ns = 0
        self._half_period_ns = 0
        self._last_interval = -1
        self._clock_due_ns = 0
        self._clock_jumped = False
        self._rate = Rate()
        self._inference_drops = Drops()
        self._encode_ms = Distribution()
        self._jitter_ms = Distribution()

    def open(self, bus: Bus) -> dict[str, Any]:
        """Open the camera and its ring."""
        driver_class = DRIVERS.load(self.camera.driver_type)
        own = {key: value for key, value in self.camera.driver.items() if key != "type"}
        settings = CameraSettings(self.camera.name, self.camera.size, self.camera.fps, time.monotonic_ns())
        driver: CameraDriver = driver_class(driver_class.Config(**own), settings)
        if driver.may_return:
            driver = ReturningDriver(driver)
        self._driver = driver
        info = driver.open()
        self._info = info
        self._half_period_ns = round(0.5e9 / info.fps)
        self._ring = FrameRingWriter(self.camera.name, info.size, self._slots)
        driver.draw_into(self._ring.canvas)
        self._frames = bus.sender(self.context.endpoints.frames, _FRAME_QUEUE)
        records = bus.sender(self.context.endpoints.records, min(_SOCKET_QUEUE, _RECORD_QUEUE))
        self._records = RecordOutbox(records, _RECORD_QUEUE)
        stream = info.stream or VideoFormat("mjpeg", info.size, info.fps)
        self._feed = RecordFeed(self.camera.name, stream, self._records, self._tell_now)
        return {
            "camera": self.camera.name,
            "size": list(info.size),
            "fps": info.fps,
            "device": info.device,
            "ring": self._ring.name,
            "stored_as": info.stream.codec if info.stream else "mjpeg",
        }

    def on_command(self, command: Command) -> None:
        """Start the clock, and start or stop recording."""
        if command.kind == "go" and not self.running and self._driver is not None:
            self._driver.start(int(command.details["origin_ns"]))
            self._origin_ns = int(command.details["origin_ns"])
        elif command.kind == "release" and self._ring is not None:
            self._ring.release_all()
        elif command.kind == "record" and not self._recording:
            self._start_recording(command.details.get("origin_ns"))
        elif command.kind == "stop_recording":
            self._stop_recording()
        elif command.kind == "written" and self._records is not None and self._feed is not None:
            epoch, index = command.details.get(self.camera.name, (0, 0))
            if epoch == self._feed.epoch:
                self._records.written(index)
        elif command.kind == "send_again" and self._records is not None:
            self._records.send_again()

    def idle(self) -> None:
        """The recorder may still be behind when there are no more frames."""
        if self._records is not None:
            self._records.pump()

    def step(self) -> bool:
        """Read one frame and pass it on."""
        assert self._driver is not None
        self.idle()
        try:
            frame = self._driver.read(_READ_TIMEOUT_S)
        except EndOfStream:
            self._finish()
            self.report("event", f"camera {self.camera.name}: end of the source", what="end_of_stream")
            return False
        if frame is not None:
            self._pass_on(frame)
        self._tell_notes()
        return True

    def close(self) -> None:
        """Hand over what is left, then free camera and ring."""
        if self._driver is not None:
            if self.running:
                self._finish()
            self._driver.close()
            self._driver = None
            deadline = time.monotonic() + _FLUSH_S
            while self._records is not None and self._records.unsent and time.monotonic() < deadline:
                self._records.pump()
                time.sleep(0.01)
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def identity(self) -> dict[str, Any]:
        """The camera."""
        return {"camera": self.camera.name}

    def telemetry(self) -> dict[str, Any]:
        """Rates, drops by cause, encode times."""
        return {
            "camera": self.camera.name,
            "captured": self._next_index,
            "fps": round(self._rate.recent_hz, 2),
            "fps_overall": round(self._rate.overall_hz, 3),
            "fps_asked": self._info.fps if self._info else None,
            "inference_drops": self._inference_drops.summary(),
            "recording_drops": self._feed.drops.summary() if self._feed is not None else {},
            "delivery_ms": self._jitter_ms.summary(),
            "encode_ms": self._encode_ms.summary(),
            "source": self._driver.telemetry() if self._driver is not None else {},
        }

    def _pass_on(self, frame: Frame) -> None:
        frame = self._in_order(frame)
        missing = frame.index - self._next_index
        if missing > 0:
            self._note_lost(missing, frame.t_capture_ns)
        self._next_index = frame.index + 1
        if frame.cause:
            self._note_gone(frame)
            return
        self._rate.tick(frame.t_capture_ns)
        self._jitter_ms.add((time.monotonic_ns() - frame.t_capture_ns) / 1e6)
        self._show(frame)
        self._record(frame)
        self._last_time_ns = frame.t_capture_ns

    def _in_order(self, frame: Frame) -> Frame:
        """The frame, with a time of this machine where the source's clock jumped back or into the future."""
        now_ns = time.monotonic_ns()
        latest_ns = _NEVER_NS if self.camera.driver.get("pace") == "free" else now_ns + _AHEAD_NS
        if self._last_time_ns < frame.t_capture_ns <= latest_ns:
            self._clock_jumped = False
            return frame
        time_ns = max(now_ns, self._last_time_ns + 1)
        if not self._clock_jumped:
            self._clock_jumped = True
            jump_s = round((frame.t_capture_ns - time_ns) / 1e9, 3)
            message = (
                f"camera {self.camera.name}: its clock jumped, a frame is {jump_s:+.3f} s off; until that is "
                "over frames get the time at which they arrive"
            )
            log.warning("%s", message)
            self._tell(CameraNote("clock_step", message, {"jump_s": jump_s}), now_ns)
        return replace(frame, t_capture_ns=time_ns)

    @property
    def _recording(self) -> bool:
        return self._feed is not None and self._feed.recording

    def _tell(self, note: CameraNote, t_ns: int) -> None:
        self.report("event", note.message, what=note.kind, camera=self.camera.name, **note.details)
        if self._feed is not None:
            self._feed.event(note, t_ns)

    def _tell_now(self, note: CameraNote) -> None:
        log.warning("%s", note.message)
        self._tell(note, time.monotonic_ns())

    def _show(self, frame: Frame) -> None:
        """Offer the picture to inference."""
        assert self._ring is not None and self._frames is not None
        if frame.image is None:
            self._inference_drops.add("not_decoded_in_time")
            return
        if not self._wanted(frame.t_capture_ns):
            self._inference_drops.add("not_needed")
            self._ring.show(frame.image, frame.t_capture_ns)
            return
        written = self._ring.write(frame.image, frame.t_capture_ns)
        if written is None:
            self._inference_drops.add("inference_busy")
            self._ring.show(frame.image, frame.t_capture_ns)
            return
        slot, generation = written
        ready = FrameReady(self.camera.name, frame.index, self._ring.name, slot, generation)
        if not self._frames.send("frame", ready, t_capture_ns=frame.t_capture_ns):
            self._ring.release(slot, generation)
            self._inference_drops.add("inference_away")

    def _wanted(self, t_capture_ns: int) -> bool:
        """Whether inference can use this frame at the pace it keeps.

        Time since the session's origin is cut into intervals of the wanted length and the first frame of each
        is shown, so all cameras pick the same instants without talking to each other.
        """
        assert self._ring is not None
        interval_ns = self._ring.wanted_interval_ns
        if interval_ns <= 0:
            return True
        # Half a period earlier, so that frames filmed together fall into the same interval despite jitter.
        interval = (t_capture_ns - self._origin_ns + self._half_period_ns) // interval_ns
        wanted = interval != self._last_interval
        self._last_interval = interval
        return wanted

    def _record(self, frame: Frame) -> None:
        assert self._info is not None and self._feed is not None
        packets = frame.packets
        if self._info.stream is None and frame.image is not None and self._feed.recording:
            started = time.perf_counter()
            data = simplejpeg.encode_jpeg(
                frame.image, quality=JPEG_QUALITY, colorspace="BGR", colorsubsampling="420"
            )
            self._encode_ms.add((time.perf_counter() - started) * 1e3)
            packets = (EncodedPacket(data, frame.t_capture_ns, frame.t_capture_ns, keyframe=True),)
        self._feed.take(Captured(frame.index, frame.t_capture_ns, packets))

    def _note_gone(self, frame: Frame) -> None:
        """The source knows which frame it lost, and why."""
        self._last_time_ns = frame.t_capture_ns
        self._inference_drops.add(frame.cause)
        assert self._feed is not None
        self._feed.take(Captured(frame.index, frame.t_capture_ns, cause=frame.cause))

    def _tell_notes(self, *, clock: bool = False) -> None:
        """What happened to the source, into the take and to people; ``clock`` adds the state of its clock."""
        assert self._driver is not None and self._feed is not None
        now = time.monotonic_ns()
        for note in self._driver.notes():
            self._tell(note, now)
        clock_note = self._driver.clock() if clock or now >= self._clock_due_ns else None
        if clock_note is not None:
            self._clock_due_ns = now + _CLOCK_NS
            self._feed.event(clock_note, now)

    def _note_lost(self, missing: int, next_time_ns: int) -> None:
        """The camera itself lost frames: they were captured, so the ledger names them."""
        self._inference_drops.add("lost_by_camera", missing)
        assert self._feed is not None
        step_ns = (next_time_ns - self._last_time_ns) // (missing + 1) if self._last_time_ns else 0
        for place in range(1, missing + 1):
            time_ns = next_time_ns - (missing + 1 - place) * step_ns
            self._feed.take(Captured(self._next_index + place - 1, time_ns, cause="lost_by_camera"))

    def _start_recording(self, origin_ns: int | None) -> None:
        assert self._feed is not None
        if self.camera.driver.get("pace") == "free":
            origin_ns = None  # its times are not those of this machine's clock
        self._feed.start(origin_ns)
        self._tell_notes(clock=True)

    def _stop_recording(self) -> None:
        if not self._recording:
            return
        assert self._driver is not None and self._feed is not None
        for frame in self._driver.missing(time.monotonic_ns()):
            self._pass_on(frame)
        self._tell_notes(clock=True)
        self._feed.stop()

    def _finish(self) -> None:
        """Name the frames whose packets were already handed out, then end the recording."""
        assert self._driver is not None
        for frame in self._driver.finish():
            self._pass_on(frame)
        self._stop_recording()
