"""The calibration wizard's page: steps on the left, the present one on the right, ways on below."""

from __future__ import annotations

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMessageBox, QStackedWidget, QVBoxLayout, QWidget

from app import theme
from app.calibrate.board_step import BoardStep
from app.calibrate.floor_step import FloorStep
from app.calibrate.result_step import ResultStep
from app.calibrate.save_step import SaveStep
from app.calibrate.show_step import ShowStep
from app.calibrate.solve_step import SolveStep
from app.calibrate.source_step import SourceStep
from app.calibrate.step_list import StepList
from app.calibrate.step_view import StepView, text
from app.calibrate.steps import TITLES, Step, heading
from app.calibrate.wizard import Wizard
from app.page import Page
from app.studio import Studio
from app.widgets.buttons import button
from app.widgets.card import Card

_VIEWS: dict[Step, type[StepView]] = {
    Step.BOARD: BoardStep,
    Step.SOURCE: SourceStep,
    Step.SHOW: ShowStep,
    Step.SOLVE: SolveStep,
    Step.FLOOR: FloorStep,
    Step.RESULT: ResultStep,
    Step.SAVE: SaveStep,
}


class CalibratePage(Page):
    """Draws the wizard; asks before something is lost."""

    name = "calibrate"
    title = "Calibrate"
    icon = "calibrate"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.wizard = Wizard(studio)
        self.views: dict[Step, StepView] = {}
        self.steps = StepList(TITLES)
        self.heading = QLabel()
        self.heading.setProperty("role", "title")
        self.heading.setObjectName("stepHeading")
        self.help = text(role="quiet", name="stepHelp")
        self.stack = QStackedWidget()
        self.cancel = button("Cancel", "wizardCancel", self._cancel, kind="quiet")
        self.back = button("Back", "wizardBack", self.wizard.back, icon="back")
        self.next = button("Next", "wizardNext", self._next, kind="primary")
        self.hint = text(role="quiet", name="wizardHint")
        self.unfinished_words = text(name="unfinishedWords")
        self.go_on = button("Go on with it", "unfinishedGoOn", self._go_on)
        self.forget = button("Start over", "unfinishedForget", self.wizard.forget_unfinished)
        self._shown: StepView | None = None
        self._entered = False
        self._compose()
        self.wizard.step_changed.connect(self._show_step)
        self.wizard.changed.connect(self.refresh)
        self.wizard.state_changed.connect(self._enable_next)
        self.steps.chosen.connect(lambda number: self.wizard.go_to(Step(number)))
        self.add_action("Next step", "Ctrl+Return", self._next)
        self.add_action("Step back", "Alt+Left", self.wizard.back)
        self.add_action("The board lies on the floor", "Ctrl+F", self.wizard.mark_floor)
        self._show_step()

    def entered(self) -> None:
        """Draw again."""
        self._entered = True
        if self._shown is not None:
            self._shown.entered()
        self.refresh()
        self.next.setFocus()

    def left(self) -> None:
        """Stop drawing; let go of cameras, which other pages need."""
        self._entered = False
        if self._shown is not None:
            self._shown.left()
        self.wizard.left()

    def reason_to_stay(self) -> str:
        """An unsaved calibration."""
        return self.wizard.would_lose

    def shutdown(self) -> None:
        """End cameras, jobs and drawing."""
        for view in self.views.values():
            view.shutdown()
        self.wizard.shutdown()

    def refresh(self) -> None:
        """Buttons, steps, hint."""
        wizard = self.wizard
        reachable = frozenset(int(step) for step in Step if wizard.reachable(step))
        self.steps.show_steps(int(wizard.step), reachable, frozenset(int(step) for step in wizard.steps))
        self._enable_next()
        self.next.setText(wizard.next_words)
        self.next.setVisible(wizard.step is not Step.SOLVE)
        self.back.setEnabled(wizard.can_go_back)
        self.cancel.setEnabled(wizard.step > Step.BOARD)
        self.cancel.setText("Close" if wizard.saved else "Cancel")
        found = wizard.unfinished if wizard.step in (Step.BOARD, Step.SOURCE) else None
        self.banner.setVisible(found is not None)
        if found is not None:
            self.unfinished_words.setText(found.words())

    def _enable_next(self) -> None:
        why = self.wizard.why_not_next
        self.next.setEnabled(not why)
        self.hint.setText("" if self.wizard.step is Step.BOARD else why)

    def _show_step(self) -> None:
        step = self.wizard.step
        title, words = heading(step, self.wizard.order.live)
        self.heading.setText(title)
        self.help.setText(words)
        view = self.views.get(step)
        if view is None:
            view = self.views[step] = _VIEWS[step](self.wizard)
            self.stack.addWidget(view)
        if self._shown is not None and self._entered:
            self._shown.left()
        self._shown = view
        self.stack.setCurrentWidget(view)
        if self._entered:
            view.entered()
        self.refresh()
        self.next.setFocus()

    def _next(self) -> None:
        if self.wizard.step is Step.SOURCE and not self._cameras_may_stop():
            return
        self.wizard.next()

    def _go_on(self) -> None:
        if self._cameras_may_stop():
            self.wizard.go_on()

    def _cancel(self) -> None:
        if self.wizard.would_lose and not self._ask(
            "Leave without saving?",
            f"{self.wizard.would_lose} Its views are kept, the result is not.",
            "Leave",
        ):
            return
        self.wizard.cancel()

    def _cameras_may_stop(self) -> bool:
        """Ask before a take is ended: the cameras can film for one only."""
        studio = self.studio
        if not self.wizard.order.live or not studio.has_session or not studio.session.recording:
            return True
        return self._ask(
            "Stop recording?",
            "The cameras are recording a take. It is saved and closed before they film the board.",
            "Stop recording",
        )

    def _ask(self, title: str, words: str, yes: str) -> bool:
        box = QMessageBox(self)
        box.setObjectName("calibrateQuestion")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(title)
        box.setText(words)
        agree = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.exec()
        return box.clickedButton() is agree

    def _compose(self) -> None:
        self.banner = Card()
        self.banner.setObjectName("unfinishedBanner")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.unfinished_words, 1)
        row.addWidget(self.forget)
        row.addWidget(self.go_on)
        self.banner.body.addLayout(row)
        right = QVBoxLayout()
        right.setSpacing(theme.SPACE)
        right.addWidget(self.heading)
        right.addWidget(self.help)
        right.addWidget(self.banner)
        right.addSpacing(theme.SPACE)
        right.addWidget(self.stack, 1)
        ways = QHBoxLayout()
        ways.setSpacing(theme.SPACE)
        ways.addWidget(self.cancel)
        ways.addWidget(self.hint, 1)
        ways.addWidget(self.back)
        ways.addWidget(self.next)
        right.addSpacing(theme.SPACE)
        right.addLayout(ways)
        content = QWidget()
        content.setLayout(right)
        right.setContentsMargins(0, 0, 0, 0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * theme.SPACE, 3 * theme.SPACE, 3 * theme.SPACE, 2 * theme.SPACE)
        layout.setSpacing(3 * theme.SPACE)
        layout.addWidget(self.steps)
        layout.addWidget(content, 1)
