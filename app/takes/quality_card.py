"""How good a take is, finding by finding."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QLabel, QWidget

from app import theme
from app.takes.digest import Digest
from app.widgets.card import Card


class QualityCard(Card):
    """Findings with their figures; what is not good says what it means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Quality", parent)
        self.setObjectName("qualityCard")
        self.summary = QLabel()
        self.summary.setObjectName("qualitySummary")
        self.summary.setWordWrap(True)
        self.body.addWidget(self.summary)
        self._table = QWidget()
        self._rows = QGridLayout(self._table)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setHorizontalSpacing(2 * theme.SPACE)
        self._rows.setVerticalSpacing(theme.SPACE)
        self._rows.setColumnStretch(0, 1)
        self.body.addWidget(self._table)
        self._shown: Digest | None = None
        self.show_digest(None, "")

    def show_digest(self, digest: Digest | None, otherwise: str) -> None:
        """Show what is known; ``otherwise`` is said while nothing is."""
        if digest is not None and digest == self._shown:
            return
        self._shown = digest
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if digest is None or digest.problem or not digest.findings:
            self.summary.setText(digest.problem if digest is not None and digest.problem else otherwise)
            self.summary.setProperty("role", "quiet")
            theme.repolish(self.summary)
            self.summary.show()
            self._table.hide()
            return
        self.summary.hide()
        self._table.show()
        row = 0
        for finding in digest.findings:
            title, value = QLabel(finding.title), QLabel(finding.value)
            value.setProperty("role", finding.grade)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            tip = f"{finding.words}\n\n{finding.rule}"
            for label in (title, value):
                label.setToolTip(tip)
            self._rows.addWidget(title, row, 0)
            self._rows.addWidget(value, row, 1)
            row += 1
            if finding.grade != "good":
                words = QLabel(finding.words)
                words.setProperty("role", "quiet")
                words.setWordWrap(True)
                self._rows.addWidget(words, row, 0, 1, 2)
                row += 1
