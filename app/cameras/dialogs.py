"""Small questions of the cameras page."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.cameras.new_cameras import common_sizes
from app.cameras.rig_draft import Size
from app.cameras.words import size_words

FEWEST, MOST = 2, 16
_WIDTH: Final = 56 * theme.SPACE
_FLUENT: Final = 6 * 640 * 480 * 30
"""Pixels per second; two cores draw about this much."""


class _Question(QDialog):
    def __init__(self, title: str, name: str, text: str, accept: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.setFixedWidth(_WIDTH)
        heading = QLabel(title)
        heading.setProperty("role", "heading")
        words = QLabel(text)
        words.setProperty("role", "quiet")
        words.setWordWrap(True)
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(2 * theme.SPACE)
        self.form.setVerticalSpacing(theme.SPACE)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.addButton(accept, QDialogButtonBox.ButtonRole.AcceptRole)
        assert self.accept_button is not None
        self.accept_button.setObjectName(f"{name}_accept")
        self.accept_button.setProperty("kind", "primary")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * theme.SPACE, 3 * theme.SPACE, 3 * theme.SPACE, 2 * theme.SPACE)
        layout.setSpacing(2 * theme.SPACE)
        layout.addWidget(heading)
        layout.addWidget(words)
        layout.addLayout(self.form)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)


class SimulatedDialog(_Question):
    """How many simulated cameras, and in which mode."""

    def __init__(self, cameras: int = 4, parent: QWidget | None = None) -> None:
        super().__init__(
            "Simulated studio",
            "simulated_dialog",
            "Virtual cameras on a ring film a person who walks and gestures. Everything works with them "
            "as with real ones.",
            "Use simulated studio",
            parent,
        )
        self.cameras = QSpinBox()
        self.cameras.setObjectName("simulated_cameras")
        self.cameras.setRange(FEWEST, MOST)
        self.cameras.setValue(cameras)
        self.size_box = QComboBox()
        self.size_box.setObjectName("simulated_size")
        for size in common_sizes():
            self.size_box.addItem(size_words(size), size)
        self.size_box.setCurrentIndex(1)
        self.fps = QDoubleSpinBox()
        self.fps.setObjectName("simulated_fps")
        self.fps.setDecimals(0)
        self.fps.setRange(1, 120)
        self.fps.setValue(30)
        self.fps.setSuffix(" fps")
        self.form.addRow("&Cameras", self.cameras)
        self.form.addRow("&Size", self.size_box)
        self.form.addRow("&Rate", self.fps)
        self.cameras.valueChanged.connect(self._warn)
        self.fps.valueChanged.connect(self._warn)
        self.size_box.currentIndexChanged.connect(self._warn)
        self._warn()

    @property
    def chosen(self) -> tuple[int, Size, float]:
        """Cameras, size and rate."""
        return self.cameras.value(), self.size_box.currentData(), self.fps.value()

    def _warn(self) -> None:
        cameras, size, fps = self.chosen
        heavy = cameras * size[0] * size[1] * fps > _FLUENT
        self.note.setText(
            "So many pictures are more than most computers draw in time; the cameras will then deliver fewer."
        )
        theme.set_role(self.note, "warning")
        self.note.setVisible(heavy)
        self.adjustSize()


class AddressDialog(_Question):
    """The address of a network camera."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Network camera",
            "address_dialog",
            "The address is in the camera's manual or its web page. It often looks like "
            "rtsp://user:password@192.168.1.20/stream1. The password goes into the rig file, never into "
            "messages, takes or logs.",
            "Add camera",
            parent,
        )
        self.address = QLineEdit()
        self.address.setObjectName("address")
        self.address.setPlaceholderText("rtsp://")
        self.address.textChanged.connect(self._look)
        self.form.addRow("&Address", self.address)
        self.address.setFocus()
        self._look("")

    @property
    def chosen(self) -> str:
        """The address."""
        return self.address.text().strip()

    def _look(self, text: str) -> None:
        assert self.accept_button is not None
        self.accept_button.setEnabled("://" in text and len(text.strip().partition("://")[2]) > 0)
