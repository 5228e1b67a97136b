"""What the cameras command says about devices; finding them is tested beside the drivers."""

from __future__ import annotations

import json

import pytest

from app.cli.main import main
from pipeline.drivers import discovery
from pipeline.drivers.device_info import DeviceInfo, Mode

WEBCAM = DeviceInfo(
    path="/dev/video0",
    stable_id="usb-Maker_Cam_123-video-index0",
    name="Maker Cam",
    bus="usb-0000:00:14.0-2",
    modes=(
        Mode("MJPG", (1280, 720), (60.0, 30.0)),
        Mode("MJPG", (640, 480), (30.0,)),
        Mode("YUYV", (640, 480), ()),
    ),
)
BUSY = DeviceInfo("/dev/video2", "/dev/video2", "Other Cam", "", reason="is in use by another program")


def plug_in(monkeypatch: pytest.MonkeyPatch, *devices: DeviceInfo) -> list[bool]:
    asked: list[bool] = []

    def discover(probe: bool = True) -> list[DeviceInfo]:
        asked.append(probe)
        return list(devices)

    monkeypatch.setattr(discovery, "discover", discover)
    return asked


def test_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert plug_in(monkeypatch, WEBCAM, BUSY) == []
    assert main(["cameras", "--probe"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Maker Cam (/dev/video0, usb-0000:00:14.0-2)",
        "  driver: {type: usb, device: usb-Maker_Cam_123-video-index0}",
        "  MJPG: 1280x720 @ 60/30, 640x480 @ 30",
        "  YUYV: 640x480",
        "Other Cam (/dev/video2)",
        "  driver: {type: usb, device: /dev/video2}",
        "  cannot be used: it is in use by another program",
    ]


def test_for_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = plug_in(monkeypatch, WEBCAM, BUSY)
    assert main(["cameras", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert asked == [False]
    assert result["probed"] is False
    first, second = result["cameras"]
    assert first["modes"][0] == {"pixel_format": "MJPG", "size": [1280, 720], "rates": [60.0, 30.0]}
    assert second["reason"] == "is in use by another program"


def test_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plug_in(monkeypatch)
    assert main(["cameras"]) == 0
    assert "no camera found" in capsys.readouterr().out
