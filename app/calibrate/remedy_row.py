"""Buttons for what the program can do about a diagnosis."""

from __future__ import annotations

from functools import partial

from PyQt6.QtWidgets import QHBoxLayout, QWidget

from app import theme
from app.calibrate.remedies import Remedy
from app.calibrate.wizard import Wizard
from app.widgets.buttons import Kind, button


class RemedyRow(QWidget):
    """One button for each remedy that the wizard has; hidden where it has none."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__()
        self._wizard = wizard
        self.shown: tuple[Remedy, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.SPACE)
        self.refresh()

    def refresh(self) -> None:
        """Show what can be done now."""
        remedies = self._wizard.remedies
        if remedies != self.shown:
            self.shown = remedies
            while (item := self._row.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    widget.deleteLater()
            for place, one in enumerate(remedies):
                kind: Kind = "primary" if place == 0 else "plain"
                press = partial(self._wizard.apply, one)
                self._row.addWidget(button(one.words, f"remedy_{one.kind}", press, kind=kind))
            self._row.addStretch(1)
        self.setVisible(bool(remedies))
