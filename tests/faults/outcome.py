"""What a fault cost: is the take intact, how much is missing of each camera, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from pipeline.take.verify import check_take

OWN_CAUSES: Final = {"lost_by_camera"}
"""A simulated camera that gets no processor in time renders the next picture: its loss, not ours."""


@dataclass
class Outcome:
    """Of one run.

    Attributes:
        victim: Node that the fault hit.
        how: What was done to it.
        at_s: When, seconds after all cameras were being recorded.
        state: Of the take as it was found after the run: ``complete`` or ``recording`` (had to be repaired).
        intact: Whether every file is whole and every captured frame accounted for, after a repair if needed.
        problems: Why it is not.
        loss_s: By camera, the longest time without a recorded picture, less one period.
        dropped: By camera, frames captured and not recorded, by cause.
        back_s: Time from the fault until the victim worked again, where the take tells.
    """

    victim: str
    how: str
    at_s: float
    state: str = ""
    intact: bool = False
    problems: list[str] = field(default_factory=list)
    loss_s: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, dict[str, int]] = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)
    back_s: float | None = None

    @property
    def victim_camera(self) -> str:
        """Camera that was hit; empty when it was no camera."""
        return self.victim.removeprefix("grabber-") if self.victim.startswith("grabber-") else ""

    @property
    def lost_by_others(self) -> int:
        """Frames that cameras captured and that are missing although nothing was done to these cameras."""
        return sum(
            count
            for camera, causes in self.dropped.items()
            if camera != self.victim_camera
            for cause, count in causes.items()
            if cause not in OWN_CAUSES
        )

    @property
    def late_by_others(self) -> int:
        """Pictures that simulated cameras nothing was done to did not render in time."""
        return sum(
            count
            for camera, causes in self.dropped.items()
            if camera != self.victim_camera
            for cause, count in causes.items()
            if cause in OWN_CAUSES
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **asdict(self),
            "lost_by_others": self.lost_by_others,
            "late_by_others": self.late_by_others,
        }


def judge(outcome: Outcome, folder: Path, fault_ns: int, period_s: float) -> Outcome:
    """Fill in what the take tells; a take that was interrupted is repaired first.

    Args:
        outcome: With what was done.
        folder: The take.
        fault_ns: When, monotonic clock.
        period_s: Of the cameras.
    """
    outcome.state = Take.open(folder).header.state
    if outcome.state == "recording":
        repair_take(folder)
    check = check_take(folder)
    outcome.intact, outcome.problems = check.intact, list(check.problems)
    take = Take.open(folder)
    for camera in take.cameras:
        ledger = take.ledger(camera)
        times = np.array([row.t_capture_ns for row in ledger.recorded], np.int64)
        gaps = np.diff(times) / 1e9
        longest = float(gaps.max()) if gaps.size else 0.0
        outcome.loss_s[camera] = round(max(0.0, longest - period_s), 3)
        if outcome.victim == "supervisor" and times.size:
            # Nothing follows a program that was killed: what is missing is missing at the end.
            missing_s = (fault_ns - int(times[-1])) / 1e9 - period_s
            outcome.loss_s[camera] = round(max(outcome.loss_s[camera], missing_s), 3)
        outcome.dropped[camera] = dict(ledger.totals.dropped)
        outcome.recorded[camera] = ledger.totals.recorded
    outcome.back_s = _back_s(outcome, take, fault_ns)
    return outcome


def _back_s(outcome: Outcome, take: Take, fault_ns: int) -> float | None:
    times: list[int] = []
    if outcome.victim == "inference":
        poses = take.poses()
        times = [] if poses is None else [int(time) for time in poses.times_ns]
    elif outcome.victim == "recorder":
        times = [event.t_ns for event in take.events() if event.kind == "recorder_restart"]
    elif outcome.victim_camera:
        ledger = take.ledger(outcome.victim_camera)
        rows = np.array([row.t_capture_ns for row in ledger.recorded], np.int64)
        first = int(np.searchsorted(rows, fault_ns))
        # The first picture after the longest pause that begins around the fault.
        pauses = np.diff(rows[max(0, first - 2) :])
        if pauses.size:
            times = [int(rows[max(0, first - 2) + int(np.argmax(pauses)) + 1])]
    if outcome.victim == "inference" and times:
        after = np.array([fault_ns, *[time for time in times if time > fault_ns]], np.int64)
        if len(after) > 1:
            place = int(np.argmax(np.diff(after)))
            return round((int(after[place + 1]) - fault_ns) / 1e9, 3)
        return None
    later = [time for time in times if time > fault_ns]
    return round((later[0] - fault_ns) / 1e9, 3) if later else None
