"""Why there is no calibration, and the way back to where that can be mended."""

from __future__ import annotations

from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app import theme
from app.calibrate import advice
from app.calibrate.remedy_row import RemedyRow
from app.calibrate.step_view import scrolled, text
from app.calibrate.steps import Step
from app.calibrate.wizard import Wizard
from app.widgets.buttons import button
from app.widgets.card import Card

_MEND = {"board": "Change the board", "source": "Change cameras or lenses", "show": "Show more views"}


class FailureView(QWidget):
    """The engine's sentences as they are."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__()
        self.wizard = wizard
        self.words = QVBoxLayout()
        self.words.setSpacing(theme.SPACE)
        self.mend = button("", "mendFailure", wizard.mend, kind="primary")
        self.again = button("Try again", "tryAgain", wizard.try_again, icon="repeat")
        self.kept = text("The views that were found are kept.", "quiet")
        self._shown: object = None
        card = Card("This did not work")
        card.body.addLayout(self.words)
        card.body.addWidget(self.kept)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        self.remedies = RemedyRow(wizard)
        row.addWidget(self.remedies)
        row.addWidget(self.mend)
        row.addWidget(self.again)
        row.addStretch(1)
        card.body.addLayout(row)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.addWidget(card)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(content))

    def refresh(self) -> None:
        """Show the wizard's failure."""
        failure = self.wizard.failure
        if failure is None or failure is self._shown:
            return
        self._shown = failure
        while (item := self.words.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if failure.diagnoses:
            for one in failure.diagnoses:
                role = {"error": "bad", "warning": "warning"}.get(one.severity, "quiet")
                self.words.addWidget(text(advice.sentence(one.sentence), role))
        else:
            self.words.addWidget(text(advice.sentence(failure.sentence), "bad"))
        place = advice.place_to_go(failure)
        self.mend.setText(_MEND[place])
        self.mend.setVisible(not (place == "show" and self.wizard.step is Step.SHOW))
        state = self.wizard.state
        self.remedies.refresh()
        # What the program can do by itself comes first.
        self.mend.setProperty("kind", "plain" if self.remedies.shown else "primary")
        theme.repolish(self.mend)
        self.kept.setVisible(state is not None and state.kept_views > 0)
