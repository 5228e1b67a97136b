"""What this program is, in which version, and where it keeps its things."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PyQt6.QtCore import PYQT_VERSION_STR, QT_VERSION_STR, Qt
from PyQt6.QtWidgets import QApplication, QDialog, QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import theme
from app.preferences import default_file
from app.studio import Studio
from app.widgets.buttons import button

_WIDTH = 60 * theme.SPACE


def version_text() -> str:
    """Of this program."""
    try:
        return version("posestage")
    except PackageNotFoundError:
        return "not installed"


def facts(studio: Studio) -> list[tuple[str, str]]:
    """What to tell when something is reported."""
    return [
        ("Version", version_text()),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.release()}"),
        ("Qt", f"{QT_VERSION_STR}, PyQt {PYQT_VERSION_STR}"),
        ("Takes", str(studio.takes_folder)),
        ("Preferences", str(default_file())),
        ("Licence", "MIT"),
    ]


class AboutDialog(QDialog):
    """Version, folders, licence; one button copies it all."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setWindowTitle("About Posestage")
        self.setFixedWidth(_WIDTH)
        self._facts = facts(studio)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * theme.SPACE, 3 * theme.SPACE, 3 * theme.SPACE, 2 * theme.SPACE)
        layout.setSpacing(theme.SPACE)
        title = QLabel("Posestage")
        title.setProperty("role", "title")
        layout.addWidget(title)
        what = QLabel("3D motion capture with several cameras and no markers, all on this computer.")
        what.setWordWrap(True)
        layout.addWidget(what)
        layout.addSpacing(theme.SPACE)
        table = QFormLayout()
        table.setHorizontalSpacing(3 * theme.SPACE)
        table.setVerticalSpacing(theme.SPACE)
        for name, value in self._facts:
            label = QLabel(name)
            label.setProperty("role", "label")
            words = QLabel(value)
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            table.addRow(label, words)
        layout.addLayout(table)
        layout.addSpacing(theme.SPACE)
        buttons = QHBoxLayout()
        buttons.addWidget(button("&Copy", "copy_about", self._copy, tip="Copy this for a report"))
        buttons.addStretch(1)
        close = button("Close", "close_about", self.accept, kind="primary")
        close.setDefault(True)
        buttons.addWidget(close)
        layout.addLayout(buttons)

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText("\n".join(f"{name}: {value}" for name, value in self._facts))
