"""Who gets in, and what is said to who does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from configs.errors import BadInputError
from pipeline.drivers.base import CameraError, CameraSettings
from pipeline.processes.endpoints import tcp_address
from pipeline.remote.driver import RemoteConfig, RemoteDriver
from pipeline.remote.keys import KeyRing, key_text
from pipeline.remote.sockets import Listener
from tests.support.remote_camera import ServedCamera

PATIENCE_S = 30.0


@pytest.fixture
def host(tmp_path: Path) -> KeyRing:
    ring = KeyRing(tmp_path / "host")
    ring.create()
    return ring


@pytest.fixture
def far(tmp_path: Path) -> KeyRing:
    ring = KeyRing(tmp_path / "far")
    ring.create()
    return ring


@pytest.fixture
def served(far: KeyRing) -> Iterator[ServedCamera]:
    camera = ServedCamera(ring=far)
    yield camera
    camera.close()


def driver(address: str, timeout_s: float = 20.0, **settings: str) -> RemoteDriver:
    config = RemoteConfig(address=address, timeout_s=timeout_s, **settings)
    return RemoteDriver(config, CameraSettings("left", None, None, 0))


def make_friends(host: KeyRing, far: KeyRing) -> None:
    host.trust("far", key_text(far.own().public))
    far.trust("host", key_text(host.own().public))


def refusal(address: str, **settings: str) -> str:
    """What opening says; three seconds are enough to hear why, and longer than two attempts."""
    with pytest.raises(CameraError) as failure:
        driver(address, 3.0, **settings).open()
    return str(failure.value)


def test_friends_see_each_other(host: KeyRing, far: KeyRing, served: ServedCamera) -> None:
    make_friends(host, far)
    with driver(served.address, machine="far", keys=str(host.folder)) as camera:
        camera.start(time.monotonic_ns())
        until = time.monotonic() + PATIENCE_S
        while (frame := camera.read(0.1)) is None:
            assert time.monotonic() < until
    assert frame.image is not None


def test_a_host_that_is_not_trusted_stays_outside(
    host: KeyRing, far: KeyRing, served: ServedCamera, caplog: pytest.LogCaptureFixture
) -> None:
    host.trust("far", key_text(far.own().public))
    said = refusal(served.address, machine="far", keys=str(host.folder))
    assert "does not trust this machine's key" in said
    assert "launch.py keys trust" in said
    assert served.server.telemetry()["refused"] >= 1
    # What the one at the camera machine has to type is in its log, once.
    assert [key_text(host.own().public) in record.message for record in caplog.records].count(True) == 1


def test_trust_needs_no_new_start(host: KeyRing, far: KeyRing, served: ServedCamera) -> None:
    host.trust("far", key_text(far.own().public))
    refusal(served.address, machine="far", keys=str(host.folder))
    far.trust("host", key_text(host.own().public))
    driver(served.address, machine="far", keys=str(host.folder)).open()


def test_a_wrong_key_of_the_remote_machine_is_said(host: KeyRing, far: KeyRing, served: ServedCamera) -> None:
    far.trust("host", key_text(host.own().public))
    host.trust("far", key_text(zmq.curve_keypair()[0]))
    assert "another key than the one trusted" in refusal(served.address, machine="far", keys=str(host.folder))


def test_without_keys_a_locked_door_is_said(served: ServedCamera) -> None:
    assert "asks for keys" in refusal(served.address)


def test_keys_at_an_open_door_are_said(host: KeyRing) -> None:
    camera = ServedCamera()
    try:
        host.trust("far", key_text(zmq.curve_keypair()[0]))
        said = refusal(camera.address, machine="far", keys=str(host.folder))
        assert "another key than the one trusted under this name, or none" in said
    finally:
        camera.close()


def test_nobody_there_is_said() -> None:
    listener = Listener(tcp_address("tcp://127.0.0.1:*", key="", any_port=True), None)
    address = listener.endpoint
    listener.close()
    assert "does not answer" in refusal(address)


@pytest.mark.parametrize("address", ["tcp://0.0.0.0:*", "tcp://[::]:*", "tcp://192.0.2.1:5590"])
def test_nothing_opens_to_the_network_without_keys(address: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="open to everybody"):
        Listener(tcp_address(address, key="--listen", any_port=True), None)
    with pytest.raises(BadInputError, match="has no key"):
        Listener(tcp_address(address, key="--listen", any_port=True), KeyRing(tmp_path))


def test_another_machine_without_keys_is_bad_input() -> None:
    with pytest.raises(ValueError, match="another machine needs keys"):
        RemoteConfig(address="tcp://192.168.1.20:5590")
    assert RemoteConfig(address="tcp://192.168.1.20:5590", machine="far").machine == "far"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"address": "192.168.1.20"}, "tcp://HOST:PORT"),
        ({"address": "tcp://127.0.0.1:1", "keys": "keys"}, "absolute path"),
    ],
)
def test_settings_are_checked(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RemoteConfig(**settings)


def test_an_address_in_use_is_said() -> None:
    listener = Listener(tcp_address("tcp://127.0.0.1:*", key="", any_port=True), None)
    try:
        with pytest.raises(BadInputError, match="choose another port"):
            Listener(tcp_address(listener.endpoint, key=""), None)
    finally:
        listener.close()


def test_rubbish_is_counted_and_hurts_nobody() -> None:
    camera = ServedCamera()
    context = zmq.Context()
    stranger = context.socket(zmq.DEALER)
    stranger.linger = 0
    try:
        stranger.connect(camera.address)
        for parts in ([b"rubbish"], [b"clock_ping", b"\xc1"], [b"nonsense", b""], [b"remote_ask", b""]):
            stranger.send_multipart(parts)
        until = time.monotonic() + PATIENCE_S
        while sum(camera.server.telemetry()["malformed"].values()) < 4:
            assert time.monotonic() < until
            time.sleep(0.01)
        with driver(camera.address) as own:
            own.start(time.monotonic_ns())
            while own.read(0.1) is None:
                assert time.monotonic() < until
    finally:
        stranger.close()
        context.term()
        camera.close()
