"""What the home page decides."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from app.welcome.presenter import WelcomePresenter, exact_calibration
from configs.errors import PosestageError
from pipeline.rigs.rig_config import CameraConfig, RigConfig
from pipeline.rigs.rig_file import write_rig
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of
from tests.pipeline.take.synthetic_take import make_take


@pytest.fixture
def presenter(studio, tmp_path):
    made = WelcomePresenter(studio, tmp_path / "cache")
    yield made
    made.shutdown()


@pytest.fixture
def went(studio) -> list[str]:
    heard: list[str] = []
    studio.go_to.connect(heard.append)
    return heard


def looked(qtbot, presenter):
    presenter.enter()

    def idle() -> bool:
        return not (presenter._jobs or presenter._finder.looking or presenter._digests.making)

    qtbot.waitUntil(idle, timeout=60_000)


def test_the_first_start_has_nothing_to_go_on_with(qtbot, studio, presenter, tmp_path):
    assert presenter.first_start and presenter.rig_lines == []
    looked(qtbot, presenter)
    assert presenter.first_start
    studio.preferences.recent_rigs = [tmp_path / "rig.yaml"]
    assert not presenter.first_start


def test_the_simulated_studio_is_one_step(studio, presenter):
    presenter.try_simulated()
    assert len(studio.rig.cameras) == 4 and presenter.simulated and not presenter.calibrated
    assert [line.text for line in presenter.rig_lines] == ["4 cameras, simulated", "Not calibrated"]


def test_the_exact_calibration_is_that_of_the_studio(qtbot, studio, presenter, went, said):
    presenter.try_simulated()
    presenter.use_exact_calibration()
    assert presenter.busy
    qtbot.waitUntil(lambda: not presenter.busy, timeout=60_000)
    assert went == ["live"] and studio.live_wanted
    truth = studio_calibration(studio.rig, studio_of(studio.rig))
    for found, real in zip(studio.calibration.cameras, truth.cameras, strict=True):
        assert (found.name, found.size) == (real.name, real.size)
        np.testing.assert_array_equal(found.projection_matrix, real.projection_matrix)
    assert "exact calibration" in presenter.rig_lines[1].text
    assert "Real cameras need the wizard" in said[-1][1]


def test_real_cameras_have_no_exact_calibration():
    rig = RigConfig(cameras=(CameraConfig(name="a", driver={"type": "usb"}),))
    with pytest.raises(PosestageError, match="Only simulated cameras"):
        exact_calibration(lambda share, what: None, rig)


def test_the_ways_lead_to_their_pages(studio, presenter, went, tmp_path):
    presenter.set_up_cameras()
    presenter.open_recordings()
    presenter.repair()
    presenter.calibrate()
    presenter.go_live()
    presenter.show_take(tmp_path / "take")
    assert went == ["cameras", "takes", "takes", "calibrate", "live", "takes"]
    assert studio.take_to_show == tmp_path / "take"


def test_recent_rigs_are_opened_and_say_what_is_missing(qtbot, studio, presenter, tmp_path, said):
    path = tmp_path / "rig.yaml"
    rig = RigConfig(
        cameras=(CameraConfig(name="a", driver={"type": "video_file", "path": str(tmp_path / "a.mp4")}),)
    )
    write_rig(path, rig)
    studio.preferences.recent_rigs = [tmp_path / "gone.yaml", path]
    presenter.open_rig(path)
    qtbot.waitUntil(lambda: not presenter.busy, timeout=60_000)
    assert studio.rig_path == path
    assert presenter.recent_rigs == [tmp_path / "gone.yaml"], "the present one is not listed"
    looked(qtbot, presenter)
    assert presenter.rig_lines[0].text == "1 camera; a is not found"
    presenter.open_rig(tmp_path / "gone.yaml")
    qtbot.waitUntil(lambda: not presenter.busy, timeout=60_000)
    assert said[-1][0] == "bad" and "no such file" in said[-1][1]


def test_newest_takes_have_pictures_and_interrupted_ones_are_counted(qtbot, studio, presenter):
    folder: Path = studio.takes_folder
    folder.mkdir()
    make_take(folder / "walk", frames=6, sizes=[(64, 48)] * 2)
    make_take(folder / "cut", frames=6, sizes=[(64, 48)] * 2)
    header = folder / "cut" / "take.yaml"
    header.write_text(header.read_text().replace("state: complete", "state: recording"))
    long_ago = 1_600_000_000
    os.utime(header, (long_ago, long_ago))
    looked(qtbot, presenter)
    assert [entry.folder.name for entry in presenter.takes] == ["walk"]
    assert presenter.interrupted == 1 and not presenter.first_start
    digest = presenter.digest(presenter.takes[0])
    assert digest is not None and digest.thumbnail is not None and digest.thumbnail.is_file()


def test_live_pictures_stop_first_and_recordings_are_left_alone(studio, presenter, session, said):
    studio.use_simulated(2)
    session.become("live")
    presenter.try_simulated()
    assert session.stops == 1 and len(studio.rig.cameras) == 2
    session.become("off")
    assert len(studio.rig.cameras) == 4
    studio.use_simulated(2)
    session.become("live", recording=True)
    presenter.try_simulated()
    assert session.stops == 1 and len(studio.rig.cameras) == 2
    assert "Stop the recording first" in said[-1][1]


def test_the_simulated_studio_comes_from_the_light_module():
    """So that the first click needs no renderer in the window's process."""
    assert simulated_rig.__module__ == "pipeline.rigs.simulated_rig"
