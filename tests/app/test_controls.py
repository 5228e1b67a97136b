"""Every control of every page has a test: the table of both goes to build/controls.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)

from app.main_window import MainWindow
from app.pages import RAIL
from app.preferences import Preferences
from app.settings_dialog import SettingsDialog
from app.studio import Studio

ROOT = Path(__file__).parents[2]
CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
FAMILIES = ("add", "help", "rail", "space", "step", "weights")
"""First words of names that a loop gives to controls which differ in what they are about only."""
PARTS_OF_OTHERS = (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar)
"""What Qt itself makes of them, an editor in a spin box, is not a control of ours."""


def controls_of(widget: QWidget) -> Iterator[QWidget]:
    """All controls below a widget that a person can use."""
    for child in widget.findChildren(QWidget):
        if not isinstance(child, CONTROLS) or isinstance(child, QScrollBar):
            continue
        parents = []
        parent = child.parentWidget()
        while parent is not None and parent is not widget:
            parents.append(parent)
            parent = parent.parentWidget()
        if not any(isinstance(one, (*PARTS_OF_OTHERS, QAbstractItemView)) for one in parents):
            yield child


def texts_of_tests() -> dict[str, str]:
    """Name of each test of the desktop to its text, with the functions of its file that it may call."""
    found = {}
    for path in sorted((ROOT / "tests" / "app").rglob("test_*.py")):
        if path.name == Path(__file__).name:
            continue
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                decorated = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                text = "\n".join(source.splitlines()[decorated - 1 : node.end_lineno])
                found[f"{path.relative_to(ROOT / 'tests' / 'app')}: {node.name}"] = text
    return found


def speaks_of(name: str, test: str, text: str) -> bool:
    """Whether a test names a control, or another one that the same loop has made."""
    family, _, rest = name.partition("_")
    if rest and family in FAMILIES and f'"{family}_' in text:
        return True
    return f'"{name}"' in text or re.search(rf"_{name}(_|$)", test) is not None


@pytest.fixture
def window(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr("app.calibrate.order.unsaved_folder", lambda: tmp_path / "calibrations")
    preferences = Preferences.load(tmp_path / "desktop.yaml")
    preferences.takes_folder = tmp_path / "takes"
    preferences.space_view = "wireframe"
    studio = Studio(preferences)
    studio.use_simulated(2)
    window = MainWindow(studio)
    qtbot.addWidget(window)
    for name in RAIL:
        window.go_to(name)
    yield window
    window.close_without_asking()


def test_every_control_has_a_name_and_a_test(window, tmp_path):
    tests = texts_of_tests()
    settings = SettingsDialog(window.studio, window)
    groups = {RAIL[name][0]: page for name, page in window.pages.items()}
    rows, unnamed, untested = [], [], []
    for group, widget in {"Window": window.centralWidget(), **groups, "Settings": settings}.items():
        for control in controls_of(widget):
            page = next((one for one in groups.values() if one.isAncestorOf(control)), None)
            if group == "Window" and page is not None:
                continue
            name = control.objectName()
            if not name or name.startswith("qt_"):
                words = control.text() if isinstance(control, QAbstractButton) else type(control).__name__
                unnamed.append(f"{group}: {words} in {type(control.parentWidget()).__name__}")
                continue
            mentions = [test for test, text in tests.items() if speaks_of(name, test, text)]
            if not mentions:
                untested.append(f"{group}: {name}")
            rows.append(f"| {group} | `{name}` | {'<br>'.join(mentions[:3])} |")
    table = ["| Page | Control | Tests |", "| --- | --- | --- |", *dict.fromkeys(rows)]
    target = ROOT / "build" / "controls.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(table) + "\n", encoding="utf-8")
    assert len(rows) > 60
    assert not unnamed, "\n".join(sorted(set(unnamed)))
    assert not untested, "\n".join(sorted(set(untested)))
