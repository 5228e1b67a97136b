"""Choosing, measuring and printing a board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QSignalBlocker
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.calibrate.board_choice import OWN, dictionaries, page_of
from app.calibrate.board_picture import BoardPicture
from app.calibrate.step_view import StepView, say, scrolled, text
from app.calibrate.wizard import Wizard
from app.widgets.buttons import button
from app.widgets.card import Card
from calibration.board import MOST_SQUARES, write_board
from calibration.board_print import print_board
from configs.errors import PosestageError


class BoardStep(StepView):
    """Figures on the left, the page on the right."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__(wizard)
        self.choice = wizard.order.board
        self.preset = QComboBox()
        self.preset.setObjectName("boardPreset")
        for one in self.choice.presets:
            self.preset.addItem(one.title, one.name)
        self.preset.addItem("Own figures", OWN)
        self.kind = QComboBox()
        self.kind.setObjectName("boardType")
        self.kind.addItem("ChArUco (recommended)", "charuco")
        self.kind.addItem("Checkerboard", "checkerboard")
        self.columns, self.rows = _count("boardColumns"), _count("boardRows")
        self.square = _length("boardSquare")
        self.marker = _length("boardMarker")
        self.dictionary = QComboBox()
        self.dictionary.setObjectName("boardDictionary")
        self.dictionary.addItems(dictionaries())
        self.first_marker = QSpinBox()
        self.first_marker.setObjectName("boardFirstMarker")
        self.first_marker.setRange(0, 9999)
        self.legacy = QCheckBox("Layout of OpenCV before 4.6")
        self.legacy.setObjectName("boardLegacy")
        self.inverted = QCheckBox("Printed white on black")
        self.inverted.setObjectName("boardInverted")
        self.more = QCheckBox("More settings")
        self.more.setObjectName("boardMore")
        self.measured = _length("boardMeasured")
        self.measured.setSpecialValueText("not measured")
        self.measured.setMinimum(0.0)
        self.measured.setValue(0.0)
        self.measured_of = QLabel()
        self.locked = text(name="boardLocked")
        self.problem = text(name="boardProblem")
        self.picture = BoardPicture()
        self.words = text(role="quiet", name="boardWords")
        self._compose()
        self._connect()
        self.choice.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the choice as it is."""
        choice, values = self.choice, self.choice.values
        charuco = values["type"] == "charuco"
        for count, number in (
            (self.columns, values["columns"]),
            (self.rows, values["rows"]),
            (self.first_marker, values.get("first_marker") or 0),
        ):
            with QSignalBlocker(count):
                count.setValue(number)
        for length, mm in ((self.square, values["square_mm"]), (self.marker, values.get("marker_mm") or 0.0)):
            with QSignalBlocker(length):
                length.setValue(mm)
        for switch, on in (
            (self.legacy, values.get("legacy_pattern")),
            (self.inverted, values.get("inverted")),
        ):
            with QSignalBlocker(switch):
                switch.setChecked(bool(on))
        self.preset.setCurrentIndex(self.preset.findData(choice.preset))
        self.kind.setCurrentIndex(self.kind.findData(values["type"]))
        self.dictionary.setCurrentText(values.get("dictionary") or "")
        for widget in (self.preset, self.kind, self.columns, self.rows, self.square, self.marker,
                       self.dictionary, self.first_marker, self.legacy, self.inverted):  # fmt: skip
            widget.setEnabled(not choice.locked)
        self._form.setRowVisible(self.preset, not choice.locked)
        self.hint.setVisible(not choice.locked)
        self.opening.setVisible(not choice.locked)
        self.ruler.setVisible(not choice.locked)
        self._form.setRowVisible(self.marker, charuco)
        self._form.setRowVisible(self.dictionary, charuco)
        self._form.setRowVisible(self.first_marker, charuco and self.more.isChecked())
        self._form.setRowVisible(self.legacy, charuco and self.more.isChecked())
        self._form.setRowVisible(self.inverted, charuco and self.more.isChecked())
        self.more.setVisible(charuco and not choice.locked)
        self.measured_of.setText(f"The row of {values['columns']} squares is in truth")
        for key, field in (("columns", self.columns), ("rows", self.rows), ("square_mm", self.square),
                            ("marker_mm", self.marker), ("dictionary", self.dictionary)):  # fmt: skip
            _mark(field, key == choice.wrong_field)
        say(self.locked, "good", choice.locked)
        problem = choice.problem
        say(self.problem, "bad" if problem else "warning", problem or choice.warning)
        sheet = choice.sheet
        self.picture.show_sheet(sheet)
        if sheet is None:
            self.words.setText("")
        else:
            width, height = sheet.board.size_mm
            page = page_of(sheet)
            paper = (
                f"fits {page}"
                if page
                else f"needs a sheet of {sheet.size_mm[0]:.0f} × {sheet.size_mm[1]:.0f} mm"
            )
            self.words.setText(
                f"{width:g} × {height:g} mm, {paper}. The ruler below the print is 100 mm long."
            )
        for name in ("printBoard", "saveBoard"):
            self._buttons[name].setEnabled(sheet is not None)

    def print_to_file(self) -> None:
        """Ask where, write the page."""
        path = self._ask_save(
            "Save the board for printing", "board.pdf", "PDF (*.pdf);;SVG (*.svg);;PNG (*.png)"
        )
        if path is not None:
            self.print_to(path)

    def print_to(self, path: Path) -> None:
        """Write the page, and beside it the board file that describes it."""
        board = self.choice.board
        if board is None:
            return
        try:
            print_board(path, board)
            write_board(path.with_suffix(".yaml"), board)
        except PosestageError as error:
            self.wizard.studio.say("bad", str(error))
            return
        self.wizard.studio.say(
            "good",
            f"{path.name} is ready. Print it at 100 %, without fitting to the page, and check the ruler.",
        )

    def save_board(self) -> None:
        """Ask where, write the board file."""
        path = self._ask_save("Save the board's description", "board.yaml", "Board (*.yaml)")
        board = self.choice.board
        if path is None or board is None:
            return
        try:
            write_board(path, board)
        except PosestageError as error:
            self.wizard.studio.say("bad", str(error))

    def open_board(self) -> None:
        """Ask which, read a board file."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a board's description", "", "Board (*.yaml *.yml)")
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Read a board file."""
        try:
            self.choice.open(path)
        except PosestageError as error:
            self.wizard.studio.say("bad", str(error))

    def _ask_save(self, title: str, name: str, kinds: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self, title, name, kinds)
        return Path(chosen) if chosen else None

    def _connect(self) -> None:
        self.preset.activated.connect(lambda _place: self.choice.use_preset(self.preset.currentData()))
        self.kind.activated.connect(lambda _place: self.choice.set("type", self.kind.currentData()))
        self.dictionary.activated.connect(
            lambda _place: self.choice.set("dictionary", self.dictionary.currentText())
        )
        for box, key in (
            (self.columns, "columns"),
            (self.rows, "rows"),
            (self.square, "square_mm"),
            (self.marker, "marker_mm"),
            (self.first_marker, "first_marker"),
        ):
            box.valueChanged.connect(self._setter(key))
        self.legacy.toggled.connect(self._setter("legacy_pattern"))
        self.inverted.toggled.connect(lambda on: self.choice.set("inverted", True if on else None))
        self.more.toggled.connect(lambda _on: self.refresh())
        self.measured.editingFinished.connect(self._take_measure)

    def _setter(self, key: str) -> Callable[[Any], None]:
        def take(value: Any) -> None:
            self.choice.set(key, value)

        return take

    def _take_measure(self) -> None:
        if self.measured.value() > 0:
            self.choice.measured(int(self.choice.values["columns"]), self.measured.value())

    def _compose(self) -> None:
        self._form = QFormLayout()
        self._form.setSpacing(theme.SPACE)
        self._form.addRow("Board", self.preset)
        self._form.addRow("Type", self.kind)
        self._form.addRow("Squares across", self.columns)
        self._form.addRow("Squares down", self.rows)
        self._form.addRow("Square", self.square)
        self._form.addRow("Marker", self.marker)
        self._form.addRow("Dictionary", self.dictionary)
        self._form.addRow("First marker", self.first_marker)
        self._form.addRow("", self.legacy)
        self._form.addRow("", self.inverted)
        figures = Card("The board")
        self.opening = button("Open …", "openBoard", self.open_board, kind="quiet", icon="folder",
                              tip="Take the figures of a board.yaml")  # fmt: skip
        figures.header.addWidget(self.opening)
        figures.body.addWidget(self.locked)
        figures.body.addLayout(self._form)
        figures.body.addWidget(self.more)
        figures.body.addWidget(self.problem)
        self.hint = text(
            "A ChArUco board is recognised when a part of it is hidden, and tells its sides apart. "
            "Make it as large as you can handle: A3 serves a desk, a room wants a metre.",
            "quiet",
        )
        figures.body.addWidget(self.hint)
        self.ruler = ruler = Card("Measure the print")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.measured_of)
        row.addWidget(self.measured)
        row.addStretch(1)
        ruler.body.addLayout(row)
        ruler.body.addWidget(
            text(
                "Everything you capture is as right as this number, and no software can check it: printers "
                "scale, paper stretches.",
                "quiet",
            )
        )
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(figures)
        column.addWidget(ruler)
        column.addStretch(1)
        page = Card("The page")
        self._buttons = {
            "printBoard": button("Print …", "printBoard", self.print_to_file, icon="print",
                                 tip="A PDF, SVG or PNG at true scale"),
            "saveBoard": button("Save …", "saveBoard", self.save_board, kind="quiet", icon="save",
                                tip="A board.yaml, for the command line and for next time"),
        }  # fmt: skip
        for one in self._buttons.values():
            page.header.addWidget(one)
        page.body.addWidget(self.picture, 1)
        page.body.addWidget(self.words)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        layout.addWidget(scrolled(left), 2)
        layout.addWidget(page, 3)


def _count(name: str) -> QSpinBox:
    box = QSpinBox()
    box.setObjectName(name)
    box.setRange(1, MOST_SQUARES)
    return box


def _length(name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setRange(0.1, 5000.0)
    box.setDecimals(2)
    box.setSuffix(" mm")
    return box


def _mark(widget: QWidget, wrong: bool) -> None:
    if bool(widget.property("wrong")) != wrong:
        widget.setProperty("wrong", wrong)
        theme.repolish(widget)
