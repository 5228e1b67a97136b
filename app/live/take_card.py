"""The card of the take that was recorded last."""

from __future__ import annotations

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar

from app import theme
from app.live.take_presenter import TakePresenter
from app.widgets.buttons import button
from app.widgets.card import Card


class TakeCard(Card):
    """Draws a ``TakePresenter``; hidden while there is nothing to tell."""

    def __init__(self, presenter: TakePresenter) -> None:
        super().__init__(" ")
        self._presenter = presenter
        self.words = QLabel()
        self.words.setObjectName("takeWords")
        self.progress = QProgressBar()
        self.progress.setObjectName("finishProgress")
        self.doing = QLabel()
        self.doing.setProperty("role", "quiet")
        self.note = QLabel()
        self.note.setObjectName("takeNote")
        self.note.setProperty("role", "quiet")
        for label in (self.words, self.doing, self.note):
            label.setWordWrap(True)
        self.open = button("Open take", "openTake", presenter.open_take)
        self.repair = button("Repair", "repairTake", presenter.repair, kind="primary")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.repair)
        row.addWidget(self.open)
        row.addStretch(1)
        for widget in (self.words, self.progress, self.doing, self.note):
            self.body.addWidget(widget)
        self.body.addLayout(row)
        presenter.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the presenter's state."""
        presenter = self._presenter
        self.setVisible(presenter.kind != "nothing")
        self.title.setText(presenter.folder.name)
        self.words.setText(presenter.words)
        theme.set_role(self.words, presenter.level if presenter.level != "good" else "")
        self.progress.setVisible(presenter.progress is not None)
        self.doing.setVisible(presenter.progress is not None)
        if presenter.progress is not None:
            share, what = presenter.progress
            self.progress.setRange(0, 0 if share < 0 else 1000)
            self.progress.setValue(round(1000 * share))
            self.doing.setText(what[:1].upper() + what[1:] if what else "Starting …")
        self.note.setText(presenter.note)
        self.note.setVisible(bool(presenter.note) and presenter.progress is None)
        self.repair.setVisible(presenter.kind == "lost")
        self.open.setVisible(presenter.kind in {"closed", "repaired"})
