"""When the frames of a file are due: like a live camera, or as fast as they are consumed."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

Pace = Annotated[float, Field(gt=0, le=1000)] | Literal["free"]

SLOT_NS = 100_000_000
"""While behind schedule one picture per 0.1 s of scene time is still converted, so that live views go on;
slots are counted from the session's origin, so that all cameras keep the same instants."""


class Schedule:
    """Maps scene time to capture time and watches whether a source keeps up.

    With a pace, the scene instant ``t`` is captured at ``origin + t / pace`` and not handed out before. A
    free-running source never waits, and its capture times are ``origin + t``.

    Args:
        pace: Scene seconds per second of real time, or ``"free"``.
        origin_ns: Monotonic time of scene instant 0.
        period_ns: Time between two frames at this pace.
    """

    def __init__(self, pace: float | Literal["free"], origin_ns: int, period_ns: int) -> None:
        self.free = pace == "free"
        self.scale = Fraction(1) if pace == "free" else Fraction(pace).limit_denominator(1_000_000)
        self.period_ns = period_ns
        self.origin_ns = origin_ns
        self.behind = False
        self._slot: int | None = None

    def time_of(self, scene_s: Fraction) -> int:
        """Capture time in ns of a scene instant in seconds."""
        return self.origin_ns + round(scene_s * 1_000_000_000 / self.scale)

    def lateness_ns(self, due_ns: int) -> int:
        """How long ago ``due_ns`` was (negative: still to come); updates ``behind``.

        A source counts as behind from two periods of lateness until it has caught up to half a period.
        """
        if self.free:
            return 0
        late = time.monotonic_ns() - due_ns
        limit = self.period_ns // 2 if self.behind else 2 * self.period_ns
        self.behind = late > limit
        return late

    def wants_picture(self, t_ns: int) -> bool:
        """Whether the frame captured at ``t_ns`` is worth a BGR conversion now."""
        slot = (t_ns - self.origin_ns) // SLOT_NS
        if self.behind and slot == self._slot:
            return False
        self._slot = slot
        return True

    def wait(self, due_ns: int, timeout_s: float) -> bool:
        """Sleep until ``due_ns``, at most ``timeout_s``; whether the time has come."""
        if self.free:
            return True
        remaining_s = (due_ns - time.monotonic_ns()) / 1e9
        if remaining_s > 0:
            time.sleep(min(remaining_s, max(timeout_s, 0.0)))
        return remaining_s <= timeout_s or time.monotonic_ns() >= due_ns
