"""The window around the pages: rail, keys, messages, settings, and leaving."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QToolButton,
)

from app import theme
from app.main_window import MainWindow
from app.page import Page
from app.pages import PAGES, RAIL
from app.preferences import Preferences
from app.settings_dialog import MessagesDialog, SettingsDialog, ShortcutsDialog
from app.studio import Studio
from configs.registry import Registry


class _Plain(Page):
    """A page that notes what is done to it."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.calls: list[str] = []
        self.stay = ""
        self.add_action(f"Greet from {self.name}", "G", lambda: self.calls.append("greet"))

    def entered(self) -> None:
        self.calls.append("entered")

    def left(self) -> None:
        self.calls.append("left")

    def reason_to_stay(self) -> str:
        return self.stay

    def shutdown(self) -> None:
        self.calls.append("shutdown")


PLAIN = {
    name: type(f"Plain_{name}", (_Plain,), {"name": name, "title": name, "icon": "home"}) for name in RAIL
}
globals().update({kind.__name__: kind for kind in PLAIN.values()})


class QuietSession(QObject):
    """As much of a session as the status line listens to."""

    state_changed = pyqtSignal(str)
    recording_changed = pyqtSignal(bool)

    def shutdown(self) -> None:
        self.ended = True


@pytest.fixture
def studio(tmp_path, qapp):
    studio = Studio(Preferences.load(tmp_path / "desktop.yaml"))
    studio.preferences.takes_folder = tmp_path / "takes"
    studio._session = QuietSession()
    return studio


@pytest.fixture
def window(qtbot, studio, monkeypatch):
    pages = Registry("page", {name: f"{__name__}:Plain_{name}" for name in RAIL})
    monkeypatch.setattr(pages, "load", PLAIN.__getitem__)
    monkeypatch.setattr("app.main_window.PAGES", pages)
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.go_to("welcome")
    window.show()
    return window


def click(qtbot, window, name: str) -> None:
    qtbot.mouseClick(window.findChild(QToolButton, name), Qt.MouseButton.LeftButton)


def answer(kind: type[QDialog], do) -> list:
    """Do something to the next dialog of that kind; what it returns is collected."""
    found: list = []

    def look() -> None:
        dialogs = [one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible()]
        if dialogs:
            found.append(do(dialogs[0]))
            dialogs[0].close()

    QTimer.singleShot(100, look)
    return found


def test_every_page_of_the_rail_can_be_loaded():
    assert set(RAIL) == set(PAGES)
    for name in PAGES:
        page = PAGES.load(name)
        assert issubclass(page, Page)
        assert page.name == name


@pytest.mark.parametrize("name", list(RAIL))
def test_rail_buttons_show_their_page(qtbot, window, name):
    click(qtbot, window, f"rail_{name}")
    assert window.shown == name
    assert window.findChild(QToolButton, f"rail_{name}").isChecked()


@pytest.mark.parametrize(("place", "name"), list(enumerate(RAIL, 1)))
def test_control_and_a_number_show_a_page(qtbot, window, place, name):
    window.activateWindow()
    qtbot.keyClick(window, getattr(Qt.Key, f"Key_{place}"), Qt.KeyboardModifier.ControlModifier)
    assert window.shown == name


def test_pages_hear_when_they_come_and_go(window):
    window.go_to("live")
    window.go_to("live")
    window.go_to("takes")
    assert window.pages["welcome"].calls == ["entered", "left"]
    assert window.pages["live"].calls == ["entered", "left"]
    assert "cameras" not in window.pages, "pages are built when they are first shown"


def test_messages_are_shown_counted_and_listed(qtbot, window, studio):
    studio.say("bad", "camera front is in use by another program")
    studio.say("info", "12 takes found")
    shown = [toast.text for toast in window._toasts.shown]
    assert shown == ["camera front is in use by another program", "12 takes found"]
    assert window.status.messages.text() == "Messages (2)"
    texts = answer(MessagesDialog, lambda box: [label.text() for label in box.findChildren(QLabel)])
    qtbot.mouseClick(window.findChild(QPushButton, "openMessages"), Qt.MouseButton.LeftButton)
    assert "12 takes found" in texts[0]
    assert window._toasts.geometry().bottom() <= window._toasts.parentWidget().height()


def test_a_message_closes_with_its_button(qtbot, window, studio):
    studio.say("warning", "the disk has room for 4 minutes")
    (toast,) = window._toasts.shown
    qtbot.mouseClick(toast.findChild(QToolButton, "closeToast"), Qt.MouseButton.LeftButton)
    assert window._toasts.shown == []
    assert not window._toasts.isVisible()


def test_at_most_four_messages_cover_the_page(window, studio):
    for number in range(7):
        studio.say("warning", f"number {number}")
    assert [toast.text for toast in window._toasts.shown] == [f"number {k}" for k in (3, 4, 5, 6)]


@pytest.mark.parametrize("control", ["rail_settings", "rail_keys"])
def test_dialogs_close_with_their_button(qtbot, window, control):
    closed = []

    def close() -> None:
        for box in QApplication.topLevelWidgets():
            if isinstance(box, QDialog) and box.isVisible():
                qtbot.mouseClick(box.findChild(QPushButton, "closeDialog"), Qt.MouseButton.LeftButton)
                closed.append(not box.isVisible())

    QTimer.singleShot(100, close)
    click(qtbot, window, control)
    assert closed == [True]


def test_keys_are_listed_by_page(qtbot, window):
    window.go_to("live")
    texts = answer(ShortcutsDialog, lambda box: [label.text() for label in box.findChildren(QLabel)])
    click(qtbot, window, "rail_keys")
    for text in ("Everywhere", "Quit", "Ctrl+Q", "Greet from live", "Greet from welcome", "G"):
        assert text in texts[0]


def test_a_page_key_works_only_on_its_page(qtbot, window):
    window.go_to("live")
    window.activateWindow()
    window.pages["live"].setFocus()
    qtbot.keyClick(window.pages["live"], Qt.Key.Key_G)
    assert "greet" in window.pages["live"].calls
    assert "greet" not in window.pages["welcome"].calls


def test_settings_change_the_colours_at_once(qtbot, window, studio):
    def light(box: SettingsDialog) -> str:
        choice = box.findChild(QComboBox, "theme")
        choice.setCurrentIndex(choice.findData("light"))
        choice.activated.emit(choice.currentIndex())
        return theme.palette().background.name()

    before = theme.palette()
    try:
        seen = answer(SettingsDialog, light)
        click(qtbot, window, "rail_settings")
        assert seen == [theme.LIGHT.background.name()]
        assert Preferences.load(studio.preferences._file).theme == "light"
    finally:
        application = QApplication.instance()
        theme.apply(application, "dark")
        application.setStyleSheet("")
        theme._Current.palette = before


def test_settings_choose_the_3d_view_of_the_next_start(qtbot, window, studio):
    def lines(box: SettingsDialog) -> None:
        choice = box.findChild(QComboBox, "spaceView")
        choice.setCurrentIndex(choice.findData("wireframe"))
        choice.activated.emit(choice.currentIndex())

    answer(SettingsDialog, lines)
    click(qtbot, window, "rail_settings")
    assert Preferences.load(studio.preferences._file).space_view == "wireframe"


def test_settings_refuse_a_folder_that_cannot_be_written(qtbot, window, studio, tmp_path):
    (tmp_path / "file").write_text("")
    before = studio.takes_folder

    def wrong(box: SettingsDialog) -> str:
        field = box.findChild(QLineEdit, "takesFolder")
        field.setText(str(tmp_path / "file" / "takes"))
        field.editingFinished.emit()
        return box.problem.text()

    words = answer(SettingsDialog, wrong)
    click(qtbot, window, "rail_settings")
    assert words[0].startswith("Nothing can be recorded to")
    assert studio.takes_folder == before


def test_settings_take_a_folder(qtbot, window, studio, tmp_path):
    def right(box: SettingsDialog) -> str:
        field = box.findChild(QLineEdit, "takesFolder")
        field.setText(str(tmp_path / "elsewhere"))
        field.editingFinished.emit()
        return box.problem.text()

    told = []
    studio.takes_changed.connect(lambda: told.append(studio.takes_folder))
    assert answer(SettingsDialog, right) == []
    click(qtbot, window, "rail_settings")
    assert told == [tmp_path / "elsewhere"]
    assert (tmp_path / "elsewhere").is_dir()


def test_settings_choose_a_folder(qtbot, window, studio, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *words: str(tmp_path / "chosen"))

    def choose(box: SettingsDialog) -> str:
        qtbot.mouseClick(box.findChild(QPushButton, "chooseTakesFolder"), Qt.MouseButton.LeftButton)
        return box.folder.text()

    shown = answer(SettingsDialog, choose)
    click(qtbot, window, "rail_settings")
    assert shown == [str(tmp_path / "chosen")]
    assert studio.takes_folder == tmp_path / "chosen"


@pytest.mark.parametrize(("choice", "closed"), [("Stay", False), ("Quit", True)])
def test_leaving_asks_when_something_would_be_lost(qtbot, window, choice, closed):
    window.pages["welcome"].stay = "A take is being recorded."
    texts = []

    def choose() -> None:
        for box in QApplication.topLevelWidgets():
            if isinstance(box, QMessageBox) and box.isVisible():
                texts.append(box.text())
                next(button for button in box.buttons() if button.text() == choice).click()

    QTimer.singleShot(100, choose)
    window.close()
    assert texts == ["A take is being recorded."]
    assert window.isVisible() != closed
    assert ("shutdown" in window.pages["welcome"].calls) == closed
    window.pages["welcome"].stay = ""


def test_the_end_of_the_login_asks_nothing(window):
    window.pages["welcome"].stay = "A take is being recorded."
    window.close_without_asking()
    assert not window.isVisible()
    assert window.pages["welcome"].calls[-1] == "shutdown"


def test_leaving_ends_everything_and_remembers_the_window(window, studio):
    window.resize(1100, 700)
    window.go_to("takes")
    window.close()
    assert window.pages["takes"].calls[-1] == "shutdown"
    assert studio.session.ended
    again = MainWindow(Studio(Preferences.load(studio.preferences._file)))
    try:
        assert again.height() == 700  # a screen that is narrow keeps the width from it
    finally:
        again.studio.shutdown()
        again.deleteLater()


def test_status_line_tells_rig_calibration_and_recording(window, studio):
    assert window.status.rig.text() == "No cameras set up"
    studio.use_simulated(3)
    assert window.status.rig.text() == "simulated studio: 3 cameras"
    assert window.status.calibration.text() == "not calibrated"
    assert window.windowTitle() == "simulated studio – Posestage"
    studio.session.state_changed.emit("live")
    assert window.status.live.text() == "live"
    studio.session.recording_changed.emit(True)
    assert window.status.recording.text() == "● recording 00:00"
    studio.session.recording_changed.emit(False)
    assert window.status.recording.text() == ""


def test_a_rig_that_is_gone_is_told_not_fatal(qtbot, studio, tmp_path):
    said = []
    studio.message.connect(lambda level, text: said.append((level, text)))
    studio.preferences.rig_path = tmp_path / "gone.yaml"
    studio.reopen_last()
    qtbot.waitUntil(lambda: not studio.reopening, timeout=30_000)
    assert said[0][0] == "warning"
    assert str(Path("gone.yaml")) in said[0][1]
    assert studio.rig is None
