"""Each check, on a machine that has the trouble and on one that has not."""

from __future__ import annotations

import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from app.doctor import devices, machine, media, screen
from app.doctor.check import Finding

Usage = namedtuple("Usage", ["total", "used", "free"])

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a matter of Linux")


def have_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(100 * machine.GIB, 0, free))


def test_trouble_comes_with_a_next_step_and_only_then() -> None:
    with pytest.raises(AssertionError):
        Finding("x", "warn", "trouble")
    with pytest.raises(AssertionError):
        Finding("x", "ok", "fine", "do something")


@pytest.mark.parametrize(("free_gib", "state"), [(20, "ok"), (5, "warn"), (0.5, "fail")])
def test_disk_space(free_gib: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_free(monkeypatch, int(free_gib * machine.GIB))
    found = machine.disk(
        "disk for takes", tmp_path / "not" / "yet", wanted=10 * machine.GIB, least=machine.GIB
    )
    assert found.state == state
    assert f"{free_gib:.1f} GiB free" in found.found


def test_a_disk_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = machine.disk("disk for takes", tmp_path / "takes", wanted=1, least=1)
    assert found.state == "fail"
    assert str(tmp_path) in found.next_step


@pytest.mark.parametrize(("free", "state"), [(200_000_000, "ok"), (64_000_000, "warn")])
def test_shared_memory(free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_free(monkeypatch, free)
    assert machine.shared_memory(tmp_path).state == state


@on_linux
def test_no_shared_memory(tmp_path: Path) -> None:
    assert machine.shared_memory(tmp_path / "shm").state == "fail"


@pytest.mark.parametrize(("cores", "state"), [({0, 1}, "ok"), ({0}, "warn")])
def test_cores(cores: set[int], state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: cores, raising=False)
    assert machine.cpu().state == state


@pytest.mark.parametrize(
    ("installed", "state", "parts"),
    [
        ([("opencv-python-headless", "5.0")], "ok", []),
        ([("opencv_python_headless", "5.0"), ("numpy", "2")], "ok", []),
        (
            [("opencv-python-headless", "5.0"), ("opencv-python", "4.9")],
            "fail",
            ["pip uninstall opencv-python ", "&& pip install opencv-python-headless"],
        ),
        ([("opencv_contrib_python", "4.9")], "fail", ["pip install opencv-python-headless"]),
        ([], "fail", ["pip install opencv-python-headless"]),
    ],
)
def test_opencv_wheels(installed: list[tuple[str, str]], state: str, parts: list[str]) -> None:
    found = screen.opencv(installed)
    assert found.state == state
    for part in parts:
        assert part in found.next_step


@on_linux
@pytest.mark.parametrize(
    ("environment", "state"),
    [
        ({}, "warn"),
        ({"DISPLAY": ":0"}, "ok"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "ok"),
        ({"DISPLAY": ""}, "warn"),
    ],
)
def test_display(environment: dict[str, str], state: str) -> None:
    assert screen.display(environment).state == state
    assert screen.has_display(environment) == (state == "ok")


def test_qt_is_really_started() -> None:
    assert screen.qt({**os.environ, "QT_QPA_PLATFORM": "offscreen"}).state == "ok"
    broken = screen.qt({**os.environ, "QT_QPA_PLATFORM": "no_such_platform"})
    assert broken.state == "warn"
    assert broken.next_step


@on_linux
def test_the_3d_view_is_really_drawn() -> None:
    found = screen.space(dict(os.environ))
    assert found.state == "ok", found
    assert found.found.startswith("Open3D 0.")
    broken = screen.space({**os.environ, "__EGL_VENDOR_LIBRARY_FILENAMES": "/nothing/there.json"})
    assert broken.state == "warn"
    assert "lines instead" in broken.found
    assert "libegl1" in broken.next_step


def test_the_3d_view_without_open3d(tmp_path: Path) -> None:
    (tmp_path / "open3d.py").write_text("raise ModuleNotFoundError('No module named open3d', name='open3d')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    found = screen.space({**os.environ, "PYTHONPATH": path})
    assert found.state == "warn"
    assert "not installed" in found.found
    assert "[desktop]" in found.next_step


def test_a_missing_system_library_is_named() -> None:
    error = "ImportError: libEGL.so.1: cannot open shared object file: No such file or directory"
    assert "libEGL.so.1" in screen._library_step(error)


@on_linux
def test_video_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices.video_devices(tmp_path).state == "warn"
    (tmp_path / "video0").touch()
    (tmp_path / "video-none").touch()
    found = devices.video_devices(tmp_path)
    assert (found.state, found.found) == ("ok", "video0")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = devices.video_devices(tmp_path)
    assert found.state == "warn"
    assert "usermod" in found.next_step


def test_video_libraries_with_real_pictures() -> None:
    assert media.video("mjpeg", "yuvj420p", needed=True).state == "ok"
    assert media.video("no_such_codec", "yuv420p", needed=True).state == "fail"
    assert media.video("no_such_codec", "yuv420p", needed=False).state == "warn"


def test_weights_that_are_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path))
    found = media.people()
    assert found.state == "warn"
    assert found.next_step in ("launch.py models fetch blazepose", 'pip install -e ".[people]"')


def test_rtmpose_is_no_trouble_and_says_what_it_could_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path))
    found = media.onnx_people()
    assert found.state == "ok"
    assert "cpu; no network here" in found.found or "not installed" in found.found
    monkeypatch.setattr(media, "find_spec", lambda package: None)
    assert ".[onnx]" in media.onnx_people().found
