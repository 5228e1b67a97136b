"""Decides about recording: names, countdown, limits, what a take holds so far, what happens to it then."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.session.live_session import LiveSession
from app.studio import Studio
from pipeline.take.folder import RESERVE_BYTES, take_name_problem

Phase = Literal["unavailable", "idle", "countdown", "starting", "recording", "closing"]

_TICK_MS: Final = 100
_FIRST_NAME: Final = "take-001"
_LONG_PATIENCE_S: Final = 1.5


class RecordPresenter(QObject):
    """What the record panel shows is read from here after every ``changed``.

    Attributes:
        name: Of the next take.
        limit_s: Recording ends by itself after so long; 0: never.
        countdown_s: Seconds between pressing the button and the first frame.
        marks: Marked events in the take that is open.
        problem: Why the last take could not be started.
        cameras: By camera: frames recorded, dropped, and per second, of the take that is open.
    """

    changed = pyqtSignal()
    ticked = pyqtSignal()
    """A tenth of a second has passed in a countdown or recording."""

    def __init__(
        self, studio: Studio, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._session: LiveSession = studio.session
        self._clock = clock
        remembered = studio.preferences.pages.get("live", {})
        self.limit_s = float(remembered.get("limit_s", 0.0))
        self.countdown_s = float(remembered.get("countdown_s", 0.0))
        self.name = str(remembered.get("next_name", _FIRST_NAME))
        self.marks = 0
        self.problem = ""
        self.cameras: dict[str, dict[str, Any]] = {}
        self._waiting_since: float | None = None
        self._counting_from: float | None = None
        self._recording_since: float | None = None
        self._ended_s = 0.0
        self._bytes_per_second = 0.0
        self._last_bytes: tuple[float, int] | None = None
        self._free_bytes: int | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.tick)
        session = self._session
        session.space_folder = studio.takes_folder
        session.recording_changed.connect(self._hear_recording)
        session.recording_failed.connect(self._hear_failure)
        session.recording_lost.connect(lambda *_: self._settle())
        session.take_closed.connect(lambda _: self._settle())
        session.state_changed.connect(self._hear_state)
        session.pipeline_state_changed.connect(lambda *_: self.changed.emit())
        session.telemetry.connect(self._hear_numbers)
        studio.takes_changed.connect(self._hear_takes)
        self.name = self._free_name(self.name)

    # What is shown

    @property
    def phase(self) -> Phase:
        """What recording does now."""
        if self._session.closing:
            return "closing"
        if self._session.recording:
            return "recording"
        if self._waiting_since is not None:
            return "starting"
        if self._counting_from is not None:
            return "countdown"
        return "idle" if self._session.state == "live" else "unavailable"

    @property
    def why_not(self) -> str:
        """Why recording cannot start now, in words; empty when it can."""
        if self._session.state == "starting":
            return "Waiting for the cameras."
        if self._session.state != "live":
            return "Start live first."
        if self._session.pipeline_state == "loading":
            return "Waiting until the models are loaded."
        return self.name_problem

    @property
    def name_problem(self) -> str:
        """What is wrong with the name; empty when nothing is."""
        return take_name_problem(self.name)

    @property
    def name_notice(self) -> str:
        """Under which name the take will be kept, where that differs from what was typed."""
        if self.name_problem or not self.name:
            return ""
        folder = self._studio.takes_folder
        if not (folder / self.name).exists():
            return ""
        number = 2
        while (folder / f"{self.name}-{number}").exists():
            number += 1
        return f"Exists already; this one becomes {self.name}-{number}."

    @property
    def counted_s(self) -> float:
        """Seconds left of the countdown."""
        if self._counting_from is None:
            return 0.0
        return max(0.0, self.countdown_s - (self._clock() - self._counting_from))

    @property
    def elapsed_s(self) -> float:
        """Seconds recorded."""
        if self._recording_since is None:
            return self._ended_s
        return self._clock() - self._recording_since

    @property
    def free_minutes(self) -> float | None:
        """How long recording can go on before the disk is full; None while unknown."""
        if self._free_bytes is None or self._bytes_per_second <= 0:
            return None
        return max(0.0, self._free_bytes - RESERVE_BYTES) / self._bytes_per_second / 60

    # What the user does

    def set_name(self, name: str) -> None:
        """Name the next take."""
        self.name = name.strip()
        self.problem = ""
        self.changed.emit()

    def set_limit(self, seconds: float) -> None:
        """End recordings after so long; 0: never."""
        self.limit_s = seconds
        self._remember()

    def set_countdown(self, seconds: float) -> None:
        """Wait so long before the first frame."""
        self.countdown_s = seconds
        self._remember()

    def press(self) -> None:
        """The one button: record, call the countdown off, stop."""
        phase = self.phase
        if phase == "countdown":
            self._counting_from = None
            self._settle()
        elif phase == "recording":
            self._session.stop_recording()
        elif phase == "idle" and not self.why_not:
            self.problem = ""
            self._counting_from = self._clock()
            self._timer.start()
            self.tick()
            self.changed.emit()

    def mark(self, text: str = "") -> None:
        """Mark this moment in the take."""
        if self.phase == "recording":
            self.marks += 1
            self._session.mark(text.strip() or f"Mark {self.marks}")
            self.changed.emit()

    def tick(self) -> None:
        """Start when the countdown is over, stop when the limit is reached."""
        if self._counting_from is not None and self.counted_s <= 0:
            self._counting_from = None
            self._waiting_since = self._clock()
            self.cameras, self.marks, self._last_bytes = {}, 0, None
            self._session.record(self._studio.takes_folder / self.name)
            self.changed.emit()
        elif (
            self._recording_since is not None
            and self.limit_s
            and self.elapsed_s >= self.limit_s
            and not self._session.closing
        ):
            self._session.stop_recording()
        self.ticked.emit()

    def shutdown(self) -> None:
        """No more ticks."""
        self._timer.stop()

    # What happens

    def _hear_recording(self, recording: bool) -> None:
        self._waiting_since = None
        if recording and self._recording_since is None:
            self._recording_since = self._clock()
            self._timer.start()
        self.changed.emit()

    def _hear_failure(self, why: str) -> None:
        self.problem = why
        self._settle()

    def _hear_state(self, state: str) -> None:
        if state != "live" and self._counting_from is not None:
            self._counting_from = None
            self._settle()
        self.changed.emit()

    def _hear_takes(self) -> None:
        self._session.space_folder = self._studio.takes_folder
        self.name = self._free_name(self.name)
        self.changed.emit()

    def _hear_numbers(self, telemetry: Mapping[str, Mapping[str, Any]]) -> None:
        numbers = telemetry.get("session", {})
        self._free_bytes = numbers.get("free_bytes")
        recorder = telemetry.get("recorder", {})
        measured = self._measured_rate(float(numbers.get("t_s", 0.0)), recorder)
        self._bytes_per_second = measured or float(numbers.get("bytes_per_second", 0.0))
        if self._session.recording and recorder.get("recording"):
            self.cameras = dict(recorder.get("cameras", {}))
        self.changed.emit()

    def _measured_rate(self, now: float, recorder: Mapping[str, Any]) -> float:
        """Bytes per second of the open take; 0 until it is long enough to say."""
        if self._recording_since is None or not recorder.get("recording"):
            return 0.0
        written = int(recorder.get("bytes", 0))
        if self._last_bytes is None:
            self._last_bytes = (now, written)
        since, before = self._last_bytes
        return (written - before) / (now - since) if now - since > _LONG_PATIENCE_S else 0.0

    def _settle(self) -> None:
        """Nothing is being recorded any more."""
        self._waiting_since = None
        if self._recording_since is not None:
            self._ended_s = self._clock() - self._recording_since
            self._recording_since = None
            self.name = self._free_name(self.name)
            self._remember()
        if self._counting_from is None:
            self._timer.stop()
        self.changed.emit()

    def _free_name(self, name: str) -> str:
        """``name``, or with its number counted up, so that no take has it yet."""
        folder = self._studio.takes_folder
        if take_name_problem(name):
            return _FIRST_NAME
        while (folder / name).exists():
            match = re.fullmatch(r"(.*?)(\d+)", name)
            stem, digits = (match[1], match[2]) if match else (f"{name}-", "001")
            name = f"{stem}{int(digits) + 1:0{len(digits)}d}" if match else f"{stem}002"
        return name

    def _remember(self) -> None:
        pages = self._studio.preferences.pages
        own = {"limit_s": self.limit_s, "countdown_s": self.countdown_s, "next_name": self.name}
        pages["live"] = {**pages.get("live", {}), **own}
        self._studio.preferences.save()
        self.changed.emit()
