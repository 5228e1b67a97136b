"""One setting in a form: label, value, unit, what it means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QFocusEvent, QWheelEvent
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.cameras.driver_forms import FormField
from app.cameras.rig_draft import UNSTATED
from app.widgets.buttons import button
from pipeline.drivers.safe_url import safe_url

LABEL_WIDTH: Final = 17 * theme.SPACE
_FIELD_WIDTH: Final = 36 * theme.SPACE
_NUMBER_WIDTH: Final = 15 * theme.SPACE


Offers = Callable[[], list[tuple[str, str]]]


class Row(QWidget):
    """Label on the left, an editor on the right, help and problem below it."""

    left = pyqtSignal()
    """The editor lost the focus: what follows is another change."""

    def __init__(self, label: str, name: str, help_text: str = "", unit: str = "") -> None:
        super().__init__()
        self.label = QLabel(label)
        self.label.setFixedWidth(LABEL_WIDTH)
        self.label.setWordWrap(True)
        self.label.setProperty("role", "label")
        self.editors = QHBoxLayout()
        self.editors.setSpacing(theme.SPACE)
        self.unit = QLabel(unit)
        self.unit.setProperty("role", "quiet")
        self.help = QLabel(help_text)
        self.help.setProperty("role", "quiet")
        self.help.setWordWrap(True)
        self.problem = QLabel()
        self.problem.setObjectName(f"{name}_problem")
        self.problem.setProperty("role", "bad")
        self.problem.setWordWrap(True)
        for words in (self.unit, self.help, self.problem):
            if not words.text():
                words.hide()  # never shown here: without a parent yet, they would be windows
        column = QVBoxLayout()
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(self.editors)
        column.addWidget(self.problem)
        column.addWidget(self.help)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        layout.addWidget(self.label, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(column, 1)
        self.label.setContentsMargins(0, 7, 0, 0)  # its first line level with the text in the editor

    def put(self, editor: QWidget, *more: QWidget) -> None:
        """Set the editor, and what stands behind it."""
        self.label.setBuddy(editor)
        for widget in (editor, *more, self.unit):
            self.editors.addWidget(widget)
        self.editors.addStretch()

    def show_problem(self, text: str, editor: QWidget) -> None:
        """Say what is wrong beside the editor; empty: nothing is."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        if bool(editor.property("wrong")) != bool(text):
            editor.setProperty("wrong", bool(text))
            theme.repolish(editor)


class Line(QLineEdit):
    """A line of text that tells when it is left."""

    left = pyqtSignal()

    def __init__(self, name: str, width: int = _FIELD_WIDTH) -> None:
        super().__init__()
        self.setObjectName(name)
        self._width = width
        self.setMaximumWidth(width)
        self.setMinimumWidth(12 * theme.SPACE)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As wide as it may be."""
        return QSize(self._width, super().sizeHint().height())

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Tell."""
        super().focusOutEvent(event)
        self.left.emit()


class TitleLine(Line):
    """A title that can be changed in place."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__(name, 64 * theme.SPACE)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setStyleSheet(
            "QLineEdit { font-size: 22px; font-weight: 600; background: transparent; padding: 0; "
            "border: 1px solid transparent; min-height: 28px; }"
            "QLineEdit:disabled { background: transparent; color: palette(text); }"
        )
        self.setTextMargins(-2, 0, 0, 0)  # level with the line below it


class Secret(Line):
    """An address that shows its password only while it is being edited."""

    edited = pyqtSignal(str)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._text = ""
        self.textEdited.connect(self._take)

    def show_text(self, text: str) -> None:
        """Show another value."""
        self._text = text
        self._draw()

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show all of it."""
        super().focusInEvent(event)
        self._draw()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Show what may be seen."""
        super().focusOutEvent(event)
        self._draw()

    def _take(self, text: str) -> None:
        self._text = text
        self.edited.emit(text)

    def _draw(self) -> None:
        shown = self._text
        if not self.hasFocus() and "://" in shown:
            public = safe_url(shown)
            shown = public if public == shown else f"{public}   (with a password or key)"
        if self.text() != shown:
            self.setText(shown)
            self.setCursorPosition(len(shown) if self.hasFocus() else 0)


class Choice(QComboBox):
    """A list that does not change when the page is scrolled over it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(20 * theme.SPACE)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Let the page scroll."""
        if event is not None:
            event.ignore()


class SettingRow(Row):
    """One of a driver's settings, edited as its kind wants.

    Args:
        field: The setting.
        path: Its keys from the top of the driver's settings.
        folder: Where file dialogs begin.
        offers: Values that may be chosen from a menu, with their words; asked when it opens.
    """

    edited = pyqtSignal(object, object)
    """Path of keys and the new value, ``UNSTATED`` when the default shall hold."""

    def __init__(
        self, field: FormField, path: tuple[str, ...], folder: Path, offers: Offers | None = None
    ) -> None:
        name = "setting_" + "_".join(path)
        super().__init__(field.label, name, help_text(field), field.unit)
        self.field, self.path = field, path
        self._folder = folder
        self._offers = offers
        self._line: Line | None = None
        self._choice: Choice | None = None
        self._switch: QCheckBox | None = None
        self._make(name)

    @property
    def editor(self) -> QWidget:
        """What is marked when it is wrong."""
        for widget in (
            self._line if self._line and not self._line.isHidden() else None,
            self._choice,
            self._switch,
        ):
            if widget is not None:
                return widget
        raise AssertionError("every row has an editor")

    def show_value(self, value: Any, problem: str) -> None:
        """Show what is stated; ``UNSTATED`` shows the default."""
        field = self.field
        stated = value is not UNSTATED
        shown = value if stated else field.default
        if self._switch is not None:
            self._switch.setChecked(bool(shown))
        elif self._choice is not None:
            self._show_choice(shown)
        if self._line is not None and not isinstance(self._line, Secret):
            number = shown if self._choice is None or _is_number_like(shown, field) else None
            text = "" if number is None or not stated else _text(number)
            if not (self._line.hasFocus() and _read(self._line.text(), field) == value):
                self._line.setText(text)
                self._line.setCursorPosition(0)
            self._line.setPlaceholderText("" if field.default is None else _text(field.default))
        elif isinstance(self._line, Secret):
            self._line.show_text(str(shown or ""))
        self.show_problem(problem, self.editor)

    def _make(self, name: str) -> None:
        kind = self.field.kind
        if kind == "switch":
            self._switch = QCheckBox("On")
            self._switch.setObjectName(name)
            self._switch.clicked.connect(lambda on: self.edited.emit(self.path, on))
            self.put(self._switch)
        elif kind in {"choice", "number_or_word"}:
            self._make_choice(name, with_number=kind == "number_or_word")
        elif kind == "secret":
            secret = Secret(name)
            secret.edited.connect(self._take_text)
            secret.left.connect(self.left)
            self._line = secret
            self.put(secret)
        else:
            self._line = self._new_line(
                name, _NUMBER_WIDTH if kind in {"number", "integer"} else _FIELD_WIDTH
            )
            if kind == "path":
                self.put(self._line, button("Choose …", f"{name}_choose", self._choose_path))
            elif self._offers is not None:
                choose = button("Choose", f"{name}_offers")
                self._menu = QMenu(choose)
                self._menu.aboutToShow.connect(self._fill_offers)
                choose.setMenu(self._menu)
                self.put(self._line, choose)
            else:
                self.put(self._line)

    def _make_choice(self, name: str, *, with_number: bool) -> None:
        choice = self._choice = Choice(name)
        if self.field.optional:
            choice.addItem("As the device is set", None)
        for word in self.field.words:
            choice.addItem(_word(word), word)
        if with_number:
            choice.addItem("A fixed value", ...)
            self._line = self._new_line(f"{name}_number", _NUMBER_WIDTH)
            self.put(choice, self._line)
        else:
            self.put(choice)
        choice.activated.connect(self._take_choice)

    def _new_line(self, name: str, width: int) -> Line:
        line = Line(name, width)
        line.textEdited.connect(self._take_text)
        line.left.connect(self.left)
        return line

    def _show_choice(self, value: Any) -> None:
        assert self._choice is not None
        fixed = _is_number_like(value, self.field)
        place = self._choice.findData(... if fixed else value)
        if place < 0:  # a word nobody knows, from a file written by hand
            self._choice.addItem(str(value), value)
            place = self._choice.count() - 1
        self._choice.setCurrentIndex(place)
        if self._line is not None:
            self._line.setVisible(fixed)
            self.unit.setVisible(fixed and bool(self.field.unit))

    def _take_choice(self, _: int) -> None:
        assert self._choice is not None
        value = self._choice.currentData()
        if value is ...:
            default = self.field.default
            self.edited.emit(self.path, default if _is_number_like(default, self.field) else "")
            if self._line is not None:
                self._line.setFocus()
        elif value is None:
            self.edited.emit(self.path, UNSTATED if self.field.default is None else None)
        else:
            self.edited.emit(self.path, value)

    def _take_text(self, text: str) -> None:
        self.edited.emit(self.path, _read(text, self.field))

    def _fill_offers(self) -> None:
        assert self._offers is not None
        self._menu.clear()
        for words, value in self._offers():
            action = QAction(words, self._menu)
            action.triggered.connect(lambda _checked, value=value: self.edited.emit(self.path, value))
            self._menu.addAction(action)
        if self._menu.isEmpty():
            nothing = QAction("Nothing was found", self._menu)
            nothing.setEnabled(False)
            self._menu.addAction(nothing)

    def _choose_path(self) -> None:
        wants_folder = "folder" in self.help.text().lower()
        if wants_folder:
            chosen = QFileDialog.getExistingDirectory(self, "Choose a folder", str(self._folder))
        else:
            chosen, _ = QFileDialog.getOpenFileName(self, "Choose a file", str(self._folder))
        if chosen:
            self.edited.emit(self.path, chosen)


def help_text(field: FormField) -> str:
    """What a setting means."""
    text = field.help
    if field.same_in_rig:
        text = f"{text} The same for all cameras of this kind.".strip()
    return text


def _word(word: str) -> str:
    return word if word.isupper() else word[:1].upper() + word[1:]


def _is_number_like(value: Any, field: FormField) -> bool:
    """Whether the value is not one of the words: a number, or text that shall become one."""
    return field.kind == "number_or_word" and value is not None and value not in field.words


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple) and all(isinstance(one, int | float | str) for one in value):
        return ", ".join(_text(one) for one in value)
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).strip().removesuffix("\n...")


def _read(text: str, field: FormField) -> Any:
    """What was typed; what cannot be read stays text, which the driver's check then explains."""
    stripped = text.strip()
    if field.kind in {"text", "path", "secret"}:
        return text if stripped or field.required else UNSTATED
    if not stripped:
        return "" if field.kind == "number_or_word" or field.required else UNSTATED
    if field.kind in {"number", "integer", "number_or_word"}:
        try:
            number = float(stripped.replace(",", "."))
        except ValueError:
            return stripped
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    try:
        return yaml.safe_load(f"[{stripped}]" if field.kind == "list" else stripped)
    except yaml.YAMLError:
        return stripped
