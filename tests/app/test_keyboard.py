"""Return presses buttons, and the focus waits for a button that is switched off for a while."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.keyboard import Keyboard
from app.page import Page
from app.preferences import Preferences
from app.studio import Studio


class _Form(Page):
    name, title, icon = "form", "Form", "home"


@pytest.fixture
def window(qtbot):
    """A rail with one button, and beside it a page with a field and two buttons."""
    window = QWidget()
    Keyboard(window)
    window.rail = QToolButton()
    window.page = _Form(Studio(Preferences()))
    window.field, window.save, window.more = QLineEdit(), QPushButton("Save"), QPushButton("More")
    inner, outer = QVBoxLayout(window.page), QVBoxLayout(window)
    for one in (window.field, window.save, window.more):
        inner.addWidget(one)
    outer.addWidget(window.rail)
    outer.addWidget(window.page)
    window.pressed = []
    window.rail.clicked.connect(lambda: window.pressed.append("rail"))
    window.save.clicked.connect(lambda: window.pressed.append("save"))
    window.more.clicked.connect(lambda: window.pressed.append("more"))
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    return window


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_return_and_space_press_the_focused_button(qtbot, window, key):
    for name in ("save", "rail"):
        button = getattr(window, name)
        button.setFocus()
        qtbot.keyClick(button, key)
    assert window.pressed == ["save", "rail"]


def test_return_with_control_and_in_a_field_presses_nothing(qtbot, window):
    window.save.setFocus()
    qtbot.keyClick(window.save, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    window.field.setFocus()
    qtbot.keyClick(window.field, Qt.Key.Key_Return)
    assert window.pressed == []


def test_a_button_without_the_focus_hears_no_return_any_more(qtbot, window):
    window.save.setFocus()
    window.more.setFocus()
    qtbot.keyClick(window.more, Qt.Key.Key_Return)
    assert window.pressed == ["more"]


def test_focus_waits_in_the_page_and_comes_back(window):
    window.save.setFocus()
    window.save.setEnabled(False)
    assert QApplication.focusWidget() is window.page
    window.save.setEnabled(True)
    assert QApplication.focusWidget() is window.save
    window.save.setEnabled(False)
    window.save.setEnabled(True)
    assert QApplication.focusWidget() is window.save, "and again"


def test_focus_does_not_come_back_to_somebody_who_went_on(window):
    window.save.setFocus()
    window.save.setEnabled(False)
    window.field.setFocus()
    window.save.setEnabled(True)
    assert QApplication.focusWidget() is window.field


def test_focus_stays_in_the_page_when_its_button_is_hidden(window):
    window.more.setFocus()
    window.more.hide()
    assert QApplication.focusWidget() is window.page


def test_a_waiting_button_may_go_away(qtbot, window):
    window.save.setFocus()
    window.save.setEnabled(False)
    window.save.deleteLater()
    qtbot.wait(10)
    window.more.setFocus()
    qtbot.keyClick(window.more, Qt.Key.Key_Return)
    assert window.pressed == ["more"]
