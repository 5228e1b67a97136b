"""The page driven by mouse and keys. Tests are named after the controls they press."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QCheckBox, QComboBox, QDialog, QFileDialog, QLineEdit, QPushButton, QToolButton

from app.studio import Studio
from app.takes.page import TakesPage
from app.takes.pipeline_choice import PipelineChoice
from app.takes.presenter import TakesPresenter
from app.takes.timeline_bar import TimelineBar
from pipeline.take.marks import read_marks
from tests.app.takes.conftest import FRAMES, rename_in_header

LEFT = Qt.MouseButton.LeftButton


class LookedAt(TakesPresenter):
    """Without thumbnails: these are tested beside the presenter, in a process of their own."""

    def _look_at_new_ones(self) -> None:
        pass


@pytest.fixture
def opened_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []

    def open_url(url) -> bool:
        opened.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    return opened


@pytest.fixture
def page(studio: Studio, walk: Path, takes: Path, tmp_path: Path, qtbot, opened_files):
    shutil.copytree(walk, takes / "second")
    rename_in_header(takes / "second", "second", wall_time="'2025-02-01T12:00:00.000+00:00'")
    page = TakesPage(studio, LookedAt(studio, tmp_path / "cache"))
    qtbot.addWidget(page)
    page.resize(1200, 768)
    page.show()
    qtbot.waitExposed(page)
    page.activateWindow()
    page.entered()
    qtbot.waitUntil(lambda: len(page.presenter.entries) == 2)
    yield page
    page.shutdown()


@pytest.fixture
def playing(page: TakesPage, qtbot) -> TakesPage:
    """The take "synthetic walk" in the player, its first pictures shown."""
    choose(page, "synthetic walk", qtbot)
    qtbot.keyClick(page.library.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.player.data is not None)
    page.player_view._tell_sizes()
    qtbot.waitUntil(lambda: all(tile.pictures_drawn for tile in page.player_view.tiles.values()))
    return page


def find(page, kind, name: str):
    widget = page.findChild(kind, name)
    assert widget is not None, name
    return widget


def click(page, name: str, qtbot, kind=QPushButton) -> None:
    widget = find(page, kind, name)
    assert widget.isEnabled(), name
    assert widget.isVisible(), name
    qtbot.mouseClick(widget, LEFT)


def choose(page: TakesPage, name: str, qtbot) -> None:
    rows = {page.library.model.data(page.library.model.index(row)): row for row in range(2)}
    place = page.library.list.visualRect(page.library.model.index(rows[name])).center()
    qtbot.mouseClick(page.library.list.viewport(), LEFT, pos=place)
    assert page.presenter.entry().name == name


# The list


def test_takeList_shows_all_and_arrow_keys_choose(page: TakesPage, qtbot):
    assert find(page, object, "takesCount").text() == "2"
    assert find(page, object, "takeName").text() == "second", "the newest is chosen first"
    page.library.list.setFocus()
    qtbot.keyClick(page.library.list, Qt.Key.Key_Down)
    assert page.presenter.entry().name == "synthetic walk"
    assert find(page, object, "takeName").text() == "synthetic walk"
    assert find(page, object, "fact_length").text() == "1.0 s"
    assert find(page, object, "fact_cameras").text() == "3 (cam1, cam2, cam3)"
    assert find(page, object, "fact_frames").text() == "30 per camera, 2 lost"
    assert find(page, object, "fact_state").text() == "Complete"
    assert page.grab().toImage().pixelColor(40, 200).isValid()


def test_takesSearch(page: TakesPage, qtbot):
    search = find(page, QLineEdit, "takesSearch")
    qtbot.keyClick(page.library.list, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert search.hasFocus()
    qtbot.keyClicks(search, "seco")
    assert page.library.model.rowCount() == 1
    assert find(page, object, "takesCount").text() == "1 of 2"
    qtbot.keyClicks(search, "nd nothing")
    assert page.library.stack.currentWidget() is page.library.nothing_found
    click(page, "takesClearSearch", qtbot)
    assert page.library.model.rowCount() == 2
    qtbot.keyClicks(search, "walk")
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == ""


def test_takesSort(page: TakesPage, qtbot):
    box = find(page, QComboBox, "takesSort")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert page.presenter.sort == "oldest"
    assert page.library.model.data(page.library.model.index(0)) == "synthetic walk"


def test_takesRefresh(page: TakesPage, takes: Path, qtbot):
    shutil.copytree(takes / "walk", takes / "third")
    click(page, "takesRefresh", qtbot, QToolButton)
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 3)
    shutil.rmtree(takes / "third")
    qtbot.keyClick(page.library.list, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 2)


def test_takesFolders_opens_and_closes_another_folder(page: TakesPage, walk, tmp_path, qtbot, monkeypatch):
    shutil.copytree(walk, tmp_path / "elsewhere" / "far")
    answer = str(tmp_path / "elsewhere")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: answer)
    page.library._fill_menu()
    page.library.menu.actions()[-1].trigger()
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 3)
    page.library._fill_menu()
    close = [action for action in page.library.menu.actions() if action.text().startswith("Close")]
    close[0].trigger()
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 2)


def test_takeRename(page: TakesPage, takes: Path, qtbot):
    click(page, "takeRename", qtbot, QToolButton)
    dialog = find(page, QDialog, "renameTake")
    name = find(dialog, QLineEdit, "renameTakeName")
    assert name.text() == "second"
    name.clear()
    assert not find(dialog, QPushButton, "renameTakeOk").isEnabled()
    qtbot.keyClicks(name, "Final run")
    click(dialog, "renameTakeOk", qtbot)
    qtbot.waitUntil((takes / "Final run").is_dir)
    qtbot.waitUntil(lambda: find(page, object, "takeName").text() == "Final run")
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    qtbot.keyClick(page.library.list, Qt.Key.Key_F2)
    click(page.findChildren(QDialog, "renameTake")[-1], "renameTakeCancel", qtbot)


def test_takeDelete_and_takesUndo(page: TakesPage, takes: Path, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert not find(page, QPushButton, "takesUndo").isVisible()
    click(page, "takeDelete", qtbot, QToolButton)
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 1)
    assert not (takes / "second").exists()
    click(page, "takesUndo", qtbot)
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 2)
    assert (takes / "second").exists()
    qtbot.keyClick(page.library.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 1)
    qtbot.keyClick(page.library.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 2)


def test_takeShowFolder_and_takeReport(page: TakesPage, takes: Path, qtbot, opened_files, monkeypatch):
    click(page, "takeShowFolder", qtbot, QToolButton)
    assert opened_files == [str(takes / "second")]
    asked: list[Path] = []
    monkeypatch.setattr(page.presenter.work, "make_report", asked.append)
    click(page, "takeReport", qtbot)
    assert asked == [takes / "second"], "there is no report yet: it is drawn"
    (takes / "second" / "report.html").touch()
    click(page, "takeReport", qtbot)
    assert opened_files[-1] == str(takes / "second" / "report.html")
    assert len(asked) == 1


def test_takeProcess(page: TakesPage, qtbot, monkeypatch):
    choices = [
        PipelineChoice("blazepose", "Real people"),
        PipelineChoice("algebraic", "Untrained", doubtful=True),
        PipelineChoice("rtmpose", "", "Needs the model rtmpose-m. Fetch it"),
    ]
    monkeypatch.setattr("app.takes.page.pipeline_choices", lambda: choices)
    asked: list[tuple] = []
    monkeypatch.setattr(page.presenter.work, "process_again", lambda *words: asked.append(words))
    click(page, "takeProcess", qtbot)
    qtbot.waitUntil(lambda: page.findChild(QDialog, "processTake") is not None)
    dialog = find(page, QDialog, "processTake")
    assert dialog.chosen == "blazepose"
    assert not dialog.choices["rtmpose"].isEnabled()
    qtbot.mouseClick(dialog.choices["algebraic"], LEFT, pos=QPoint(8, 8))
    click(dialog, "processTakeOk", qtbot)
    assert asked == [(page.presenter.selected, "algebraic")]


def test_takesEmpty_says_where_takes_come_from(studio: Studio, tmp_path: Path, qtbot):
    page = TakesPage(studio, LookedAt(studio, tmp_path / "cache"))
    qtbot.addWidget(page)
    page.show()
    page.entered()
    qtbot.waitUntil(lambda: page.library.stack.currentWidget() is page.library.empty)
    went: list[str] = []
    studio.go_to.connect(went.append)
    click(page, "takesGoLive", qtbot)
    assert went == ["live"]
    page.shutdown()


def test_repairAll_and_takeRepair(page: TakesPage, interrupted: Path, qtbot, monkeypatch):
    page.presenter.refresh()
    qtbot.waitUntil(lambda: page.library.model.rowCount() == 3)
    assert page.library.notice.isVisible()
    assert "cut was interrupted" in page.library.notice_words.text()
    asked: list[Path] = []
    monkeypatch.setattr("app.takes.tasks.TaskQueue.add", lambda queue, task: asked.append(task.folder))
    click(page, "repairAll", qtbot)
    page.presenter.select(interrupted)
    assert not find(page, QPushButton, "takePlay").isVisible()
    assert not find(page, QPushButton, "takeExport").isEnabled()
    click(page, "takeRepair", qtbot)
    assert asked == [interrupted, interrupted]


# Export


def test_takeExport_from_choice_to_file(page: TakesPage, takes: Path, tmp_path: Path, qtbot, opened_files):
    click(page, "takeExport", qtbot)
    dialog = find(page, QDialog, "exportTake")
    assert set(dialog.formats) >= {"c3d", "csv", "parquet", "npz"}
    ok = find(dialog, QPushButton, "exportTakeOk")
    for name in dialog.formats:
        box = find(dialog, QCheckBox, f"format_{name}")
        if box.isChecked() != (name == "npz"):
            qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert dialog.chosen == ["npz"]
    smoothed = find(dialog, QCheckBox, "exportSmoothed")
    qtbot.mouseClick(smoothed, LEFT, pos=QPoint(8, smoothed.height() // 2))
    folder = find(dialog, QLineEdit, "exportFolder")
    assert folder.text() == str(takes / "second" / "exports")
    folder.clear()
    assert not ok.isEnabled()
    qtbot.keyClicks(folder, str(tmp_path / "out"))
    click(dialog, "exportTakeOk", qtbot)
    assert not ok.isEnabled(), "once is enough"
    qtbot.waitUntil(lambda: find(dialog, QPushButton, "exportShow").isVisible(), timeout=60_000)
    assert "read back, no difference" in find(dialog, object, "exportResult").text()
    with np.load(tmp_path / "out" / "second.npz") as data:
        np.testing.assert_array_equal(data["joints"], data["smoothed"])
    click(dialog, "exportShow", qtbot)
    assert opened_files[-1] == str(tmp_path / "out")
    # In the strip below the same task can be looked at and dismissed.
    assert page.strip.isVisible()
    click(page, "taskResult", qtbot)
    click(page, "taskDismiss", qtbot, QToolButton)
    assert not page.strip.isVisible()
    find(dialog, QPushButton, "exportTakeCancel").click()


def test_exportBrowse(page: TakesPage, tmp_path: Path, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "chosen"))
    click(page, "takeExport", qtbot)
    dialog = find(page, QDialog, "exportTake")
    click(dialog, "exportBrowse", qtbot)
    assert find(dialog, QLineEdit, "exportFolder").text() == str(tmp_path / "chosen")
    dialog.close()


# The player


def test_a_take_that_was_chosen_on_the_home_page_plays(page, takes, qtbot):
    page.left()
    page.studio.take_to_show = takes / "second"
    page.entered()
    assert page.in_player
    qtbot.waitUntil(lambda: page.player.data is not None)
    assert page.player.data.folder == takes / "second"
    assert page.studio.take_to_show is None


def test_takePlay_and_playerBack(page: TakesPage, qtbot):
    click(page, "takePlay", qtbot)
    assert page.in_player
    qtbot.waitUntil(lambda: page.player.data is not None)
    assert find(page, object, "playerTitle").text() == "second"
    assert set(page.player_view.tiles) == {"cam1", "cam2", "cam3"}
    click(page, "playerBack", qtbot)
    assert not page.in_player
    assert page.player.data is None
    place = page.library.list.visualRect(page.library.model.index(1)).center()
    qtbot.mouseClick(page.library.list.viewport(), LEFT, pos=place)
    qtbot.mouseDClick(page.library.list.viewport(), LEFT, pos=place)
    qtbot.waitUntil(lambda: page.player.data is not None)
    qtbot.keyClick(page.player_view, Qt.Key.Key_Escape)
    assert not page.in_player


def test_playerPlay_and_playerPause(playing: TakesPage, qtbot):
    click(playing, "playerPlay", qtbot, QToolButton)
    assert playing.player.playback.playing
    assert not find(playing, QToolButton, "playerPlay").isVisible()
    qtbot.waitUntil(lambda: playing.player.playback.instant > 2)
    click(playing, "playerPause", qtbot, QToolButton)
    assert not playing.player.playback.playing
    qtbot.keyClick(playing.player_view, Qt.Key.Key_Space)
    assert playing.player.playback.playing
    playing.left()
    assert not playing.player.playback.playing, "a page that nobody sees does not play"


def test_player_keys_and_step_buttons(playing: TakesPage, qtbot):
    player, view = playing.player, playing.player_view
    shift = Qt.KeyboardModifier.ShiftModifier
    for key, modifier, expected in (
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 1),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 2),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 1),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, FRAMES - 1),
        (Qt.Key.Key_Left, shift, 0),
        (Qt.Key.Key_Right, shift, FRAMES - 1),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 0),
    ):
        qtbot.keyClick(view, key, modifier)
        assert player.playback.instant == expected, key
    for name, expected in (
        ("playerStep", 1),
        ("playerEnd", FRAMES - 1),
        ("playerStepBack", FRAMES - 2),
        ("playerHome", 0),
    ):
        click(playing, name, qtbot, QToolButton)
        assert player.playback.instant == expected, name
    assert find(playing, object, "playerPosition").text().endswith(f"instant 1 of {FRAMES}")
    assert find(playing, object, "playerClock").text() == "00:00.001"


def test_space_ticks_joints_where_joints_are(playing: TakesPage, qtbot):
    joints = playing.player_view.graphs.joints
    joints.setFocus()
    qtbot.keyClick(joints, Qt.Key.Key_Down)
    before = joints.currentItem().checkState()
    qtbot.keyClick(joints, Qt.Key.Key_Space)
    assert joints.currentItem().checkState() != before
    assert not playing.player.playback.playing


def test_playerSpeed(playing: TakesPage, qtbot):
    box = find(playing, QComboBox, "playerSpeed")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert playing.player.playback.speed == 0.5
    playing.player_view.setFocus()
    qtbot.keyClick(playing.player_view, Qt.Key.Key_Plus)
    qtbot.keyClick(playing.player_view, Qt.Key.Key_Plus)
    assert playing.player.playback.speed == 2.0
    assert box.currentText() == "2×"
    qtbot.keyClick(playing.player_view, Qt.Key.Key_Minus)
    assert playing.player.playback.speed == 1.0


def test_playerLoop_playerLoopFrom_playerLoopTo(playing: TakesPage, qtbot):
    player, view = playing.player, playing.player_view
    player.playback.seek(10)
    click(playing, "playerLoopFrom", qtbot)
    assert player.playback.loop == (10, FRAMES - 1)
    assert find(playing, QToolButton, "playerLoop").isChecked()
    player.playback.seek(20)
    click(playing, "playerLoopTo", qtbot)
    assert player.playback.loop == (10, 20)
    click(playing, "playerLoop", qtbot, QToolButton)
    assert player.playback.loop is None
    player.playback.seek(5)
    qtbot.keyClick(view, Qt.Key.Key_BracketLeft)
    player.playback.seek(9)
    qtbot.keyClick(view, Qt.Key.Key_BracketRight)
    assert player.playback.loop == (5, 9)
    qtbot.keyClick(view, Qt.Key.Key_L)
    assert player.playback.loop is None
    assert not find(playing, QToolButton, "playerLoop").isChecked()


def test_timeline_is_clicked_and_dragged(playing: TakesPage, qtbot):
    bar = find(playing, TimelineBar, "timeline")
    seconds = playing.player.data.seconds
    qtbot.mouseClick(bar, LEFT, pos=QPoint(round(bar.x_of(float(seconds[12]))), 26))
    assert playing.player.playback.instant == 12
    qtbot.mousePress(bar, LEFT, pos=QPoint(round(bar.x_of(0.2)), 26))
    qtbot.mouseMove(bar, QPoint(round(bar.x_of(float(seconds[25]))), 26))
    qtbot.mouseRelease(bar, LEFT, pos=QPoint(round(bar.x_of(float(seconds[25]))), 26))
    assert playing.player.playback.instant == 25


def test_playerMark_and_key_m(playing: TakesPage, walk: Path, qtbot):
    playing.player.playback.seek(7)
    click(playing, "playerMark", qtbot)
    playing.player.playback.seek(9)
    qtbot.keyClick(playing.player_view, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: len(playing.player.marks.marks) == 3)
    assert [mark.text for mark in read_marks(walk)] == ["start of the walk", "Mark 2", "Mark 3"]
    bar = find(playing, TimelineBar, "timeline")
    assert "Mark 3" in bar.words_at(bar.x_of(playing.player.playback.seconds))
    assert playing.player_view.tabs.tabText(1) == "Marks and events (4)"


def test_double_click_and_key_z_show_one_camera_alone(playing: TakesPage, qtbot):
    view = playing.player_view
    tile = view.tiles["cam2"]
    qtbot.mouseDClick(tile, LEFT)
    assert [name for name, item in view.tiles.items() if item.isVisible()] == ["cam2"]
    qtbot.waitUntil(lambda: set(playing.player.sizes) == {"cam2"})
    qtbot.mouseDClick(tile, LEFT)
    assert all(item.isVisible() for item in view.tiles.values())
    qtbot.keyClick(view, Qt.Key.Key_Z)
    assert view.zoomed == "cam1"
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.zoomed is None
    assert playing.in_player


def test_space_options(playing: TakesPage, qtbot):
    space = playing.player_view.space
    assert space is not None
    for name in ("trails", "uncertainty", "frusta", "pictures", "follow"):
        before = space.options[name]
        click(playing, f"space_{name}", qtbot, QToolButton)
        assert space.options[name] is not before, name
    space.set_option("follow", False)
    assert not find(playing, QToolButton, "space_follow").isChecked()
    click(playing, "space_smoothed", qtbot, QToolButton)
    assert not playing.player.smoothed
    space.camera = space.camera.orbited(40.0, 0.0)
    click(playing, "space_reset", qtbot, QToolButton)
    qtbot.waitUntil(lambda: space.camera == space.home())


def test_player_shows_people_in_space(playing: TakesPage, qtbot):
    playing.player.playback.seek(11)
    space = playing.player_view.space
    poses = playing.player.data.poses
    shown = lambda: space.scene.middle  # noqa: E731
    expected = np.nanmean(poses.smoothed[11, 0], axis=0)
    qtbot.waitUntil(lambda: shown() is not None and np.linalg.norm(shown()[:2] - expected[:2]) < 150.0)


def test_playerProcess_playerExport_playerReport(
    playing: TakesPage, walk: Path, qtbot, opened_files, monkeypatch
):
    monkeypatch.setattr("app.takes.page.pipeline_choices", lambda: [PipelineChoice("blazepose", "People")])
    (walk / "report.html").touch()
    click(playing, "playerReport", qtbot)
    assert opened_files == [str(walk / "report.html")]
    click(playing, "playerExport", qtbot)
    find(playing, QDialog, "exportTake").close()
    click(playing, "playerProcess", qtbot)
    qtbot.waitUntil(lambda: playing.findChild(QDialog, "processTake") is not None)
    click(find(playing, QDialog, "processTake"), "processTakeCancel", qtbot)


def test_a_take_without_poses_says_so(page: TakesPage, takes: Path, qtbot):
    (takes / "walk" / "poses.npz").unlink()
    page.presenter.refresh()
    qtbot.waitUntil(lambda: not page.presenter.entry(takes / "walk").has_poses)
    choose(page, "synthetic walk", qtbot)
    assert not find(page, QPushButton, "takeExport").isEnabled()
    click(page, "takePlay", qtbot)
    qtbot.waitUntil(lambda: page.player.data is not None)
    graphs = page.player_view.graphs
    assert graphs.hint.isVisible()
    assert "no poses" in graphs.hint.text()


def test_every_key_is_listed_and_none_twice(page: TakesPage):
    keys = [action.shortcut().toString() for action in page.shortcuts]
    assert len(set(keys)) == len(keys)
    assert all(action.text() for action in page.shortcuts)
