"""``keys`` and ``grabber``: what they print, and what they refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.cli.main import main
from pipeline.drivers.base import CameraSettings
from pipeline.remote.driver import RemoteConfig, RemoteDriver
from pipeline.remote.keys import KeyRing, key_text

RIG = """
name: stage left
cameras:
  - {name: left, driver: {type: simulated, camera: cam1, studio: {cameras: 2, size: [160, 120]}}, fps: 30}
  - {name: right, driver: {type: simulated, camera: cam2, studio: {cameras: 2, size: [160, 120]}}, fps: 30}
"""


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    path = tmp_path / "stage_left.yaml"
    path.write_text(RIG)
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_keys_from_nothing_to_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "keys")
    code, out, _ = run(capsys, "keys", "show", "--keys", folder)
    assert code == 0
    assert "keys new" in out
    code, out, _ = run(capsys, "keys", "new", "--keys", folder)
    assert code == 0
    public = key_text(KeyRing(Path(folder)).own().public)
    assert f"public key of this machine: {public}" in out
    other = key_text(KeyRing(tmp_path / "other").create().public)
    code, out, _ = run(capsys, "keys", "trust", "stage-left", other, "--keys", folder, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["trusted"] == {"stage-left": other}
    assert result["public"] == public
    code, out, _ = run(capsys, "keys", "forget", "stage-left", "--keys", folder)
    assert code == 0
    assert other not in out


def test_keys_never_prints_the_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ring = KeyRing(tmp_path / "keys")
    _, new_out, new_err = run(capsys, "keys", "new", "--keys", ring.folder, "--json")
    _, out, err = run(capsys, "keys", "show", "--keys", ring.folder)
    secret = key_text(ring.own().secret, "secret")
    assert secret in ring.own_file.read_text()
    assert secret not in new_out + new_err + out + err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "several cameras"),
        (("--camera", "lefd"), 'did you mean "left"'),
        (("--camera", "left", "--listen", "0.0.0.0"), "tcp://HOST:PORT"),
        (("--camera", "left", "--listen", "tcp://0.0.0.0:*"), "has no key"),
        (("--camera", "left", "--encrypt"), "has no key"),
        (("--camera", "left", "--buffer-seconds", "0"), "must be positive"),
        (("--camera", "left", "--seconds", "-1"), "seconds"),
        (("--camera", "left", "--set", "stream.address=x"), "only settings of the rig"),
        (("--camera", "left", "--set", "rig.cameras.left.driver.camera=cam9"), "cam1, cam2"),
    ],
)
def test_a_grabber_refuses_in_one_sentence(
    rig: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    address = () if "--listen" in words else ("--listen", "tcp://127.0.0.1:*")
    keys = str(rig.parent / "nokeys")
    code, out, err = run(
        capsys, "grabber", "--rig", rig, *address, "--keys", keys, *words, "--log-level", "error"
    )
    assert code == 2
    assert not out
    assert sentence in err
    assert "Traceback" not in err


def test_a_remote_camera_is_not_passed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rig.yaml"
    path.write_text("cameras: [{name: a, driver: {type: remote, address: 'tcp://127.0.0.1:5590'}}]")
    code, _, err = run(capsys, "grabber", "--rig", path)
    assert code == 2
    assert "camera of another machine" in err


def test_a_grabber_serves_until_interrupted_and_shows_its_books(rig: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "launch.py", "grabber", "--rig", str(rig), "--camera", "left", "--json",
         "--listen", "tcp://127.0.0.1:*"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    try:
        assert process.stderr is not None
        address = ""
        for line in process.stderr:
            if "waits for a host on " in line:
                address = line.split()[-1]
                break
        driver = RemoteDriver(
            RemoteConfig(address=address, timeout_s=30), CameraSettings("far", None, None, 0)
        )
        with driver:
            driver.start(time.monotonic_ns())
            deadline, seen = time.monotonic() + 60, 0
            while seen < 5:
                assert time.monotonic() < deadline
                frame = driver.read(0.1)
                seen += frame is not None and not frame.cause
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    result = json.loads(out)
    assert process.returncode == 130, err
    assert result["camera"] == "left"
    assert result["delivered"] >= 5, (result, err)
    assert result["captured"] == result["delivered"] + result["waiting"] + sum(result["dropped"].values())
