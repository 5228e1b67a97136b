"""One connection to a network camera: a thread that waits for packets and notes when each arrives."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

import av
from av.video.stream import VideoStream

_MOST_WAITING: Final = 600
"""Packets kept for a reader that is away: 10 s at 60 fps."""


@dataclass(frozen=True)
class Opened:
    """The connection stands; ``stream`` is its video."""

    stream: VideoStream


@dataclass(frozen=True)
class Arrived:
    """A packet came; ``lost`` counts those that were thrown away before it because nobody read."""

    packet: av.Packet[VideoStream]
    arrival_ns: int
    lost: int


@dataclass(frozen=True)
class Lost:
    """The connection failed or ended; ``reason`` never contains the address."""

    reason: str


Event = Opened | Arrived | Lost


class StreamConnection:
    """Connects at once, in its own thread, and delivers events until ``close`` or ``Lost``.

    Args:
        url: FFmpeg address.
        options: FFmpeg options.
        timeout_s: Silence after which connecting or receiving counts as failed.
    """

    def __init__(self, url: str, options: dict[str, str], timeout_s: float) -> None:
        self._url = url
        self._options = options
        self._timeout_s = timeout_s
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._stop = False
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="stream connection", daemon=True)
        self._thread.start()

    def next_event(self, timeout_s: float) -> Event | None:
        """The next event, None when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._events, max(0.0, timeout_s))
            return self._events.popleft() if self._events else None

    def close(self) -> None:
        """End the thread; takes up to the timeout when the camera is silent."""
        self._stop = True
        self._thread.join(2 * self._timeout_s + 1)

    def _run(self) -> None:
        try:
            # Two timeouts: for connecting and probing, and for every single packet.
            with av.open(
                self._url, options=self._options, timeout=(self._timeout_s, self._timeout_s)
            ) as source:
                if not source.streams.video:
                    self._put(Lost("the stream has no video"))
                    return
                stream = source.streams.video[0]
                self._put(Opened(stream))
                for packet in source.demux(stream):
                    if self._stop:
                        return
                    if packet.size:
                        self._put_packet(packet)
            self._put(Lost("the camera ended the stream"))
        except av.FFmpegError as error:
            self._put(Lost(_reason(error)))
        except OSError as error:  # a socket's own error, such as an unknown host
            self._put(Lost((error.strerror or "input/output error").lower()))

    def _put(self, event: Event) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def _put_packet(self, packet: av.Packet[VideoStream]) -> None:
        arrival_ns = time.monotonic_ns()
        with self._changed:
            if len(self._events) >= _MOST_WAITING:
                self._lost += sum(isinstance(event, Arrived) for event in self._events)
                kept = [event for event in self._events if not isinstance(event, Arrived)]
                self._events = deque(kept)
            self._events.append(Arrived(packet, arrival_ns, self._lost))
            self._lost = 0
            self._changed.notify_all()


def _reason(error: av.FFmpegError) -> str:
    """FFmpeg's reason without the address, which may hold a password."""
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    return (error.strerror or type(error).__name__).lower()
