"""The search for devices, with a search function that finds known ones, in the real process."""

from __future__ import annotations

import pytest

from app.cameras.device_search import DeviceSearch, look_for_devices
from app.cameras.rig_draft import CameraDraft
from configs.errors import PosestageError
from pipeline.drivers import discovery
from tests.app.cameras.conftest import BUSY, WEBCAM


def find_two(report):
    report(-1.0, "looking")
    return [WEBCAM, BUSY]


def refuse(report):
    raise PosestageError("The list of devices cannot be read.")


@pytest.fixture
def search(qapp):
    made = DeviceSearch(find_two)
    yield made
    made.shutdown()


def usb(device: object) -> CameraDraft:
    return CameraDraft("a", "usb", {"device": device})


def test_devices_are_found_and_matched_to_cameras(qtbot, search):
    assert search.found is None
    assert search.device_of(usb("0")) is None
    with qtbot.waitSignal(search.changed, timeout=1000):
        search.start()
    assert search.searching
    qtbot.waitUntil(lambda: not search.searching, timeout=30_000)
    assert search.found == [WEBCAM, BUSY]
    assert search.device_of(usb(WEBCAM.stable_id)) == WEBCAM
    assert search.device_of(usb("/dev/video2")) == BUSY
    assert search.device_of(usb(0)) == WEBCAM
    assert search.device_of(usb("7")) is None
    assert search.device_of(CameraDraft("a", "rtsp", {"url": "rtsp://0"})) is None


def test_a_search_that_fails_says_why(qtbot, qapp):
    search = DeviceSearch(refuse)
    search.start()
    qtbot.waitUntil(lambda: not search.searching, timeout=30_000)
    assert (search.found, search.problem) == (None, "The list of devices cannot be read.")


def test_the_real_search_asks_every_device(monkeypatch):
    asked = []
    monkeypatch.setattr(discovery, "discover", lambda probe: asked.append(probe) or [WEBCAM])
    assert look_for_devices(lambda share, what: None) == [WEBCAM]
    assert asked == [True]
