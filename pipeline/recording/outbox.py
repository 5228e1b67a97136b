"""What a camera has for the recorder, kept until it is on the disk.

A recorder that dies takes with it what it had received but not written. So the sender keeps everything until
the recorder has said that it is in the files, and gives it again to a recorder that takes over. Nobody waits:
what finds no room is refused, and the sender counts it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from pipeline.wire.bus import Sender
from pipeline.wire.messages import StreamOpened

MOST_FRAMES: Final = 1000
MOST_BYTES: Final = 256 << 20
"""With 100 KB a frame at 60 fps, 16 s; with 1 MB a frame at 30 fps, 8 s: longer than a restart takes."""

_NO_FRAME: Final = -1


@dataclass(frozen=True)
class _Entry:
    topic: str
    payload: msgspec.Struct
    frames: Sequence[bytes]
    t_capture_ns: int
    index: int
    size: int


class RecordOutbox:
    """A queue to the recorder with a memory.

    Args:
        sender: Way to the recorder; may be full.
        most_frames: Frames that are kept, at most.
        most_bytes: Their compressed size, at most.
    """

    def __init__(self, sender: Sender, most_frames: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> None:
        self._sender = sender
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._entries: deque[_Entry] = deque()
        self._sent = 0
        self._bytes = 0
        self._opening: StreamOpened | None = None
        self._opened = True

    @property
    def unsent(self) -> int:
        """Messages that are still to be sent."""
        return len(self._entries) - self._sent + (not self._opened)

    @property
    def kept_bytes(self) -> int:
        """Size of what is kept."""
        return self._bytes

    def begin(self, opening: StreamOpened) -> None:
        """A new recording: what was kept of the last one is let go, ``opening`` goes first."""
        self._entries.clear()
        self._sent = self._bytes = 0
        self._opening, self._opened = opening, False
        self.pump()

    def put(
        self,
        topic: str,
        payload: msgspec.Struct,
        frames: Sequence[bytes] = (),
        *,
        t_capture_ns: int = 0,
        index: int = _NO_FRAME,
    ) -> bool:
        """Take a message in and send what can be sent.

        Args:
            topic: Its topic.
            payload: Its content.
            frames: Its raw frames.
            t_capture_ns: Its time.
            index: Of the captured frame it is about; without one it is taken in any case.

        Returns:
            False when it is a frame and there is no room for it.
        """
        size = sum(len(frame) for frame in frames)
        if index != _NO_FRAME:
            while self._full(size) and self._sent:
                self._let_go()  # it was sent: only a recorder that dies just now would miss it
            if self._full(size):
                return False
        self._entries.append(_Entry(topic, payload, frames, t_capture_ns, index, size))
        self._bytes += size
        self.pump()
        return True

    def pump(self) -> None:
        """Send as much as finds room; call often."""
        if not self._opened:
            assert self._opening is not None
            self._opened = self._sender.send("stream_opened", self._opening)
        while self._opened and self._sent < len(self._entries):
            entry = self._entries[self._sent]
            if not self._sender.send(
                entry.topic, entry.payload, entry.frames, t_capture_ns=entry.t_capture_ns
            ):
                return
            self._sent += 1

    def written(self, index: int) -> None:
        """Every frame before ``index`` is in the files: let it go."""
        while self._entries and self._entries[0].index < index:
            if self._entries[0].index == _NO_FRAME and not self._sent:
                return
            self._let_go()

    def send_again(self) -> None:
        """Another recorder takes over: give it everything that is not known to be in the files."""
        if self._opening is not None:
            self._sent, self._opened = 0, False
            self.pump()

    def _let_go(self) -> None:
        self._bytes -= self._entries.popleft().size
        self._sent = max(0, self._sent - 1)

    def _full(self, size: int) -> bool:
        # One entry is taken whatever its size.
        return len(self._entries) >= self._most_frames or (
            bool(self._entries) and self._bytes + size > self._most_bytes
        )
