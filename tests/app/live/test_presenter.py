"""Decisions about the page as a whole."""

import pytest

from app.live.pipeline_presenter import PipelinePresenter
from app.live.presenter import LivePresenter
from pipeline.rigs.simulated_rig import simulated_rig


@pytest.fixture
def presenter(studio):
    return LivePresenter(studio, PipelinePresenter(studio))


def orders(studio, kind):
    return [order[1:] for order in studio.session.orders if order[0] == kind]


def go_live(studio, presenter):
    presenter.toggle()
    studio.session.play("live", 1)


def test_without_a_rig_nothing_can_be_started(bare_studio):
    presenter = LivePresenter(bare_studio, PipelinePresenter(bare_studio))
    assert presenter.scene == "no_rig"
    assert not presenter.can_toggle
    presenter.toggle()
    assert not bare_studio.session.orders


def test_toggle_starts_cancels_and_stops(studio, presenter):
    assert (presenter.scene, presenter.toggle_text) == ("off", "Start live")
    presenter.toggle()
    assert orders(studio, "start") == [("noisy_truth", ())]
    assert (presenter.scene, presenter.toggle_text) == ("starting", "Cancel")
    studio.session.play("live", 1)
    assert (presenter.scene, presenter.toggle_text) == ("live", "Stop live")
    presenter.toggle()
    assert len(orders(studio, "stop")) == 1
    assert (presenter.scene, presenter.can_toggle) == ("stopping", False)
    studio.session.play("ended", "")
    assert presenter.scene == "off"


def test_what_is_being_done_while_starting_is_told(studio, presenter):
    presenter.toggle()
    studio.session.play("doing", "Opening the cameras …")
    assert presenter.state_words == ("quiet", "Opening the cameras …")


def test_a_failure_is_kept_and_said_once(studio, presenter):
    presenter.toggle()
    studio.session.play("ended", "camera cam1 is in use")
    assert (presenter.scene, presenter.problem) == ("failed", "camera cam1 is in use")
    assert presenter.state_words[0] == "bad"
    assert studio.said == [("bad", "Live stopped. camera cam1 is in use")], "another page is shown"
    presenter.toggle()
    assert len(orders(studio, "start")) == 2
    assert presenter.problem == ""
    presenter.shown = True
    studio.session.play("ended", "again")
    assert len(studio.said) == 1, "the page says it"


def test_health_is_summed_up(studio, presenter):
    go_live(studio, presenter)
    good = {"captured": 500, "fps": 30.0, "fps_asked": 30.0, "problem": ""}
    telemetry = {"session": {"t_s": 0.0}, "grabber-cam1": good, "grabber-cam2": good}
    studio.session.play("telemetry", telemetry)
    assert presenter.state_words == ("good", "2 cameras deliver.")
    studio.session.play("telemetry", {**telemetry, "grabber-cam2": {**good, "fps": 12.0}})
    assert presenter.state_words[0] == "warning"
    assert presenter.state_words[1].startswith("cam2: slow")
    bad = {**good, "fps": 12.0}
    studio.session.play("telemetry", {**telemetry, "grabber-cam1": bad, "grabber-cam2": bad})
    assert presenter.state_words[1].startswith("All cameras are slow")
    studio.session.play("telemetry", {**telemetry, "grabber-cam2": {**good, "problem": "x: gone"}})
    assert presenter.state_words == ("bad", "cam2: no pictures. The others go on.")


def test_news_are_passed_on_in_words(studio, presenter):
    go_live(studio, presenter)
    studio.session.play(
        "restart", ("inference", "inference: ended unexpectedly (code -9); restarting in 1 s")
    )
    studio.session.play("back", "inference")
    studio.session.play("restart", ("grabber-cam1", "grabber-cam1: unplugged; restarting in 1 s"))
    assert studio.said == [
        ("warning", "Pose estimation stopped: ended unexpectedly (code -9); restarting in 1 s"),
        ("good", "Pose estimation works again"),
        ("warning", "Camera cam1 stopped: unplugged; restarting in 1 s"),
    ]


def test_a_full_disk_is_said(studio, presenter):
    go_live(studio, presenter)
    studio.session.play("event", ("disk_full", "the disk is nearly full; recording stopped"))
    assert studio.said == [("bad", "the disk is nearly full; recording stopped")]


def test_the_label_of_the_stand_in_is_a_banner(studio, presenter):
    go_live(studio, presenter)
    assert presenter.banner == ""
    studio.session.play("pipeline", ("ready", "noisy_truth", "not a network's output"))
    assert presenter.banner == "not a network's output"
    studio.session.play("pipeline", ("none", "none", ""))
    assert presenter.banner == ""


def test_another_rig_stops_what_runs_but_no_recording(studio, presenter):
    go_live(studio, presenter)
    studio.session.play("recording", studio.takes_folder / "one")
    studio.use_rig(simulated_rig(3, (160, 120), 30.0, 0), None)
    assert not orders(studio, "stop")
    assert studio.said[-1][0] == "info"
    studio.session.play("take_closed", object())
    studio.use_rig(simulated_rig(4, (160, 120), 30.0, 0), None)
    assert len(orders(studio, "stop")) == 1


def test_a_new_calibration_of_the_same_cameras_is_used_at_once(studio, presenter, calibration_file):
    go_live(studio, presenter)
    studio.use_calibration(calibration_file)
    assert len(orders(studio, "start")) == 2
    studio.session.play("live", 1)
    studio.session.play("recording", studio.takes_folder / "one")
    studio.use_calibration(calibration_file)
    assert len(orders(studio, "start")) == 2, "not in the middle of a take"


def test_without_calibration_there_are_no_poses(bare_studio, devices):
    bare_studio.use_rig(devices, None)
    presenter = LivePresenter(bare_studio, PipelinePresenter(bare_studio))
    presenter.toggle()
    assert orders(bare_studio, "start") == [("none", ())]


def test_quitting_while_recording_is_asked_about(studio, presenter):
    go_live(studio, presenter)
    assert presenter.reason_to_stay() == ""
    studio.session.play("recording", studio.takes_folder / "jump")
    assert "jump" in presenter.reason_to_stay()
