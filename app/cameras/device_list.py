"""Cameras that were found on this computer."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app import theme
from app.cameras.words import device_words
from app.widgets.buttons import button
from app.widgets.card import Card
from pipeline.drivers.device_info import DeviceInfo


class DeviceList(Card):
    """One row for each device, with a button that adds it to the rig."""

    look_wanted = pyqtSignal()
    add_wanted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__("Found on this computer")
        self.look = button("Look a&gain", "look_again", self.look_wanted.emit, kind="quiet", icon="search")
        self.header.addWidget(self.look)
        self._note = QLabel()
        self._note.setObjectName("devices_note")
        self._note.setProperty("role", "quiet")
        self._note.setWordWrap(True)
        self.body.addWidget(self._note)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(theme.SPACE)
        self.body.addLayout(self._rows)
        self._shown: tuple[object, ...] | None = None

    def show_devices(
        self, found: Sequence[DeviceInfo] | None, used: Sequence[str], *, searching: bool, problem: str
    ) -> None:
        """Show what was found.

        Args:
            found: None before the first search has ended.
            used: For each device, the camera of the rig that it is; empty when it is none.
            searching: Whether a search is under way.
            problem: Why the last one failed.
        """
        self.look.setEnabled(not searching)
        self._note.setText(_note(found, searching, problem))
        self._note.setVisible(bool(self._note.text()))
        shown = (tuple(found or ()), tuple(used))
        if shown == self._shown:
            return
        self._shown = shown
        while (item := self._rows.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for place, (device, camera) in enumerate(zip(found or (), used, strict=True)):
            self._rows.addWidget(self._row(place, device, camera))

    def focus_first(self) -> None:
        """Give the keyboard to the first button that adds a device."""
        for add in self.findChildren(QPushButton):
            if add.objectName().startswith("add_device_"):
                add.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return

    def _row(self, place: int, device: DeviceInfo, camera: str) -> QWidget:
        row = QFrame()
        row.setObjectName(f"device_{place}")
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        words = QVBoxLayout()
        words.setSpacing(2)
        title = QLabel(device.name)
        title.setWordWrap(True)
        identity = Elided(device.stable_id)
        identity.setProperty("role", "quiet")
        where = f"{device.path}, {device.bus}" if device.bus else device.path
        identity.setToolTip(f"{device.stable_id}\n{where}")
        modes = QLabel(device_words(device))
        modes.setProperty("role", "warning" if device.reason else "quiet")
        modes.setWordWrap(True)
        for label in (title, identity, modes):
            words.addWidget(label)
        layout.addLayout(words, 1)
        if camera:
            layout.addWidget(_quiet(f"is {camera}"))
        else:
            add = button("Add", f"add_device_{place}", lambda: self.add_wanted.emit(device), icon="plus")
            add.setAccessibleName(f"Add {device.name}")
            layout.addWidget(add)
        return row


def _note(found: Sequence[DeviceInfo] | None, searching: bool, problem: str) -> str:
    if searching:
        return "Looking; this takes some seconds …"
    if problem:
        return problem
    if found is None:
        return ""
    if not found:
        return "No USB camera found. Plug one in, then look again. Other sources: Add camera."
    return ""


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "quiet")
    return label


class Elided(QLabel):
    """One line; what does not fit is left out in the middle."""

    def minimumSizeHint(self) -> QSize:
        """May become narrow."""
        return QSize(40, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw as much as fits."""
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()
