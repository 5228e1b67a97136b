"""The rig of the studio while it is edited: other rigs, and the calibration that comes and goes."""

from __future__ import annotations

from app.cameras.rig_draft import UNSTATED
from app.cameras.rig_editor import RigEditor
from pipeline.rigs.rig_config import load_rig
from tests.app.cameras.conftest import DirectDesk, keys, webcam


def test_it_begins_with_the_rig_of_the_studio(studio):
    studio.use_simulated(3)
    editor = RigEditor(studio, DirectDesk())
    assert editor.draft.names == ("cam1", "cam2", "cam3")
    assert editor.camera is not None and editor.camera.name == "cam1"
    assert editor.checks.usable and not editor.use.pending and not editor.file.worth_asking


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
    assert editor.draft.names[-1] == "cam4" and editor.checks.usable


def test_opening_and_beginning_anew(studio, editor, saved_rig):
    opened = []
    editor.opened.connect(lambda: opened.append(editor.draft.name))
    editor.open(load_rig(saved_rig), saved_rig)
    assert opened == ["saved"]
    assert editor.calibrated and not editor.use.pending and editor.file.state == "saved"
    assert studio.calibration is not None
    editor.new_rig()
    editor.use.apply()
    assert (studio.rig, studio.calibration, editor.file.path) == (None, None, None)


def test_the_calibration_goes_and_comes_back_with_what_it_was_made_for(studio, editor, saved_rig):
    editor.open(load_rig(saved_rig), saved_rig)
    first, second = keys(editor)
    editor.set_size(first, (1280, 720))
    assert "cam1 was calibrated at 640 × 480" in editor.fit.words
    editor.use.apply()
    assert studio.calibration is None and not editor.calibrated
    editor.save()
    assert load_rig(saved_rig).calibration is None, "a file must not name a calibration that does not fit"
    editor.undo()
    editor.use.apply()
    assert studio.calibration is not None and studio.calibration.names == ("cam1", "cam2")
    assert editor.file.state == "changed"
    editor.save()
    assert load_rig(saved_rig).calibration == str(saved_rig.parent / "calibration.yaml")
    editor.remove(second)
    editor.use.apply()
    assert studio.calibration.names == ("cam1",), "the other camera keeps its place"
    editor.undo()
    editor.use.apply()
    assert studio.calibration.names == ("cam1", "cam2")
    editor.move(first, 1)
    editor.use.apply()
    assert studio.calibration.names == ("cam2", "cam1"), "in the order of the rig"


def test_a_rig_with_an_unreadable_calibration_opens_without_it(studio, editor, saved_rig, said):
    (saved_rig.parent / "calibration.yaml").write_text("nothing: here\n")
    editor.open(load_rig(saved_rig), saved_rig)
    assert editor.draft.names == ("cam1", "cam2") and not editor.calibrated
    assert said[0][0] == "warning" and "without its calibration" in said[0][1]
    editor.save()
    assert load_rig(saved_rig).calibration is not None, "the file still names it"


def test_another_rig_of_the_studio_is_taken_up(studio, editor):
    editor.add([webcam("a")])
    studio.use_simulated(3)
    assert editor.draft.names == ("cam1", "cam2", "cam3")
    assert not editor.history.undo_text
