"""The rig as a document: undo, problems, files, and when a change comes into use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.cameras.rig_draft import UNSTATED, CameraDraft
from app.cameras.rig_editor import RigEditor
from calibration.camera import Camera
from calibration.rig import Rig
from calibration.rig_file import write_calibration
from configs.errors import PosestageError
from pipeline.rigs.rig_config import load_rig
from pipeline.rigs.rig_file import write_rig
from pipeline.rigs.simulated_rig import simulated_rig
from tests.app.cameras.conftest import DirectDesk

SIZE = (640, 480)


@pytest.fixture
def editor(studio) -> RigEditor:
    return RigEditor(studio, DirectDesk())


def webcam(name: str) -> CameraDraft:
    return CameraDraft(name, "usb", {"device": name}, SIZE, 30.0)


def geometry(*names: str, size=SIZE) -> Rig:
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    cameras = [
        Camera(name, size, "pinhole", K, np.zeros(5), np.eye(3), np.array([100.0 * place, 0, 0]))
        for place, name in enumerate(names)
    ]
    return Rig(tuple(cameras))


@pytest.fixture
def saved_rig(tmp_path: Path) -> Path:
    folder = tmp_path / "rigs"
    folder.mkdir()
    write_calibration(folder / "calibration.yaml", geometry("cam1", "cam2"))
    rig = simulated_rig(2, SIZE, 30.0, 0).model_copy(
        update={"calibration": str(folder / "calibration.yaml"), "name": "saved"}
    )
    write_rig(folder / "rig.yaml", rig)
    return folder / "rig.yaml"


def keys(editor: RigEditor) -> list[int]:
    return [camera.key for camera in editor.draft.cameras]


def test_it_begins_with_the_rig_of_the_studio(studio):
    studio.use_simulated(3)
    editor = RigEditor(studio, DirectDesk())
    assert editor.draft.names == ("cam1", "cam2", "cam3")
    assert editor.camera is not None and editor.camera.name == "cam1"
    assert editor.usable and not editor.pending and not editor.worth_asking


def test_a_correct_change_comes_into_use(studio, editor):
    editor.use_simulated(2)
    editor.rename(keys(editor)[0], "front")
    assert studio.rig.names == ("cam1", "cam2"), "not at every key stroke"
    editor.apply()
    assert studio.rig.names == ("front", "cam2")
    assert studio.rig.cameras[0].driver["camera"] == "cam1"


def test_a_change_comes_into_use_by_itself_after_a_moment(qtbot, studio, editor):
    editor.use_simulated(2)
    with qtbot.waitSignal(studio.rig_changed, timeout=5000):
        editor.set_fps(keys(editor)[1], 15.0)
    assert studio.rig.cameras[1].fps == 15.0


def test_a_wrong_change_does_not_come_into_use(studio, editor):
    editor.use_simulated(2)
    first, second = keys(editor)
    editor.rename(first, "cam2")
    editor.set_fps(second, "fast")
    editor.set_setting(first, ("loss",), 2)
    editor.apply()
    assert not editor.usable
    assert studio.rig.names == ("cam1", "cam2")
    assert "its own" in editor.checks.problem(first, "name")
    assert "number" in editor.checks.problem(second, "fps")
    assert editor.checks.problem(first, "loss") == "Must be less than 1."
    assert "cam2" in editor.checks.why_not_usable
    with pytest.raises(PosestageError, match="cannot be saved yet"):
        editor.save(Path("anywhere.yaml"))
    while editor.history.undo_text:
        editor.undo()
    assert editor.usable and not editor.checks.problems_of(first)


def test_adding_duplicating_moving_removing_can_be_undone(editor):
    editor.add([webcam("left")])
    editor.add([webcam("right"), webcam("top")])
    left, right, top = keys(editor)
    assert editor.selected == right
    editor.duplicate(left)
    assert editor.draft.names == ("left", "left2", "right", "top")
    editor.move(top, 0)
    editor.remove(right)
    assert (editor.draft.names, editor.last_removed) == (("top", "left", "left2"), "right")
    assert editor.history.undo_text == "remove right"
    editor.undo()
    assert (editor.draft.names, editor.last_removed) == (("top", "left", "left2", "right"), "")
    editor.redo()
    assert editor.draft.names == ("top", "left", "left2")
    for _ in range(5):
        editor.undo()
    assert editor.draft.names == () and editor.selected is None
    assert editor.save_state == "empty"


def test_removing_the_chosen_camera_chooses_its_neighbour(editor):
    editor.add([webcam("a"), webcam("b"), webcam("c")])
    a, b, c = keys(editor)
    editor.select(b)
    editor.remove(b)
    assert editor.selected == c
    editor.remove(c)
    assert editor.selected == a
    editor.remove(a)
    assert editor.selected is None


def test_without_cameras_the_studio_has_no_rig(studio, editor):
    editor.use_simulated(2)
    for key in keys(editor):
        editor.remove(key)
    editor.apply()
    assert studio.rig is None


def test_typing_a_name_is_one_step(editor):
    editor.add([webcam("a")])
    (key,) = keys(editor)
    for name in ("ab", "abc", "abcd"):
        editor.rename(key, name)
    editor.undo()
    assert editor.draft.names == ("a",)
    editor.redo()
    editor.rest()
    editor.rename(key, "abcde")
    editor.undo()
    assert editor.draft.names == ("abcd",)


def test_what_simulated_cameras_share_changes_for_all(editor):
    editor.use_simulated(3)
    first = keys(editor)[0]
    editor.set_setting(first, ("studio", "people"), 2)
    editor.set_setting(first, ("loss",), 0.25)
    editor.set_size(first, (320, 240))
    assert [camera.settings["studio"]["people"] for camera in editor.draft.cameras] == [2, 2, 2]
    assert [camera.settings.get("loss") for camera in editor.draft.cameras] == [0.25, None, None]
    assert {camera.size for camera in editor.draft.cameras} == {(320, 240)}
    editor.set_setting(first, ("loss",), UNSTATED)
    assert "loss" not in editor.draft.cameras[0].settings
    editor.set_fps(first, 15.0)
    editor.copy_mode_to_all(first)
    assert {camera.fps for camera in editor.draft.cameras} == {15.0}
    editor.add_simulated()
    assert editor.draft.names[-1] == "cam4" and editor.usable


def test_saving_and_unsaved_changes(tmp_path, studio, editor):
    editor.add([webcam("a")])
    editor.rename_rig("garage")
    assert (editor.save_state, editor.worth_asking) == ("new", True)
    path = tmp_path / "garage.yaml"
    editor.save(path)
    assert (editor.save_state, editor.worth_asking, studio.rig_path) == ("saved", False, path)
    assert load_rig(path) == studio.rig
    assert studio.preferences.recent_rigs == [path]
    editor.rename(keys(editor)[0], "b")
    assert (editor.save_state, editor.worth_asking) == ("changed", True)
    editor.undo()
    assert editor.save_state == "saved", "back to what is in the file"
    editor.redo()
    editor.save()
    assert load_rig(path).names == ("b",)


def test_a_simulated_rig_is_not_worth_asking(editor):
    editor.use_simulated(4)
    assert (editor.save_state, editor.worth_asking) == ("new", False)


def test_opening_and_beginning_anew(studio, editor, saved_rig):
    opened = []
    editor.opened.connect(lambda: opened.append(editor.draft.name))
    editor.open(load_rig(saved_rig), saved_rig)
    assert opened == ["saved"]
    assert editor.calibrated and not editor.pending and editor.save_state == "saved"
    assert studio.calibration is not None
    editor.new_rig()
    editor.apply()
    assert (studio.rig, studio.calibration, editor.path) == (None, None, None)


def test_the_calibration_goes_and_comes_back_with_what_it_was_made_for(studio, editor, saved_rig):
    editor.open(load_rig(saved_rig), saved_rig)
    first, second = keys(editor)
    editor.set_size(first, (1280, 720))
    assert "cam1 was calibrated at 640 × 480" in editor.fit.words
    editor.apply()
    assert studio.calibration is None and not editor.calibrated
    editor.save()
    assert load_rig(saved_rig).calibration is None, "a file must not name a calibration that does not fit"
    editor.undo()
    editor.apply()
    assert studio.calibration is not None and studio.calibration.names == ("cam1", "cam2")
    assert editor.save_state == "changed"
    editor.save()
    assert load_rig(saved_rig).calibration == str(saved_rig.parent / "calibration.yaml")
    editor.remove(second)
    editor.apply()
    assert studio.calibration.names == ("cam1",), "the other camera keeps its place"
    editor.undo()
    editor.apply()
    assert studio.calibration.names == ("cam1", "cam2")
    editor.move(first, 1)
    editor.apply()
    assert studio.calibration.names == ("cam2", "cam1"), "in the order of the rig"


def test_a_new_calibration_is_to_be_saved_with_the_rig(tmp_path, studio, editor):
    editor.add([webcam("cam1"), webcam("cam2")])
    editor.apply()
    path = tmp_path / "rig.yaml"
    editor.save(path)
    calibration = tmp_path / "calibration.yaml"
    write_calibration(calibration, geometry("cam1", "cam2"))
    studio.use_calibration(calibration)
    assert editor.calibrated and editor.save_state == "changed"
    editor.save()
    assert load_rig(path).calibration == str(calibration)


def test_a_calibration_that_the_wizard_wrote_into_the_file_is_saved_already(tmp_path, studio, editor):
    editor.add([webcam("cam1"), webcam("cam2")])
    editor.apply()
    path, calibration = tmp_path / "rig.yaml", tmp_path / "calibration.yaml"
    editor.save(path)
    write_calibration(calibration, geometry("cam1", "cam2"))
    write_rig(path, studio.rig.model_copy(update={"calibration": str(calibration)}))
    studio.use_calibration(calibration)
    assert editor.calibrated and editor.save_state == "saved"


def test_a_rig_with_an_unreadable_calibration_opens_without_it(studio, editor, saved_rig, said):
    (saved_rig.parent / "calibration.yaml").write_text("nothing: here\n")
    editor.open(load_rig(saved_rig), saved_rig)
    assert editor.draft.names == ("cam1", "cam2") and not editor.calibrated
    assert said[0][0] == "warning" and "without its calibration" in said[0][1]
    editor.save()
    assert load_rig(saved_rig).calibration is not None, "the file still names it"


def test_live_pictures_keep_their_cameras_until_they_stop(qtbot, studio, editor, session):
    editor.use_simulated(2)
    session.become("live")
    editor.rename(keys(editor)[0], "front")
    editor.apply()
    assert (editor.running, editor.pending, studio.rig.names) == ("live", True, ("cam1", "cam2"))
    editor.stop_and_apply()
    assert session.stops == 1 and studio.rig.names == ("cam1", "cam2")
    with qtbot.waitSignal(studio.rig_changed, timeout=5000):
        session.become("off")
    assert studio.rig.names == ("front", "cam2")


def test_a_recording_is_never_interrupted(qtbot, studio, editor, session, said):
    editor.use_simulated(2)
    session.become("live", recording=True)
    editor.remove(keys(editor)[0])
    editor.apply()
    editor.stop_and_apply()
    assert editor.running == "recording"
    assert (session.stops, studio.rig.names) == (0, ("cam1", "cam2"))
    assert "recorded" in said[0][1]
    session.become("live")
    assert studio.rig.names == ("cam1", "cam2"), "live goes on after the recording"


def test_changes_made_while_live_can_be_discarded(editor, session):
    editor.use_simulated(2)
    session.become("live")
    editor.use_simulated(5)
    assert len(editor.draft.cameras) == 5 and editor.pending
    editor.discard()
    assert len(editor.draft.cameras) == 2 and not editor.pending


def test_a_rig_opened_while_live_gets_its_calibration_when_live_stops(
    qtbot, studio, editor, session, saved_rig
):
    editor.use_simulated(4)
    session.become("live")
    editor.open(load_rig(saved_rig), saved_rig)
    editor.apply()
    assert len(studio.rig.cameras) == 4
    with qtbot.waitSignal(studio.rig_changed, timeout=5000):
        session.become("off")
    assert studio.rig.names == ("cam1", "cam2") and studio.rig_path == saved_rig
    assert studio.calibration is not None and editor.calibrated
    assert editor.save_state == "saved"


def test_another_rig_of_the_studio_is_taken_up(studio, editor):
    editor.add([webcam("a")])
    studio.use_simulated(3)
    assert editor.draft.names == ("cam1", "cam2", "cam3")
    assert not editor.history.undo_text


def test_comments_that_would_be_lost_are_counted(tmp_path, editor):
    path = tmp_path / "rig.yaml"
    path.write_text("# heading\ncameras:\n  - {name: a, driver: {type: usb, device: '0'}} # by the door\n")
    editor.open(load_rig(path), path)
    assert editor.comments_lost == 0, "nothing is changed"
    editor.rename_rig("other")
    assert editor.comments_lost == 1
