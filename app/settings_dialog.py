"""Settings of the application, and the list of its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.space.engine_choice import engine_choice
from app.studio import Studio
from app.widgets.buttons import button

_THEMES: Final = {"dark": "Dark", "light": "Light", "system": "Like the system"}
_VIEWS: Final = {
    "auto": "Solid (Open3D), lines where that cannot run",
    "open3d": "Solid (Open3D)",
    "wireframe": "Lines, needs no OpenGL",
}


class SettingsDialog(QDialog):
    """What applies to the whole application; everything takes effect at once."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setMinimumWidth(560)
        self._studio = studio
        self.theme = _choice("theme", _THEMES, studio.preferences.theme)
        self.theme.activated.connect(self._set_theme)
        self.view = _choice("spaceView", _VIEWS, studio.preferences.space_view)
        self.view.activated.connect(self._set_view)
        self.folder = QLineEdit(str(studio.takes_folder))
        self.folder.setObjectName("takesFolder")
        self.folder.editingFinished.connect(self._set_folder)
        self.problem = QLabel()
        self.problem.setProperty("role", "bad")
        self.problem.setWordWrap(True)
        self.problem.hide()
        where = QHBoxLayout()
        where.addWidget(self.folder, 1)
        where.addWidget(button("Choose …", "chooseTakesFolder", self._choose_folder, icon="folder"))
        form = QFormLayout()
        form.setVerticalSpacing(2 * theme.SPACE)
        form.setHorizontalSpacing(2 * theme.SPACE)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        form.addRow("Colours", self.theme)
        form.addRow("3D view", self.view)
        form.addRow("", _quiet("A different 3D view appears when the application starts again."))
        form.addRow("Recordings go to", where)
        form.addRow("", self.problem)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(3 * theme.SPACE)
        layout.addLayout(form)
        layout.addWidget(_close_button(self))

    def _set_theme(self) -> None:
        self._studio.preferences.theme = name = self.theme.currentData()
        self._studio.preferences.save()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        theme.apply(application, name)

    def _set_view(self) -> None:
        self._studio.preferences.space_view = self.view.currentData()
        engine_choice().choose(self.view.currentData())
        self._studio.preferences.save()

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for recordings", self.folder.text())
        if chosen:
            self.folder.setText(chosen)
            self._set_folder()

    def _set_folder(self) -> None:
        """Take the folder when it can be made and written to; say why not otherwise."""
        folder = Path(self.folder.text()).expanduser()
        if folder == self._studio.takes_folder:
            return
        problem = "" if folder.is_absolute() else "give the whole path"
        if not problem:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                trial = folder / ".posestage-trial"
                trial.touch()
                trial.unlink()
            except OSError as error:
                problem = error.strerror or str(error)
        self.problem.setVisible(bool(problem))
        self.problem.setText(f"Nothing can be recorded to {folder}: {problem}." if problem else "")
        if not problem:
            self._studio.use_takes_folder(folder)


class ShortcutsDialog(QDialog):
    """All keys, by page.

    Args:
        groups: Title of a page to its actions.
        parent: The window.
    """

    def __init__(self, groups: dict[str, list[QAction]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(520, 560)
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * theme.SPACE)
        grid.setVerticalSpacing(theme.SPACE)
        grid.setColumnStretch(1, 1)
        row = 0
        for title, actions in groups.items():
            if not actions:
                continue
            heading = QLabel(title)
            heading.setProperty("role", "heading")
            heading.setContentsMargins(0, 2 * theme.SPACE if row else 0, 0, 0)
            grid.addWidget(heading, row, 0, 1, 2)
            row += 1
            for action in actions:
                keys = QLabel(action.shortcut().toString(QKeySequence.SequenceFormat.NativeText))
                keys.setProperty("role", "quiet")
                grid.addWidget(keys, row, 0)
                grid.addWidget(QLabel(action.text()), row, 1)
                row += 1
        grid.setRowStretch(row, 1)
        _fill(self, grid)


class MessagesDialog(QDialog):
    """What has been said, newest first.

    Args:
        messages: (time of day, level, sentence).
        parent: The window.
    """

    def __init__(self, messages: list[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Messages")
        self.resize(640, 480)
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * theme.SPACE)
        grid.setColumnStretch(1, 1)
        for row, (clock, level, text) in enumerate(reversed(messages)):
            grid.addWidget(_quiet(clock), row, 0, Qt.AlignmentFlag.AlignTop)
            words = QLabel(text)
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if level != "info":
                words.setProperty("role", level)
            grid.addWidget(words, row, 1)
        grid.setRowStretch(len(messages), 1)
        if not messages:
            grid.addWidget(_quiet("Nothing yet."), 0, 0)
        _fill(self, grid)


def _choice(name: str, options: dict[str, str], chosen: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    for value, words in options.items():
        box.addItem(words, value)
    box.setCurrentIndex(list(options).index(chosen))
    return box


def _fill(dialog: QDialog, grid: QGridLayout) -> None:
    """Rows that may be scrolled, and a button to close."""
    inner = QWidget()
    inner.setObjectName("scrolled")
    inner.setLayout(grid)
    scroll = QScrollArea()
    scroll.setWidget(inner)
    scroll.setWidgetResizable(True)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(24, 24, 24, 24)
    layout.addWidget(scroll)
    layout.addWidget(_close_button(dialog))


def _close_button(dialog: QDialog) -> QDialogButtonBox:
    box = QDialogButtonBox()
    close = box.addButton(QDialogButtonBox.StandardButton.Close)
    assert close is not None
    close.setObjectName("closeDialog")
    box.rejected.connect(dialog.reject)
    return box


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "quiet")
    return label
