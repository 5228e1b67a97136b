"""Tests of cameras: real drivers in real processes, and what is said about what they delivered."""

from __future__ import annotations

import pytest

from app.cameras.camera_trial import Measured, Opened
from app.cameras.camera_trials import CameraTrials, Trial, verdict
from pipeline.rigs.rig_config import CameraConfig
from pipeline.rigs.simulated_rig import simulated_rig
from tests.support.videos import write_video

PROMISED = Opened((640, 480), 30.0, "the device")


@pytest.fixture
def trials(qapp):
    made = CameraTrials()
    yield made
    made.shutdown()


def test_cameras_are_tested_side_by_side_and_their_pictures_shown(qtbot, trials, tmp_path):
    rig = simulated_rig(1, (64, 64), 30.0, 0)
    video = tmp_path / "short.mp4"
    write_video(video, frames=8, size=(64, 48))
    played = CameraConfig(name="played", driver={"type": "video_file", "path": str(video)})
    lost = CameraConfig(name="lost", driver={"type": "video_file", "path": str(tmp_path / "gone.mp4")})
    pictured = set()
    trials.pictured.connect(pictured.add)
    trials.start([(1, rig.cameras[0]), (2, played), (3, lost)], seconds=1.2)
    assert trials.running and trials.trials[1].verdict == "running"
    qtbot.waitUntil(lambda: not trials.running, timeout=60_000)
    assert pictured == {1, 2}
    assert trials.pictures[1].size == (64, 64)
    assert len(trials.pictures[1].data) == 64 * 64 * 3
    simulated = trials.trials[1]
    assert simulated.opened is not None and simulated.opened.size == (64, 64)
    assert simulated.measured is not None and simulated.measured.frames > 1
    ended = trials.trials[2]
    assert ended.measured is not None and (ended.measured.frames, ended.measured.ended) == (8, True)
    assert ended.words.startswith("Plays 64 × 48; the source ended after 8 pictures")
    assert trials.trials[3].verdict == "bad"
    assert trials.trials[3].words == f"'{tmp_path / 'gone.mp4'}'".strip("'") + ": no such video file."


def test_a_test_can_be_stopped_and_forgotten(qtbot, trials):
    camera = simulated_rig(1, (64, 64), 30.0, 0).cameras[0]
    trials.start([(1, camera)], seconds=60.0)
    qtbot.waitUntil(lambda: 1 in trials.pictures, timeout=60_000)
    trials.stop()
    qtbot.waitUntil(lambda: not trials.running, timeout=20_000)
    assert trials.trials[1].verdict in {"stopped", "good", "slow"}, "what was measured until then stays"
    trials.forget(1)
    assert 1 not in trials.trials and 1 not in trials.pictures


@pytest.mark.parametrize(
    ("measured", "found", "words"),
    [
        (Measured(180, 0, 29.9, 6.0), "good", "Works: 29.9 of 30 pictures per second at 640 × 480."),
        (Measured(175, 5, 29.0, 6.0), "good", "5 pictures were lost on the way."),
        (Measured(90, 90, 15.0, 6.0), "slow", "Slow: 15.0 of 30 pictures per second"),
        (Measured(10, 0, 30.0, 0.3), "stopped", "stopped before its rate was known"),
        (None, "bad", "was opened but sent no picture"),
    ],
)
def test_verdicts_say_what_was_measured_and_what_to_do(measured, found, words):
    camera = CameraConfig(name="a", driver={"type": "usb"}, fps=30.0)
    result = verdict(camera, Trial("running", "", PROMISED, measured), stopped=False)
    assert result.verdict == found
    assert words in result.words
    if found == "slow":
        assert "exposure" in result.words


def test_a_driver_that_ends_without_a_word_is_said():
    camera = CameraConfig(name="a", driver={"type": "usb"})
    assert "without a word" in verdict(camera, Trial("running", ""), stopped=False).words
    assert verdict(camera, Trial("running", ""), stopped=True).verdict == "stopped"
