"""Name, size and rate of a camera: what every camera of a rig has."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from app import theme
from app.cameras.field_row import Choice, Line, Row
from app.cameras.rig_draft import CameraDraft, Size, read_rate, read_size
from app.cameras.words import rate_words, size_words

_FROM_SOURCE = "As the source delivers"


class GeneralForm(QWidget):
    """Three rows; sizes and rates are offered as the camera names them, and can be typed."""

    renamed = pyqtSignal(str)
    size_chosen = pyqtSignal(object)
    fps_chosen = pyqtSignal(object)
    left = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.name_row = Row("&Name", "camera_name", "Takes and calibrations know the camera by this name.")
        self.name_box = Line("camera_name")
        self.name_box.textEdited.connect(self.renamed)
        self.name_box.left.connect(self.left)
        self.name_row.put(self.name_box)
        self.size_row = Row("Si&ze", "camera_size", "", "px")
        self.size_box = _TypedChoice("camera_size")
        self.size_box.line.textEdited.connect(lambda text: self.size_chosen.emit(read_size(text)))
        self.size_box.activated.connect(lambda _: self.size_chosen.emit(self.size_box.currentData()))
        self.size_row.put(self.size_box)
        self.fps_row = Row("&Rate", "camera_fps")
        self.fps_box = _TypedChoice("camera_fps")
        self.fps_box.line.textEdited.connect(lambda text: self.fps_chosen.emit(read_rate(text)))
        self.fps_box.activated.connect(lambda _: self.fps_chosen.emit(self.fps_box.currentData()))
        self.fps_row.put(self.fps_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        for row in (self.name_row, self.size_row, self.fps_row):
            layout.addWidget(row)

    def show_camera(
        self,
        camera: CameraDraft,
        problems: tuple[str, str, str],
        sizes: Sequence[Size],
        rates: Sequence[float],
        help_text: str,
    ) -> None:
        """Show a camera, what is wrong with name, size and rate, and what may be chosen."""
        if self.name_box.text() != camera.name:
            self.name_box.setText(camera.name)
        self.name_row.show_problem(problems[0], self.name_box)
        self.size_box.offer([(size_words(one), one) for one in sizes])
        self.size_box.show_value(camera.size, "" if camera.size is None else size_words(camera.size))
        self.size_row.show_problem(problems[1], self.size_box)
        self.size_row.unit.setVisible(camera.size is not None)
        self.size_row.help.setText(help_text)
        self.size_row.help.setVisible(bool(help_text))
        self.fps_box.offer([(rate_words(one), one) for one in rates])
        self.fps_box.show_value(camera.fps, "" if camera.fps is None else rate_words(camera.fps))
        self.fps_row.show_problem(problems[2], self.fps_box)


class _TypedChoice(Choice):
    """A list with a line to type into; the first entry leaves it to the source."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setCompleter(None)
        self._offered: list[tuple[str, object]] | None = None
        self.offer([])

    @property
    def line(self) -> QLineEdit:
        """What is typed into."""
        line = self.lineEdit()
        assert line is not None
        return line

    def offer(self, entries: list[tuple[str, object]]) -> None:
        """List other entries."""
        if entries == self._offered:
            return
        self._offered = entries
        text = self.currentText()
        self.clear()
        self.addItem(_FROM_SOURCE, None)
        for words, value in entries:
            self.addItem(words, value)
        self.setEditText(text)

    def show_value(self, value: object, words: str) -> None:
        """Show what is stated, unless it is what is being typed."""
        line = self.line
        if line.hasFocus() and isinstance(value, str):
            return
        place = next((place for place in range(self.count()) if self.itemData(place) == value), -1)
        text = _FROM_SOURCE if value is None else words
        if line.hasFocus() and (read_size(line.text()) == value or read_rate(line.text()) == value):
            return  # typed, and understood: it stays as it was typed until the field is left
        if place >= 0:
            self.setCurrentIndex(place)
        if self.currentText() != text:
            self.setEditText(text)
