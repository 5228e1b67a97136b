"""The figures of poses, in rows."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QLabel, QWidget

from app import theme
from app.live.pose_figures import ERROR, LATE, MEDIAN, RATE, PoseFigures


class FiguresView(QWidget):
    """Draws ``PoseFigures``; hidden while there are none."""

    def __init__(self, figures: PoseFigures) -> None:
        super().__init__()
        self.setObjectName("poseFigures")
        self._figures = figures
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.SPACE)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._rows = {
            title: self._row(place, title) for place, title in enumerate((RATE, MEDIAN, LATE, ERROR))
        }
        for label in self._rows[ERROR]:
            label.setToolTip("Against the simulated studio's truth: body joints, last three seconds.")
        figures.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the newest."""
        rows = self._figures.rows
        self.setVisible(bool(rows))
        for title, (name, value) in self._rows.items():
            value.setText(rows.get(title, ""))
            name.setVisible(title in rows)
            value.setVisible(title in rows)

    def _row(self, place: int, title: str) -> tuple[QLabel, QLabel]:
        name, value = QLabel(title), QLabel()
        name.setProperty("role", "quiet")
        value.setObjectName("figure_" + title.partition(" ")[0].lower())
        value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(name, place, 0)
        self._grid.addWidget(value, place, 1)
        return name, value
