"""What the cameras page shows and does, without a window."""

from __future__ import annotations

import pytest

from app.cameras.camera_trials import Trial
from app.cameras.presenter import CamerasPresenter
from pipeline.rigs.rig_file import write_rig
from pipeline.rigs.simulated_rig import simulated_rig
from tests.app.cameras.conftest import BUSY, WEBCAM, DirectDesk


@pytest.fixture
def presenter(qtbot, studio):
    made = CamerasPresenter(studio, desk=DirectDesk())
    yield made
    made.shutdown()


def settled(qtbot, presenter):
    qtbot.waitUntil(lambda: not presenter.editor.checks.going_on, timeout=30_000)


def cameras(presenter):
    return presenter.editor.draft.cameras


def test_found_devices_are_offered_once_with_their_modes(qtbot, presenter):
    presenter.search.found = [WEBCAM, BUSY]
    presenter.add_device(WEBCAM)
    (camera,) = cameras(presenter)
    assert presenter.used_by == ["cam1", ""]
    assert presenter.sizes(camera) == [(640, 480), (1280, 720), (1920, 1080)]
    assert presenter.rates(camera) == [60.0, 30.0]
    presenter.editor.set_setting(camera.key, ("pixel_format",), "yuyv")
    assert presenter.sizes(cameras(presenter)[0]) == [(640, 480)]
    presenter.search.found = []
    assert "not connected" in presenter.mode_help(camera)
    assert (640, 480) in presenter.sizes(camera)


def test_sources_with_a_size_of_their_own_are_offered_none(presenter, tmp_path):
    presenter.add_stream("rtsp://host/stream")
    presenter.add_videos([tmp_path / "a.mp4"])
    presenter.add_driver("simulated")
    stream, video, simulated = cameras(presenter)
    assert list(presenter.sizes(stream)) == [] and list(presenter.sizes(video)) == []
    assert (1280, 720) in presenter.sizes(simulated)
    assert presenter.mode_help(simulated)


def test_a_full_simulated_studio_says_so(presenter, said):
    presenter.editor.use_simulated(16)
    presenter.add_driver("simulated")
    assert len(cameras(presenter)) == 16
    assert said[-1] == ("warning", "The simulated studio has room for 16 cameras.")


def test_images_are_added_by_folder(presenter, tmp_path, said):
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    presenter.add_images(tmp_path)
    assert presenter.editor.draft.names == ("left", "right")
    presenter.add_images(tmp_path / "gone")
    assert said[-1][0] == "warning"


def test_notices_say_what_waits_and_what_to_do(qtbot, studio, presenter, session):
    presenter.editor.use_simulated(2)
    settled(qtbot, presenter)
    assert presenter.notices == []
    session.become("live", recording=True)
    presenter.editor.remove(cameras(presenter)[0].key)
    settled(qtbot, presenter)
    waiting, removed = presenter.notices
    assert "recorded" in waiting.text
    assert [action for action, _ in waiting.actions] == ["discard"], "nothing here ends a recording"
    assert removed.text == "cam1 was removed."
    session.become("live")
    assert [action for action, _ in presenter.notices[0].actions] == ["stop_and_apply", "discard"]
    presenter.act("stop_and_apply")
    assert session.stops == 1
    presenter.act("undo")
    assert presenter.editor.draft.names == ("cam1", "cam2")
    presenter.editor.rename(cameras(presenter)[0].key, "")
    assert "not complete" in presenter.notices[0].text
    presenter.act("discard")
    assert presenter.notices == []


def test_an_incomplete_rig_says_so(qtbot, presenter):
    presenter.add_driver("rtsp")
    settled(qtbot, presenter)
    (notice,) = presenter.notices
    assert "once they are complete" in notice.text and "cam1" in notice.text


def test_calibrating_leads_there(qtbot, studio, presenter):
    went = []
    studio.go_to.connect(went.append)
    presenter.act("calibrate")
    assert went == ["calibrate"]
    assert presenter.calibration_words == ""
    presenter.editor.use_simulated(2)
    assert presenter.calibration_words == "Not calibrated"


def test_what_a_test_found_is_forgotten_when_the_camera_changes(qtbot, presenter):
    presenter.editor.use_simulated(2)
    settled(qtbot, presenter)
    first, second = cameras(presenter)
    for camera in (first, second):
        presenter._tested[camera.key] = camera.config()
        presenter.trials.trials[camera.key] = Trial("good", "Works.")
    presenter.editor.rename(first.key, "front")
    assert presenter.mark(cameras(presenter)[0]).level == "good", "a new name is the same camera"
    presenter.editor.set_fps(first.key, 15.0)
    assert presenter.trial(first.key) is None
    assert presenter.mark(cameras(presenter)[1]).words == "Works."
    presenter.editor.set_fps(second.key, "x")
    assert presenter.mark(cameras(presenter)[1]).level == "bad"
    assert presenter.trial(None) is None


def test_cameras_that_are_live_or_wrong_are_not_tested(qtbot, presenter, session, said):
    presenter.editor.use_simulated(2)
    settled(qtbot, presenter)
    presenter.editor.rename(cameras(presenter)[0].key, "")
    session.become("live")
    assert "Stop live" in presenter.why_no_test
    presenter.test_all()
    assert not presenter.trials.trials
    session.become("off")
    presenter.test(cameras(presenter)[0].key)
    assert not presenter.trials.trials
    assert said[-1][1].startswith("Not tested")


def test_opening_reads_in_a_process_and_says_what_is_wrong(qtbot, studio, presenter, tmp_path, said):
    path = tmp_path / "rig.yaml"
    write_rig(path, simulated_rig(3, (640, 480), 30.0, 0))
    presenter.open(path)
    assert presenter.opening
    qtbot.waitUntil(lambda: not presenter.opening, timeout=30_000)
    assert studio.rig_path == path and presenter.editor.draft.names == ("cam1", "cam2", "cam3")
    assert presenter.file_words == f"Saved in {path}"
    bad = tmp_path / "bad.yaml"
    bad.write_text("cameras: []\n")
    presenter.open(bad)
    qtbot.waitUntil(lambda: not presenter.opening, timeout=30_000)
    assert said[-1][0] == "bad" and "cannot be opened" in said[-1][1]
    assert studio.rig_path == path
    path.write_text(path.read_text() + "calibration: gone.yaml\n")
    presenter.open(path)
    qtbot.waitUntil(lambda: not presenter.opening, timeout=30_000)
    assert "gone.yaml does not exist any more" in said[-1][1]


def test_saving_says_whether_it_worked(qtbot, presenter, tmp_path, said):
    presenter.editor.use_simulated(2)
    settled(qtbot, presenter)
    assert not presenter.save(tmp_path / "no" / "rig.yaml")
    assert said[-1][0] == "bad"
    assert presenter.save(tmp_path / "rig.yaml")
    assert said[-1] == ("good", f"Saved in {tmp_path / 'rig.yaml'}.")
    presenter.editor.rename_rig("other")
    assert presenter.file_words.startswith("Unsaved changes")


def test_changes_that_are_being_checked_are_not_called_wrong(studio, session):
    class Thinking(DirectDesk):
        def check(self, key, driver, settings) -> None:
            pass

    presenter = CamerasPresenter(studio, desk=Thinking())
    presenter.editor.use_simulated(2)
    session.become("live")
    presenter.editor.remove(cameras(presenter)[0].key)
    assert "being checked" in presenter.notices[0].text
    assert not presenter.editor.checks.usable
    presenter.shutdown()
