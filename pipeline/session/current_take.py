"""The take of a session: begun, ended, and carried over from a recorder that died to the next."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from configs.errors import PosestageError
from pipeline.processes.supervisor import Supervisor, failure_of
from pipeline.wire.messages import Command, Report

log = logging.getLogger(__name__)

RECORDER: Final = "recorder"
"""Name of the node that writes takes."""

_BEGIN_DEADLINE_S: Final = 10.0

_RESUME_DEADLINE_S: Final = 60.0
"""For a recorder that takes over; with several attempts."""


class RecordingLostError(PosestageError):
    """The recorder died while it recorded, and no other could go on; the take can be repaired.

    Attributes:
        folder: The take.
        reason: What happened.
    """

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"recording stopped: {reason}; everything before is safe, run: launch.py repair {folder}"
        )
        self.folder = folder
        self.reason = reason


@dataclass
class RecordingSummary:
    """What a finished recording holds.

    Attributes:
        folder: The take.
        totals: By camera: captured, recorded, dropped by cause.
        poses: Instants with poses.
    """

    folder: Path
    totals: dict[str, Any]
    poses: int


class CurrentTake:
    """The take that is being recorded, or was last; one after the other in the same session.

    Args:
        running: The supervisor of the session's processes; raises while there is none.
        tell: Given events that concern the take and that no process has reported.

    Attributes:
        folder: Where it is.
        recording: Whether a recorder has begun it, and it has not ended.
        recorder_away: Why the recorder is being restarted in the middle of it; empty while it runs.
    """

    def __init__(self, running: Callable[[], Supervisor], tell: Callable[[Report], None]) -> None:
        self._running = running
        self._tell = tell
        self.folder = Path()
        self.recording = False
        self.recorder_away = ""
        self._away_since = 0.0
        self._closed: Report | None = None
        self._recorder_failure: Report | None = None

    def begin(self, folder: Path, own: dict[str, Any], poll: Callable[[int], None]) -> None:
        """Have the recorder begin it, and wait until it has.

        Args:
            folder: Of the take, new or empty.
            own: What the recorder is told of it, see ``own_of_take``.
            poll: Hears of the processes for so many milliseconds, and gives their reports to ``hear``.

        Raises:
            PosestageError: The recorder failed, or did not start.
        """
        supervisor = self._running()
        self.recording = False
        self.recorder_away = ""
        supervisor.forget("record")
        supervisor.forget("stop_recording")
        self.folder = folder
        self._closed = self._recorder_failure = None
        deadline = time.monotonic() + _BEGIN_DEADLINE_S
        told = -1
        while not self.recording:
            if supervisor.ready(RECORDER) and supervisor.pid(RECORDER) != told:
                # Told again when it failed a moment ago, or just now, and came back.
                told = supervisor.pid(RECORDER) or -1
                supervisor.command(Command("record", own, to=RECORDER))
            poll(20)
            if self._recorder_failure is not None:
                raise failure_of(self._recorder_failure)
            if time.monotonic() > deadline:
                raise PosestageError(
                    f"the recorder did not start within {_BEGIN_DEADLINE_S:.0f} s; see the messages above"
                )
        supervisor.command(Command("record", own), sticky=True)

    def end(self) -> None:
        """Have it ended and closed; returns at once, ``summary`` tells when it is done."""
        # A recorder that is being restarted just now goes on with the take, and then hears that it is to end.
        self._running().command(Command("stop_recording"), sticky=True)

    def summary(self) -> RecordingSummary | None:
        """What it holds; None until it is closed. A full disk closes a take without being asked."""
        if self._closed is None:
            return None
        details = self._closed.details
        return RecordingSummary(Path(details["folder"]), details["totals"], details["poses"])

    def note(self, kind: str, message: str, **details: Any) -> None:
        """Write an event into it while it is being recorded."""
        event = {"kind": kind, "message": message, "t_ns": time.monotonic_ns(), **details}
        self._running().command(Command("event", event, to=RECORDER))

    def check(self) -> None:
        """Give it up when its recorder has been away for too long.

        Raises:
            RecordingLostError: It is given up now; another take can be recorded.
        """
        if self.recorder_away and time.monotonic() - self._away_since > _RESUME_DEADLINE_S:
            problem, self.recorder_away, self.recording = self.recorder_away, "", False
            self._nobody_records()
            raise RecordingLostError(self.folder, problem)

    def hear(self, report: Report) -> None:
        """What any process reported."""
        if report.kind == "event":
            if self.recording and report.details.get("what") == "restart":
                self._hear_of_restart(report)
        elif report.kind == "failed" and report.node == RECORDER:
            self._recorder_failure = report
        elif report.kind == "recording":
            self.recording = True
            if report.details.get("resumed"):
                self._recorder_is_back()
        elif report.kind == "take_closed":
            self.recording, self.recorder_away = False, ""
            self._closed = report
            self._nobody_records()

    def _hear_of_restart(self, report: Report) -> None:
        if report.node != RECORDER:
            self.note("restart", report.message)
        elif not self.recorder_away:
            self.recorder_away = report.message
            self._away_since = time.monotonic()

    def _recorder_is_back(self) -> None:
        """Another recorder goes on with the take: cameras give it what the last one may not have written."""
        self._running().command(Command("send_again"))
        reason, self.recorder_away = self.recorder_away, ""
        if not reason:
            return
        away_s = time.monotonic() - self._away_since
        message = f"recording goes on after {away_s:.1f} s; cameras kept their frames meanwhile ({reason})"
        log.warning("%s", message)
        self.note("recorder_restart", message, away_s=round(away_s, 3))
        pid = self._running().pid(RECORDER) or -1
        details = {"what": "recorder_restart", "away_s": round(away_s, 3)}
        self._tell(Report(RECORDER, pid, "event", message, details))

    def _nobody_records(self) -> None:
        """Nobody is to record any more, nor is told to when it is restarted."""
        supervisor = self._running()
        supervisor.forget("record")
        supervisor.forget("stop_recording")
        supervisor.command(Command("stop_recording"))
