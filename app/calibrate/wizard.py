"""The wizard's course: the ways through its steps, and what is done on them. Draws nothing."""

from __future__ import annotations

import importlib
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.calibrate import advice, unfinished, world_choice
from app.calibrate.remedies import Remedy
from app.calibrate.steps import Step
from app.calibrate.wizard_state import WizardState
from app.calibrate.world_choice import WorldChoice
from configs.errors import BadInputError, PosestageError
from pipeline.calibrating.outcome import CalibrationFailure, CalibrationOutcome
from pipeline.calibrating.state import CalibrationState

if TYPE_CHECKING:
    from app.studio import Studio

log = logging.getLogger(__name__)


class Wizard(WizardState):
    """Leads from a board to a calibration that is in use.

    Args:
        studio: Whose cameras are calibrated.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._resume = False
        work = self._work
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
        self._claim.free.connect(lambda: work.when_free(self._film))
        self.order.changed.connect(self.changed)
        studio.rig_changed.connect(self._take_rig)
        self._take_rig()

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
            self._claim.drop()
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
        self._claim.drop()
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
        if self.step in (Step.SHOW, Step.SOLVE) and (self.filming or self._claim.waiting):
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

    def _collect(self) -> None:
        self.failure = self.state = None
        if not self.order.live:
            words = self.order.search_words(self._resume)
            self._resume = False
            self._work.search(*words)
        elif self._claim.claim():
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
    importlib.import_module("pipeline.rigs.footage")
