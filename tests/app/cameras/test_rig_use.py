"""When an edited rig comes into use, and what it waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.errors import PosestageError
from pipeline.rigs.rig_config import load_rig
from tests.app.cameras.conftest import keys


def test_a_correct_change_comes_into_use(studio, editor):
    editor.use_simulated(2)
    editor.rename(keys(editor)[0], "front")
    assert studio.rig.names == ("cam1", "cam2"), "not at every key stroke"
    editor.use.apply()
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
    editor.use.apply()
    assert not editor.checks.usable
    assert studio.rig.names == ("cam1", "cam2")
    assert "its own" in editor.checks.problem(first, "name")
    assert "number" in editor.checks.problem(second, "fps")
    assert editor.checks.problem(first, "loss") == "Must be less than 1."
    assert "cam2" in editor.checks.why_not_usable
    with pytest.raises(PosestageError, match="cannot be saved yet"):
        editor.save(Path("anywhere.yaml"))
    while editor.history.undo_text:
        editor.undo()
    assert editor.checks.usable and not editor.checks.problems_of(first)


def test_without_cameras_the_studio_has_no_rig(studio, editor):
    editor.use_simulated(2)
    for key in keys(editor):
        editor.remove(key)
    editor.use.apply()
    assert studio.rig is None


def test_live_pictures_keep_their_cameras_until_they_stop(qtbot, studio, editor, session):
    editor.use_simulated(2)
    session.become("live")
    editor.rename(keys(editor)[0], "front")
    editor.use.apply()
    assert (editor.use.running, editor.use.pending, studio.rig.names) == ("live", True, ("cam1", "cam2"))
    editor.use.stop_and_apply()
    assert session.stops == 1 and studio.rig.names == ("cam1", "cam2")
    with qtbot.waitSignal(studio.rig_changed, timeout=5000):
        session.become("off")
    assert studio.rig.names == ("front", "cam2")


def test_a_recording_is_never_interrupted(qtbot, studio, editor, session, said):
    editor.use_simulated(2)
    session.become("live", recording=True)
    editor.remove(keys(editor)[0])
    editor.use.apply()
    editor.use.stop_and_apply()
    assert editor.use.running == "recording"
    assert (session.stops, studio.rig.names) == (0, ("cam1", "cam2"))
    assert "recorded" in said[0][1]
    session.become("live")
    assert studio.rig.names == ("cam1", "cam2"), "live goes on after the recording"


def test_changes_made_while_live_can_be_discarded(editor, session):
    editor.use_simulated(2)
    session.become("live")
    editor.use_simulated(5)
    assert len(editor.draft.cameras) == 5 and editor.use.pending
    editor.discard()
    assert len(editor.draft.cameras) == 2 and not editor.use.pending


def test_a_rig_opened_while_live_gets_its_calibration_when_live_stops(
    qtbot, studio, editor, session, saved_rig
):
    editor.use_simulated(4)
    session.become("live")
    editor.open(load_rig(saved_rig), saved_rig)
    editor.use.apply()
    assert len(studio.rig.cameras) == 4
    with qtbot.waitSignal(studio.rig_changed, timeout=5000):
        session.become("off")
    assert studio.rig.names == ("cam1", "cam2") and studio.rig_path == saved_rig
    assert studio.calibration is not None and editor.calibrated
    assert editor.file.state == "saved"
