"""The wizard's screens, with real clicks; every control does something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QMessageBox, QWidget

from app import theme
from app.calibrate.page import CalibratePage
from app.calibrate.steps import Step
from app.calibrate.unfinished import VIEWS
from calibration.board import Board, read_board, write_board
from calibration.diagnosis import Diagnosis
from pipeline.calibrating.outcome import CalibrationFailure
from pipeline.calibrating.state import CalibrationState, CameraProgress, WeakPair
from pipeline.calibrating.trial_figures import TrialFigures
from pipeline.rigs.rig_config import CameraConfig, RigConfig

CAMERAS = ("cam1", "cam2", "cam3", "cam4")


@pytest.fixture(scope="module")
def themed(qapp) -> None:
    """Once: a style sheet is slow to apply."""
    theme.apply(qapp, "dark")


@pytest.fixture
def page(qtbot, themed, studio, monkeypatch) -> CalibratePage:
    """The page, with lines instead of Open3D, and nothing filmed."""
    from app.calibrate import floor_step, result_step
    from app.space.space_view import SpaceView

    for module in (floor_step, result_step):
        monkeypatch.setattr(module, "make_space_view", lambda parent: SpaceView(parent, "wireframe"))
    # Pages of tests before this one, which no event loop has deleted yet.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    found = CalibratePage(studio)
    qtbot.addWidget(found)
    found.asked = []
    for name in ("film", "wish", "search", "solve", "save", "draw", "stop"):
        monkeypatch.setattr(
            found.wizard._work, name, lambda *words, what=name: found.asked.append((what, words))
        )
    found.resize(1200, 760)
    found.show()
    found.entered()
    yield found
    found.left()
    found.shutdown()


def child(page: QWidget, name: str) -> QWidget:
    found = page.findChild(QWidget, name)
    assert found is not None, name
    return found


def click(qtbot, page: QWidget, name: str) -> None:
    widget = child(page, name)
    assert widget.isEnabled(), name
    if isinstance(widget, QAbstractButton):
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=_hot(widget))
    else:
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def _hot(widget: QAbstractButton):
    """Where a click counts: check boxes and radio buttons react on their mark and words only."""
    point = widget.rect().center()
    point.setX(min(point.x(), 12))
    return point


def choose(page: QWidget, name: str, data: object) -> None:
    """Pick an entry of a list, as the mouse would."""
    box = child(page, name)
    place = box.findData(data) if box.findData(data) >= 0 else box.findText(str(data))
    assert place >= 0, data
    box.setCurrentIndex(place)
    box.activated.emit(place)


def state(**changes) -> CalibrationState:
    counts = np.zeros((7, 9), np.int64)
    counts[2:5, 2:7] = 5
    cameras = {
        name: CameraProgress(10, 12, 0.24, False, counts=counts, size=(640, 480), gaps=("left edge",))
        for name in CAMERAS
    }
    shared = np.full((4, 4), 3, np.int64)
    weakest = WeakPair(("cam2", "cam3"), 3, 8)
    words = ("hold the board where both cam2 and cam3 see it: 3 of 8 instants",)
    start = CalibrationState(
        "collecting",
        cameras=cameras,
        kept_views=48,
        kept_instants=12,
        shared=shared,
        weakest=weakest,
        missing=words,
    )
    return replace(start, **changes)


def to_show(qtbot, page: CalibratePage) -> None:
    click(qtbot, page, "wizardNext")
    click(qtbot, page, "wizardNext")
    assert page.wizard.step is Step.SHOW


def to_floor(qtbot, page: CalibratePage, outcome) -> None:
    to_show(qtbot, page)
    page.wizard._work.state.emit(state())
    page.wizard._work.collected.emit("enough")
    page.wizard._work.outcome.emit(outcome)
    assert page.wizard.step is Step.FLOOR


def real_cameras(studio, tmp_path) -> None:
    camera = CameraConfig(name="left", driver={"type": "usb", "device": "0"})
    studio.use_rig(RigConfig(name="desk", cameras=(camera,)), tmp_path / "desk.yaml")


def words(page: QWidget, name: str) -> str:
    return child(page, name).text()


# Ways through


def test_wizardNext_wizardBack_and_steps_lead_through_the_wizard(qtbot, page):
    assert page.heading.text() == "Which board will you show?"
    click(qtbot, page, "wizardNext")
    assert page.heading.text() == "What shall be calibrated?"
    click(qtbot, page, "wizardBack")
    assert page.wizard.step is Step.BOARD
    assert not page.back.isEnabled()
    assert not child(page, "step_result").isEnabled()
    click(qtbot, page, "wizardNext")
    click(qtbot, page, "step_board")
    assert page.wizard.step is Step.BOARD


def test_wizardNext_goes_on_by_key(qtbot, page):
    texts = [action.text() for action in page.shortcuts]
    assert texts == ["Next step", "Step back", "The board lies on the floor"]
    page.shortcuts[0].trigger()
    assert page.wizard.step is Step.SOURCE
    page.shortcuts[1].trigger()
    assert page.wizard.step is Step.BOARD


def test_wizardCancel_frees_the_cameras_and_offers_to_go_on(qtbot, page):
    to_show(qtbot, page)
    (page.wizard.order.folder / VIEWS).write_bytes(b"views")
    click(qtbot, page, "wizardCancel")
    assert page.wizard.step is Step.BOARD
    assert ("stop", ()) in page.asked
    assert child(page, "unfinishedBanner").isVisible()
    click(qtbot, page, "unfinishedGoOn")
    assert page.wizard.step is Step.SHOW
    assert page.asked[-1][1][0].resume
    click(qtbot, page, "wizardCancel")
    click(qtbot, page, "unfinishedForget")
    assert not child(page, "unfinishedBanner").isVisible()


def test_wizardCancel_asks_before_a_result_is_lost(qtbot, page, outcome, monkeypatch):
    to_floor(qtbot, page, outcome)
    assert page.reason_to_stay() == "The calibration has not been saved."
    answers = ["Stay", "Leave"]
    monkeypatch.setattr(QMessageBox, "exec", lambda box: None)
    monkeypatch.setattr(
        QMessageBox,
        "clickedButton",
        lambda box: next(one for one in box.buttons() if one.text() == answers[0]),
    )
    click(qtbot, page, "wizardCancel")
    assert page.wizard.step is Step.FLOOR
    answers.pop(0)
    click(qtbot, page, "wizardCancel")
    assert page.wizard.step is Step.BOARD
    assert page.wizard.outcome is None


def test_a_take_is_not_ended_without_asking(qtbot, page, studio, monkeypatch):
    class Recording(QObject):
        state_changed = pyqtSignal(str)
        state, recording, stopped = "live", True, 0

        def stop(self):
            self.stopped += 1

        def shutdown(self):
            pass

    studio._session = Recording()
    answers = ["Stay", "Stop recording"]
    monkeypatch.setattr(QMessageBox, "exec", lambda box: None)
    monkeypatch.setattr(
        QMessageBox,
        "clickedButton",
        lambda box: next(one for one in box.buttons() if one.text() == answers[0]),
    )
    click(qtbot, page, "wizardNext")
    click(qtbot, page, "wizardNext")
    assert page.wizard.step is Step.SOURCE
    assert studio._session.stopped == 0
    answers.pop(0)
    click(qtbot, page, "wizardNext")
    assert page.wizard.step is Step.SHOW
    assert studio._session.stopped == 1
    studio._session.state_changed.emit("off")
    assert page.asked[-1][0] == "film"


# Board


def test_boardPreset_boardType_and_figures_describe_the_board(qtbot, page, studio, tmp_path):
    assert words(page, "boardLocked").startswith("The simulated cameras film")
    assert not child(page, "boardPreset").isEnabled()
    real_cameras(studio, tmp_path)
    choice = page.wizard.order.board
    choose(page, "boardPreset", "charuco_a3")
    assert choice.board.square_mm == 52.0
    child(page, "boardColumns").setValue(9)
    child(page, "boardRows").setValue(6)
    child(page, "boardSquare").setValue(40.0)
    child(page, "boardMarker").setValue(30.0)
    choose(page, "boardDictionary", "DICT_5X5_100")
    assert choice.board == Board("charuco", 9, 6, 40.0, 30.0, "DICT_5X5_100")
    assert child(page, "boardPreset").currentText() == "Own figures"
    choose(page, "boardType", "checkerboard")
    assert choice.board.kind == "checkerboard"
    assert not child(page, "boardMarker").isVisible()


def test_boardMore_shows_what_is_seldom_needed(qtbot, page, studio, tmp_path):
    real_cameras(studio, tmp_path)
    assert not child(page, "boardFirstMarker").isVisible()
    click(qtbot, page, "boardMore")
    child(page, "boardFirstMarker").setValue(3)
    click(qtbot, page, "boardLegacy")
    click(qtbot, page, "boardInverted")
    board = page.wizard.order.board.board
    assert (board.first_marker, board.legacy_pattern, board.inverted) == (3, True, True)


def test_boardMeasured_changes_the_square(qtbot, page, studio, tmp_path):
    real_cameras(studio, tmp_path)
    field = child(page, "boardMeasured")
    assert field.text() == "not measured"
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "236.6")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert page.wizard.order.board.board.square_mm == pytest.approx(33.8)
    assert child(page, "boardSquare").value() == pytest.approx(33.8)


def test_figures_that_make_no_board_are_marked_and_stop(qtbot, page, studio, tmp_path):
    real_cameras(studio, tmp_path)
    child(page, "boardMarker").setValue(60.0)
    assert child(page, "boardMarker").property("wrong")
    assert "smaller than a square" in words(page, "boardProblem")
    assert not page.next.isEnabled()
    assert not child(page, "printBoard").isEnabled()


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_printBoard_writes_a_page_and_its_description(qtbot, page, tmp_path, monkeypatch, ending):
    target = tmp_path / f"mine.{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *words: (str(target), ""))
    if ending == "png":
        real_cameras(page.studio, tmp_path)  # a square metre at 300 dpi takes long
    click(qtbot, page, "printBoard")
    assert target.stat().st_size > 1000
    assert read_board(tmp_path / "mine.yaml") == page.wizard.order.board.board
    assert page.studio.said[-1][0] == "good"
    assert "100 %" in page.studio.said[-1][1]


def test_saveBoard_and_openBoard_write_and_read_a_description(qtbot, page, studio, tmp_path, monkeypatch):
    real_cameras(studio, tmp_path)
    target = tmp_path / "board.yaml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *words: (str(target), ""))
    click(qtbot, page, "saveBoard")
    assert read_board(target) == page.wizard.order.board.board
    other = Board("charuco", 8, 5, 30.0, 22.0, "DICT_4X4_50")
    write_board(target, other)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: (str(target), ""))
    click(qtbot, page, "openBoard")
    assert page.wizard.order.board.board == other
    target.write_text("type: charuco\n", encoding="utf-8")
    click(qtbot, page, "openBoard")
    assert page.studio.said[-1][0] == "bad"


# Cameras and lenses


def test_sourceLive_sourceRecorded_and_chooseFootage(qtbot, page, tmp_path, monkeypatch):
    click(qtbot, page, "wizardNext")
    assert not child(page, "chooseFootage").isEnabled()
    click(qtbot, page, "sourceRecorded")
    assert page.next.text() == "Search the recording"
    assert not page.next.isEnabled()
    assert words(page, "wizardHint") == "Choose a recording first."
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *words: str(tmp_path))
    click(qtbot, page, "chooseFootage")
    assert page.wizard.order.footage == tmp_path
    assert words(page, "sourceFootageWords") == str(tmp_path)
    assert page.studio.preferences.recent_folders == [tmp_path]
    click(qtbot, page, "sourceLive")
    assert page.wizard.order.live


def test_lensModel_lensesKnown_chooseLenses_and_lensesEstimate(qtbot, page, tmp_path, monkeypatch):
    click(qtbot, page, "wizardNext")
    choose(page, "lensModel", "fisheye")
    assert page.wizard.order.settings["intrinsics"] == {"model": "fisheye"}
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: ("", ""))
    click(qtbot, page, "lensesKnown")
    assert page.wizard.order.lenses is None
    assert child(page, "lensesEstimate").isChecked(), "nothing was chosen"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: (str(tmp_path / "old.yaml"), ""))
    click(qtbot, page, "lensesKnown")
    assert page.wizard.order.lenses == tmp_path / "old.yaml"
    assert not child(page, "lensModel").isEnabled()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: (str(tmp_path / "older.yaml"), ""))
    click(qtbot, page, "chooseLenses")
    assert page.wizard.order.lenses == tmp_path / "older.yaml"
    click(qtbot, page, "lensesEstimate")
    assert page.wizard.order.lenses is None


def test_goToCameras_and_useSimulated_help_where_there_is_no_rig(qtbot, studio):
    studio.rig = None
    page = CalibratePage(studio)
    qtbot.addWidget(page)
    page.show()
    page.entered()
    click(qtbot, page, "wizardNext")
    went = []
    studio.go_to.connect(went.append)
    click(qtbot, page, "goToCameras")
    assert went == ["cameras"]
    click(qtbot, page, "useSimulated")
    assert page.wizard.order.simulated
    assert not child(page, "goToCameras").isVisible()
    page.shutdown()


# Showing the board


def test_tiles_graph_and_words_follow_the_state(qtbot, page):
    to_show(qtbot, page)
    assert words(page, "nextThing") == "Starting the cameras …"
    assert not page.next.isEnabled()
    page.wizard._work.state.emit(state())
    assert words(page, "nextThing").startswith("Hold the board where both cam2 and cam3 see it")
    assert "cam2 and cam3 share 3 of 8 moments" in words(page, "weakestPair")
    assert page.next.isEnabled()
    tiles = page.views[Step.SHOW].tiles
    assert tuple(tiles) == CAMERAS
    trial = TrialFigures(0.4, 4.8, 0.15, 4000.0, 0.25, 2.0, 0.1)
    page.wizard._work.state.emit(state(missing=(), trial=trial, enough=True))
    assert words(page, "nextThing").startswith("Enough now.")
    assert page.views[Step.SHOW].promises.values() == (
        "± 0.4 mm",
        "± 4.8 mm",
        "± 0.15°",
        "± 0.25 %",
        "± 2.0 ms",
    )


def test_tile_paints_picture_corners_and_coverage(qtbot, page):
    to_show(qtbot, page)
    page.wizard._work.state.emit(state())
    tile = page.views[Step.SHOW].tiles["cam1"]
    tile.show_picture(np.full((120, 160, 3), (200, 30, 30), np.uint8))

    def colours():
        image = tile.grab().toImage()
        return {
            image.pixelColor(x, y).name() for x in range(image.width()) for y in range(0, image.height(), 3)
        }

    assert "#1e1ec8" in colours(), "BGR is shown as BGR"
    with_map = len(colours())
    click(qtbot, page, "showMap")
    assert len(colours()) < with_map
    tile.show_corners(np.array([[320.0, 240.0]]), (640, 480))
    assert theme.DARK.warning.name() in colours()


def test_byItself_wantFloor_and_markFloor_tell_the_session(qtbot, page):
    to_show(qtbot, page)
    page.wizard._work.state.emit(state())
    assert child(page, "byItself").isChecked()
    click(qtbot, page, "byItself")
    assert page.asked[-1] == ("wish", ("by_button",))
    assert child(page, "wantFloor").isChecked(), "the simulated studio lays the board down"
    click(qtbot, page, "wantFloor")
    assert page.asked[-1] == ("wish", ("floor_optional",))
    click(qtbot, page, "markFloor")
    assert page.asked[-1] == ("wish", ("mark_floor",))
    page.wizard._work.state.emit(state(floor_wanted=True))
    assert "two seconds" in words(page, "floorWords")
    click(qtbot, page, "wizardNext")
    assert page.asked[-1] == ("wish", ("solve",))


def test_mendFailure_and_tryAgain_lead_out_of_a_failure(qtbot, page):
    to_show(qtbot, page)
    view = page.views[Step.SHOW]
    page.wizard._work.failed.emit(CalibrationFailure("camera cam1 is in use by another program"))
    assert view.stack.currentWidget() is view.failure
    click(qtbot, view.failure, "tryAgain")
    assert page.asked[-1][0] == "film"
    assert view.stack.currentWidget() is view.showing
    page.wizard._work.state.emit(state())
    page.wizard._work.collected.emit("asked for")
    found = Diagnosis("dictionary", "error", "the print has markers of another dictionary: take DICT_5X5_50")
    page.wizard._work.failed.emit(CalibrationFailure(found.sentence, True, (found,)))
    failure = page.views[Step.SOLVE].failure
    assert failure.mend.text() == "Change the board"
    click(qtbot, failure, "mendFailure")
    assert page.wizard.step is Step.BOARD


def test_remedies_are_offered_and_done(qtbot, page, tmp_path, outcome):
    page.wizard.use_source("recorded")
    page.wizard.use_footage(tmp_path / "board")
    to_show(qtbot, page)
    stated = page.wizard.order.board.board
    printed = replace(stated, columns=stated.columns + 2)
    wrong = Diagnosis("counts", "error", "cam1: the print has more columns", ("cam1",), printed)
    page.wizard._work.failed.emit(CalibrationFailure(wrong.sentence, True, (wrong,)))
    failure = page.views[Step.SHOW].failure
    one = child(failure, "remedy_board")
    assert one.text() == f"Use {printed.columns} × {printed.rows} squares"
    assert (one.property("kind"), failure.mend.property("kind")) == ("primary", "plain")
    click(qtbot, failure, "remedy_board")
    assert page.wizard.order.board.board == printed
    assert page.asked[-1][0] == "search"
    page.wizard._work.state.emit(replace(state(), phase="done"))
    click(qtbot, page, "wizardNext")
    page.wizard.order.lenses = tmp_path / "lenses.toml"
    wrong = Diagnosis("wrong_intrinsics", "error", "the supplied intrinsics do not fit", ("cam1",))
    page.wizard._work.outcome.emit(replace(outcome, usable=False, diagnoses=(wrong,)))
    assert page.wizard.step is Step.RESULT
    click(qtbot, page.views[Step.RESULT], "remedy_lenses")
    assert page.asked[-1][0] == "solve"
    assert page.asked[-1][1][3] is False, "without the lenses that were given"


def test_stopSolve_goes_back_to_the_board(qtbot, page):
    to_show(qtbot, page)
    page.wizard._work.state.emit(state())
    page.wizard._work.collected.emit("asked for")
    page.wizard._work.state.emit(state(phase="solving", solving=(0.4, "lens of cam2")))
    assert words(page, "solveStage") == "Finding the lens of cam2"
    assert child(page, "solveProgress").value() == 400
    click(qtbot, page, "stopSolve")
    assert page.wizard.step is Step.SHOW
    assert ("stop", ()) in page.asked


def test_the_search_of_a_recording_shows_its_progress(qtbot, page, tmp_path):
    page.wizard.use_source("recorded")
    page.wizard.use_footage(tmp_path / "board")
    to_show(qtbot, page)
    page.wizard._work.progress.emit(0.25, "20 of 80 pictures searched")
    assert words(page, "searchWords") == "20 of 80 pictures searched"
    assert child(page, "searchProgress").value() == 250
    page.wizard.order.folder.mkdir()
    page.wizard._work.state.emit(state(phase="done", missing=()))
    assert not child(page, "searchProgress").isVisible()
    assert "found in 48 pictures" in words(page, "nextThing")
    assert page.next.text() == "Calibrate"


# Floor and axes


def test_way_floor_moment_and_camera_place_the_world(qtbot, page, outcome):
    to_floor(qtbot, page, outcome)
    wizard = page.wizard
    assert child(page, "way_floor").isChecked()
    click(qtbot, page, "way_camera")
    assert wizard.choice.way == "camera"
    choose(page, "floorCamera", "cam3")
    child(page, "floorHeight").setValue(1800.0)
    np.testing.assert_allclose(wizard.placed.camera("cam3").position, [0, 0, 1800.0], atol=1e-6)
    assert "below cam3" in words(page, "worldWords")
    child(page, "floorMoment").setValue(5)
    assert (wizard.choice.way, wizard.choice.moment) == ("moment", 5)
    click(qtbot, page, "way_moment")
    choose(page, "floorStretch", child(page, "floorStretch").currentText())
    assert wizard.choice.way == "floor"


def test_turnWorld_flipWorld_shift_and_resetWorld(qtbot, page, outcome):
    to_floor(qtbot, page, outcome)
    wizard = page.wizard
    start = wizard.placed
    click(qtbot, page, "turnWorld")
    assert wizard.choice.quarters == 1
    click(qtbot, page, "flipWorld")
    assert wizard.choice.flipped
    assert "turn the world over" in words(page, "worldDoubt")
    click(qtbot, page, "flipWorld")
    assert not child(page, "worldDoubt").isVisible()
    for axis, value in zip("XYZ", (100.0, 50.0, 8.0), strict=True):
        child(page, f"shift{axis}").setValue(value)
    assert wizard.choice.shift_mm == (100.0, 50.0, 8.0)
    click(qtbot, page, "resetWorld")
    assert wizard.choice.quarters == 0
    np.testing.assert_allclose(wizard.placed.cameras[0].t, start.cameras[0].t)
    assert child(page, "shiftX").value() == 0


# Result and saving


def test_resultTabs_show_words_cameras_plots_and_layout(qtbot, page, outcome):
    wrong = Diagnosis("thin_coverage", "warning", "cam3 saw little of its picture")
    truth = {"focal_percent": 0.1, "rotation_deg": 0.05, "position_mm": 3.0, "lag_ms": 0.2, "volume_mm": 0.3,
             "scale_percent": -0.05}  # fmt: skip
    to_floor(qtbot, page, replace(outcome, diagnoses=(wrong,), truth=truth))
    click(qtbot, page, "wizardNext")
    assert words(page, "verdict") in ("Good", "Usable", "Usable with care")
    labels = [
        label.text() for label in page.views[Step.RESULT].findChildren(QWidget) if hasattr(label, "text")
    ]
    assert "cam3 saw little of its picture." in labels
    assert any("Focal lengths within 0.10 %" in str(text) for text in labels)
    table = child(page, "cameraTable")
    assert [table.item(row, 0).text() for row in range(4)] == list(CAMERAS)
    assert table.item(0, 6).text().endswith(" mm"), "the first camera, too, is somewhere"
    assert table.item(0, 8).text() == "reference"
    assert table.item(1, 2).text().endswith(" px")
    tabs = child(page, "resultTabs")
    for place in range(tabs.count()):
        qtbot.mouseClick(tabs.tabBar(), Qt.MouseButton.LeftButton, pos=tabs.tabBar().tabRect(place).center())
        assert tabs.currentIndex() == place
        assert not page.grab().isNull()
    choose(page, "plotCamera", "cam2")


def test_openReport_draws_it_once_and_showMore_goes_back(qtbot, page, outcome, monkeypatch, tmp_path):
    from PyQt6.QtGui import QDesktopServices

    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    to_floor(qtbot, page, outcome)
    click(qtbot, page, "wizardNext")
    click(qtbot, page, "openReport")
    assert page.asked[-1][0] == "draw"
    page.wizard._work.drawn.emit(tmp_path / "report.html")
    assert opened == [str(tmp_path / "report.html")]
    click(qtbot, page, "openReport")
    assert len(opened) == 2
    click(qtbot, page, "showMore")
    assert page.wizard.step is Step.SHOW


def test_saveTarget_chooseTarget_and_exports_say_what_is_saved(qtbot, page, outcome, monkeypatch, tmp_path):
    to_floor(qtbot, page, outcome)
    click(qtbot, page, "wizardNext")
    click(qtbot, page, "wizardNext")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *words: (str(tmp_path / "a.yaml"), ""))
    click(qtbot, page, "chooseTarget")
    assert page.wizard.order.target == tmp_path / "a.yaml"
    field = child(page, "saveTarget")
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, str(tmp_path / "b.yaml"))
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert page.wizard.order.target == tmp_path / "b.yaml"
    for name in ("toml", "easymocap", "qualisys"):
        click(qtbot, page, f"export_{name}")
    click(qtbot, page, "export_easymocap")
    click(qtbot, page, "wizardNext")
    assert page.asked[-1][0] == "save"
    assert page.asked[-1][1][2:4] == (tmp_path / "b.yaml", ("toml", "qualisys"))


def test_openSavedReport_openFolder_and_startOver(qtbot, page, outcome, monkeypatch, tmp_path):
    from PyQt6.QtGui import QDesktopServices

    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    monkeypatch.setattr(page.studio, "use_calibration", lambda path: None)
    to_floor(qtbot, page, outcome)
    click(qtbot, page, "wizardNext")
    click(qtbot, page, "wizardNext")
    page.wizard._work.saved.emit([tmp_path / "calibration.yaml"])
    assert words(page, "savedWords") == str(tmp_path / "calibration.yaml")
    assert page.next.text() == "Go live"
    assert page.cancel.text() == "Close"
    click(qtbot, page, "openFolder")
    assert opened == [str(tmp_path)]
    click(qtbot, page, "openSavedReport")
    assert page.asked[-1][0] == "draw"
    page.wizard._work.drawn.emit(tmp_path / "report.html")
    assert opened[-1] == str(tmp_path / "report.html")
    click(qtbot, page, "startOver")
    assert page.wizard.step is Step.BOARD


def test_a_change_of_the_theme_repaints_what_paints_itself(qtbot, page, outcome):
    to_floor(qtbot, page, outcome)
    click(qtbot, page, "wizardNext")
    child(page, "resultTabs").setCurrentIndex(2)
    plot = page.views[Step.RESULT]._plots.errors

    def ground():
        return plot.grab().toImage().pixelColor(2, 2).name()

    assert ground() == theme.DARK.panel.name()
    try:
        theme.apply(QApplication.instance(), "light")
        assert ground() == theme.LIGHT.panel.name()
    finally:
        theme.apply(QApplication.instance(), "dark")
