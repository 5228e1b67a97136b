"""The wizard's course: which step, what is known by then, what may come next. Draws nothing."""

from __future__ import annotations

import importlib
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.calibrate import advice, unfinished, world_choice
from app.calibrate.order import Order
from app.calibrate.remedies import Remedy, remedies
from app.calibrate.steps import Step
from app.calibrate.unfinished import Unfinished
from app.calibrate.work import Work
from app.calibrate.world_choice import WorldChoice
from configs.errors import BadInputError, PosestageError
from pipeline.calibration_outcome import CalibrationFailure, CalibrationOutcome
from pipeline.calibration_state import CalibrationState

if TYPE_CHECKING:
    from app.studio import Studio
    from calibration.rig import Rig

log = logging.getLogger(__name__)


class Wizard(QObject):
    """Leads from a board to a calibration that is in use.

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
        self._resume = False
        self._waiting_for_session = False
        self._work = work = Work(self)
        work.changed.connect(self.changed)
        work.state.connect(self._take_state)
        work.said.connect(lambda text: studio.say("warning", text))
        work.collected.connect(self._take_collected)
        work.outcome.connect(self._take_outcome)
        work.failed.connect(self._take_failure)
        work.saved.connect(self._take_saved)
        work.drawn.connect(self._take_report)
        work.trouble.connect(lambda text: studio.say("bad", text))
        work.progress.connect(self._take_progress)
        self.order.changed.connect(self.changed)
        studio.rig_changed.connect(self._take_rig)
        self._take_rig()

    # Where we are

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
        return self._waiting_for_session

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

    # Ways through the steps

    def next(self) -> None:
        """Go on."""
        if self.why_not_next:
            return
        match self.step:
            case Step.BOARD:
                self._go(Step.SOURCE)
            case Step.SOURCE:
                self._go(Step.SHOW)
                self._collect()
            case Step.SHOW if self.order.live:
                self._work.wish("solve")
            case Step.SHOW:
                self._solve_kept()
            case Step.SOLVE:
                self._go(self._after_solve())
            case Step.FLOOR:
                self._go(Step.RESULT)
            case Step.RESULT:
                self._go(Step.SAVE)
            case Step.SAVE if not self.saved:
                self._save()
            case Step.SAVE:
                live = self.order.live
                self.start_over()
                if live:
                    self.studio.go_to.emit("live")

    def back(self) -> None:
        """A step back; cameras stop, views are kept."""
        if self.can_go_back:
            self.go_to(self._before())

    def go_to(self, step: Step) -> None:
        """To a step that the list offers."""
        if step == self.step or not self.reachable(step):
            return
        if step <= Step.SHOW:
            self._work.stop()
            self._waiting_for_session = False
            self._forget_outcome()
        self._go(step)
        if step is Step.SHOW:
            self._resume = True
            self._collect()
        elif step < Step.SHOW:
            self._resume = True
            self.state = None

    def show_more(self) -> None:
        """Back to the board, on top of the views that are kept."""
        self.go_to(Step.SHOW)

    def cancel(self) -> None:
        """Leave; views are kept and can be gone on with."""
        self.start_over()

    def start_over(self) -> None:
        """From the first step, with what was chosen there."""
        self._work.stop()
        self._waiting_for_session = False
        self.state = None
        self._resume = False
        self.order.start_afresh()
        self._forget_outcome()
        self.unfinished = self.order.unfinished()
        self._go(Step.BOARD)

    def go_on(self) -> None:
        """With the calibration that was not finished."""
        found, self.unfinished = self.unfinished, None
        if found is not None:
            self.order.repeat(found)
            self._resume = True
            self._go(Step.SHOW)
            self._collect()

    def forget_unfinished(self) -> None:
        """Start over instead."""
        if self.unfinished is not None:
            unfinished.forget(self.unfinished.folder)
            self.unfinished = None
            self._resume = False
            self.changed.emit()

    def mend(self) -> None:
        """To the step where the failure can be mended."""
        if self.failure is not None:
            place = advice.place_to_go(self.failure)
            self.go_to({"board": Step.BOARD, "source": Step.SOURCE, "show": Step.SHOW}[place])

    def try_again(self) -> None:
        """The same once more, with the views that are kept."""
        if self.failure is None:
            return
        self._resume = True
        if self.step is Step.SHOW:
            self._work.stop()
            self._collect()
        else:
            self._solve_kept()

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """What can be done about what went wrong, or about what was noticed."""
        if self.failure is not None:
            return remedies(self.failure.diagnoses, self.order)
        return remedies(self.outcome.diagnoses, self.order) if self.outcome is not None else ()

    def apply(self, remedy: Remedy) -> None:
        """Do that, and what then has to be done anew."""
        if self.busy:
            return
        if remedy.kind == "again":
            self._work.forget(self._show_again, self.order.folder, remedy.cameras)
            self.changed.emit()
            return
        self._forget_outcome()
        if remedy.kind == "board" and remedy.board is not None:
            self.order.board.use_board(remedy.board)
            self._begin_to_show(resume=False)  # pictures must be searched for it
        else:
            self.order.use_lenses(None)
            self._solve_kept()

    def _show_again(self) -> None:
        self._forget_outcome()
        self._begin_to_show(resume=True)

    def _begin_to_show(self, resume: bool) -> None:
        self._resume = resume
        self._go(Step.SHOW)
        self._collect()

    def left(self) -> None:
        """Another page is shown, which may need the cameras; views are kept."""
        if self.step in (Step.SHOW, Step.SOLVE) and (self.filming or self._waiting_for_session):
            self.go_to(Step.SOURCE)
            self.unfinished = self.order.unfinished()
            self.changed.emit()

    def shutdown(self) -> None:
        """The window closes."""
        self._work.shutdown()

    # While the board is shown

    def use_source(self, source: unfinished.Source) -> None:
        """Calibrate live cameras or a recording."""
        self.order.use_source(source)
        self._choice_changed()

    def use_footage(self, path: Path) -> None:
        """Calibrate from this folder or take."""
        self.order.use_footage(path)
        self._choice_changed()

    def end_by_itself(self, on: bool) -> None:
        """Whether collecting ends when there is enough."""
        self.order.by_itself = on
        self._work.wish("by_itself" if on else "by_button")
        self.changed.emit()

    def want_floor(self, on: bool) -> None:
        """Whether it is enough only after the board has lain on the floor."""
        self.order.wants_floor = on
        self._work.wish("floor_wanted" if on else "floor_optional")
        self.changed.emit()

    def mark_floor(self) -> None:
        """The board lies on the floor now."""
        self._work.wish("mark_floor")

    def session_stopped(self) -> None:
        """The live session has let go of the cameras: now they are ours."""
        if self._waiting_for_session:
            self._waiting_for_session = False
            self._work.when_free(self._film)

    def _collect(self) -> None:
        self.failure = self.state = None
        if not self.order.live:
            words = self.order.search_words(self._resume)
            self._resume = False
            self._work.search(*words)
        elif self.studio.has_session and self.studio.session.state not in ("off", "failed"):
            self._waiting_for_session = True
            self.studio.session.stop()
        else:
            self._work.when_free(self._film)
        self.changed.emit()

    def _film(self) -> None:
        task = self.order.film_task(self._resume)
        if task is None or self.step is not Step.SHOW or self._work.filming:
            return
        try:
            self.order.note(task.rig.names, collected=False)
        except PosestageError as error:
            self._take_failure(CalibrationFailure(str(error)))
            return
        self._work.film(task)

    def _why_not_solve(self) -> str:
        if self.failure is not None:
            return "See what went wrong first."
        if self.state is None or self.state.phase == "starting":
            if self._waiting_for_session:
                return "Waiting for the live view to let go of the cameras …"
            return "Starting the cameras …" if self.order.live else "Searching the recording …"
        return "" if self.state.kept_views else "No view of the board yet."

    def _take_state(self, state: CalibrationState) -> None:
        self.state = state
        if state.phase == "solving":
            self._take_progress(*state.solving)
        if not self.order.live:
            self._note_collected(tuple(state.cameras))
            self.changed.emit()
        self.state_changed.emit()

    def _take_progress(self, share: float, what: str) -> None:
        self.progress.emit(share, advice.stage_words(what))

    def _take_collected(self, why: str) -> None:
        if why == "enough":
            self.studio.say("good", "There are enough views: the calibration is being worked out.")
        if self.order.rig is not None:
            self._note_collected(self.order.rig.names)
        self._go(Step.SOLVE)

    def _note_collected(self, cameras: tuple[str, ...]) -> None:
        """All views are there; that this cannot be noted is no reason to stop."""
        try:
            self.order.note(cameras, collected=True)
        except PosestageError as error:
            self.studio.say("warning", str(error))

    # What came out

    def place_world(self, choice: WorldChoice) -> None:
        """Try out another world."""
        if self.outcome is None:
            return
        try:
            placed = world_choice.place(self.outcome, choice)
        except BadInputError as error:
            self.studio.say("warning", str(error))
            return
        self.choice, self.placed = choice, placed
        self.placed_changed.emit()

    def draw_report(self) -> None:
        """Draw the report; ``report_ready`` says when."""
        if self.outcome is not None and self.placed is not None and not self.busy:
            self._work.draw(self.outcome.archive, self.placed, self.order.report_folder)

    def _solve_kept(self) -> None:
        self.failure = None
        self._go(Step.SOLVE)
        order = self.order
        self._work.solve(order.folder, order.board.board, order.settings, order.lenses is not None)

    def _take_outcome(self, outcome: CalibrationOutcome) -> None:
        self.outcome, self.failure = outcome, None
        self.saved, self.report = (), None
        self.choice, self.placed = None, outcome.rig
        if len(outcome.rig) > 1:
            self.choice = world_choice.first_choice(outcome)
            try:
                self.placed = world_choice.place(outcome, self.choice)
            except BadInputError:
                # Cameras that do not tell what is up: the engine's world is as good as another.
                log.info("the cameras do not tell what is up")
        self.outcome_changed.emit()
        if self.step is Step.SOLVE:
            self._go(self._after_solve())

    def _take_failure(self, failure: CalibrationFailure) -> None:
        self.failure = failure
        if self.state is not None and self.state.phase == "solving":
            self.state = replace(self.state, phase="failed")
        if self.step not in (Step.SHOW, Step.SOLVE):
            self.studio.say("bad", failure.sentence)
        self.changed.emit()

    def _after_solve(self) -> Step:
        assert self.outcome is not None
        return Step.FLOOR if self.outcome.usable and Step.FLOOR in self.steps else Step.RESULT

    def _save(self) -> None:
        assert self.outcome is not None and self.placed is not None
        # What reading it back needs is loaded meanwhile, and not when the window waits for it.
        threading.Thread(target=_load_readers, name="load-readers", daemon=True).start()
        order = self.order
        devices, path = (order.rig, order.rig_file) if order.live else (None, None)
        self._work.save(self.outcome.archive, self.placed, order.target, order.exports, devices, path)

    def _take_saved(self, files: list[Path]) -> None:
        self.saved = tuple(files)
        unfinished.forget(self.order.folder)
        self._use_it(files[0])
        self.changed.emit()

    def _use_it(self, path: Path) -> None:
        """Work with the calibration from now on, where it is of the present rig."""
        rig, outcome = self.studio.rig, self.outcome
        if rig is None or outcome is None or set(rig.names) != set(outcome.rig.names):
            self.studio.say("good", f"The calibration is saved in {path}.")
            return
        if self.order.live:
            # Whoever saves the rig next saves what it refers to, too.
            self.studio.rig = rig.model_copy(update={"calibration": str(path.resolve())})
        try:
            self.studio.use_calibration(path)
        except PosestageError as error:
            self.studio.say("warning", str(error))
            return
        self.studio.say("good", "The calibration is saved and in use.")

    def _take_report(self, path: Path) -> None:
        self.report = path
        self.report_ready.emit(path)
        self.changed.emit()

    # Inner

    def _go(self, step: Step) -> None:
        if step is not self.step:
            self.step = step
            self.step_changed.emit()
        self.changed.emit()

    def _before(self) -> Step:
        """The step before, past the solve, which is nothing to stay at."""
        before = [step for step in self.steps if step < self.step and step is not Step.SOLVE]
        if self.step is Step.RESULT and self.outcome is not None and not self.outcome.usable:
            return Step.SHOW
        return before[-1]

    def _forget_outcome(self) -> None:
        self.outcome = self.failure = self.choice = self.placed = None
        self.saved, self.report = (), None
        self.outcome_changed.emit()

    def _choice_changed(self) -> None:
        """Something else is calibrated: what was found before is of no use for it."""
        self.state, self._resume = None, False
        self._forget_outcome()
        self.unfinished = self.order.unfinished()
        self.changed.emit()

    def _take_rig(self) -> None:
        if self.order.live and self.step > Step.SOURCE and not self._is_of_rig():
            self.start_over()
        self.order.fit_board()
        if self.step <= Step.SOURCE:
            self.unfinished = self.order.unfinished()
        self.changed.emit()

    def _is_of_rig(self) -> bool:
        """Whether what was collected is of the cameras that are there now."""
        rig = self.studio.rig
        names = tuple(self.state.cameras) if self.state is not None else ()
        return rig is not None and (not names or rig.names == names)


def _load_readers() -> None:
    importlib.import_module("calibration.rig_file")
    importlib.import_module("pipeline.sources")
