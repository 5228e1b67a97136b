"""The card that records: name, countdown, limit, one large button, what each camera has written."""

from __future__ import annotations

from math import ceil
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
)

from app import icons, theme
from app.live.record_presenter import RecordPresenter
from app.widgets.buttons import button
from app.widgets.card import Card

_COUNTDOWNS: Final = (("Off", 0.0), ("3 s", 3.0), ("5 s", 5.0), ("10 s", 10.0))
_LONGEST_S: Final = 86_400.0


class RecordPanel(Card):
    """Draws a ``RecordPresenter``."""

    def __init__(self, presenter: RecordPresenter) -> None:
        super().__init__("Record")
        self._presenter = presenter
        self._icon = ("", "")
        self.name = QLineEdit(presenter.name)
        self.name.setObjectName("takeName")
        self.name.setAccessibleName("Take name")
        self.name.textEdited.connect(presenter.set_name)
        self.name_notice = _text("quiet", "nameNotice")
        self.limit = QDoubleSpinBox()
        self.limit.setObjectName("takeLimit")
        self.limit.setRange(0, _LONGEST_S)
        self.limit.setDecimals(0)
        self.limit.setSingleStep(5)
        self.limit.setSuffix(" s")
        self.limit.setSpecialValueText("No limit")
        self.limit.setToolTip("Recording ends by itself after so long")
        self.limit.setValue(presenter.limit_s)
        self.limit.valueChanged.connect(presenter.set_limit)
        self.countdown = QComboBox()
        self.countdown.setObjectName("countdown")
        for title, seconds in _COUNTDOWNS:
            self.countdown.addItem(title, seconds)
        self.countdown.setCurrentIndex(max(0, self.countdown.findData(presenter.countdown_s)))
        self.countdown.activated.connect(
            lambda index: presenter.set_countdown(float(self.countdown.itemData(index)))
        )
        form = QFormLayout()
        form.setSpacing(theme.SPACE)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.addRow("Name", self.name)
        form.addRow("", self.name_notice)
        form.addRow("Countdown", self.countdown)
        form.addRow("Stop after", self.limit)
        self._form = form
        self.press = button("Record", "record", presenter.press, kind="primary")
        self.press.setStyleSheet(f"min-height: {4 * theme.SPACE}px; font-size: 15px;")
        self.clock = QLabel()
        self.clock.setObjectName("recordClock")
        self.clock.setProperty("role", "title")
        self.clock.setTextFormat(Qt.TextFormat.RichText)
        self.clock.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.problem = _text("bad", "recordProblem")
        self.why_not = _text("quiet", "recordWhyNot")
        self.free = _text("quiet", "freeSpace")
        self.mark_text = QLineEdit()
        self.mark_text.setObjectName("markText")
        self.mark_text.setPlaceholderText("What happens (optional)")
        self.mark_text.returnPressed.connect(self.mark)
        self.mark_button = button("Mark", "mark", self.mark, icon="mark", tip="Mark this moment (M)")
        marks = QHBoxLayout()
        marks.setSpacing(theme.SPACE)
        marks.addWidget(self.mark_text, 1)
        marks.addWidget(self.mark_button)
        self._table = QGridLayout()
        self._table.setHorizontalSpacing(2 * theme.SPACE)
        self._table.setVerticalSpacing(4)
        self._cells: dict[str, tuple[QLabel, QLabel, QLabel]] = {}
        self.body.addLayout(form)
        for widget in (self.clock, self.press, self.why_not, self.problem):
            self.body.addWidget(widget)
        self.body.addLayout(marks)
        self.body.addLayout(self._table)
        self.body.addWidget(self.free)
        presenter.changed.connect(self.refresh)
        presenter.ticked.connect(self._refresh_clock)
        theme.watcher().changed.connect(self.refresh)
        self.refresh()

    def mark(self) -> None:
        """Mark this moment with the text that was typed, if any."""
        self._presenter.mark(self.mark_text.text())
        self.mark_text.clear()

    def refresh(self) -> None:
        """Show the presenter's state."""
        presenter, phase = self._presenter, self._presenter.phase
        if self.name.text().strip() != presenter.name:
            self.name.setText(presenter.name)
        free = phase in {"idle", "unavailable"}
        for widget in (self.name, self.limit, self.countdown):
            widget.setEnabled(free)
        wrong = bool(presenter.name_problem)
        if self.name.property("wrong") != wrong:
            self.name.setProperty("wrong", wrong)
            theme.repolish(self.name)
        self.name_notice.setText(presenter.name_problem or (presenter.name_notice if free else ""))
        theme.set_role(self.name_notice, "bad" if presenter.name_problem else "quiet")
        self._form.setRowVisible(self.name_notice, bool(self.name_notice.text()))
        self._refresh_button(phase)
        recording = phase == "recording"
        self.mark_text.setVisible(recording)
        self.mark_button.setVisible(recording)
        self.mark_button.setText(f"Mark ({presenter.marks})" if presenter.marks else "Mark")
        why = presenter.why_not if phase in {"idle", "unavailable"} and not presenter.name_problem else ""
        self.why_not.setText(why)
        self.why_not.setVisible(bool(why))
        self.problem.setText(presenter.problem)
        self.problem.setVisible(bool(presenter.problem))
        self._refresh_table(recording or phase == "closing")
        minutes = presenter.free_minutes
        self.free.setText("" if minutes is None else f"Room for {_long(minutes)}")
        theme.set_role(self.free, "warning" if minutes is not None and minutes < 10 else "quiet")
        self.free.setVisible(minutes is not None)
        self._refresh_clock()

    def _refresh_button(self, phase: str) -> None:
        words = {"countdown": "Cancel", "starting": "Starting …", "recording": "Stop", "closing": "Saving …"}
        self.press.setText(" " + words.get(phase, "Record"))
        kind = "danger" if phase == "recording" else "plain" if phase == "countdown" else "primary"
        if self.press.property("kind") != kind:
            self.press.setProperty("kind", kind)
            theme.repolish(self.press)
        enabled = phase in {"countdown", "recording"} or (phase == "idle" and not self._presenter.why_not)
        self.press.setEnabled(enabled)
        colours = theme.palette()
        colour = colours.bad if phase == "recording" else colours.on_accent if enabled else colours.quiet_text
        icon = "stop" if phase == "recording" else "record", colour.name()
        if icon != self._icon:
            self._icon = icon
            self.press.setIcon(icons.icon(icon[0], colour, 18))
        self.press.setToolTip("Start or stop recording (Ctrl+R)")

    def _refresh_clock(self) -> None:
        presenter, phase = self._presenter, self._presenter.phase
        self.clock.setVisible(phase in {"countdown", "starting", "recording", "closing"})
        if phase == "countdown":
            self.clock.setText(str(ceil(presenter.counted_s)))
            theme.set_role(self.clock, "title")
        elif phase == "recording":
            text = _clock(presenter.elapsed_s)
            if presenter.limit_s:
                text += f" of {_clock(presenter.limit_s)}"
            self.clock.setText(f'<span style="color:{theme.palette().bad.name()}">●</span> {text}')
        elif phase in {"starting", "closing"}:
            self.clock.setText(_clock(presenter.elapsed_s) if phase == "closing" else "…")

    def _refresh_table(self, shown: bool) -> None:
        cameras = self._presenter.cameras if shown else {}
        if set(cameras) != set(self._cells):
            for cells in self._cells.values():
                for cell in cells:
                    self._table.removeWidget(cell)
                    cell.deleteLater()
            self._cells = {name: self._row(place, name) for place, name in enumerate(cameras)}
        for name, numbers in cameras.items():
            _, frames, rate = self._cells[name]
            dropped = sum(numbers.get("dropped", {}).values())
            frames.setText(f"{numbers.get('recorded', 0)}" + (f"  −{dropped}" if dropped else ""))
            theme.set_role(frames, "warning" if dropped else "")
            rate.setText(f"{numbers.get('fps', 0.0):.1f} fps")

    def _row(self, place: int, name: str) -> tuple[QLabel, QLabel, QLabel]:
        cells = QLabel(name), QLabel(), QLabel()
        for column, cell in enumerate(cells):
            cell.setObjectName(f"recorded_{name}_{column}")
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            self._table.addWidget(cell, place, column, side)
        self._table.setColumnStretch(0, 1)
        cells[2].setProperty("role", "quiet")
        return cells


def _text(role: str, name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60:02d}:{whole % 60:02d}.{int(10 * (seconds - whole))}"


def _long(minutes: float) -> str:
    if minutes >= 120:
        return f"about {minutes / 60:.0f} hours"
    return f"about {minutes:.0f} minutes" if minutes >= 1 else "less than a minute"
