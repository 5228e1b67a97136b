"""The solve: its stages, or why it failed."""

from __future__ import annotations

import time

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from app import theme
from app.calibrate.failure_view import FailureView
from app.calibrate.step_view import StepView, text
from app.calibrate.steps import Step
from app.calibrate.wizard import Wizard
from app.widgets.buttons import button
from app.widgets.card import Card


class SolveStep(StepView):
    """A bar and a sentence; the window stays free."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__(wizard)
        self.stage = text("Starting", "heading", "solveStage")
        self.bar = QProgressBar()
        self.bar.setObjectName("solveProgress")
        self.bar.setRange(0, 1000)
        self.seconds = text(role="quiet", name="solveSeconds")
        self.stop = button("Stop", "stopSolve", wizard.back, tip="Back to the board; the views are kept")
        self.failure = FailureView(wizard)
        self._since = 0.0
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._tick)
        card = Card()
        card.body.addWidget(self.stage)
        card.body.addWidget(self.bar)
        card.body.addWidget(self.seconds)
        row = QHBoxLayout()
        row.addWidget(self.stop)
        row.addStretch(1)
        card.body.addLayout(row)
        self.working = QWidget()
        column = QVBoxLayout(self.working)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(card)
        column.addStretch(1)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.working)
        self.stack.addWidget(self.failure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.stack)
        wizard.progress.connect(self._show)
        wizard.changed.connect(self.refresh)

    def entered(self) -> None:
        """Count seconds."""
        self._since = time.monotonic()
        self._show(0.0, "Starting")
        self._clock.start()
        self._tick()
        self.refresh()

    def left(self) -> None:
        """No need to count."""
        self._clock.stop()

    shutdown = left

    def refresh(self) -> None:
        """Progress or failure."""
        if self.wizard.step is Step.SOLVE:
            failed = self.wizard.failure is not None
            self.stack.setCurrentWidget(self.failure if failed else self.working)
            self.failure.refresh()

    def _show(self, share: float, words: str) -> None:
        if self.wizard.step is not Step.SOLVE:
            return
        self.bar.setRange(0, 0 if share < 0 else 1000)
        self.bar.setValue(round(1000 * max(0.0, share)))
        self.stage.setText(words)

    def _tick(self) -> None:
        state = self.wizard.state
        views = f"{state.kept_views} views. " if state is not None else ""
        self.seconds.setText(f"{views}{time.monotonic() - self._since:.0f} s")
