"""A camera of this machine for a host elsewhere: what ``launch.py grabber`` runs."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pipeline.drivers.base import CameraInfo
from pipeline.frames.frame import VideoFormat
from pipeline.remote.capture import RemoteCapture, make_driver
from pipeline.remote.machine_clock import MachineClock
from pipeline.remote.outbox import Item, Outbox, OutboxTotals, Picture
from pipeline.remote.sockets import Listener
from pipeline.rigs.rig_config import CameraConfig
from pipeline.wire.messages import (
    ClockPing,
    ClockPong,
    FrameRecord,
    FramesLost,
    RemoteAsk,
    RemoteOffer,
    StreamOpened,
)

log = logging.getLogger(__name__)

_WAIT_MS: Final = 50
_SILENT_NS: Final = 1_000_000_000
"""A host asks several times a second; after this long the line counts as cut."""

_OFFER_NS: Final = 80_000_000
_AWAY_NS: Final = 3_000_000_000
"""After this long another host may have the camera."""

_FORGET_NS: Final = 600_000_000_000


@dataclass(frozen=True)
class Room:
    """How much may wait for the host.

    Attributes:
        most_bytes: Of pictures.
        seconds: Between the oldest and the newest picture.
    """

    most_bytes: int = 256 << 20
    seconds: float = 10.0


@dataclass
class _Host:
    """Who has the camera, and what is on the way to it."""

    session: int
    caller: bytes
    heard_ns: int
    outbox: Outbox
    capture: RemoteCapture
    reachable: bool = True
    offered_ns: int = 0
    offered_state: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class CameraServer:
    """Serves one camera to one host at a time; captures only while a host wants it.

    Every frame is kept until the host says that it has it, so a line that is cut for less than ``room`` loses
    none; what finds no room stays in the books by index, time and cause. Not a thread: call ``run``.

    Args:
        camera: The camera, as a rig file of this machine names it.
        listener: Where hosts call; closed by who made it.
        room: For pictures that wait.
        clock: The one whose times are told.
    """

    def __init__(
        self,
        camera: CameraConfig,
        listener: Listener,
        room: Room | None = None,
        clock: MachineClock | None = None,
    ) -> None:
        self.camera = camera
        self.run_id = secrets.randbits(52) + 1
        self._listener = listener
        self._room = room or Room()
        self._clock = clock or MachineClock()
        self._host: _Host | None = None
        self._past = OutboxTotals(0, 0, 0, {})
        self.hosts = 0
        """Sessions so far."""

    def check(self) -> CameraInfo:
        """Open the camera once and close it, so that what is wrong with it is said at the start.

        Raises:
            CameraError: It cannot be opened.
            BadInputError: Its settings do not fit.
        """
        with make_driver(self.camera) as driver:
            return driver.open()

    def run(self, go_on: Callable[[], bool]) -> None:
        """Serve until ``go_on`` says no; it is asked some twenty times a second."""
        try:
            while go_on():
                self.step(_WAIT_MS)
        finally:
            self._end_session("sender_ended")

    def step(self, timeout_ms: int) -> None:
        """Wait for something to do, and do it."""
        self._listener.wait(timeout_ms)
        while (heard := self._listener.receive()) is not None:
            caller, message = heard
            if isinstance(message.payload, ClockPing):
                received_ns = self._clock.now()
                pong = ClockPong(message.payload.number, self.run_id, received_ns, self._clock.now())
                self._listener.send(caller, "clock_pong", pong)
            elif isinstance(message.payload, RemoteAsk):
                self._hear(caller, message.payload)
        self._send_items()
        host = self._host
        if host is not None and time.monotonic_ns() - host.heard_ns > _FORGET_NS:
            log.warning("camera %s: its host was not heard of for ten minutes", self.camera.name)
            self._end_session("host_gone")

    def totals(self) -> OutboxTotals:
        """The sender's ledger over all hosts so far; ``captured = delivered + waiting + dropped``."""
        if self._host is None:
            return self._past
        with self._host.lock:
            return self._past + self._host.outbox.totals()

    def telemetry(self) -> dict[str, Any]:
        """What happens here, for people."""
        totals, host = self.totals(), self._host
        return {
            "camera": self.camera.name,
            "state": host.capture.state if host is not None else "free",
            "message": host.capture.message if host is not None else "",
            "connected": host is not None and time.monotonic_ns() - host.heard_ns < _SILENT_NS,
            "captured": totals.captured,
            "delivered": totals.delivered,
            "waiting": totals.waiting,
            "dropped": totals.dropped,
            "hosts": self.hosts,
            "refused": self._listener.refused,
            "malformed": self._listener.malformed.summary(),
        }

    def _hear(self, caller: bytes, ask: RemoteAsk) -> None:
        now = time.monotonic_ns()
        host = self._host
        if host is not None and ask.session != host.session:
            if not ask.leaving and now - host.heard_ns < _AWAY_NS and self._offer(host.caller, host):
                self._listener.send(caller, "remote_offer", self._refusal())
                return
            if ask.leaving:
                return
            self._end_session("host_gone")
            host = None
        if host is None:
            if ask.leaving:
                return
            host = self._begin(ask.session, caller)
        host.heard_ns = now
        with host.lock:
            if ask.run == self.run_id:
                host.outbox.acknowledge(ask.have)
            if caller != host.caller or not host.reachable:
                host.outbox.rewind()
        if ask.leaving:
            self._offer(caller, host, "free")  # so that it knows that its last word was heard
            self._end_session("not_fetched")
            return
        host.caller, host.reachable = caller, True
        if ask.run == self.run_id and ask.start_ns:
            host.capture.start(ask.start_ns)
        # Every picture is acknowledged by an ask; not each of them needs an answer.
        if now - host.offered_ns > _OFFER_NS or host.offered_state != host.capture.state:
            host.offered_ns, host.offered_state = now, host.capture.state
            self._offer(caller, host)

    def _begin(self, session: int, caller: bytes) -> _Host:
        self.hosts += 1
        outbox = Outbox(self._room.most_bytes, round(self._room.seconds * 1e9))
        lock = threading.Lock()
        capture = RemoteCapture(
            self.camera, outbox, lock, self._clock, self._network_state, self._listener.wake
        )
        self._host = _Host(session, caller, time.monotonic_ns(), outbox, capture, lock=lock)
        return self._host

    def _end_session(self, cause: str) -> None:
        host, self._host = self._host, None
        if host is None:
            return
        try:
            host.capture.close()
        finally:  # also when Ctrl-C hits just this moment
            with host.lock:
                host.outbox.give_up(cause)
                self._past += host.outbox.totals()

    def _network_state(self) -> str:
        """Why pictures wait so long that there is no room for more."""
        host = self._host
        cut = host is None or time.monotonic_ns() - host.heard_ns > _SILENT_NS
        return "network_cut" if cut else "network_behind"

    def _offer(self, caller: bytes, host: _Host, state: Literal["free"] | None = None) -> bool:
        """Say what there is; False where the caller is gone."""
        capture = host.capture
        with host.lock:
            totals = host.outbox.totals()
        info = capture.info
        offer = RemoteOffer(
            self.camera.name,
            self.run_id,
            state or capture.state,
            capture.message,
            info.device if info is not None else "",
            totals.captured,
            totals.delivered,
            totals.waiting,
            totals.dropped,
        )
        if info is not None:
            stream = info.stream if info.stream and info.stream.codec == "mjpeg" else None
            stream = stream or VideoFormat("mjpeg", info.size, info.fps)
            opened = StreamOpened(
                self.camera.name, "mjpeg", *stream.size, stream.fps, stream.extradata, stream.pixel_format
            )
            self._listener.send(caller, "stream_opened", opened)
        return self._listener.send(caller, "remote_offer", offer)

    def _refusal(self) -> RemoteOffer:
        return RemoteOffer(
            self.camera.name, self.run_id, "in_use", "another host has this camera", "", 0, 0, 0, {}
        )

    def _send_items(self) -> None:
        host = self._host
        while host is not None and host.reachable:
            with host.lock:
                item = host.outbox.take()
            if item is None:
                return
            if not self._send(host.caller, item):
                # The connection is gone; the host makes a new one, and gets it all again.
                host.reachable = False

    def _send(self, caller: bytes, item: Item) -> bool:
        if isinstance(item, Picture):
            record = FrameRecord(self.camera.name, item.index, "", [item.packet])
            return self._listener.send(caller, "frame_record", record, [item.data], t_capture_ns=item.t_ns)
        lost = FramesLost(
            self.camera.name, item.index, item.count, item.t_first_ns, item.t_last_ns, item.cause
        )
        return self._listener.send(caller, "frames_lost", lost)
