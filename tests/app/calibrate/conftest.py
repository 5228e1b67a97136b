"""A studio without a window, and an outcome to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.preferences import Preferences
from app.studio import Studio
from calibration.calibrator import calibrate
from pipeline.calibrating.config import CalibrateConfig
from pipeline.calibrating.floor_watch import FloorWatch
from pipeline.calibrating.judgement import outcome_of
from pipeline.calibrating.outcome import CalibrationOutcome
from pipeline.rigs.simulated_rig import simulated_rig
from tests.support.board_recording import board_studio, recorded_views


@pytest.fixture
def studio(tmp_path, monkeypatch) -> Iterator[Studio]:
    """With the simulated cameras, and nothing of this user's."""
    monkeypatch.setattr("app.calibrate.order.unsaved_folder", lambda: tmp_path / "unsaved")
    found = Studio(Preferences(takes_folder=tmp_path / "takes"))
    found.use_simulated(4)
    found.said = []
    found.message.connect(lambda level, text: found.said.append((level, text)))
    yield found
    found.shutdown()


@pytest.fixture(scope="session")
def outcome() -> CalibrationOutcome:
    """Of four cameras with known lenses, which saves the time to find them."""
    views, config = recorded_views(), CalibrateConfig(held_out=0.0)
    lenses = {camera.name: camera for camera in board_studio().rig.cameras}
    watch = FloorWatch(views.sizes, config.live.floor_still, config.live.floor_seconds)
    for instant in views.instants(10_000_000):
        watch.watch(instant)
    calibration = calibrate(views, intrinsics=lenses, config=config)
    return outcome_of(
        calibration, views, still=watch.stretches, devices=simulated_rig(4, (640, 480), 30.0, 0)
    )
