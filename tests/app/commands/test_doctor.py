"""Doctor on the machine that runs the tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.doctor import screen
from app.doctor.check import Finding


def test_every_check_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--takes", str(tmp_path), "--json"])
    result = json.loads(capsys.readouterr().out)
    names = {check["name"] for check in result["checks"]}
    assert {
        "python",
        "cpu",
        "memory",
        "disk for takes",
        "disk for models",
        "shared memory",
        "display",
    } <= names
    assert {"opencv", "qt", "opengl", "cameras", "gpu", "video mjpeg", "video h264"} <= names
    assert result["ok"] + result["warn"] + result["fail"] == len(result["checks"])
    for check in result["checks"]:
        assert check["found"]
        assert bool(check["next_step"]) == (check["state"] != "ok")
    assert code == result["exit_code"] == (1 if result["fail"] else 0)


def test_a_failed_check_fails_the_command_and_shows_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screen, "screen", lambda: [Finding("opencv", "fail", "two of them", "remove one")])
    assert main(["doctor", "--takes", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "fail  opencv" in shown
    assert "-> remove one" in shown
