"""The only place with sockets: typed messages over ZeroMQ.

Three patterns, by what may happen when a reader is slow: ``Publisher`` (latest matters; slow readers lose),
``Sender`` (queue to one reader; a full queue is told to the caller, never silent), and their receiving ends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
import zmq

from configs.errors import BadInputError, PosestageError
from pipeline.wire.messages import FREE_FORM, LARGEST_FRAME, LIMITS, TOPICS, WIRE_VERSION, Envelope
from pipeline.wire.msgpack_nesting import NestingError, check_nesting
from pipeline.wire.telemetry import Drops

log = logging.getLogger(__name__)

_encoder = msgspec.msgpack.Encoder()
_envelope_decoder = msgspec.msgpack.Decoder(Envelope)
_payload_decoders = {topic: msgspec.msgpack.Decoder(kind) for topic, kind in TOPICS.items()}


class WireError(PosestageError):
    """A message that is not what its topic promises; it is dropped and counted by whoever received it.

    Args:
        message: What is wrong with it.
        kind: The word under which it is counted.
    """

    def __init__(self, message: str, kind: str = "malformed") -> None:
        super().__init__(message)
        self.kind = kind


class AddressInUseError(BadInputError):
    """Somebody else listens on an address that was asked for."""


@dataclass(frozen=True)
class Message:
    """A decoded message; ``frames`` are read-only views on the received bytes."""

    topic: str
    seq: int
    t_capture_ns: int
    t_sent_ns: int
    payload: Any
    frames: list[memoryview]


def encode(topic: str, payload: msgspec.Struct, *, seq: int = 0, t_capture_ns: int = 0) -> list[bytes]:
    """Topic and header of a message; raw frames are appended by the caller."""
    envelope = Envelope(
        WIRE_VERSION, seq, t_capture_ns, time.monotonic_ns(), msgspec.Raw(_encoder.encode(payload))
    )
    return [topic.encode(), _encoder.encode(envelope)]


def decode(parts: Sequence[memoryview | bytes]) -> Message:
    """Check and decode the parts of a multipart message.

    Sizes are looked at before anything is decoded, and decoding takes no more memory than a few times the
    header's own size.

    Raises:
        WireError: Unknown topic, oversized, wrong version, or a header that is not what the topic promises.
    """
    if len(parts) < 2:
        raise WireError(f"a message has {len(parts)} parts; expected at least 2", "truncated")
    topic = bytes(parts[0][:40]).decode("ascii", "replace")
    decoder = _payload_decoders.get(topic)
    if decoder is None or len(parts[0]) > len(topic):
        # Escaped: who sent it may have meant it for the terminal on which this is read.
        raise WireError(f"unknown topic {topic!r}", "unknown_topic")
    frames = [memoryview(part) for part in parts[2:]]
    _check_sizes(topic, len(parts[1]), frames)
    try:
        if topic in FREE_FORM:
            check_nesting(parts[1])
        envelope = _envelope_decoder.decode(parts[1])
        if envelope.v != WIRE_VERSION:
            raise WireError(
                f"{topic} message of version {envelope.v}; this program speaks version {WIRE_VERSION}",
                "other_version",
            )
        payload = decoder.decode(envelope.payload)
    except (msgspec.MsgspecError, NestingError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"malformed {topic} message: {error}") from error
    return Message(topic, envelope.seq, envelope.t_capture_ns, envelope.t_sent_ns, payload, frames)


def _check_sizes(topic: str, header: int, frames: Sequence[memoryview]) -> None:
    limits = LIMITS[topic]
    if header > limits.header:
        raise WireError(
            f"{topic} message with a header of {header} bytes; at most {limits.header}", "oversized"
        )
    if len(frames) > limits.frames:
        raise WireError(
            f"{topic} message with {len(frames)} raw frames; at most {limits.frames}", "oversized"
        )
    size = sum(frame.nbytes for frame in frames)
    if size > limits.data:
        raise WireError(
            f"{topic} message with {size} bytes of raw frames; at most {limits.data}", "oversized"
        )


class Bus:
    """All sockets of one process; closing it closes them. Use as a context manager."""

    def __init__(self) -> None:
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []

    def publisher(self, *endpoints: str, queue: int = 64) -> Publisher:
        """Bind a publisher; a subscriber that falls ``queue`` messages behind loses the rest."""
        socket = self._socket(zmq.PUB)
        socket.set_hwm(queue)
        publisher = Publisher(socket)
        for endpoint in endpoints:
            publisher.bind(endpoint)
        return publisher

    def subscriber(self, endpoint: str, *topics: str, queue: int = 64) -> Receiver:
        """Connect to a publisher."""
        socket = self._socket(zmq.SUB)
        socket.set_hwm(queue)
        for topic in topics:
            socket.subscribe(topic)
        socket.connect(endpoint)
        return Receiver(socket)

    def sender(self, endpoint: str, queue: int) -> Sender:
        """Connect the writing end of a queue of at most ``queue`` messages."""
        socket = self._socket(zmq.PUSH)
        socket.set_hwm(queue)
        socket.connect(endpoint)
        return Sender(socket)

    def receiver(self, endpoint: str, queue: int) -> Receiver:
        """Bind the reading end of a queue."""
        socket = self._socket(zmq.PULL)
        socket.set_hwm(queue)
        _bind(socket, endpoint)
        return Receiver(socket)

    def close(self, linger_ms: int = 1000) -> None:
        """Close all sockets; what is still queued may leave for ``linger_ms``."""
        for socket in self._sockets:
            socket.close(linger=linger_ms)
        self._sockets.clear()
        self._context.term()

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        # Who announces a larger part is disconnected before memory is taken for it.
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME)
        self._sockets.append(socket)
        return socket

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bind(socket: zmq.Socket[bytes], endpoint: str) -> None:
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        if error.errno == zmq.EADDRINUSE:
            raise AddressInUseError(
                f"{endpoint} is in use, perhaps by another session of Posestage; "
                "choose another address with --set stream.address=tcp://127.0.0.1:PORT"
            ) from error
        raise PosestageError(f"cannot listen on {endpoint}: {zmq.strerror(error.errno or 0)}") from error


class Publisher:
    """Sends to whoever listens; never blocks."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self._seq = 0

    def bind(self, endpoint: str) -> None:
        """Publish on one more address.

        Raises:
            AddressInUseError: Somebody else listens there.
        """
        _bind(self._socket, endpoint)

    @property
    def endpoint(self) -> str:
        """The last bound address, with the port the system chose."""
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def send(
        self, topic: str, payload: msgspec.Struct, frames: Sequence[Any] = (), *, t_capture_ns: int = 0
    ) -> None:
        """Publish; slow subscribers lose the message."""
        parts = encode(topic, payload, seq=self._seq, t_capture_ns=t_capture_ns)
        self._socket.send_multipart([*parts, *frames], copy=True)
        self._seq += 1


class Sender:
    """Writing end of a queue."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self._seq = 0

    def send(
        self, topic: str, payload: msgspec.Struct, frames: Sequence[Any] = (), *, t_capture_ns: int = 0
    ) -> bool:
        """Queue the message; False when the queue is full and it was not taken."""
        parts = encode(topic, payload, seq=self._seq, t_capture_ns=t_capture_ns)
        try:
            self._socket.send_multipart([*parts, *frames], flags=zmq.NOBLOCK, copy=True)
        except zmq.Again:
            return False
        self._seq += 1
        return True


def wait_for_any(receivers: Sequence[Receiver], timeout_ms: int) -> None:
    """Return as soon as one of them has a message, or after the time."""
    poller = zmq.Poller()
    for receiver in receivers:
        receiver.register_at(poller)
    poller.poll(timeout_ms)


class Receiver:
    """Reading end of a queue or of a subscription."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self.refused = Drops()
        """Messages dropped because they were not what their topic promises, by kind."""

    @property
    def malformed(self) -> int:
        """How many were dropped because they were not what their topic promises."""
        return sum(self.refused.summary().values())

    def refuse(self, error: WireError) -> None:
        """Count a message that turned out to be wrong, and name the first of each kind in the log."""
        if error.kind not in self.refused.summary():
            log.warning("refused a message, and will be silent about more of its kind: %s", error)
        self.refused.add(error.kind)

    def register_at(self, poller: zmq.Poller) -> None:
        """Let a poller wait for messages of this one too."""
        poller.register(self._socket, zmq.POLLIN)

    def receive(self, timeout_ms: int = 0) -> Message | None:
        """The next message, or None when none came in time. Malformed messages are counted and dropped."""
        if not self._socket.poll(timeout_ms):
            return None
        parts = [part.buffer for part in self._socket.recv_multipart(copy=False)]
        try:
            return decode(parts)
        except WireError as error:
            self.refuse(error)
            return None

    def receive_all(self, timeout_ms: int = 0, limit: int = 1000) -> list[Message]:
        """Every message that is waiting (at most ``limit``), after waiting for the first one."""
        messages = []
        message = self.receive(timeout_ms)
        while message is not None:
            messages.append(message)
            if len(messages) >= limit:
                break
            message = self.receive()
        return messages
