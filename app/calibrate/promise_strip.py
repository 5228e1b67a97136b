"""What the calibration would be worth by now, in a row of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PyQt6.QtWidgets import QGridLayout, QLabel, QProgressBar, QWidget

from app import theme
from app.calibrate.advice import Promise

_MOST: Final = 5


class PromiseStrip(QWidget):
    """A column for each figure: what, how well, and a bar that is full when that is enough."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("promises")
        self._waiting = QLabel()
        self._waiting.setProperty("role", "quiet")
        self._waiting.setWordWrap(True)
        self._waiting.setObjectName("promiseWords")
        self._columns: list[tuple[QLabel, QLabel, QProgressBar]] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * theme.SPACE)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._waiting, 0, 0, 1, _MOST)
        for place in range(_MOST):
            title, value, bar = QLabel(), QLabel(), QProgressBar()
            title.setProperty("role", "quiet")
            bar.setRange(0, 1000)
            bar.setTextVisible(False)
            for row, widget in enumerate((title, value, bar)):
                grid.addWidget(widget, row, place)
            grid.setColumnStretch(place, 1)
            self._columns.append((title, value, bar))
        self.show_promises((), "")

    def show_promises(self, promises: Sequence[Promise], waiting: str) -> None:
        """Take the figures, or what to say while there are none."""
        self._waiting.setText(waiting)
        self._waiting.setVisible(not promises)
        for place, (title, value, bar) in enumerate(self._columns):
            shown = place < len(promises)
            for widget in (title, value, bar):
                widget.setVisible(shown)
            if shown:
                one = promises[place]
                title.setText(one.title)
                value.setText(one.value)
                value.setToolTip(f"Wanted: ± {one.wanted}, in 95 of 100 cases")
                theme.set_role(value, "good" if one.share >= 1.0 else "")
                bar.setValue(round(1000 * one.share))

    def values(self) -> tuple[str, ...]:
        """The figures that are shown."""
        return tuple(value.text() for _, value, _ in self._columns if not value.isHidden())
