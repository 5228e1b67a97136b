"""Decides about the figures of poses: how many, how late, and how far from the truth where it is known."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from PyQt6.QtCore import QObject, pyqtSignal

from app.live.truth_meter import TruthMeter
from app.session.pipelines import films_simulated_people
from app.studio import Studio

if TYPE_CHECKING:
    from models.pose_frame import PoseFrame

RATE: Final = "Poses per second"
MEDIAN: Final = "Capture to skeleton"
LATE: Final = "95 % of them within"
ERROR: Final = "Mean joint error"

_INSTANTS: Final = 15
"""Whose errors are averaged: three seconds."""


class PoseFigures(QObject):
    """What the figures say is read from here after every ``changed``.

    Attributes:
        rate: Poses per second; None while none are made.
        latency_ms: From capture to skeleton, median and 95 %, of the last seconds; None while unknown.
        error_mm: Mean distance of body joints from the truth, of the last seconds; None where it is unknown.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        studio: Studio,
        make_meter: Callable[..., TruthMeter] = TruthMeter,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._make_meter = make_meter
        self._meter: TruthMeter | None = None
        self._errors: deque[tuple[float, int]] = deque(maxlen=_INSTANTS)
        self.rate: float | None = None
        self.latency_ms: tuple[float, float] | None = None
        session = studio.session
        session.telemetry.connect(self._hear_numbers)
        session.poses.connect(self._hear_poses)
        session.pipeline_state_changed.connect(lambda *_: self._follow())
        session.state_changed.connect(lambda _: self._follow())

    @property
    def error_mm(self) -> float | None:
        """See the class."""
        count = sum(one for _, one in self._errors)
        return sum(total for total, _ in self._errors) / count if count else None

    @property
    def truth_known(self) -> bool:
        """Whether the error can be known."""
        return self._meter is not None

    @property
    def rows(self) -> dict[str, str]:
        """What to show: titles and figures; empty while no poses are made."""
        if self.rate is None:
            return {}
        rows = {RATE: f"{self.rate:.1f}"}
        if self.latency_ms is not None:
            middle, late = self.latency_ms
            rows[MEDIAN] = f"{middle:.0f} ms"
            rows[LATE] = f"{late:.0f} ms"
        if self.truth_known:
            error = self.error_mm
            rows[ERROR] = f"{error:.0f} mm" if error is not None else "…"
        return rows

    def shutdown(self) -> None:
        """End the process."""
        if self._meter is not None:
            self._meter.end(wait=True)
            self._meter = None

    def _follow(self) -> None:
        """Measure while poses of simulated people are made."""
        session = self._studio.session
        ready = session.state == "live" and session.pipeline_state == "ready"
        rig, calibration = session.rig, session.calibration
        wanted = ready and rig is not None and calibration is not None and films_simulated_people(rig)
        if not ready:
            self.rate = self.latency_ms = None
        if not wanted and self._meter is not None:
            self._meter.end()
            self._meter = None
        elif wanted and self._meter is None:
            self._errors.clear()
            self._meter = self._make_meter(rig, calibration, session.origin_ns, parent=self)
            self._meter.measured.connect(self._hear_error)
        self.changed.emit()

    def _hear_poses(self, frame: PoseFrame) -> None:
        if self._meter is not None:
            self._meter.offer(frame)

    def _hear_error(self, total_mm: float, count: int) -> None:
        self._errors.append((total_mm, count))

    def _hear_numbers(self, telemetry: Mapping[str, Mapping[str, Any]]) -> None:
        inference = telemetry.get("inference", {})
        if not inference.get("alive") or self._studio.session.pipeline_state != "ready":
            self.rate = self.latency_ms = None
        else:
            self.rate = float(inference.get("fps", 0.0))
            latency = inference.get("latency_recent_ms") or {}
            self.latency_ms = (float(latency["p50"]), float(latency["p95"])) if latency else None
        self.changed.emit()
