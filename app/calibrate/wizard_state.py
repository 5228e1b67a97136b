"""What the wizard knows by now, and what may come next by that. Changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.calibrate.camera_claim import CameraClaim
from app.calibrate.order import Order
from app.calibrate.remedies import Remedy, remedies
from app.calibrate.steps import Step
from app.calibrate.unfinished import Unfinished
from app.calibrate.work import Work
from app.calibrate.world_choice import WorldChoice
from pipeline.calibrating.outcome import CalibrationFailure, CalibrationOutcome
from pipeline.calibrating.state import CalibrationState

if TYPE_CHECKING:
    from app.studio import Studio
    from calibration.rig import Rig


class WizardState(QObject):
    """Where a calibration stands.

    Attributes:
        order: What is calibrated, and how.
        step: Where we are.
        state: Of collecting; None before.
        outcome: What came out; None before.
        failure: Why nothing did; None where something did.
        choice: Where the world is; None for a single camera.
        placed: The outcome's cameras there.
        saved: Files; empty before.
        report: The report's file; None before it is drawn.
        unfinished: An earlier calibration that can be gone on with.
    """

    step_changed = pyqtSignal()
    changed = pyqtSignal()
    state_changed = pyqtSignal()
    progress = pyqtSignal(float, str)
    outcome_changed = pyqtSignal()
    placed_changed = pyqtSignal()
    report_ready = pyqtSignal(object)

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self.order = Order(studio, self)
        self.step = Step.BOARD
        self.state: CalibrationState | None = None
        self.outcome: CalibrationOutcome | None = None
        self.failure: CalibrationFailure | None = None
        self.choice: WorldChoice | None = None
        self.placed: Rig | None = None
        self.saved: tuple[Path, ...] = ()
        self.report: Path | None = None
        self.unfinished: Unfinished | None = None
        self._work = Work(self)
        self._claim = CameraClaim(studio, self)

    @property
    def busy(self) -> bool:
        """Whether something runs that takes long."""
        return self._work.busy

    @property
    def filming(self) -> bool:
        """Whether cameras are held by the wizard."""
        return self._work.filming

    @property
    def waiting_for_session(self) -> bool:
        """Whether the live session still holds the cameras."""
        return self._claim.waiting

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those that this calibration has."""
        alone = self.outcome is not None and len(self.outcome.rig) < 2
        return tuple(step for step in Step if not (alone and step is Step.FLOOR))

    def reachable(self, step: Step) -> bool:
        """Whether the step list may lead there: back, or forward to what is known already."""
        if step not in self.steps:
            return False
        if step <= self.step:
            kept = self.step is Step.SAVE and bool(self.saved) and step < Step.FLOOR
            return step == self.step or not (kept or step is Step.SOLVE)
        if step in (Step.FLOOR, Step.SAVE):
            return self.outcome is not None and self.outcome.usable
        return step is Step.RESULT and self.outcome is not None

    @property
    def why_not_next(self) -> str:
        """What is missing for the next step, as a sentence; "" where it may come."""
        match self.step:
            case Step.BOARD:
                return self.order.board.problem
            case Step.SOURCE:
                return self.order.problem
            case Step.SHOW:
                return self._why_not_solve()
            case Step.SOLVE:
                return "" if self.outcome is not None else "The solve is not done."
            case Step.RESULT:
                usable = self.outcome is not None and self.outcome.usable
                return "" if usable else "This calibration must not be used."
            case Step.SAVE:
                return "Saving …" if self.busy and not self.saved else ""
        return ""

    @property
    def next_words(self) -> str:
        """On the button that goes on."""
        match self.step:
            case Step.SOURCE:
                return "Start the cameras" if self.order.live else "Search the recording"
            case Step.SHOW:
                return "Calibrate now" if self.order.live else "Calibrate"
            case Step.SAVE if not self.saved:
                return "Save"
            case Step.SAVE:
                return "Go live" if self.order.live else "Done"
        return "Next"

    @property
    def can_go_back(self) -> bool:
        """Whether there is a step before that can still be changed."""
        return self.step > Step.BOARD and not (self.step is Step.SAVE and bool(self.saved))

    @property
    def would_lose(self) -> str:
        """What is lost by leaving now, as a sentence; "" where nothing is."""
        unsaved = self.outcome is not None and self.outcome.usable and not self.saved
        return "The calibration has not been saved." if unsaved else ""

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """What can be done about what went wrong, or about what was noticed."""
        if self.failure is not None:
            return remedies(self.failure.diagnoses, self.order)
        return remedies(self.outcome.diagnoses, self.order) if self.outcome is not None else ()

    def _why_not_solve(self) -> str:
        if self.failure is not None:
            return "See what went wrong first."
        if self.state is None or self.state.phase == "starting":
            if self._claim.waiting:
                return "Waiting for the live view to let go of the cameras …"
            return "Starting the cameras …" if self.order.live else "Searching the recording …"
        return "" if self.state.kept_views else "No view of the board yet."

    def _after_solve(self) -> Step:
        assert self.outcome is not None
        return Step.FLOOR if self.outcome.usable and Step.FLOOR in self.steps else Step.RESULT

    def _before(self) -> Step:
        """The step before, past the solve, which is nothing to stay at."""
        before = [step for step in self.steps if step < self.step and step is not Step.SOLVE]
        if self.step is Step.RESULT and self.outcome is not None and not self.outcome.usable:
            return Step.SHOW
        return before[-1]
