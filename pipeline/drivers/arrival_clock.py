"""Capture times of a stream that tells only when its packets arrive."""

from __future__ import annotations

from typing import Final

_DRIFT: Final = 200e-6
"""How fast the sender's clock may drift against ours; cheap quartz stays within 100 parts per million."""

_JUMP_NS: Final = 2_000_000_000
"""Stream times that far off are of a sender that set its clock anew."""


class ArrivalClock:
    """Maps a sender's time stamps to this machine's clock by the fastest packets.

    A packet arrives its transmission delay after it was stamped. The delay varies, so the smallest one seen
    is the best estimate of the offset between the clocks; it may grow only as fast as clocks drift. What is
    left is that smallest delay itself, which nobody can see from this side.
    """

    def __init__(self) -> None:
        self._offset_ns: float | None = None
        self._last_stream_ns = 0
        self._last_arrival_ns = 0
        self._last_ns = 0

    def time_of(self, stream_ns: int, arrival_ns: int) -> int:
        """Capture time of the packet stamped ``stream_ns``; rises strictly and is not after its arrival."""
        offset_ns = float(arrival_ns - stream_ns)
        set_anew = stream_ns <= self._last_stream_ns
        if self._offset_ns is None or set_anew or abs(offset_ns - self._offset_ns) > _JUMP_NS:
            self._offset_ns = offset_ns
            time_ns = arrival_ns
        else:
            grown_ns = self._offset_ns + _DRIFT * (arrival_ns - self._last_arrival_ns)
            self._offset_ns = min(offset_ns, grown_ns)
            time_ns = stream_ns + round(self._offset_ns)
            # When a fast packet corrects the offset, times go on at half speed rather than stand still.
            time_ns = max(time_ns, self._last_ns + max(0, stream_ns - self._last_stream_ns) // 2)
        self._last_ns = max(min(time_ns, arrival_ns), self._last_ns + 1)
        self._last_stream_ns, self._last_arrival_ns = stream_ns, arrival_ns
        return self._last_ns
