"""The settings of one camera: name, mode, and whatever its driver offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLabel, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.cameras.driver_forms import DriverForm, FormField
from app.cameras.field_row import Offers, SettingRow, help_text
from app.cameras.rig_draft import UNSTATED, CameraDraft
from app.widgets.buttons import button

_HIDDEN_IN_GROUPS = "size"
"""Of a simulated studio: the camera's own size already says it."""


class DriverSettings(QWidget):
    """The form of one driver. Groups are folded until they are opened or something in them is stated."""

    edited = pyqtSignal(object, object)
    left = pyqtSignal()

    def __init__(self, form: DriverForm, folder: Path, offers: dict[tuple[str, ...], Offers]) -> None:
        super().__init__()
        self.form = form
        self._offers = offers
        self._folder = folder
        self.rows: dict[tuple[str, ...], SettingRow] = {}
        self._groups: dict[tuple[str, ...], Group] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        self._whole = QLabel()
        self._whole.setObjectName("settings_problem")
        self._whole.setProperty("role", "bad")
        self._whole.setWordWrap(True)
        self._whole.hide()
        layout.addWidget(self._whole)
        if form.problem:
            note = QLabel(form.problem)
            note.setProperty("role", "warning")
            note.setWordWrap(True)
            layout.addWidget(note)
        self._add(layout, form.fields, ())

    def show_camera(self, camera: CameraDraft, problems: dict[str, str]) -> None:
        """Show a camera's values and what is wrong with them."""
        known = set()
        for path, row in self.rows.items():
            key = ".".join(path)
            known.add(key)
            row.show_value(_stated(camera, path), problems.get(key, ""))
        for path, group in self._groups.items():
            stated = _stated(camera, path)
            key = ".".join(path)
            known.add(key)
            wrong = [text for one, text in problems.items() if one == key or one.startswith(f"{key}.")]
            group.show_state(stated not in (UNSTATED, None), bool(wrong), problems.get(key, ""))
        others = [f"{key}: {text}" if key else text for key, text in problems.items() if key not in known]
        self._whole.setText("\n".join(others))
        self._whole.setVisible(bool(others))

    def _add(self, layout: QVBoxLayout, fields: tuple[FormField, ...], path: tuple[str, ...]) -> None:
        for field in fields:
            here = (*path, field.key)
            if path and field.key == _HIDDEN_IN_GROUPS:
                continue
            if field.kind == "group":
                group = Group(field, here)
                group.edited.connect(self.edited)
                self._groups[here] = group
                self._add(group.inside, field.fields, here)
                layout.addWidget(group)
            else:
                row = SettingRow(field, here, self._folder, self._offers.get(here))
                row.edited.connect(self.edited)
                row.left.connect(self.left)
                self.rows[here] = row
                layout.addWidget(row)


class Group(QWidget):
    """Settings that belong together, behind a heading that folds them."""

    edited = pyqtSignal(object, object)

    def __init__(self, field: FormField, path: tuple[str, ...]) -> None:
        super().__init__()
        self.field, self.path = field, path
        name = "group_" + "_".join(path)
        self.heading = QToolButton()
        self.heading.setObjectName(name)
        self.heading.setProperty("kind", "quiet")
        self.heading.setCheckable(True)
        self.heading.setStyleSheet(
            "QToolButton { padding-left: 0; font-weight: 600; }"
            "QToolButton:checked:!focus { background: transparent; border-color: transparent; }"
            "QToolButton:checked { color: palette(text); background: transparent; }"
        )
        self.heading.toggled.connect(self._fold)
        self.remove = button(
            "Take out", f"{name}_remove", lambda: self.edited.emit(path, UNSTATED), kind="quiet"
        )
        self.remove.setToolTip("Back to the driver's defaults")
        self._problem = QLabel()
        self._problem.setProperty("role", "bad")
        self._problem.setWordWrap(True)
        self._problem.hide()
        self._body = QWidget()
        self.inside = QVBoxLayout(self._body)
        self.inside.setContentsMargins(2 * theme.SPACE, 0, 0, 0)
        self.inside.setSpacing(2 * theme.SPACE)
        if field.help:
            note = QLabel(help_text(field))
            note.setProperty("role", "quiet")
            note.setWordWrap(True)
            self.inside.addWidget(note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.heading)
        layout.addWidget(self._problem)
        layout.addWidget(self._body)
        layout.addWidget(self.remove)
        self._fold(False)

    def show_state(self, stated: bool, wrong: bool, problem: str) -> None:
        """Whether the driver's settings state anything in here, and what is wrong."""
        self.remove.setVisible(stated and self.field.optional and self.heading.isChecked())
        self._stated = stated
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        if wrong:
            self.heading.setChecked(True)

    def _fold(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self.remove.setVisible(opened and self.field.optional and getattr(self, "_stated", False))
        self.heading.setText(f"{'▾' if opened else '▸'}  {self.field.label}")


def _stated(camera: CameraDraft, path: tuple[str, ...]) -> Any:
    try:
        return camera.setting(path)
    except KeyError:
        return UNSTATED
