"""Simulated cameras that film a board are those that film people."""

import numpy as np

from calibration.board import read_board
from pipeline.rigs.board_rig import STUDIO_BOARD_FILE, board_rig, is_simulated, studio_board
from pipeline.rigs.rig_config import CameraConfig, RigConfig
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import board_studio_of, check_board_studio, studio_calibration, studio_of


def test_they_stand_where_they_stood_and_see_as_they_saw():
    for cameras, seed in ((4, 0), (3, 7)):
        live = simulated_rig(cameras, (640, 480), 30.0, seed)
        filming = board_rig(live)
        people, board = studio_of(live), board_studio_of(filming)
        assert people is not None
        assert board is not None
        for one, other in zip(
            studio_calibration(live, people).cameras, studio_calibration(filming, board).cameras, strict=True
        ):
            assert (one.name, one.size, one.model, one.lag_ms) == (
                other.name,
                other.size,
                other.model,
                other.lag_ms,
            )
            for key in ("K", "distortion", "R", "t"):
                np.testing.assert_array_equal(getattr(one, key), getattr(other, key))


def test_what_else_was_set_about_them_stays():
    driver = {"type": "simulated", "studio": {"cameras": 4}, "camera": "cam3", "phase_ms": 4.0, "seed": 5}
    live = RigConfig(
        cameras=(CameraConfig(name="left", driver=driver, size=(640, 480), fps=60),), calibration="old.yaml"
    )
    filming = board_rig(live)
    camera = filming.cameras[0]
    assert filming.calibration is None
    assert "studio" not in camera.driver
    assert {key: camera.driver[key] for key in ("camera", "phase_ms", "seed")} == {
        "camera": "cam3",
        "phase_ms": 4.0,
        "seed": 5,
    }
    assert camera.fps == 15
    assert live.cameras[0].driver["studio"] == {"cameras": 4}, "the rig itself is left alone"
    found = board_studio_of(filming)
    assert found is not None
    np.testing.assert_array_equal(
        studio_calibration(filming, found).cameras[0].R,
        studio_calibration(live, studio_of(live)).cameras[0].R,
    )


def test_the_board_is_the_one_they_film():
    live = simulated_rig(4, (640, 480), 30.0, 0)
    assert studio_board(live) == read_board(STUDIO_BOARD_FILE) == board_studio_of(board_rig(live)).board
    check_board_studio(board_rig(live))
    own = {"type": "charuco", "columns": 6, "rows": 4, "square_mm": 180.0, "marker_mm": 130.0,
           "dictionary": "DICT_4X4_50"}  # fmt: skip
    driver = {"type": "simulated", "board_studio": {"board": own}}
    filming = RigConfig(cameras=(CameraConfig(name="cam1", driver=driver),))
    assert board_rig(filming) == filming
    assert studio_board(filming).columns == 6


def test_other_cameras_are_not_simulated():
    usb = CameraConfig(name="left", driver={"type": "usb", "device": "0"})
    assert not is_simulated(RigConfig(cameras=(usb,)))
    mixed = RigConfig(cameras=(usb, *simulated_rig(1, (640, 480), 30.0, 0).cameras))
    assert not is_simulated(mixed)
