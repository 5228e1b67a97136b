"""The file of an edited rig: what is not saved yet, and what saving would lose."""

from __future__ import annotations

from calibration.rig_file import write_calibration
from pipeline.rigs.rig_config import load_rig
from pipeline.rigs.rig_file import write_rig
from tests.app.cameras.conftest import geometry, keys, webcam


def test_saving_and_unsaved_changes(tmp_path, studio, editor):
    editor.add([webcam("a")])
    editor.undo()
    assert editor.file.state == "empty"
    editor.redo()
    editor.rename_rig("garage")
    assert (editor.file.state, editor.file.worth_asking) == ("new", True)
    path = tmp_path / "garage.yaml"
    editor.save(path)
    assert (editor.file.state, editor.file.worth_asking, studio.rig_path) == ("saved", False, path)
    assert load_rig(path) == studio.rig
    assert studio.preferences.recent_rigs == [path]
    editor.rename(keys(editor)[0], "b")
    assert (editor.file.state, editor.file.worth_asking) == ("changed", True)
    editor.undo()
    assert editor.file.state == "saved", "back to what is in the file"
    editor.redo()
    editor.save()
    assert load_rig(path).names == ("b",)


def test_a_simulated_rig_is_not_worth_asking(editor):
    editor.use_simulated(4)
    assert (editor.file.state, editor.file.worth_asking) == ("new", False)


def test_a_new_calibration_is_to_be_saved_with_the_rig(tmp_path, studio, editor):
    editor.add([webcam("cam1"), webcam("cam2")])
    editor.use.apply()
    path = tmp_path / "rig.yaml"
    editor.save(path)
    calibration = tmp_path / "calibration.yaml"
    write_calibration(calibration, geometry("cam1", "cam2"))
    studio.use_calibration(calibration)
    assert editor.calibrated and editor.file.state == "changed"
    editor.save()
    assert load_rig(path).calibration == str(calibration)


def test_a_calibration_that_the_wizard_wrote_into_the_file_is_saved_already(tmp_path, studio, editor):
    editor.add([webcam("cam1"), webcam("cam2")])
    editor.use.apply()
    path, calibration = tmp_path / "rig.yaml", tmp_path / "calibration.yaml"
    editor.save(path)
    write_calibration(calibration, geometry("cam1", "cam2"))
    write_rig(path, studio.rig.model_copy(update={"calibration": str(calibration)}))
    studio.use_calibration(calibration)
    assert editor.calibrated and editor.file.state == "saved"


def test_comments_that_would_be_lost_are_counted(tmp_path, editor):
    path = tmp_path / "rig.yaml"
    path.write_text("# heading\ncameras:\n  - {name: a, driver: {type: usb, device: '0'}} # by the door\n")
    editor.open(load_rig(path), path)
    assert editor.file.comments_lost == 0, "nothing is changed"
    editor.rename_rig("other")
    assert editor.file.comments_lost == 1
