"""What a recording needs so that its first pictures can be shown: the packets since the last key frame.

Cameras that send H.264, H.265 and the like send a whole picture now and then, and between two of these only
what changes. Whoever begins in between has nothing to decode against, until the next whole picture, which may
be many seconds away. So the group that is under way is always kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.frames.frame import EncodedPacket

KEPT_PACKETS: Final = 1800
KEPT_BYTES: Final = 32 << 20
"""Of one camera: a minute at 30 pictures per second, and 16 s at 16 Mbit/s. Usual groups last 1 to 10 s."""


@dataclass(frozen=True)
class Captured:
    """One captured frame as a recording wants it.

    Attributes:
        index: As the grabber counts, from its start.
        t_ns: Capture time.
        packets: That became available with it, in decoding order.
        cause: Why it is lost; empty when it is not.
    """

    index: int
    t_ns: int
    packets: tuple[EncodedPacket, ...] = ()
    cause: str = ""


class PictureGroup:
    """The frames since the last key frame, in bounded memory.

    A group that finds no room is let go as a whole, since a part of it shows nothing; the next key frame
    begins another. So is one of which a frame was lost.

    Args:
        most_packets: Packets that are kept, at most.
        most_bytes: Their size, at most.
    """

    def __init__(self, most_packets: int = KEPT_PACKETS, most_bytes: int = KEPT_BYTES) -> None:
        self._most_packets = most_packets
        self._most_bytes = most_bytes
        self._frames: deque[Captured] = deque()
        self._keys: deque[int] = deque()
        """Times of the key frames among what is kept, in order of decoding; the first packet is the first."""
        self._packets = self._bytes = 0
        self.too_large = False
        """Whether the group that is under way was let go because it found no room."""

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._bytes

    def frames(self) -> list[Captured]:
        """From the last key frame that was shown on; empty when that is not here any more.

        Packets before the key frame are left out of the first one.
        """
        if not self._keys or self._keys[0] > self._frames[-1].t_ns:
            return []
        return list(self._frames)

    def add(self, frame: Captured) -> None:
        """Take in the next frame of the camera, in order of capture."""
        if frame.cause:
            self._clear()
            return
        kept = frame.packets
        if not self._keys:
            kept = kept[key_place(kept) :]
            if not kept:
                return
        self._frames.append(Captured(frame.index, frame.t_ns, kept))
        self._packets += len(kept)
        self._bytes += sum(len(packet.data) for packet in kept)
        self._keys.extend(packet.pts_ns for packet in kept if packet.keyframe)
        # Only what is shown after a key frame needs nothing before it. With pictures that are decoded in
        # another order than shown, some are still to come when the key frame is here already.
        while len(self._keys) > 1 and self._keys[1] <= frame.t_ns:
            self._begin_at_next_key()
        if self._packets > self._most_packets or self._bytes > self._most_bytes:
            if len(self._keys) > 1:
                self._begin_at_next_key()
            else:
                self._clear()
                self.too_large = True
        elif len(self._keys) == 1 and kept and kept[0].keyframe:
            self.too_large = False

    def _begin_at_next_key(self) -> None:
        """Let go of everything before the second key frame."""
        self._keys.popleft()
        first = True
        while self._frames:
            frame = self._frames[0]
            place = key_place(frame.packets, after=int(first))
            gone = frame.packets[:place]
            self._packets -= len(gone)
            self._bytes -= sum(len(packet.data) for packet in gone)
            if place < len(frame.packets):
                self._frames[0] = Captured(frame.index, frame.t_ns, frame.packets[place:])
                return
            self._frames.popleft()
            first = False

    def _clear(self) -> None:
        self._frames.clear()
        self._keys.clear()
        self._packets = self._bytes = 0
        self.too_large = False


def key_place(packets: Sequence[EncodedPacket], after: int = 0) -> int:
    """Place of the first key frame at or behind ``after``; the number of packets when there is none."""
    return next((at for at in range(after, len(packets)) if packets[at].keyframe), len(packets))
