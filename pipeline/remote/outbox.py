"""Pictures on their way to the host: kept until it has them, never more than there is room for."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Final

from pipeline.wire.messages import PacketInfo

WINDOW_BYTES: Final = 8 << 20
"""On the way at once: at 1 Gbit/s this covers a round trip of 60 ms."""

_WINDOW_PICTURES: Final = 64


@dataclass(frozen=True)
class Picture:
    """A captured frame.

    Attributes:
        index: 0, 1, 2, … in order of capture.
        t_ns: Capture time on the sender's clock.
        data: JPEG.
    """

    index: int
    t_ns: int
    data: bytes

    @property
    def packet(self) -> PacketInfo:
        """Its description on the wire."""
        return PacketInfo(self.t_ns, self.t_ns, keyframe=True)

    @property
    def last(self) -> int:
        """Its own index."""
        return self.index


@dataclass(frozen=True)
class Gap:
    """Frames in a row that were captured and will not be sent.

    Attributes:
        index: Of the first one.
        count: How many.
        t_first_ns: Capture time of the first one.
        t_last_ns: Capture time of the last one.
        cause: Word of the ledger.
    """

    index: int
    count: int
    t_first_ns: int
    t_last_ns: int
    cause: str

    @property
    def last(self) -> int:
        """Index of the last one."""
        return self.index + self.count - 1

    def joined(self, after: Gap) -> Gap | None:
        """Both in one, where they follow each other for the same reason."""
        if after.cause != self.cause or after.index != self.last + 1:
            return None
        return replace(self, count=self.count + after.count, t_last_ns=after.t_last_ns)


Item = Picture | Gap


@dataclass(frozen=True)
class OutboxTotals:
    """The sender's ledger; always ``captured == delivered + waiting + sum(dropped.values())``."""

    captured: int
    delivered: int
    waiting: int
    dropped: dict[str, int]

    def __add__(self, other: OutboxTotals) -> OutboxTotals:
        """Both together."""
        return OutboxTotals(
            self.captured + other.captured,
            self.delivered + other.delivered,
            self.waiting + other.waiting,
            dict(sorted((Counter(self.dropped) + Counter(other.dropped)).items())),
        )


class Outbox:
    """A queue in two parts: sent but not yet acknowledged, and still to be sent.

    What finds no room pushes out the oldest picture that was not sent yet; of that only index, time and cause
    stay, so that the host's ledger can name it. Not for several threads.

    Args:
        most_bytes: Of all pictures in it.
        longest_ns: Between the oldest and the newest picture.
    """

    def __init__(self, most_bytes: int, longest_ns: int) -> None:
        self._most_bytes = most_bytes
        self._longest_ns = longest_ns
        self._sent: deque[Item] = deque()
        self._unsent: deque[Item] = deque()
        self._sent_bytes = self._unsent_bytes = 0
        self._sent_pictures = self._waiting = 0
        self._delivered = 0
        self._dropped: Counter[str] = Counter()
        self._next = 0

    @property
    def captured(self) -> int:
        """Frames so far: the index of the next one."""
        return self._next

    def add(self, t_ns: int, data: bytes, full: str) -> None:
        """Queue the next picture.

        Args:
            t_ns: Capture time.
            data: JPEG.
            full: Cause for those that it pushes out.
        """
        self._unsent.append(Picture(self._next, t_ns, data))
        self._next += 1
        self._waiting += 1
        self._unsent_bytes += len(data)
        while self._unsent_bytes + self._sent_bytes > self._most_bytes or self._too_long(t_ns):
            if not self._push_out(full):
                break

    def lose(self, count: int, t_first_ns: int, t_last_ns: int, cause: str) -> None:
        """Account for the next frames, which never became pictures."""
        gap = Gap(self._next, count, t_first_ns, t_last_ns, cause)
        self._next += count
        self._dropped[cause] += count
        before = self._unsent[-1] if self._unsent else None
        joined = before.joined(gap) if isinstance(before, Gap) else None
        if joined is not None:
            self._unsent[-1] = joined
        else:
            self._unsent.append(gap)

    def acknowledge(self, have: int) -> None:
        """The host has everything up to the frame of index ``have``."""
        for part, unsent in ((self._sent, False), (self._unsent, True)):
            while part and part[0].last <= have:
                item = part.popleft()
                if isinstance(item, Picture):
                    self._delivered += 1
                    self._waiting -= 1
                    self._forget_size(item, unsent=unsent)

    def take(self) -> Item | None:
        """The next one to send; None when there is none, or enough is on its way."""
        if not self._unsent:
            return None
        item = self._unsent[0]
        size = len(item.data) if isinstance(item, Picture) else 0
        full = self._sent_bytes + size > WINDOW_BYTES or self._sent_pictures >= _WINDOW_PICTURES
        if full and self._sent_pictures:
            return None
        self._unsent.popleft()
        self._sent.append(item)
        if isinstance(item, Picture):
            self._unsent_bytes -= size
            self._sent_bytes += size
            self._sent_pictures += 1
        return item

    def rewind(self) -> None:
        """The connection is a new one: everything unacknowledged has to be sent again."""
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        self._unsent_bytes += self._sent_bytes
        self._sent_bytes = self._sent_pictures = 0

    def give_up(self, cause: str) -> None:
        """Nobody will fetch what is left."""
        self.rewind()
        for item in self._unsent:
            if isinstance(item, Picture):
                self._dropped[cause] += 1
        self._unsent.clear()
        self._unsent_bytes = self._waiting = 0

    def totals(self) -> OutboxTotals:
        """Where all frames went."""
        return OutboxTotals(self._next, self._delivered, self._waiting, dict(sorted(self._dropped.items())))

    def _forget_size(self, picture: Picture, *, unsent: bool) -> None:
        if unsent:
            self._unsent_bytes -= len(picture.data)
        else:
            self._sent_bytes -= len(picture.data)
            self._sent_pictures -= 1

    def _too_long(self, now_ns: int) -> bool:
        oldest = next((item for item in self._unsent if isinstance(item, Picture)), None)
        return oldest is not None and now_ns - oldest.t_ns > self._longest_ns

    def _push_out(self, cause: str) -> bool:
        """Turn the oldest picture that is not on its way into a gap; False where there is no other."""
        gaps: list[Gap] = []
        while self._unsent and isinstance(self._unsent[0], Gap):
            gap = self._unsent.popleft()
            assert isinstance(gap, Gap)
            gaps.append(gap)
        picture = self._unsent.popleft() if len(self._unsent) > 1 else None
        if isinstance(picture, Picture):
            gone = Gap(picture.index, 1, picture.t_ns, picture.t_ns, cause)
            joined = gaps[-1].joined(gone) if gaps else None
            if joined is not None:
                gaps[-1] = joined
            else:
                gaps.append(gone)
            self._unsent_bytes -= len(picture.data)
            self._waiting -= 1
            self._dropped[cause] += 1
        self._unsent.extendleft(reversed(gaps))
        return picture is not None
