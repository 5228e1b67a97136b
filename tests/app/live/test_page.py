"""Every control of the live page, pressed with mouse and keys; named after the controls."""

import re
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QPushButton

from app.live import page as live_page
from app.live import pipeline_presenter, take_presenter
from app.live.page import LivePage
from models.zoo.imported import place_for
from pipeline.session.current_take import RecordingSummary
from tests.support.played_session import PlayedJob


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch, jobs, tmp_path):
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path / "models"))
    for module in (pipeline_presenter, take_presenter):
        presenter = getattr(module, "PipelinePresenter", None) or module.TakePresenter
        monkeypatch.setattr(presenter.__init__, "__defaults__", (PlayedJob, None))


def open_page(qtbot, studio):
    page = LivePage(studio)
    qtbot.addWidget(page, before_close_func=lambda page: page.shutdown())
    page.resize(1200, 900)
    page.show()
    page.entered()
    qtbot.waitExposed(page)
    return page


@pytest.fixture
def page(qtbot, studio):
    return open_page(qtbot, studio)


@pytest.fixture
def live(page):
    page.studio.session.start(page.studio.rig, page.studio.calibration, "noisy_truth")
    page.studio.session.play("live", 1)
    return page


def child(page, name, kind=QPushButton):
    found = page.findChild(kind, name)
    assert found is not None, name
    return found


def click(qtbot, page, name):
    qtbot.mouseClick(child(page, name), Qt.MouseButton.LeftButton)


def orders(page, kind):
    return [order[1:] for order in page.studio.session.orders if order[0] == kind]


def gone_to(qtbot, page, name):
    with qtbot.waitSignal(page.studio.go_to) as gone:
        click(qtbot, page, name)
    return gone.args[0]


# Starting and stopping


def test_toggleLive(qtbot, page):
    click(qtbot, page, "toggleLive")
    assert len(orders(page, "start")) == 1
    page.studio.session.play("live", 1)
    assert child(page, "toggleLive").text() == "Stop live"
    click(qtbot, page, "toggleLive")
    assert len(orders(page, "stop")) == 1


def test_startLive(qtbot, page):
    click(qtbot, page, "startLive")
    assert len(orders(page, "start")) == 1
    assert page.starting_words.isVisible()


def test_cameras_start_once_when_another_page_asked_for_it(page):
    page.left()
    page.studio.live_wanted = True
    page.entered()
    assert len(orders(page, "start")) == 1
    page.left()
    page.entered()
    assert len(orders(page, "start")) == 1


def test_tryAgain_and_the_reason(qtbot, page):
    click(qtbot, page, "startLive")
    page.studio.session.play("ended", "camera cam1: in use by another program")
    shown = [label.text() for label in page.findChildren(QLabel) if label.isVisible()]
    assert "camera cam1: in use by another program" in shown
    click(qtbot, page, "tryAgain")
    assert len(orders(page, "start")) == 2


def test_useSimulated(qtbot, bare_studio):
    page = open_page(qtbot, bare_studio)
    click(qtbot, page, "useSimulated")
    assert bare_studio.rig.name == "simulated studio"
    assert len(orders(page, "start")) == 1


def test_goToCameras(qtbot, bare_studio):
    assert gone_to(qtbot, open_page(qtbot, bare_studio), "goToCameras") == "cameras"


def test_goToCamerasFromOff_and_goToCamerasFromFailed(qtbot, page):
    assert gone_to(qtbot, page, "goToCamerasFromOff") == "cameras"
    page.studio.session.play("ended", "gone")
    assert gone_to(qtbot, page, "goToCamerasFromFailed") == "cameras"


def test_keys_start_live_record_and_mark(qtbot, page):
    qtbot.keyClick(page, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert len(orders(page, "start")) == 1
    page.studio.session.play("live", 1)
    qtbot.keyClick(page, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert len(orders(page, "record")) == 1
    page.studio.session.play("recording", page.studio.takes_folder / "take-001")
    qtbot.keyClick(page, Qt.Key.Key_M)
    assert orders(page, "mark") == [("Mark 1",)]
    qtbot.keyClick(page, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert len(orders(page, "stop_recording")) == 1


# Tiles


def test_tile_double_click_and_escape(qtbot, live):
    tiles = live.wall.tiles
    assert [tile.isVisible() for tile in tiles.values()] == [True, True]
    small = tiles["cam2"].width()
    qtbot.mouseDClick(tiles["cam2"], Qt.MouseButton.LeftButton)
    assert [tile.isVisible() for tile in tiles.values()] == [False, True]
    qtbot.waitUntil(lambda: tiles["cam2"].width() > 1.2 * small)
    assert not live.space.isVisible(), "it gets all the room"
    qtbot.keyClick(live, Qt.Key.Key_Escape)
    assert [tile.isVisible() for tile in tiles.values()] == [True, True]
    assert live.space.isVisible()
    qtbot.mouseDClick(tiles["cam1"], Qt.MouseButton.LeftButton)
    qtbot.mouseDClick(tiles["cam1"], Qt.MouseButton.LeftButton)
    assert tiles["cam2"].isVisible(), "a second double click goes back too"


def test_showKeypoints_and_showBoxes(qtbot, live):
    tile = live.wall.tiles["cam1"]
    assert (tile.keypoints_shown, tile.boxes_shown) == (True, False)
    click(qtbot, live, "showKeypoints")
    click(qtbot, live, "showBoxes")
    assert (tile.keypoints_shown, tile.boxes_shown) == (False, True)
    live._take_cameras()
    new = live.wall.tiles["cam1"]
    assert (new.keypoints_shown, new.boxes_shown) == (False, True), "other cameras, same switches"


def test_tiles_show_health_and_trouble(live):
    good = {"captured": 500, "fps": 29.97, "fps_asked": 30.0, "problem": ""}
    telemetry = {
        "session": {"t_s": 0.0},
        "grabber-cam1": good,
        "grabber-cam2": {**good, "problem": "grabber-cam2: unplugged; restarting in 2 s"},
    }
    live.studio.session.play("telemetry", telemetry)
    one, two = live.wall.tiles.values()
    assert (one.level, one.caption, one.trouble) == ("good", "30.0 of 30 fps", "")
    assert (two.level, two.trouble) == ("bad", "Unplugged; restarting in 2 s")
    assert "29.97" in one.toolTip()
    assert child(live, "liveState", QLabel).text() == "cam2: no pictures. The others go on."


# Space and timeline


@pytest.mark.parametrize("option", ["trails", "frusta", "pictures", "uncertainty", "follow"])
def test_space_switches(qtbot, live, option):
    before = live.space.options[option]
    click(qtbot, live, f"space_{option}")
    assert live.space.options[option] != before
    live.space.set_option(option, before)
    assert child(live, f"space_{option}").isChecked() == before, "switched by a key, shown here too"


def test_space_reset(qtbot, live):
    home = live.space.camera
    live.space.camera = home.orbited(90.0, 10.0)
    live.space._moved = True
    click(qtbot, live, "space_reset")
    qtbot.waitUntil(lambda: live.space.camera == live.space.home())


def test_switches_and_sizes_are_remembered(qtbot, live):
    click(qtbot, live, "showBoxes")
    click(qtbot, live, "showTimeline")
    live.split.setSizes([300, 700])
    sizes = live.split.sizes()
    live.shutdown()
    again = open_page(qtbot, live.studio)
    assert again.wall.tiles["cam1"].boxes_shown
    assert child(again, "showBoxes").isChecked()
    assert not child(again, "showTimeline").isChecked()
    assert again.studio.preferences.pages["live"]["split"] == sizes


def test_showTimeline(qtbot, live):
    assert live.timeline.isVisible()
    click(qtbot, live, "showTimeline")
    assert not live.timeline.isVisible()


# Poses


def choose(page, name):
    box = child(page, "pipeline", QComboBox)
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.currentIndex())


def test_pipeline(qtbot, live):
    box = child(live, "pipeline", QComboBox)
    assert box.currentData() == "noisy_truth"
    choose(live, "none")
    assert orders(live, "set_pipeline")[-1] == ("none", ())
    assert "later" in child(live, "pipelineDescription", QLabel).text()
    live.studio.session.play("recording", live.studio.takes_folder / "one")
    assert not box.isEnabled()
    assert "one pipeline" in box.toolTip()


def test_pipeline_own_file(qtbot, live, tmp_path, monkeypatch):
    own = tmp_path / "own.yaml"
    own.write_text("version: 1\nname: own\nkeypoints: {type: noisy_truth}\n")
    monkeypatch.setattr("app.live.pipeline_panel.QFileDialog.getOpenFileName", lambda *_: (str(own), ""))
    choose(live, "<own>")
    assert orders(live, "set_pipeline")[-1] == (str(own), ())
    assert child(live, "pipeline", QComboBox).currentText() == "Own.yaml"


def test_weights_network(qtbot, live, monkeypatch):
    monkeypatch.setattr(pipeline_presenter, "missing_models", lambda config: {})
    place_for("mine").write_bytes(b"weights")
    box = child(live, "weights_network", QComboBox)
    assert not box.isVisible()
    choose(live, "volumetric")
    assert box.isVisible()
    box.textActivated.emit("mine")
    expected = ("network.weights=mine", "centre_network.weights=untrained")
    assert orders(live, "set_pipeline")[-1] == ("volumetric", expected)


def test_goToCalibrate(qtbot, page):
    button = child(page, "goToCalibrate")
    assert not button.isVisible()
    page.studio.hold_calibration(None)
    assert button.isVisible()
    assert gone_to(qtbot, page, "goToCalibrate") == "calibrate"


def test_fetchModel_and_cancelFetch(qtbot, live, jobs):
    choose(live, "blazepose")
    words = child(live, "missingModel", QLabel).text()
    assert "blazepose" in words
    assert "9.4 MB" in words
    assert "Apache-2.0" in words
    click(qtbot, live, "fetchModel")
    jobs[0].progress.emit(0.4, "blazepose: pose_detection.tflite, 3.8 of 9.4 MB")
    assert "3.8 of 9.4 MB" in child(live, "fetchWords", QLabel).text()
    click(qtbot, live, "cancelFetch")
    assert jobs[0].was_cancelled
    click(qtbot, live, "fetchModel")
    jobs[1].failed.emit("no network")
    assert child(live, "fetchProblem", QLabel).text() == "no network"
    assert child(live, "fetchProblem", QLabel).isVisible()


def test_banner_of_the_stand_in(live):
    banner = child(live, "liveBanner", QLabel)
    assert not banner.isVisible()
    live.studio.session.play("pipeline", ("ready", "noisy_truth", "not a network's output"))
    assert banner.isVisible()
    assert banner.text() == "not a network's output"


# Recording


def record(live, name="take-001"):
    live.studio.session.play("recording", live.studio.takes_folder / name)


def test_record(qtbot, live):
    click(qtbot, live, "record")
    assert orders(live, "record") == [(live.studio.takes_folder / "take-001",)]
    record(live)
    assert child(live, "record").text().strip() == "Stop"
    assert child(live, "recordClock", QLabel).isVisible()
    assert live._running.property("recording") is True
    click(qtbot, live, "record")
    assert len(orders(live, "stop_recording")) == 1
    assert not child(live, "record").isEnabled()


def test_takeName(qtbot, live):
    field = child(live, "takeName", QLineEdit)
    field.selectAll()
    qtbot.keyClicks(field, "walk/1")
    assert "letters" in child(live, "nameNotice", QLabel).text()
    assert not child(live, "record").isEnabled()
    field.selectAll()
    qtbot.keyClicks(field, "walk m 1")
    click(qtbot, live, "record")
    assert orders(live, "record") == [(live.studio.takes_folder / "walk m 1",)], "keys typed are no shortcuts"
    assert not orders(live, "mark")


def test_countdown(qtbot, live):
    box = child(live, "countdown", QComboBox)
    box.setCurrentIndex(2)
    box.activated.emit(2)
    click(qtbot, live, "record")
    assert child(live, "recordClock", QLabel).text() == "5"
    assert child(live, "record").text().strip() == "Cancel"
    click(qtbot, live, "record")
    assert not orders(live, "record")


def test_takeLimit(qtbot, live):
    box = child(live, "takeLimit", QDoubleSpinBox)
    assert box.text() == "No limit"
    box.setValue(20)
    assert live.recorder.limit_s == 20
    record(live)
    assert "of 00:20" in child(live, "recordClock", QLabel).text()


def test_mark_and_markText(qtbot, live):
    record(live)
    click(qtbot, live, "mark")
    field = child(live, "markText", QLineEdit)
    qtbot.keyClicks(field, "jump")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert orders(live, "mark") == [("Mark 1",), ("jump",)]
    assert child(live, "mark").text() == "Mark (2)"
    assert field.text() == ""


def test_frames_and_rate_of_each_camera_while_recording(live):
    record(live)
    cameras = {"cam1": {"recorded": 90, "dropped": {}, "fps": 30.0}}
    cameras["cam2"] = {"recorded": 88, "dropped": {"lost_by_camera": 2}, "fps": 29.0}
    recorder = {"recording": True, "bytes": 1, "cameras": cameras}
    session = {"t_s": 1.0, "free_bytes": 10**12, "bytes_per_second": 1e7}
    live.studio.session.play("telemetry", {"recorder": recorder, "session": session})
    assert child(live, "recorded_cam1_1", QLabel).text() == "90"
    assert child(live, "recorded_cam2_1", QLabel).text() == "88  −2"
    assert child(live, "recorded_cam2_2", QLabel).text() == "29.0 fps"
    assert child(live, "freeSpace", QLabel).text().startswith("Room for about 28 hours")


def close_take(live):
    totals = {"cam1": {"recorded": 30, "dropped": {}}}
    live.studio.session.play(
        "take_closed", RecordingSummary(live.studio.takes_folder / "take-001", totals, 9)
    )


def test_openTake(qtbot, live, jobs):
    assert not live.take_card.isVisible()
    close_take(live)
    assert child(live, "takeWords", QLabel).text() == "30 frames from 1 camera, 9 poses. Nothing lost."
    assert gone_to(qtbot, live, "openTake") == "takes"
    jobs[0].done.emit({"paths": []})
    assert child(live, "takeNote", QLabel).text() == "Preview and report are ready."


def test_repairTake(qtbot, live, jobs):
    live.studio.session.play("recording_lost", (live.studio.takes_folder / "one", "recorder: gone"))
    click(qtbot, live, "repairTake")
    jobs[0].done.emit(())
    assert child(live, "takeWords", QLabel).text() == "Repaired. Nothing is missing."
    assert not child(live, "repairTake").isVisible()


def test_recording_goes_on_when_another_page_is_shown(live):
    record(live)
    live.left()
    assert live.studio.session.recording
    assert not orders(live, "stop_recording")
    assert not live._clock.isActive(), "but nothing is drawn"
    assert "take-001" in live.reason_to_stay()


def test_every_control_has_a_test():
    """Buttons, lists and fields with an object name that no test above mentions."""
    text = Path(__file__).read_text()
    source = "".join(
        path.read_text() for path in Path(live_page.__file__).parent.glob("*.py") if path.name != "jobs.py"
    )
    made = set(re.findall(r'button\(\s*[^,()]+,\s*"(\w+)"', source))
    made |= set(re.findall(r'^\s*\("[^"]+", "(show\w+)", "', source, re.MULTILINE))
    made |= {"pipeline", "takeName", "takeLimit", "countdown", "markText"}
    assert {"toggleLive", "record", "mark", "showBoxes", "fetchModel"} <= made
    assert not [name for name in made if name not in text]
