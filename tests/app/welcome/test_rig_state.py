"""How a rig is doing, in words."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.welcome.rig_state import calibration_line, cameras_line, missing_cameras
from pipeline.drivers import discovery
from pipeline.rigs.rig_config import CameraConfig, RigConfig
from pipeline.rigs.simulated_rig import simulated_rig
from tests.app.cameras.conftest import geometry

NOW = datetime(2025, 5, 20, 12, 0).astimezone()


def rig(*drivers: dict) -> RigConfig:
    return RigConfig(
        cameras=tuple(CameraConfig(name=f"cam{n}", driver=driver) for n, driver in enumerate(drivers, 1))
    )


def test_cameras_that_are_not_there_are_named(tmp_path, monkeypatch):
    (tmp_path / "there.mp4").touch()
    plugged_in = tmp_path / "video0"
    monkeypatch.setattr(discovery, "device_path", lambda device: plugged_in if device == "0" else None)
    devices = rig(
        {"type": "usb", "device": 0},
        {"type": "usb", "device": "usb-other"},
        {"type": "video_file", "path": str(tmp_path / "there.mp4")},
        {"type": "image_folder", "path": str(tmp_path / "gone")},
        {"type": "rtsp", "url": "rtsp://host"},
    )
    assert missing_cameras(devices) == ("cam2", "cam4")


@pytest.mark.parametrize(
    ("drivers", "missing", "grade", "text"),
    [
        (["usb", "usb"], None, "quiet", "2 cameras, looking for them …"),
        (["usb", "usb"], (), "good", "2 cameras, all there"),
        (["usb", "usb"], ("cam1",), "warning", "2 cameras; cam1 is not connected"),
        (["video_file"], ("cam1",), "warning", "1 camera; cam1 is not found"),
        (["usb", "rtsp"], (), "good", "2 cameras; network cameras are tried when live starts"),
    ],
)
def test_cameras_in_words(drivers, missing, grade, text):
    line = cameras_line(rig(*({"type": driver} for driver in drivers)), missing)
    assert (line.grade, line.text) == (grade, text)


def test_simulated_cameras_are_always_there():
    assert cameras_line(simulated_rig(4, (640, 480), 30.0, 0), None).text == "4 cameras, simulated"


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(hours=1), "today at 11:00"),
        (timedelta(days=1), "yesterday at 12:00"),
        (timedelta(days=5), "5 days ago"),
        (timedelta(days=60), "on 21 March 2025"),
    ],
)
def test_when_it_was_calibrated(ago, words):
    made = replace(geometry("a"), created=(NOW - ago).isoformat())
    assert calibration_line(made, NOW).text == f"Calibrated {words}"


@pytest.mark.parametrize(
    ("error_px", "grade", "word"),
    # Of 640 px: 0.1 % are 0.64 px, 0.25 % are 1.6 px.
    [(0.3, "good", "good"), (1.0, "warning", "usable"), (2.0, "bad", "calibrate again")],
)
def test_how_well_it_was_calibrated(error_px, grade, word):
    quality = {
        "reprojection_px": error_px,
        "cameras": {"a": {"reprojection_px": error_px}, "gone": {"reprojection_px": 99.0}},
    }
    line = calibration_line(replace(geometry("a"), created="by hand", quality=quality), NOW)
    assert line.grade == grade
    assert line.text.startswith(f"Calibrated, error {error_px:.2f} px: ") and word in line.text


def test_a_rig_without_calibration_says_so():
    assert calibration_line(None).text == "Not calibrated"
