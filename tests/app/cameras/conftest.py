"""A studio for every test, drivers asked without a process, and a session that only says it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QObject, pyqtSignal

from app.cameras.driver_forms import check_settings, describe_drivers
from app.cameras.rig_document import RigDocument
from app.cameras.rig_draft import CameraDraft
from app.cameras.rig_editor import RigEditor
from app.preferences import Preferences
from app.studio import Studio
from calibration.camera import Camera
from calibration.rig import Rig
from calibration.rig_file import write_calibration
from pipeline.drivers.device_info import DeviceInfo, Mode
from pipeline.rigs.rig_file import write_rig
from pipeline.rigs.simulated_rig import simulated_rig

SIZE = (640, 480)

WEBCAM = DeviceInfo(
    "/dev/video0",
    "usb-046d_C922_1234-video-index0",
    "C922 webcam",
    "usb-1",
    (
        Mode("YUYV", (640, 480), (30.0, 15.0)),
        Mode("MJPG", (640, 480), (30.0,)),
        Mode("MJPG", (1280, 720), (60.0, 30.0)),
        Mode("MJPG", (1920, 1080), (30.0,)),
    ),
)
BUSY = DeviceInfo(
    "/dev/video2",
    "usb-other",
    "Laptop camera",
    "usb-2",
    reason="is in use by another program; close that program first",
)


class DirectDesk(QObject):
    """What ``FormDesk`` does, at once and in this process."""

    described = pyqtSignal()
    checked = pyqtSignal(int, object, object)
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.forms = describe_drivers()

    def start(self) -> None:
        pass

    def shutdown(self) -> None:
        pass

    def check(self, key, driver, settings) -> None:
        settings = dict(settings)
        self.checked.emit(key, (driver, settings), check_settings(driver, settings))


class Session(QObject):
    """Says what it is told to; notes what it is asked."""

    state_changed = pyqtSignal(str)
    recording_changed = pyqtSignal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.state, self.recording, self.stops = "off", False, 0

    def stop(self) -> None:
        self.stops += 1

    def become(self, state: str, *, recording: bool = False) -> None:
        self.state, self.recording = state, recording
        self.recording_changed.emit(recording)
        self.state_changed.emit(state)

    def shutdown(self) -> None:
        pass


@pytest.fixture
def studio(qapp, tmp_path: Path) -> Studio:
    preferences = Preferences.load(tmp_path / "preferences" / "desktop.yaml")
    preferences.takes_folder = tmp_path / "takes"
    return Studio(preferences)


@pytest.fixture
def session(studio) -> Session:
    studio._session = Session()
    return studio._session


@pytest.fixture
def said(studio) -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = []
    studio.message.connect(lambda level, text: heard.append((level, text)))
    return heard


@pytest.fixture
def editor(studio) -> RigEditor:
    return RigEditor(studio, DirectDesk())


def webcam(name: str) -> CameraDraft:
    return CameraDraft(name, "usb", {"device": name}, SIZE, 30.0)


def geometry(*names: str, size=SIZE) -> Rig:
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    cameras = [
        Camera(name, size, "pinhole", K, np.zeros(5), np.eye(3), np.array([100.0 * place, 0, 0]))
        for place, name in enumerate(names)
    ]
    return Rig(tuple(cameras))


@pytest.fixture
def saved_rig(tmp_path: Path) -> Path:
    folder = tmp_path / "rigs"
    folder.mkdir()
    write_calibration(folder / "calibration.yaml", geometry("cam1", "cam2"))
    rig = simulated_rig(2, SIZE, 30.0, 0).model_copy(
        update={"calibration": str(folder / "calibration.yaml"), "name": "saved"}
    )
    write_rig(folder / "rig.yaml", rig)
    return folder / "rig.yaml"


def keys(document: RigDocument) -> list[int]:
    return [camera.key for camera in document.draft.cameras]
