"""What all pages share."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.preferences import Preferences
from app.studio import Studio
from pipeline.rigs.rig_file import write_rig
from pipeline.rigs.simulated_rig import simulated_rig


@pytest.fixture
def studio(qapp, tmp_path):
    made = Studio(Preferences.load(tmp_path / "desktop.yaml"))
    yield made
    made.shutdown()


@pytest.fixture
def rig_file(tmp_path) -> Path:
    path = tmp_path / "rig.yaml"
    write_rig(path, simulated_rig(3, (640, 480), 30.0, 0))
    return path


def test_the_last_rig_comes_back(qtbot, studio, rig_file):
    studio.preferences.rig_path = rig_file
    studio.reopen_last()
    assert studio.reopening, "the window does not wait for it"
    qtbot.waitUntil(lambda: not studio.reopening, timeout=30_000)
    assert studio.rig == simulated_rig(3, (640, 480), 30.0, 0)
    assert studio.rig_path == rig_file


def test_the_last_rig_comes_back_without_a_calibration_that_is_gone(qtbot, studio, rig_file):
    rig_file.write_text(rig_file.read_text() + "calibration: gone.yaml\n")
    said = []
    studio.message.connect(lambda level, text: said.append((level, text)))
    studio.preferences.rig_path = rig_file
    studio.reopen_last()
    qtbot.waitUntil(lambda: not studio.reopening, timeout=30_000)
    assert studio.rig is not None and studio.calibration is None
    assert [level for level, _ in said] == ["warning"] and "gone.yaml" in said[0][1]


def test_whoever_was_quicker_keeps_their_rig(qtbot, studio, rig_file):
    studio.preferences.rig_path = rig_file
    studio.reopen_last()
    studio.use_simulated(2)
    qtbot.waitUntil(lambda: not studio.reopening, timeout=30_000)
    assert len(studio.rig.cameras) == 2


def test_an_edited_rig_keeps_its_calibration(studio, rig_file):
    studio.open_rig(rig_file)
    heard = []
    studio.rig_changed.connect(lambda: heard.append("rig"))
    studio.calibration_changed.connect(lambda: heard.append("calibration"))
    edited = simulated_rig(2, (640, 480), 30.0, 0)
    studio.change_rig(edited, rig_file, None, None)
    assert studio.rig == edited and heard == ["rig", "calibration"]
    assert studio.preferences.rig_path == rig_file
    studio.change_rig(None, None, None, None)
    assert studio.rig is None and studio.preferences.rig_path is None
