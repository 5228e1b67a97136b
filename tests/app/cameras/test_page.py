"""Every control of the cameras page, with real mouse clicks and keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QSpinBox,
)

from app import theme
from app.cameras.camera_list import CameraList
from app.cameras.camera_trial import Picture
from app.cameras.dialogs import AddressDialog, SimulatedDialog
from app.cameras.page import CamerasPage
from app.help.popover import Popover
from configs.loading import read_yaml
from pipeline.rigs.rig_config import load_rig
from pipeline.rigs.rig_file import write_rig
from pipeline.rigs.simulated_rig import simulated_rig
from tests.app.cameras.conftest import BUSY, WEBCAM, DirectDesk

LEFT = Qt.MouseButton.LeftButton


def find_two(report):
    return [WEBCAM, BUSY]


@pytest.fixture
def page(qtbot, studio):
    theme.apply(QApplication.instance(), "dark")
    made = CamerasPage(studio, find_two, DirectDesk())
    qtbot.addWidget(made)
    made.resize(1200, 800)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    made.presenter.search.found = [WEBCAM, BUSY]
    made.refresh()
    yield made
    made.shutdown()


def control(page, name, kind=QAbstractButton):
    QApplication.processEvents()  # new widgets of a layout are shown by an event
    found = [one for one in page.findChildren(kind, name) if one.isVisible()]
    assert len(found) == 1, f"{len(found)} controls called {name}"
    return found[0]


def click(qtbot, page, name):
    qtbot.mouseClick(control(page, name), LEFT)


def write(qtbot, line, text):
    """Click into a field and replace what is in it."""
    qtbot.mouseClick(line, LEFT)
    line.selectAll()
    qtbot.keyClicks(line, text)


def settled(qtbot, page):
    qtbot.waitUntil(lambda: not page.editor.checks.going_on, timeout=30_000)


def found(qtbot, page):
    qtbot.waitUntil(lambda: not page.presenter.search.searching, timeout=30_000)


def names(page):
    return page.editor.draft.names


def answer(window_type, act):
    """Do something with the dialog that is about to open."""
    tries = [0]

    def look():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, window_type):
            act(dialog)
        elif tries[0] < 200:
            tries[0] += 1
            QTimer.singleShot(20, look)

    QTimer.singleShot(0, look)


def press(text):
    def act(box):
        button = next(one for one in box.buttons() if one.text().replace("&", "") == text)
        button.click()

    return act


def menu_entry(page, name):
    menu = control(page, "add_camera").menu()
    menu.aboutToShow.emit()
    return next(one for one in menu.actions() if one.objectName() == name)


def test_an_empty_page_says_what_to_do(qtbot, page, studio):
    assert control(page, "empty_simulated").isVisible()
    click(qtbot, page, "empty_simulated")
    assert studio.rig.names == ("cam1", "cam2", "cam3", "cam4")
    assert page.panel.isVisible()


def test_empty_open_asks_for_a_file(qtbot, page, monkeypatch):
    asked = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: asked.append(1) or ("", ""))
    click(qtbot, page, "empty_open")
    assert asked == [1] and not page.presenter.opening


def test_simulated_is_one_click_and_undoable_rigs_ask_first(qtbot, page, studio):
    click(qtbot, page, "simulated")
    assert len(studio.rig.cameras) == 4
    click(qtbot, page, "simulated")
    assert len(studio.rig.cameras) == 4, "a simulated rig is made again without a question"


def test_simulated_more_asks_for_number_size_and_rate(qtbot, page, studio):
    def choose(dialog):
        assert isinstance(dialog, SimulatedDialog)
        spin = dialog.findChild(QSpinBox, "simulated_cameras")
        assert (spin.minimum(), spin.maximum()) == (2, 16)
        spin.setValue(16)
        assert dialog.note.isVisible(), "so many are said to be heavy"
        spin.setValue(3)
        assert not dialog.note.isVisible()
        dialog.size_box.setCurrentIndex(dialog.size_box.findText("320 × 240"))
        dialog.fps.setValue(15)
        qtbot.mouseClick(dialog.accept_button, LEFT)

    answer(SimulatedDialog, choose)
    click(qtbot, page, "simulated_more")
    rig = studio.rig
    assert (len(rig.cameras), rig.cameras[0].size, rig.cameras[0].fps) == (3, (320, 240), 15.0)


def test_look_again_and_add_device(qtbot, page):
    page.presenter.search.found = None
    page.entered()
    found(qtbot, page)
    assert control(page, "add_device_0").isVisible()
    words = " ".join(label.text() for label in page.devices.findChildren(QLabel))
    assert "C922 webcam" in words and "close that program first" in words
    click(qtbot, page, "add_device_0")
    assert page.editor.draft.cameras[0].settings == {"device": WEBCAM.stable_id}
    assert not [one for one in page.devices.findChildren(QAbstractButton, "add_device_0") if one.isVisible()]
    click(qtbot, page, "look_again")
    assert page.presenter.search.searching
    assert not control(page, "look_again").isEnabled()
    found(qtbot, page)


def test_add_menu_has_every_driver(qtbot, page, studio, monkeypatch, tmp_path):
    page._add_menu.aboutToShow.emit()
    assert {one.objectName() for one in page._add_menu.actions()} == {
        f"add_{driver}" for driver in page.presenter.desk.forms
    }
    menu_entry(page, "add_usb").trigger()
    assert page.editor.camera.settings == {"device": WEBCAM.stable_id}, "the one that is free"
    menu_entry(page, "add_simulated").trigger()
    assert page.editor.camera.driver == "simulated"

    def type_address(dialog):
        assert not dialog.accept_button.isEnabled()
        qtbot.keyClicks(dialog.address, "rtsp://me:secret@door/stream")
        qtbot.mouseClick(dialog.accept_button, LEFT)

    answer(AddressDialog, type_address)
    menu_entry(page, "add_rtsp").trigger()
    assert (page.editor.camera.name, page.editor.camera.driver) == ("door", "rtsp")
    video = str(tmp_path / "left.mp4")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([video], ""))
    menu_entry(page, "add_video_file").trigger()
    assert page.editor.camera.settings == {"path": video}
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "images"))
    menu_entry(page, "add_image_folder").trigger()
    assert page.editor.camera.driver == "image_folder"
    assert studio.preferences.recent_folders[0] == tmp_path / "images"
    menu_entry(page, "add_usb").trigger()
    assert page.editor.camera.settings == {}, "no free one is left: one to be named"


def test_password_is_shown_only_while_it_is_edited(qtbot, page):
    page.presenter.add_stream("rtsp://me:secret@door/stream")
    settled(qtbot, page)
    line = control(page, "setting_url", QLineEdit)
    assert "secret" not in line.text() and "door" in line.text()
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    assert line.text() == "rtsp://me:secret@door/stream"
    qtbot.keyClicks(line, "2")
    control(page, "camera_name", QLineEdit).setFocus()
    assert page.editor.camera.settings["url"] == "rtsp://me:secret@door/stream2"
    assert "secret" not in line.text()
    assert all("secret" not in (page.list.item(row).text()) for row in range(page.list.count()))


def test_undo_and_redo_buttons_and_keys(qtbot, page):
    click(qtbot, page, "simulated")
    assert not control(page, "undo").isEnabled()
    click(qtbot, page, "remove")
    assert control(page, "undo").toolTip() == "Undo: remove cam1 (Ctrl+Z)"
    click(qtbot, page, "undo")
    assert names(page) == ("cam1", "cam2", "cam3", "cam4")
    click(qtbot, page, "redo")
    assert len(names(page)) == 3
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(names(page)) == 4)
    qtbot.keyClick(
        page.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    qtbot.waitUntil(lambda: len(names(page)) == 3)


def test_remove_shows_undo_at_once(qtbot, page):
    click(qtbot, page, "simulated")
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key.Key_Delete)
    assert names(page) == ("cam2", "cam3", "cam4")
    click(qtbot, page, "notice_undo")
    assert names(page) == ("cam1", "cam2", "cam3", "cam4")


def test_list_chooses_moves_by_keys_buttons_and_mouse(qtbot, page):
    click(qtbot, page, "simulated")
    camera_list: CameraList = page.list
    second = camera_list.visualItemRect(camera_list.item(1)).center()
    qtbot.mouseClick(camera_list.viewport(), LEFT, pos=second)
    assert page.editor.camera.name == "cam2"
    qtbot.keyClick(camera_list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert names(page) == ("cam2", "cam1", "cam3", "cam4")
    qtbot.keyClick(camera_list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert not control(page, "move_up").isEnabled()
    click(qtbot, page, "move_down")
    click(qtbot, page, "move_down")
    assert names(page) == ("cam1", "cam3", "cam2", "cam4")
    click(qtbot, page, "move_up")
    assert names(page) == ("cam1", "cam2", "cam3", "cam4")
    qtbot.keyClick(camera_list, Qt.Key.Key_Down)
    assert page.editor.camera.name == "cam3"


def test_drag_moves_a_camera(qtbot, page, monkeypatch):
    click(qtbot, page, "simulated")
    page.editor.select(page.editor.draft.cameras[0].key)
    below = page.list.visualItemRect(page.list.item(2))
    event = QDropEvent(
        QPointF(below.center().x(), below.bottom() - 2),
        Qt.DropAction.MoveAction,
        QMimeData(),
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )
    monkeypatch.setattr(QDropEvent, "source", lambda _: page.list)
    page.list.dropEvent(event)
    assert names(page) == ("cam2", "cam3", "cam1", "cam4")
    assert page.list.item(2).text().startswith("cam1")
    assert page.editor.camera.name == "cam1"


def test_duplicate_button_and_key(qtbot, page):
    click(qtbot, page, "simulated")
    click(qtbot, page, "duplicate")
    assert names(page) == ("cam1", "cam5", "cam2", "cam3", "cam4")
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(names(page)) == 6)


def test_camera_name_is_checked_beside_the_field(qtbot, page):
    click(qtbot, page, "simulated")
    line = control(page, "camera_name", QLineEdit)
    write(qtbot, line, "front door")
    problem = control(page, "camera_name_problem", QLabel)
    assert "letters" in problem.text() and line.property("wrong")
    write(qtbot, line, "front")
    assert names(page)[0] == "front"
    assert problem.isHidden() and not line.property("wrong")


def test_camera_size_and_rate_are_chosen_or_typed(qtbot, page, studio):
    page.presenter.add_device(WEBCAM)
    size, fps = control(page, "camera_size", QComboBox), control(page, "camera_fps", QComboBox)
    assert [size.itemText(place) for place in range(size.count())][1:] == [
        "640 × 480",
        "1280 × 720",
        "1920 × 1080",
    ]
    size.setFocus()
    qtbot.keyClick(size, Qt.Key.Key_Down)
    assert page.editor.camera.size == (1920, 1080)
    assert [fps.itemText(place) for place in range(fps.count())][1:] == ["30 fps"]
    line = size.lineEdit()
    write(qtbot, line, "800x")
    assert control(page, "camera_size_problem", QLabel).isVisible()
    qtbot.keyClicks(line, "600")
    assert page.editor.camera.size == (800, 600)
    assert line.text() == "800x600", "typing is not interrupted"
    rate = fps.lineEdit()
    write(qtbot, rate, "12,5")
    assert page.editor.camera.fps == 12.5
    rate.selectAll()
    qtbot.keyClick(rate, Qt.Key.Key_Backspace)
    assert page.editor.camera.fps is None


def test_mode_to_all(qtbot, page):
    click(qtbot, page, "simulated")
    page.editor.set_fps(page.editor.selected, 10.0)
    click(qtbot, page, "mode_to_all")
    assert {camera.fps for camera in page.editor.draft.cameras} == {10.0}


def test_setting_exposure_fixed_auto_and_as_it_is(qtbot, page):
    page.presenter.add_device(WEBCAM)
    choice = control(page, "setting_exposure_us", QComboBox)
    assert choice.currentText() == "As the device is set"

    def pick(text):
        choice.setCurrentIndex(choice.findText(text))
        choice.activated.emit(choice.currentIndex())

    pick("A fixed value")
    number = control(page, "setting_exposure_us_number", QLineEdit)
    write(qtbot, number, "abc")
    settled(qtbot, page)
    assert control(page, "setting_exposure_us_problem", QLabel).text() == "Must be a number of µs or auto."
    assert not page.editor.checks.usable
    write(qtbot, number, "8000")
    settled(qtbot, page)
    assert page.editor.camera.settings["exposure_us"] == 8000 and page.editor.checks.usable
    pick("Auto")
    assert page.editor.camera.settings["exposure_us"] == "auto"
    pick("As the device is set")
    assert "exposure_us" not in page.editor.camera.settings


def test_setting_rows_of_every_kind(qtbot, page, tmp_path, monkeypatch):
    page.presenter.add_videos([tmp_path / "a.mp4"])
    loop = control(page, "setting_loop", QCheckBox)
    qtbot.mouseClick(loop, LEFT, pos=QPoint(8, loop.height() // 2))
    assert page.editor.camera.settings["loop"] is True
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "b.mp4"), ""))
    click(qtbot, page, "setting_path_choose")
    assert page.editor.camera.settings["path"] == str(tmp_path / "b.mp4")
    late = control(page, "setting_max_late_s", QLineEdit)
    assert late.placeholderText() == "1", "the default is shown"
    write(qtbot, late, "2.5")
    assert page.editor.camera.settings["max_late_s"] == 2.5
    late.selectAll()
    qtbot.keyClick(late, Qt.Key.Key_Backspace)
    assert "max_late_s" not in page.editor.camera.settings


def test_setting_device_offers_what_was_found(qtbot, page):
    page.presenter.add_driver("usb")
    menu = control(page, "setting_device_offers").menu()
    menu.aboutToShow.emit()
    assert len(menu.actions()) == 2
    menu.actions()[0].trigger()
    assert page.editor.camera.settings["device"] == WEBCAM.stable_id
    page.presenter.search.found = []
    menu.aboutToShow.emit()
    assert [one.text() for one in menu.actions()] == ["Nothing was found"]


def test_group_unfolds_and_is_shared_by_all_simulated_cameras(qtbot, page):
    click(qtbot, page, "simulated")
    click(qtbot, page, "group_studio")
    people = control(page, "setting_studio_people", QLineEdit)
    write(qtbot, people, "9")
    settled(qtbot, page)
    assert control(page, "setting_studio_people_problem", QLabel).text() == "Must be at most 3."
    write(qtbot, people, "2")
    assert [camera.settings["studio"]["people"] for camera in page.editor.draft.cameras] == [2] * 4


def test_test_camera_stop_test_and_test_all(qtbot, page, studio):
    page.editor.use_simulated(2, (64, 64), 30.0)
    settled(qtbot, page)
    click(qtbot, page, "test_camera")
    assert not control(page, "test_all").isEnabled()
    qtbot.waitUntil(lambda: page.editor.selected in page.presenter.trials.pictures, timeout=60_000)
    assert "per second" in control(page, "test_words", QLabel).text() or page.presenter.trials.running
    click(qtbot, page, "stop_test")
    qtbot.waitUntil(lambda: not page.presenter.trials.running, timeout=30_000)
    page.presenter.trials.shutdown()
    click(qtbot, page, "test_all")
    assert len(page.presenter.trials.trials) == 2
    page.left()
    qtbot.waitUntil(lambda: not page.presenter.trials.running, timeout=60_000)


def test_the_picture_of_a_test_is_drawn(qtbot, page):
    page.editor.use_simulated(2, (64, 64), 30.0)
    red = Picture(bytes((0, 0, 255)) * 64 * 48, (64, 48))
    page.presenter.trials.pictures[page.editor.selected] = red
    page.presenter.trials.pictured.emit(page.editor.selected)
    image = page.panel.trial.picture.grab().toImage()
    assert image.pixelColor(image.width() // 2, image.height() // 2).getRgb()[:3] == (255, 0, 0)


def test_save_asks_for_a_file_once(qtbot, page, studio, tmp_path, monkeypatch):
    click(qtbot, page, "simulated")
    settled(qtbot, page)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "rig"), ""))
    click(qtbot, page, "save_rig")
    assert load_rig(tmp_path / "rig.yaml") == studio.rig
    assert not control(page, "save_rig").isEnabled()
    page.editor.rename_rig("second")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("asked again"))
    click(qtbot, page, "save_rig")
    assert read_yaml(tmp_path / "rig.yaml")["name"] == "second"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "copy.yml"), ""))
    click(qtbot, page, "save_rig_as")
    assert (tmp_path / "copy.yml").is_file() and studio.rig_path == tmp_path / "copy.yml"


def test_rig_name_is_changed_in_place(qtbot, page, studio):
    click(qtbot, page, "simulated")
    line = control(page, "rig_name", QLineEdit)
    write(qtbot, line, "garage")
    page.editor.use.apply()
    assert studio.rig.name == "garage"


def test_saving_over_comments_asks(qtbot, page, tmp_path, monkeypatch):
    path = tmp_path / "rig.yaml"
    write_rig(path, simulated_rig(2, (640, 480), 30.0, 0))
    path.write_text(path.read_text() + "# mind the step\n")
    page.presenter.open(path)
    qtbot.waitUntil(lambda: page.editor.file.path == path, timeout=30_000)
    settled(qtbot, page)
    page.editor.rename_rig("changed")
    answer(QMessageBox, press("Cancel"))
    click(qtbot, page, "save_rig")
    assert "mind the step" in path.read_text()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "other.yaml"), ""))
    answer(QMessageBox, press("Save as another file …"))
    click(qtbot, page, "save_rig")
    assert (tmp_path / "other.yaml").is_file() and "mind the step" in path.read_text()


@pytest.mark.parametrize(
    ("choice", "kept", "replaced"), [("Cancel", True, False), ("Don't save", False, True)]
)
def test_open_and_recent_ask_about_unsaved_changes(
    qtbot, page, tmp_path, monkeypatch, choice, kept, replaced
):
    path = tmp_path / "rig.yaml"
    write_rig(path, simulated_rig(3, (640, 480), 30.0, 0))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    page.presenter.add_stream("rtsp://host/a")
    assert "not saved" in page.reason_to_stay()
    answer(QMessageBox, press(choice))
    click(qtbot, page, "open_rig")
    qtbot.waitUntil(lambda: not page.presenter.opening, timeout=30_000)
    assert (names(page) == ("host",)) is not replaced
    assert (len(names(page)) == 3) is replaced
    if replaced:
        menu = control(page, "recent_rigs").menu()
        menu.aboutToShow.emit()
        assert [one.text() for one in menu.actions()] == ["rig"]
        page.editor.use_simulated(2)
        menu.aboutToShow.emit()
        menu.actions()[0].trigger()
        qtbot.waitUntil(lambda: len(names(page)) == 3, timeout=30_000)


def test_new_rig_by_key(qtbot, page):
    click(qtbot, page, "simulated")
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: names(page) == ())
    assert not [one for one in page._recent_menu.actions() if one.isEnabled()]


def test_calibrate_leads_to_the_wizard(qtbot, page, studio):
    went = []
    studio.go_to.connect(went.append)
    click(qtbot, page, "simulated")
    click(qtbot, page, "calibrate")
    assert went == ["calibrate"]


def test_live_notice_stops_live_or_discards(qtbot, page, studio, session):
    click(qtbot, page, "simulated")
    settled(qtbot, page)
    session.become("live")
    click(qtbot, page, "remove")
    settled(qtbot, page)
    assert not control(page, "test_all").isEnabled()
    click(qtbot, page, "notice_stop_and_apply")
    assert session.stops == 1 and len(studio.rig.cameras) == 4
    click(qtbot, page, "notice_discard")
    assert len(names(page)) == 4


def test_every_control_is_reached_with_the_tab_key(qtbot, page):
    click(qtbot, page, "simulated")
    settled(qtbot, page)
    wanted = {
        one.objectName()
        for kind in (QAbstractButton, QLineEdit, QComboBox)
        for one in page.findChildren(kind)
        if one.isVisible()
        and one.isEnabled()
        and one.focusPolicy() & Qt.FocusPolicy.TabFocus
        and one.objectName()
        and not one.objectName().startswith("qt_")
    } | {"cameras"}
    page.activateWindow()
    page.list.setFocus()
    reached = set()
    for _ in range(200):
        focused = QApplication.focusWidget()
        reached.add(focused.objectName() if focused is not None else "")
        qtbot.keyClick(focused or page, Qt.Key.Key_Tab)
    assert wanted - reached == set()


def test_help_opens_and_closes(qtbot, page):
    click(qtbot, page, "simulated")
    click(qtbot, page, "help_mode")
    (popover,) = popovers()
    assert "Size and rate" in popover.accessibleName()
    qtbot.keyClick(popover, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not popovers())


def popovers():
    return [one for one in QApplication.topLevelWidgets() if isinstance(one, Popover) and one.isVisible()]


def test_both_themes_draw(qtbot, page):
    click(qtbot, page, "simulated")
    dark = page.grab().toImage()
    theme.apply(QApplication.instance(), "light")
    light = page.grab().toImage()
    theme.apply(QApplication.instance(), "dark")
    assert dark.pixelColor(4, 4).lightness() < 128 < light.pixelColor(4, 4).lightness()


def test_every_control_has_a_test(qtbot, page, studio, tmp_path):
    """Names of controls stand in this file; of many of one kind, one does."""
    page.presenter.add_device(WEBCAM)
    page.presenter.add_videos([tmp_path / "a.mp4"])
    page.editor.add_simulated()
    seen = set()
    for camera in page.editor.draft.cameras:
        page.editor.select(camera.key)
        QApplication.processEvents()
        for kind in (QAbstractButton, QLineEdit, QComboBox, CameraList):
            seen |= {one.objectName() for one in page.findChildren(kind)}
    seen = {name for name in seen if name and not name.startswith("qt_")}
    text = Path(__file__).read_text(encoding="utf-8")
    same_kind = re.compile(r"^(setting_\w+|group_\w+|help_\w+|add_device_\d+)$")
    assert not {name for name in seen if f'"{name}"' not in text and not same_kind.match(name)}
    for kind in ("setting_", "group_", "help_"):
        assert f'"{kind}' in text
