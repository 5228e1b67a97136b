"""The two ends of the line between a host and a remote camera: TCP, encrypted with CURVE unless on loopback.

The remote grabber listens, hosts call. Messages are those of ``pipeline.wire.messages`` in both directions.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import zmq
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from configs.errors import BadInputError, PosestageError, bad_input
from pipeline.processes.endpoints import TcpAddress
from pipeline.remote.keys import KeyPair, KeyRing, key_text
from pipeline.wire.bus import Message, WireError, decode, encode
from pipeline.wire.messages import LARGEST_FRAME
from pipeline.wire.telemetry import Drops

log = logging.getLogger(__name__)

_QUEUE: Final = 2000
"""Messages per peer; how many bytes wait is bounded by who sends pictures."""

_HEARTBEAT_MS: Final = 1000
_DEAD_AFTER_MS: Final = 4000
"""A connection without any sign of life for this long is closed, and what was queued for it is freed."""

_HANDSHAKE_MS: Final = 4000
_ZAP: Final = "inproc://zeromq.zap.01"
_DOMAIN: Final = b"posestage"


@dataclass(frozen=True)
class HostKeys:
    """What a caller needs to know: its own key, and the one the other side must prove to have."""

    own: KeyPair
    remote: bytes


class Listener:
    """The remote grabber's end. For one thread; ``wake`` may be called from any.

    Args:
        address: Where to listen.
        ring: Own key and trusted hosts; None for an open door, which is allowed on loopback only.

    Raises:
        BadInputError: Another interface than loopback without keys, no own key, or the address is in use.
    """

    def __init__(self, address: TcpAddress, ring: KeyRing | None) -> None:
        if ring is None and not address.only_this_machine:
            raise bad_input(
                "would be open to everybody in the network",
                value=str(address),
                hint="make a key with launch.py keys new and trust the host's with launch.py keys trust",
            )
        own = ring.own() if ring is not None else None
        self._ring = ring
        self._context = zmq.Context()
        self._zap: zmq.Socket[bytes] | None = None
        self.malformed = Drops()
        """Messages that were thrown away, by what was wrong with them."""
        self._told: set[bytes] = set()
        self.refused = 0
        """Connections of machines that are not trusted."""
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        try:
            self._socket = self._context.socket(zmq.ROUTER)
            _keep_alive(self._socket)
            self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
            self._socket.setsockopt(zmq.IPV6, int("[" in address.host))
            if own is not None:
                # Without somebody at this address ZeroMQ would let any key in.
                self._zap = self._context.socket(zmq.REP)
                self._zap.bind(_ZAP)
                self._socket.zap_domain = _DOMAIN
                self._socket.curve_server = True
                self._socket.curve_secretkey = own.secret
            self._bind(address)
        except BaseException:
            self.close()
            raise

    def _bind(self, address: TcpAddress) -> None:
        try:
            self._socket.bind(str(address).replace("localhost", "127.0.0.1"))
        except zmq.ZMQError as error:
            reasons = {
                zmq.EADDRINUSE: "another program listens there; choose another port",
                errno.ENODEV: "this machine has no such address; tcp://0.0.0.0:PORT listens on all it has",
                zmq.EADDRNOTAVAIL: "this machine has no such address; tcp://0.0.0.0:PORT listens on all",
            }
            reason = reasons.get(error.errno or 0, zmq.strerror(error.errno or 0).lower())
            raise bad_input(f"cannot listen there: {reason}", value=str(address)) from error

    @property
    def endpoint(self) -> str:
        """The address, with the port the system chose."""
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def wait(self, timeout_ms: int) -> None:
        """Return when a message came, somebody called ``wake``, or the time is over."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._woken, zmq.POLLIN)
        if self._zap is not None:
            poller.register(self._zap, zmq.POLLIN)
        ready: dict[Any, int] = dict(poller.poll(timeout_ms))
        if self._zap is not None and self._zap in ready:
            self._admit(self._zap)
        if self._woken.fileno() in ready:
            self._drain_wakes()

    def wake(self) -> None:
        """End ``wait`` now."""
        with contextlib.suppress(OSError):  # it is being woken already, or closed
            self._waker.send(b"!")

    def receive(self) -> tuple[bytes, Message] | None:
        """The next message that waits and who sent it; bad ones are counted and thrown away."""
        while True:
            try:
                caller, *parts = [
                    part.buffer for part in self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
                ]
            except zmq.Again:
                return None
            try:
                return bytes(caller), decode(parts)
            except WireError as error:
                self.malformed.add(error.kind)

    def send(
        self, caller: bytes, topic: str, payload: msgspec.Struct, data: Sequence[bytes] = (), **header: int
    ) -> bool:
        """Send to one caller; False where it is gone, or has thousands of messages waiting."""
        try:
            self._socket.send_multipart([caller, *encode(topic, payload, **header), *data], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno in {zmq.EAGAIN, zmq.EHOSTUNREACH}:
                return False
            raise
        return True

    def close(self) -> None:
        """Close all; what is queued may leave for a moment."""
        for one in (getattr(self, "_socket", None), self._zap):
            if one is not None:
                one.close(linger=200)
        self._zap = None
        self._context.term()
        self._woken.close()
        self._waker.close()

    def _drain_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass

    def _admit(self, zap: zmq.Socket[bytes]) -> None:
        """Answer ZeroMQ's question (RFC 27) whether a key may come in."""
        assert self._ring is not None
        version, request, _domain, address, _identity, mechanism, *credentials = zap.recv_multipart()
        name = None
        if mechanism == b"CURVE" and credentials:
            public: bytes = z85.encode(credentials[0])
            try:
                name = self._ring.name_of(public)
            except BadInputError as error:  # a damaged file in the folder must not end the camera
                log.error("nobody is let in: %s", error)  # noqa: TRY400 - a sentence for people
            if name is None:
                self.refused += 1
            if name is None and public not in self._told:
                self._told.add(public)
                log.warning(
                    "refused %s with the key %s, which is not trusted here; if it is yours: "
                    "launch.py keys trust NAME KEY",
                    address.decode("ascii", "replace"),
                    key_text(public),
                )
        code, text = (b"200", b"OK") if name is not None else (b"400", b"not trusted")
        zap.send_multipart([version, request, code, text, (name or "").encode(), b""])


class Caller:
    """A host's end: two connections, so that questions about the time do not wait behind pictures.

    For one thread, except that it may be made by another.

    Args:
        address: Of the remote grabber.
        keys: None for a grabber without keys, on loopback.
    """

    def __init__(self, address: TcpAddress, keys: HostKeys | None) -> None:
        self._context = zmq.Context()
        self._address = address
        self._keys = keys
        self.malformed = Drops()
        self._events: dict[zmq.Socket[bytes], zmq.Socket[bytes]] = {}
        self._pictures = self._connect()
        self._times = self._connect()
        self._poller = zmq.Poller()
        for one in (self._pictures, self._times):
            self._poller.register(one, zmq.POLLIN)

    def _connect(self) -> zmq.Socket[bytes]:
        line = self._context.socket(zmq.DEALER)
        _keep_alive(line)
        line.setsockopt(zmq.IPV6, int("[" in self._address.host))
        line.setsockopt(zmq.RECONNECT_IVL, 200)
        line.setsockopt(zmq.CONNECT_TIMEOUT, 1000)
        line.setsockopt(zmq.LINGER, 0)
        # A question that cannot leave now is useless later.
        line.setsockopt(zmq.IMMEDIATE, 1)
        if self._keys is not None:
            line.curve_serverkey = self._keys.remote
            line.curve_publickey = self._keys.own.public
            line.curve_secretkey = self._keys.own.secret
        self._events[line] = line.get_monitor_socket(
            zmq.EVENT_CONNECTED
            | zmq.EVENT_HANDSHAKE_SUCCEEDED
            | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        )
        line.connect(str(self._address))
        return line

    def ask(self, topic: str, payload: msgspec.Struct) -> None:
        """Send about the pictures; lost where there is no connection."""
        _send_if_possible(self._pictures, topic, payload)

    def ask_time(self, make: Callable[[], msgspec.Struct]) -> None:
        """Send a ping, made at the last moment."""
        _send_if_possible(self._times, "clock_ping", make())

    def receive(self, timeout_ms: int) -> list[tuple[Message, int]]:
        """Messages with their times of arrival on this machine's monotonic clock, after waiting for one."""
        found = []
        ready = dict(self._poller.poll(timeout_ms))
        for line in (self._times, self._pictures):  # times first: their arrival is what counts
            for _ in range(200 if line in ready else 0):
                try:
                    parts = line.recv_multipart(zmq.NOBLOCK, copy=False)
                except zmq.Again:
                    break
                arrival_ns = time.monotonic_ns()
                try:
                    found.append((decode([part.buffer for part in parts]), arrival_ns))
                except WireError as error:
                    self.malformed.add(error.kind)
        return found

    def trouble(self) -> str | None:
        """What ZeroMQ told about the connection since the last call: "" all is well, None nothing new."""
        said: str | None = None
        for monitor in self._events.values():
            while monitor.poll(0):
                event = recv_monitor_message(monitor)["event"]
                if event == zmq.EVENT_CONNECTED:
                    continue
                said = _TROUBLE.get(event, "")
        if said == _UNCLEAR and self._keys is None:
            return _NEEDS_KEYS
        return said

    def close(self, linger_ms: int = 0) -> None:
        """Hang up; what was asked last may leave for ``linger_ms``."""
        for line, monitor in self._events.items():
            line.disable_monitor()
            monitor.close(linger=0)
            line.close(linger=linger_ms)
        self._events.clear()
        self._context.term()


_NEEDS_KEYS: Final = (
    "the remote grabber asks for keys; name its machine with driver.machine, see launch.py keys --help"
)
_UNCLEAR: Final = (
    "the remote grabber has another key than the one trusted under this name, or none; compare with "
    "launch.py keys show on that machine"
)
_TROUBLE: Final[dict[int, str]] = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the remote grabber does not trust this machine's key; there, run: "
    "launch.py keys trust NAME KEY with the key that launch.py keys show prints here",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: _UNCLEAR,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: _UNCLEAR,
}


def _keep_alive(line: zmq.Socket[bytes]) -> None:
    line.set_hwm(_QUEUE)
    line.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME)
    line.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    line.setsockopt(zmq.HEARTBEAT_TIMEOUT, _DEAD_AFTER_MS)
    line.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)


def _send_if_possible(line: zmq.Socket[bytes], topic: str, payload: msgspec.Struct) -> None:
    try:
        line.send_multipart(encode(topic, payload), zmq.NOBLOCK)
    except zmq.Again:
        return
    except zmq.ZMQError as error:
        raise PosestageError(f"cannot send: {zmq.strerror(error.errno or 0)}") from error
