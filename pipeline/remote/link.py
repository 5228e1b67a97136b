"""The host's line to one remote camera: a thread that asks, listens, keeps time, and calls again when cut."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.drivers.base import CameraNote
from pipeline.processes.endpoints import TcpAddress
from pipeline.remote.clock import ClockEstimate, Exchange, RemoteClock
from pipeline.remote.outbox import Gap, Item, Picture
from pipeline.remote.sockets import Caller, HostKeys
from pipeline.wire.bus import Message
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

SILENT_S: Final = 1.5
"""Without any answer for this long the line counts as cut: six questions stayed without one."""

_PATIENCE_S: Final = (1.5, 2.0, 3.0, 4.0)
"""How long a new connection may take; slow lines need more, and a cut one is tried again sooner at first."""

_ASK_S: Final = 0.25
_ASK_EARLY_S: Final = 0.1
_PING_S: Final = 0.25
_PING_EARLY_S: Final = 0.03
_EARLY_PINGS: Final = 40
_WAIT_MS: Final = 10
_LEAVE_S: Final = 1.0
_MOST_WAITING: Final = 1000
"""Far more than a sender has on its way; what comes beyond that is not taken, and comes again."""


@dataclass(frozen=True)
class Received:
    """A picture or a gap of the remote camera, with its capture time on this machine's clock.

    Attributes:
        item: As the sender numbers it.
        run: Of the sender.
        t_ns: Capture time of the (first) frame.
        t_last_ns: The same for the last frame of a gap.
    """

    item: Item
    run: int
    t_ns: int
    t_last_ns: int


@dataclass(frozen=True)
class Restarted:
    """What follows is of another run of the remote grabber; frames in between are known by time only."""


class RemoteLink:
    """Starts at once, in its own thread.

    Args:
        camera: Name on this side, for messages.
        address: Of the remote grabber.
        keys: None on loopback without keys.
    """

    def __init__(self, camera: str, address: TcpAddress, keys: HostKeys | None) -> None:
        self._camera = camera
        self._address = address
        self._keys = keys
        self._changed = threading.Condition()
        self._items: deque[Received | Restarted] = deque()
        self._notes: deque[CameraNote] = deque(maxlen=100)
        self._clock = RemoteClock()
        self._estimate: ClockEstimate | None = None
        self._offer: RemoteOffer | None = None
        self._opened: StreamOpened | None = None
        self._session = secrets.randbits(52) + 1
        self._run_id = 0
        self._last_index = -1
        self._have = -1
        self._told_have = -1
        self._origin_ns = 0
        self._heard_s = 0.0
        self._cut_since_s: float | None = None
        self._attempts = 0
        self._reason = ""
        self._again = False
        """Something came out of order: what is unacknowledged shall come again, by a new connection."""
        self._pings: dict[int, int] = {}
        self._ping = 0
        self._connections = 0
        self._malformed: dict[str, int] = {}
        self.failure = ""
        """Why the thread ended although nobody had told it to: a bug."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"link to {camera}", daemon=True)
        self._thread.start()

    @property
    def offer(self) -> RemoteOffer | None:
        """What the remote grabber said last."""
        return self._offer

    @property
    def opened(self) -> StreamOpened | None:
        """Format of its pictures, as soon as its camera is open."""
        return self._opened

    @property
    def clock(self) -> ClockEstimate | None:
        """How its clock runs; None until that is known well enough."""
        return self._estimate

    @property
    def reason(self) -> str:
        """Why there is no connection, as far as anybody said; may be empty."""
        return self._reason

    @property
    def away_s(self) -> float:
        """For how long it has been silent; 0 while it answers."""
        silent_s = time.monotonic() - self._heard_s
        return silent_s if silent_s > SILENT_S else 0.0

    @property
    def waiting(self) -> int:
        """Items that came and were not read."""
        return len(self._items)

    @property
    def ended(self) -> bool:
        """Whether the source has ended and everything of it was read."""
        offer = self._offer
        return (
            offer is not None
            and offer.run == self._run_id
            and offer.state == "ended"
            and not self._items
            and self._have == offer.captured - 1
        )

    def start(self, origin_ns: int) -> None:
        """Have the camera capture from this time of this machine on; what came before is forgotten."""
        with self._changed:
            self._items.clear()
            self._origin_ns = origin_ns

    def next_item(self, timeout_s: float) -> Received | Restarted | None:
        """The next one in order of capture; None when none came in time. Reading it acknowledges it."""
        with self._changed:
            self._changed.wait_for(lambda: self._items, max(0.0, timeout_s))
            if not self._items:
                return None
            item = self._items.popleft()
            if isinstance(item, Received) and item.run == self._run_id:
                self._have = item.item.last
            return item

    def wait_for_news(self, timeout_s: float) -> None:
        """Return when something was said, or after the time."""
        with self._changed:
            self._changed.wait(timeout_s)

    def take_notes(self) -> list[CameraNote]:
        """What happened since the last call."""
        notes = []
        while self._notes:
            notes.append(self._notes.popleft())
        return notes

    def telemetry(self) -> dict[str, Any]:
        """Numbers of the line, of the clock, and the sender's own ledger."""
        offer, estimate = self._offer, self._estimate
        sender: dict[str, Any] = {}
        if offer is not None:
            sender = {
                "captured": offer.captured,
                "delivered": offer.delivered,
                "waiting": offer.waiting,
                "dropped": offer.dropped,
            }
        return {
            "address": str(self._address),
            "connected": self.away_s == 0.0,
            "connections": self._connections,
            "clock": estimate.summary() if estimate is not None else {},
            "clock_steps": self._clock.steps,
            "sender": sender,
            "malformed": dict(self._malformed),
        }

    def close(self) -> None:
        """Say that the camera is free, hang up, end the thread."""
        self._stop.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        caller: Caller | None = None
        try:
            while not self._stop.is_set():
                if caller is None:
                    caller = Caller(self._address, self._keys)
                    begun_s = time.monotonic()
                    next_ask_s = next_ping_s = 0.0
                    self._pings.clear()
                    self._connections += 1
                now_s = time.monotonic()
                if now_s >= next_ping_s:
                    caller.ask_time(self._make_ping)
                    next_ping_s = now_s + (_PING_EARLY_S if self._ping < _EARLY_PINGS else _PING_S)
                if now_s >= next_ask_s or self._have != self._told_have:
                    self._ask(caller)
                    next_ask_s = now_s + (_ASK_EARLY_S if self._opened is None else _ASK_S)
                for message, arrival_ns in caller.receive(_WAIT_MS):
                    self._hear(message, arrival_ns)
                self._malformed = caller.malformed.summary()
                self._reason = caller.trouble() or self._reason
                if not self._alive(begun_s):
                    caller.close()
                    caller = None
        except Exception as error:
            log.exception("the line to camera %s failed", self._camera)
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            if caller is not None:
                self._take_leave(caller)
                caller.close()

    def _take_leave(self, caller: Caller) -> None:
        """Say what has arrived and that the camera is free, and wait until that was heard, if it can be."""
        self._ask(caller, leaving=True)
        until_s = time.monotonic() + _LEAVE_S
        while self.away_s == 0.0 and time.monotonic() < until_s:
            for message, _ in caller.receive(_WAIT_MS):
                if isinstance(message.payload, RemoteOffer) and message.payload.state == "free":
                    return

    def _alive(self, begun_s: float) -> bool:
        """Whether to keep this connection; notes when the remote grabber falls silent."""
        now_s = time.monotonic()
        if self._again:
            self._again = False
            return False
        if self._heard_s >= begun_s:
            self._attempts = 0
            if now_s - self._heard_s < SILENT_S:
                return True
            if self._cut_since_s is None:
                self._cut_since_s = self._heard_s
                self._note("disconnect", f"camera {self._camera}: {self._address} does not answer any more")
            return False
        if now_s - begun_s < _PATIENCE_S[min(self._attempts, len(_PATIENCE_S) - 1)]:
            return True
        self._attempts += 1
        return False

    def _note(self, kind: str, message: str, **details: Any) -> None:
        log.warning("%s", message)
        self._notes.append(CameraNote(kind, message, details))

    def _make_ping(self) -> ClockPing:
        self._ping += 1
        for old in [number for number in self._pings if number < self._ping - 100]:
            del self._pings[old]
        self._pings[self._ping] = time.monotonic_ns()
        return ClockPing(self._ping)

    def _ask(self, caller: Caller, *, leaving: bool = False) -> None:
        with self._changed:
            have, origin_ns, estimate = self._have, self._origin_ns, self._estimate
        start_ns = 0
        if origin_ns and estimate is not None:
            start_ns = max(1, estimate.to_remote(origin_ns))
        caller.ask("remote_ask", RemoteAsk(self._session, self._run_id, start_ns, have, leaving))
        self._told_have = have

    def _hear(self, message: Message, arrival_ns: int) -> None:
        now_s = time.monotonic()
        if self._cut_since_s is not None:
            away_s = now_s - self._cut_since_s
            self._cut_since_s = None
            text = f"camera {self._camera}: {self._address} is back after {away_s:.1f} s"
            self._note("reconnect", text, away_s=round(away_s, 3))
        self._heard_s = now_s
        self._reason = ""
        payload = message.payload
        with self._changed:
            if isinstance(payload, ClockPong):
                self._take_pong(payload, arrival_ns)
            elif isinstance(payload, RemoteOffer):
                self._take_offer(payload)
            elif isinstance(payload, StreamOpened):
                self._opened = payload
            elif isinstance(payload, (FrameRecord, FramesLost)) and self._estimate is not None:
                self._take_item(message, self._estimate)
            self._changed.notify_all()

    def _take_pong(self, pong: ClockPong, arrival_ns: int) -> None:
        asked_ns = self._pings.pop(pong.number, None)
        if asked_ns is None:
            return
        self._take_run(pong.run)
        exchange = Exchange(asked_ns, pong.t_received_ns, pong.t_sent_ns, arrival_ns)
        jump_ns = self._clock.add(exchange)
        if jump_ns:
            text = f"camera {self._camera}: the clock of {self._address} jumped by {jump_ns / 1e6:.3f} ms"
            self._note("clock_step", text, jump_ms=round(jump_ns / 1e6, 3))
        if self._clock.settled or jump_ns:
            self._estimate = self._clock.estimate

    def _take_offer(self, offer: RemoteOffer) -> None:
        if offer.state != "in_use":
            self._take_run(offer.run)
        self._offer = offer

    def _take_run(self, run: int) -> None:
        """Another run has its own clock, numbers and start."""
        if run == self._run_id:
            return
        if self._run_id:
            text = f"camera {self._camera}: the grabber at {self._address} was started again"
            self._note("remote_restart", text)
            self._items.append(Restarted())
        self._run_id = run
        self._last_index = self._have = self._told_have = -1
        self._clock.reset()
        self._estimate = None
        self._ping = 0

    def _take_item(self, message: Message, estimate: ClockEstimate) -> None:
        payload = message.payload
        if len(self._items) >= _MOST_WAITING:
            self._again = True
            return
        item: Item
        if isinstance(payload, FrameRecord):
            if len(message.frames) != 1 or payload.index <= self._last_index:
                return
            item = Picture(payload.index, message.t_capture_ns, bytes(message.frames[0]))
            first_ns = last_ns = estimate.to_host(item.t_ns)
        else:
            gap = Gap(payload.first, payload.count, payload.t_first_ns, payload.t_last_ns, payload.cause)
            known = self._last_index - gap.index + 1
            if known >= gap.count:
                return
            if known > 0:  # its first part came before
                step = (gap.t_last_ns - gap.t_first_ns) // max(1, gap.count - 1)
                gap = replace(
                    gap,
                    index=gap.index + known,
                    count=gap.count - known,
                    t_first_ns=gap.t_first_ns + known * step,
                )
            item = gap
            first_ns, last_ns = estimate.to_host(gap.t_first_ns), estimate.to_host(gap.t_last_ns)
        if item.index > self._last_index + 1:
            self._again = True  # one before it got lost
            return
        self._last_index = item.last
        self._items.append(Received(item, self._run_id, first_ns, last_ns))
