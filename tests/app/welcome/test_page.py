"""Every control of the home page, with real clicks and keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QAbstractButton, QApplication, QLabel, QMessageBox

from app import theme
from app.help.about import AboutDialog
from app.takes.take_entry import TakeEntry
from app.welcome.page import WelcomePage
from tests.app.cameras.conftest import geometry
from tests.app.cameras.test_page import answer, press

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot, studio, tmp_path):
    theme.apply(QApplication.instance(), "dark")
    made = WelcomePage(studio, tmp_path / "cache")
    qtbot.addWidget(made)
    made.resize(1200, 800)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    yield made
    made.shutdown()


@pytest.fixture
def went(studio) -> list[str]:
    heard: list[str] = []
    studio.go_to.connect(heard.append)
    return heard


def control(page, name):
    QApplication.processEvents()
    (found,) = (one for one in page.findChildren(QAbstractButton, name) if one.isVisible())
    return found


def click(qtbot, page, name):
    qtbot.mouseClick(control(page, name), LEFT)


def visible(page) -> set[str]:
    QApplication.processEvents()
    return {one.objectName() for one in page.findChildren(QAbstractButton) if one.isVisible()}


def test_first_start_shows_three_choices(page):
    assert visible(page) == {"about", "first_simulated", "first_cameras", "first_recordings"}


def test_first_simulated_then_the_two_ways_to_calibrate(qtbot, page, studio, went):
    click(qtbot, page, "first_simulated")
    assert len(studio.rig.cameras) == 4
    assert {"home_calibrate_first", "home_exact", "help_exact_calibration"} <= visible(page)
    click(qtbot, page, "home_calibrate_first")
    assert went == ["calibrate"]
    click(qtbot, page, "home_exact")
    assert not control(page, "home_exact").isEnabled()
    qtbot.waitUntil(lambda: studio.calibration is not None, timeout=60_000)
    assert went == ["calibrate", "live"]
    qtbot.waitUntil(lambda: "home_exact" not in visible(page))
    click(qtbot, page, "home_live")
    click(qtbot, page, "home_calibrate")
    click(qtbot, page, "home_cameras")
    assert went[2:] == ["live", "calibrate", "cameras"]


def test_first_cameras_and_first_recordings(qtbot, page, went):
    click(qtbot, page, "first_cameras")
    click(qtbot, page, "first_recordings")
    assert went == ["cameras", "takes"]


def test_choices_are_made_with_the_keyboard(qtbot, page, studio, went):
    control(page, "first_cameras").setFocus()
    qtbot.keyClick(control(page, "first_cameras"), Qt.Key.Key_Space)
    assert went == ["cameras"]
    qtbot.keyClick(page, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: studio.rig is not None)


def test_begin_something_else(qtbot, page, studio, went):
    studio.use_simulated(2)
    click(qtbot, page, "again_simulated")
    assert len(studio.rig.cameras) == 4
    click(qtbot, page, "again_cameras")
    click(qtbot, page, "again_recordings")
    assert went == ["cameras", "takes"]


def test_home_live_plain_for_cameras_that_are_not_calibrated(qtbot, page, studio, went):
    from pipeline.rigs.rig_config import CameraConfig, RigConfig

    studio.use_rig(RigConfig(cameras=(CameraConfig(name="a", driver={"type": "usb"}),)), None)
    click(qtbot, page, "home_live_plain")
    assert went == ["live"]
    studio.hold_calibration(replace(geometry("a"), created="by hand"))
    assert page.findChild(QLabel, "rig_line_1").text() == "Calibrated"
    assert "home_live_plain" not in visible(page)


def test_recent_rig_opens(qtbot, page, studio, tmp_path):
    from pipeline.rigs.rig_file import write_rig
    from pipeline.rigs.simulated_rig import simulated_rig

    path = tmp_path / "garage.yaml"
    write_rig(path, simulated_rig(3, (640, 480), 30.0, 0))
    studio.preferences.recent_rigs = [path]
    page.refresh()
    assert control(page, "recent_rig_0").text() == "garage"
    click(qtbot, page, "recent_rig_0")
    qtbot.waitUntil(lambda: studio.rig is not None, timeout=60_000)
    assert studio.rig_path == path
    assert "recent_rig_0" not in visible(page)


@pytest.mark.parametrize(("choice", "stops"), [("Cancel", 0), ("Stop live and go on", 1)])
def test_live_pictures_are_stopped_only_after_asking(qtbot, page, studio, session, choice, stops):
    studio.use_simulated(2)
    session.become("live")
    answer(QMessageBox, press(choice))
    click(qtbot, page, "again_simulated")
    assert session.stops == stops
    session.become("off")
    assert len(studio.rig.cameras) == (4 if stops else 2)


def test_recent_takes_all_takes_and_repair(qtbot, page, studio, went, tmp_path):
    page.presenter.takes = [TakeEntry(tmp_path / name, name) for name in ("walk", "run")]
    page.presenter.interrupted = 2
    page.presenter.changed.emit()
    click(qtbot, page, "recent_take_1")
    assert studio.take_to_show == tmp_path / "run"
    click(qtbot, page, "all_takes")
    assert "2 takes were interrupted" in page.findChild(QLabel, "notice_text").text()
    click(qtbot, page, "repair")
    assert went == ["takes", "takes", "takes"]
    page.presenter.interrupted = 0
    page.presenter.changed.emit()
    assert "repair" not in visible(page)


def test_about_copies_what_a_report_needs(qtbot, page, studio):
    def copy(dialog):
        qtbot.mouseClick(dialog.findChild(QAbstractButton, "copy_about"), LEFT)
        qtbot.mouseClick(dialog.findChild(QAbstractButton, "close_about"), LEFT)

    answer(AboutDialog, copy)
    click(qtbot, page, "about")
    text = QApplication.clipboard().text()
    assert text.startswith("Version: ") and str(studio.takes_folder) in text


def test_every_control_is_reached_with_the_tab_key(qtbot, page, studio):
    studio.use_simulated(2)
    wanted = visible(page)
    control(page, "about").setFocus()
    reached = set()
    for _ in range(60):
        focused = QApplication.focusWidget()
        assert focused is not None
        reached.add(focused.objectName())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert wanted - reached == set()
