"""A session from start to finished take: what ``capture`` and ``demo`` do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from configs.errors import PosestageError
from pipeline.session.current_take import RecordingSummary
from pipeline.session.session import Session
from pipeline.wire.pose_messages import unpack_poses

_DRAIN_S: Final = 0.3
"""After the last frame, what is still in flight gets this long to become poses."""


@dataclass
class LiveResult:
    """What a live session did.

    Attributes:
        summary: The recording, None when nothing was recorded.
        seconds: How long frames flowed.
        telemetry: The last numbers of every node.
        poses_seen: Pose messages that arrived at a subscriber.
        interrupted: Whether it was ended by the user.
        address: Where other programs could subscribe to the poses; empty: nowhere.
        events: What happened, in words.
    """

    summary: RecordingSummary | None
    seconds: float
    telemetry: dict[str, dict[str, Any]]
    poses_seen: int
    interrupted: bool
    address: str = ""
    events: list[str] = field(default_factory=list)


def run_session(
    session: Session,
    folder: Path | None,
    *,
    seconds: float | None = None,
    frames: int | None = None,
    on_tick: Callable[[float, Any], bool] | None = None,
) -> LiveResult:
    """Let a started session run, into a take when ``folder`` is given.

    Ends after ``seconds``, when every camera has captured ``frames``, when all sources have ended, when
    ``on_tick`` says so, or on Ctrl-C; everything captured is saved in each case.

    Args:
        session: Started, not yet going.
        folder: New or empty folder for the take.
        seconds: Longest duration.
        frames: Frames per camera after which to end.
        on_tick: Called some 30 times a second with (seconds so far, newest PoseFrame or None); False ends.
    """
    poses = session.subscribe_poses() if session.poses.pipeline is not None else None
    session.go(record_to=folder)
    seen, newest, interrupted = 0, None, False
    started = time.monotonic()
    try:
        while True:
            session.poll(20)
            for message in poses.receive_all() if poses is not None else []:
                seen += 1
                newest = unpack_poses(message)
            elapsed = max(0.0, (time.monotonic_ns() - session.origin_ns) / 1e9)
            if on_tick is not None and not on_tick(elapsed, newest):
                break
            if session.finished or (seconds is not None and elapsed >= seconds):
                break
            if frames is not None and _all_captured(session, frames):
                break
            if session.take.summary() is not None:
                raise PosestageError(_why_closed(session) or "the recorder closed the take early")
    except KeyboardInterrupt:
        interrupted = True
    elapsed = time.monotonic() - started
    if session.finished:
        deadline = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline:
            session.poll(20)
            seen += len(poses.receive_all()) if poses is not None else 0
    summary = session.stop_recording() if folder is not None else None
    # Numbers come once a second, and at once when a recording ends.
    deadline = time.monotonic() + (0.15 if summary is not None else 1.1)
    while time.monotonic() < deadline:
        session.poll(50)
    events = [report.message for report in session.events if report.details.get("what") != "end_of_stream"]
    address = session.poses.address
    return LiveResult(summary, elapsed, session.telemetry(), seen, interrupted, address, events)


def _all_captured(session: Session, frames: int) -> bool:
    telemetry = session.telemetry()
    return all(
        values.get("captured", 0) >= frames for values in telemetry.values() if "captured" in values
    ) and any("captured" in values for values in telemetry.values())


def _why_closed(session: Session) -> str:
    reasons = [report.message for report in session.events if report.details.get("what") == "disk_full"]
    return reasons[-1] if reasons else ""
