"""The wizard's course: which step, what is known by then, what may come next. Draws nothing."""

from __future__ import annotations

import importlib
import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from platformdirs import user_data_path
from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob
from app.calibrate import advice, jobs, unfinished, world_choice
from app.calibrate.board_choice import BoardChoice
from app.calibrate.filming import Filming
from app.calibrate.unfinished import Unfinished
from app.calibrate.world_choice import WorldChoice
from configs.errors import BadInputError, PosestageError
from pipeline.board_rig import board_rig, is_simulated, studio_board
from pipeline.calibration_host import FilmTask
from pipeline.calibration_outcome import CalibrationFailure, CalibrationOutcome
from pipeline.calibration_state import CalibrationState

if TYPE_CHECKING:
    from app.studio import Studio
    from calibration.rig import Rig

log = logging.getLogger(__name__)

Model = Literal["auto", "pinhole", "rational", "fisheye"]
EXPORTS: Final = ("toml", "easymocap", "qualisys")


class Step(IntEnum):
    """The steps in their order."""

    BOARD = 0
    SOURCE = 1
    SHOW = 2
    SOLVE = 3
    FLOOR = 4
    RESULT = 5
    SAVE = 6


TITLES: Final = {
    Step.BOARD: "Board",
    Step.SOURCE: "Cameras",
    Step.SHOW: "Show the board",
    Step.SOLVE: "Solve",
    Step.FLOOR: "Floor and axes",
    Step.RESULT: "Result",
    Step.SAVE: "Save",
}

HEADINGS: Final = {
    Step.BOARD: (
        "Which board will you show?",
        "The cameras find their lenses and places by looking at a printed pattern. Print one, glue it to "
        "something flat and stiff, and measure it.",
    ),
    Step.SOURCE: (
        "What shall be calibrated?",
        "The cameras as they stand now, or recordings that were made of the board.",
    ),
    Step.SHOW: (
        "Show the board to all cameras",
        "Carry it slowly through the room: near each camera, into the corners of its picture, tilted to all "
        "sides, and where two cameras see it together. Good views are picked by themselves.",
    ),
    Step.SOLVE: ("Working it out", "Lenses, places and time offsets are found from all views together."),
    Step.FLOOR: (
        "Where is the floor?",
        "The world's origin lies on the floor and Z points up. Everything you capture later is measured from "
        "there.",
    ),
    Step.RESULT: ("How good is it?", "Judged on views that the solve has not seen."),
    Step.SAVE: ("Keep it", "The calibration is saved beside the rig, which refers to it from then on."),
}


def unsaved_folder() -> Path:
    """Where calibrations of rigs go that have no file themselves."""
    return user_data_path("posestage", appauthor=False) / "calibrations"


class Wizard(QObject):
    """Leads from a board to a calibration that is in use.

    Attributes:
        board: The board as it is described.
        step: Where we are.
        source: Live cameras, or recorded footage.
        footage: The recording; None before one is chosen.
        lenses: A file with known lenses; None: they are estimated together with the places.
        model: Lens model.
        by_itself: Collecting ends by itself when there is enough.
        wants_floor: It is not enough before the board lay on the floor.
        state: Of collecting; None before.
        outcome: What came out; None before.
        failure: Why nothing did; None where something did.
        choice: Where the world is.
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
        self.board = BoardChoice()
        self.step = Step.BOARD
        self.source: unfinished.Source = "live"
        self.footage: Path | None = None
        self.lenses: Path | None = None
        self.model: Model = "auto"
        self.by_itself = True
        self.wants_floor = False
        self.exports: tuple[str, ...] = ()
        self.out: Path | None = None
        self.state: CalibrationState | None = None
        self.events: list[str] = []
        self.stage = ""
        self.share = 0.0
        self.outcome: CalibrationOutcome | None = None
        self.failure: CalibrationFailure | None = None
        self.choice: WorldChoice | None = None
        self.placed: Rig | None = None
        self.saved: tuple[Path, ...] = ()
        self.report: Path | None = None
        self.unfinished: Unfinished | None = None
        self._filming: Filming | None = None
        self._ending: Filming | None = None
        self._job: BackgroundJob | None = None
        self._jobs: list[BackgroundJob] = []
        self._resume = False
        self._waiting_to_film = False
        self._begun: Any = None
        self.board.changed.connect(self.changed)
        studio.rig_changed.connect(self._rig_changed)
        self._rig_changed()

    # What is known

    @property
    def simulated(self) -> bool:
        """Whether the cameras at hand are simulated: then they film their own board."""
        rig = self.studio.rig
        return self.source == "live" and rig is not None and is_simulated(rig)

    @property
    def busy(self) -> bool:
        """Whether something runs that takes long."""
        return self.filming or self._job is not None

    @property
    def filming(self) -> bool:
        """Whether cameras are held by the wizard."""
        return any(one is not None and one.running for one in (self._filming, self._ending))

    @property
    def folder(self) -> Path:
        """Where views and report are kept: beside the calibration."""
        out = self.default_out
        return out.with_name(f"{out.stem}_report")

    @property
    def default_out(self) -> Path:
        """Where the calibration goes unless somebody says otherwise."""
        if self.source == "recorded" and self.footage is not None:
            return self.footage.parent / f"{self.footage.stem}_calibration.yaml"
        path, rig = self.studio.rig_path, self.studio.rig
        if path is not None:
            return path.with_name(f"{path.stem}_calibration.yaml")
        name = re.sub(r"[^A-Za-z0-9]+", "_", rig.name if rig is not None else "rig").strip("_").lower()
        return unsaved_folder() / (name or "rig") / "calibration.yaml"

    @property
    def target(self) -> Path:
        """Where the calibration goes."""
        return self.out if self.out is not None else self.default_out

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those that this calibration has."""
        alone = self.outcome is not None and len(self.outcome.rig) < 2
        return tuple(step for step in Step if not (alone and step is Step.FLOOR))

    def reachable(self, step: Step) -> bool:
        """Whether the step list may lead there: back, or forward to what is known already."""
        if step == self.step:
            return True
        if step < self.step:
            return not (self.step is Step.SAVE and bool(self.saved)) or step >= Step.FLOOR
        if step in (Step.FLOOR, Step.RESULT):
            return self.outcome is not None and (self.outcome.usable or step is Step.RESULT)
        return step is Step.SAVE and self.outcome is not None and self.outcome.usable

    @property
    def why_not_next(self) -> str:
        """What is missing for the next step, as a sentence; "" where it may come."""
        match self.step:
            case Step.BOARD:
                return self.board.problem
            case Step.SOURCE:
                if self.source == "live":
                    return "" if self.studio.rig is not None else "Set up cameras first."
                return "" if self.footage is not None else "Choose a recording first."
            case Step.SHOW:
                return self._why_not_solve()
            case Step.SOLVE:
                return "" if self.outcome is not None else "The solve is not done."
            case Step.RESULT:
                usable = self.outcome is not None and self.outcome.usable
                return "" if usable else "This calibration must not be used."
            case Step.SAVE:
                return "Saving …" if self.busy else ""
        return ""

    @property
    def next_words(self) -> str:
        """On the button that goes on."""
        match self.step:
            case Step.SOURCE:
                return "Start the cameras" if self.source == "live" else "Search the recording"
            case Step.SHOW:
                return "Calibrate now" if self.source == "live" else "Calibrate"
            case Step.SAVE:
                return "Go live" if self.saved and self.source == "live" else "Save"
        return "Next"

    @property
    def can_go_back(self) -> bool:
        """Whether there is a step before that can still be changed."""
        return self.step > Step.BOARD and not (self.step is Step.SAVE and bool(self.saved))

    @property
    def would_lose(self) -> str:
        """What is lost by cancelling now, as a sentence; "" where nothing is."""
        if self.outcome is not None and not self.saved:
            return "This calibration has not been saved."
        return ""

    # Decisions

    def use_source(self, source: unfinished.Source) -> None:
        """Calibrate live cameras or a recording."""
        if source != self.source:
            self.source = source
            self._forget_results()
            self._fit_board()
            self._look_for_unfinished()
            self.changed.emit()

    def use_footage(self, path: Path | None) -> None:
        """Calibrate from this folder, take or file."""
        self.footage = path
        self._forget_results()
        if path is not None:
            self.studio.preferences.remember_folder(path)
        self._look_for_unfinished()
        self.changed.emit()

    def use_lenses(self, path: Path | None) -> None:
        """Take lenses from a file; None estimates them."""
        self.lenses = path
        self.changed.emit()

    def use_model(self, model: Model) -> None:
        """Estimate lenses of this kind."""
        self.model = model
        self.changed.emit()

    def end_by_itself(self, on: bool) -> None:
        """Whether collecting ends when there is enough."""
        self.by_itself = on
        if self._filming is not None:
            self._filming.wish("by_itself" if on else "by_button")
        self.changed.emit()

    def want_floor(self, on: bool) -> None:
        """Whether it is enough only after the board has lain on the floor."""
        self.wants_floor = on
        self.changed.emit()

    def mark_floor(self) -> None:
        """The board lies on the floor now."""
        if self._filming is not None:
            self._filming.wish("mark_floor")

    def use_exports(self, formats: Sequence[str]) -> None:
        """Other formats to write, too."""
        self.exports = tuple(formats)
        self.changed.emit()

    def use_target(self, path: Path) -> None:
        """Save there."""
        self.out = path
        self.changed.emit()

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

    # Ways through the steps

    def next(self) -> None:
        """Go on."""
        if self.why_not_next:
            return
        match self.step:
            case Step.SOURCE:
                self._go(Step.SHOW)
                self._collect()
            case Step.SHOW:
                self._solve()
            case Step.SOLVE:
                self._go(self._after_solve())
            case Step.RESULT:
                self._go(Step.SAVE)
            case Step.SAVE:
                if self.saved and self.source == "live":
                    self.studio.go_to.emit("live")
                else:
                    self._save()
            case _:
                self._go(Step(self.step + 1))

    def back(self) -> None:
        """A step back; cameras stop, views are kept."""
        if self.can_go_back:
            self.go_to(self._before())

    def go_to(self, step: Step) -> None:
        """To a step that the list offers."""
        if step == self.step or not self.reachable(step):
            return
        if step <= Step.SHOW or (step is Step.SOLVE and self.outcome is None):
            self._stop_work()
        if step is Step.SHOW:
            self._forget_outcome()
            self._go(step)
            self._resume = True
            self._collect()
        elif step is Step.SOLVE:
            self._go(step)
        else:
            self._go(step)

    def back_to_board(self) -> None:
        """Show more views, on top of those that are kept."""
        self.go_to(Step.SHOW)

    def cancel(self) -> None:
        """Leave everything as it was before; views are kept and can be gone on with."""
        self._stop_work()
        self.start_over()

    def start_over(self) -> None:
        """From the first step, with what was chosen there."""
        self._stop_work()
        self._forget_results()
        self._look_for_unfinished()
        self._go(Step.BOARD)

    def go_on(self) -> None:
        """With the calibration that was not finished."""
        found = self.unfinished
        if found is None:
            return
        self.source, self.footage = found.source, found.footage
        self.lenses = found.lenses
        if found.model in ("auto", "pinhole", "rational", "fisheye"):
            self.model = found.model  # type: ignore[assignment]
        if not self.board.locked:
            self.board.use_board(found.board)
        self.unfinished = None
        self._resume = True
        self._go(Step.SHOW)
        self._collect()

    def forget_unfinished(self) -> None:
        """Start over instead."""
        if self.unfinished is not None:
            unfinished.forget(self.unfinished.folder)
            self.unfinished = None
            self.changed.emit()

    def mend(self) -> None:
        """To the step where the failure can be mended."""
        if self.failure is None:
            return
        place = advice.place_to_go(self.failure)
        self.go_to({"board": Step.BOARD, "source": Step.SOURCE, "show": Step.SHOW}[place])

    def try_again(self) -> None:
        """The same once more, with the views that are kept."""
        if self.failure is None:
            return
        self._stop_work()
        self._resume = True
        if self.step is Step.SHOW:
            self._collect()
        else:
            self._solve_kept()

    def draw_report(self) -> None:
        """Draw the report; ``report_ready`` says when."""
        if self.outcome is None or self.placed is None or self.busy:
            return
        words = self.outcome.archive, self.placed, self.report_folder
        self._start(BackgroundJob(jobs.report, *words), self._report_drawn, self._say_bad)

    @property
    def report_folder(self) -> Path:
        """Where the report goes."""
        return self.target.with_name(f"{self.target.stem}_report")

    def left(self) -> None:
        """Another page is shown: cameras must be free for it; views are kept."""
        if self.filming and self.step in (Step.SHOW, Step.SOLVE):
            self._stop_work()
            self._go(Step.SOURCE)
            self._look_for_unfinished()
            self.changed.emit()

    def shutdown(self) -> None:
        """The window closes."""
        for filming in (self._filming, self._ending):
            if filming is not None:
                filming.shutdown()
        for job in list(self._jobs):
            job.cancel()
        for job in list(self._jobs):
            job.wait()

    # Collecting

    def session_stopped(self) -> None:
        """The live session has let go of the cameras: now they are ours."""
        if self._waiting_to_film:
            self._waiting_to_film = False
            self._film()

    @property
    def waiting_for_cameras(self) -> bool:
        """Whether the live session still holds them."""
        return self._waiting_to_film

    def _collect(self) -> None:
        self.failure = None
        self.events.clear()
        self.state = None
        if self.source == "recorded":
            self._search()
            return
        if self.studio.has_session and self.studio.session.state not in ("off", "failed"):
            self._waiting_to_film = True
            self.studio.session.stop()
            self.changed.emit()
        else:
            self._film()

    def _film(self) -> None:
        if self._ending is not None and self._ending.running:
            # The cameras of the last attempt are still being freed; then it is our turn.
            self._ending.ended.connect(self._film)
            return
        if self._filming is not None:
            return
        rig, board = self.studio.rig, self.board.board
        if rig is None or board is None or self.step is not Step.SHOW:
            return
        kept = Unfinished.find(self.folder)
        resume = self._resume and kept is not None and _same_layout(kept, board, rig.names)
        try:
            self._note(rig.names, collected=False)
        except PosestageError as error:
            self._failed(CalibrationFailure(str(error)))
            return
        task = FilmTask(
            board_rig(rig) if is_simulated(rig) else rig,
            board,
            self.folder,
            self._settings(),
            self.lenses,
            resume,
            self.by_itself,
        )
        self._filming = filming = Filming(task, self)
        filming.state.connect(lambda state: self._take_state(filming, state))
        filming.said.connect(lambda text: self._take_event(filming, text))
        filming.solving.connect(lambda why: self._collected(filming, why))
        filming.done.connect(lambda outcome: self._take_outcome(filming, outcome))
        filming.failed.connect(lambda failure: self._film_failed(filming, failure))
        filming.ended.connect(self.changed)
        filming.start()
        self.changed.emit()

    def _search(self) -> None:
        kept = Unfinished.find(self.folder)
        board = self.board.board
        assert self.footage is not None
        again = self._resume and kept is not None and board is not None and _same_board(kept.board, board)
        source = self.folder if again else self.footage
        self._resume = False
        words = source, board, None, self.folder, self._settings(), self.lenses
        self._start(BackgroundJob(jobs.search, *words), self._searched, self._job_failed)

    def _searched(self, found: CalibrationState | CalibrationFailure) -> None:
        if isinstance(found, CalibrationFailure):
            self._failed(found)
            return
        self.state = found
        try:
            self._note(tuple(found.cameras), collected=True)
        except PosestageError as error:
            self.studio.say("warning", str(error))
        self.state_changed.emit()
        self.changed.emit()

    def _take_state(self, filming: Filming, state: CalibrationState) -> None:
        if filming is not self._filming:
            return
        self.state = state
        if state.phase == "solving":
            self.share, self.stage = state.solving
            self.progress.emit(self.share, advice.stage_words(self.stage))
        self.state_changed.emit()

    def _take_event(self, filming: Filming, text: str) -> None:
        if filming is self._filming:
            self.events.append(text)
            self.studio.say("warning", text)
            self.changed.emit()

    def _take_progress(self, share: float, what: str) -> None:
        self.share, self.stage = share, what
        self.progress.emit(share, advice.stage_words(what))

    def _why_not_solve(self) -> str:
        if self.failure is not None:
            return "See what went wrong first."
        if self.state is None or self.state.phase == "starting":
            return "Starting the cameras …" if self.source == "live" else "Searching the recording …"
        if not self.state.kept_views:
            return "No view of the board yet."
        return ""

    # Solving

    def _solve(self) -> None:
        if self.source == "recorded":
            self._solve_kept()
        elif self._filming is not None:
            self._filming.wish("solve")

    def _collected(self, filming: Filming, why: str) -> None:
        if filming is not self._filming:
            return
        if why == "enough":
            self.studio.say("good", "There are enough views: the calibration is being worked out.")
        rig = self.studio.rig
        if rig is not None:
            try:
                self._note(rig.names, collected=True)
            except PosestageError as error:
                self.studio.say("warning", str(error))
        self.share, self.stage = 0.0, ""
        self._go(Step.SOLVE)

    def _solve_kept(self) -> None:
        self.failure = None
        self.share, self.stage = 0.0, ""
        words = self.folder, self.board.board, self._settings(), self.lenses is not None
        self._go(Step.SOLVE)
        self._start(BackgroundJob(jobs.solve, *words), self._solved, self._job_failed)

    def _solved(self, found: CalibrationOutcome | CalibrationFailure) -> None:
        if isinstance(found, CalibrationFailure):
            self._failed(found)
        else:
            self._use_outcome(found)

    def _take_outcome(self, filming: Filming, outcome: CalibrationOutcome) -> None:
        if filming is self._filming:
            self._use_outcome(outcome)

    def _film_failed(self, filming: Filming, failure: CalibrationFailure) -> None:
        if filming is self._filming:
            self._failed(failure)

    def _use_outcome(self, outcome: CalibrationOutcome) -> None:
        self.outcome, self.failure = outcome, None
        self.saved, self.report = (), None
        if len(outcome.rig) > 1:
            self.choice = world_choice.first_choice(outcome)
            try:
                self.placed = world_choice.place(outcome, self.choice)
            except BadInputError:  # cameras that do not tell what is up: any world is as good as another
                self.placed = outcome.rig
        else:
            self.choice, self.placed = None, outcome.rig
        self.outcome_changed.emit()
        if self.step is Step.SOLVE:
            self._go(self._after_solve())

    def _failed(self, failure: CalibrationFailure) -> None:
        self.failure = failure
        if self.state is not None and self.state.phase == "solving":
            self.state = replace(self.state, phase="failed")
        if self.step not in (Step.SHOW, Step.SOLVE):
            self.studio.say("bad", failure.sentence)
        self.changed.emit()

    def _after_solve(self) -> Step:
        assert self.outcome is not None
        return Step.FLOOR if self.outcome.usable and Step.FLOOR in self.steps else Step.RESULT

    # Saving

    def _save(self) -> None:
        assert self.outcome is not None and self.placed is not None
        # What reading it back needs is loaded meanwhile, and not when the window waits for it.
        threading.Thread(target=_load_readers, name="load-readers", daemon=True).start()
        live = self.source == "live"
        words = (
            self.outcome.archive,
            self.placed,
            self.target,
            self.exports,
            self.studio.rig if live else None,
            self.studio.rig_path if live else None,
        )
        self._start(BackgroundJob(jobs.save, *words), self._take_saved, self._say_bad)

    def _take_saved(self, files: list[Path]) -> None:
        self.saved = tuple(files)
        unfinished.forget(self.folder)
        self._use_it(files[0])
        self.changed.emit()

    def _use_it(self, path: Path) -> None:
        """Work with the calibration from now on, where it is of the present rig."""
        rig, outcome = self.studio.rig, self.outcome
        if rig is None or outcome is None or set(rig.names) != set(outcome.rig.names):
            self.studio.say("good", f"The calibration is saved in {path}.")
            return
        try:
            self.studio.use_calibration(path)
        except PosestageError as error:
            self.studio.say("warning", str(error))
            return
        self.studio.say("good", "The calibration is saved and in use.")

    def _report_drawn(self, path: Path) -> None:
        self.report = path
        self.report_ready.emit(path)
        self.changed.emit()

    # Inner

    def _settings(self) -> dict[str, Any]:
        floor = "wanted" if self.wants_floor or self.simulated else "auto"
        return {"intrinsics": {"model": self.model}, "live": {"floor": floor}}

    def _note(self, cameras: tuple[str, ...], collected: bool) -> None:
        board = self.board.board
        if board is None:
            return
        self._begun = self._begun or datetime.now().astimezone()
        Unfinished(
            self.folder,
            board,
            self.source,
            self.footage if self.source == "recorded" else None,
            cameras,
            self.model,
            self.lenses,
            self._begun,
            collected,
        ).save()

    def _go(self, step: Step) -> None:
        if step is not self.step:
            self.step = step
            self.step_changed.emit()
        self.changed.emit()

    def _before(self) -> Step:
        if self.step is Step.FLOOR or (self.step is Step.RESULT and Step.FLOOR not in self.steps):
            return Step.SHOW
        if self.step is Step.RESULT and self.outcome is not None and not self.outcome.usable:
            return Step.SHOW
        return Step(self.step - 1)

    def _start(self, job: BackgroundJob, done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        """Run a job; one that was called off meanwhile is not heard any more."""
        self._call_job_off()
        self._job = job
        self._jobs.append(job)

        def if_present(hear: Callable[..., None]) -> Callable[..., None]:
            def pass_on(*words: Any) -> None:
                if job is self._job:
                    self._job = None
                    hear(*words)

            return pass_on

        def ended() -> None:
            self._jobs.remove(job)
            self.changed.emit()

        def progressed(share: float, what: str) -> None:
            if job is self._job:
                self._take_progress(share, what)

        job.progress.connect(progressed)
        job.done.connect(if_present(done))
        job.failed.connect(if_present(failed))
        job.ended.connect(ended)
        job.start()
        self.changed.emit()

    def _call_job_off(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _stop_work(self) -> None:
        """End what runs; cameras are free a moment later."""
        self._waiting_to_film = False
        self._call_job_off()
        if self._filming is not None:
            if self._filming.running:
                self._filming.cancel()
                self._ending = self._filming
            self._filming = None

    def _job_failed(self, text: str) -> None:
        self._failed(CalibrationFailure(text, False))

    def _say_bad(self, text: str) -> None:
        self.studio.say("bad", text)

    def _forget_outcome(self) -> None:
        self.outcome = self.failure = self.choice = self.placed = None
        self.saved, self.report = (), None
        self.outcome_changed.emit()

    def _forget_results(self) -> None:
        self.state = None
        self.events.clear()
        self._resume = False
        self._begun = None
        self.out = None
        self._forget_outcome()

    def _fit_board(self) -> None:
        if self.simulated and self.studio.rig is not None:
            self.board.lock(
                studio_board(self.studio.rig),
                "The simulated cameras film the board of the simulated studio, so there is nothing to choose "
                "or to print.",
            )
        else:
            self.board.unlock()

    def _look_for_unfinished(self) -> None:
        found = Unfinished.find(self.folder)
        if found is not None and found.source == "live":
            rig = self.studio.rig
            found = found if rig is not None and rig.names == found.cameras else None
        self.unfinished = found

    def _rig_changed(self) -> None:
        if self.studio.rig is None and self.source == "live" and self.step is not Step.BOARD:
            self._stop_work()
            self._go(Step.BOARD)
        self._fit_board()
        if self.step in (Step.BOARD, Step.SOURCE):
            self._look_for_unfinished()
        self.changed.emit()


def _load_readers() -> None:
    importlib.import_module("calibration.rig_file")
    importlib.import_module("pipeline.sources")


def _same_board(one: Any, other: Any) -> bool:
    layout = ("kind", "columns", "rows", "dictionary", "legacy_pattern", "first_marker")
    return all(getattr(one, key) == getattr(other, key) for key in layout)


def _same_layout(kept: Unfinished, board: Any, cameras: tuple[str, ...]) -> bool:
    return kept.source == "live" and kept.cameras == cameras and _same_board(kept.board, board)
