"""The repair command on a take that was cut short; repairing itself is tested beside the takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import make_take

FRAMES = 4


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """As a killed recorder leaves it: still "recording", and the last ledger line half written."""
    folder = tmp_path / "walk"
    make_take(folder, frames=FRAMES)
    header = folder / "take.yaml"
    text = header.read_text(encoding="utf-8")
    assert "state: complete" in text
    header.write_text(text.replace("state: complete", "state: recording"), encoding="utf-8")
    ledger = sorted((folder / "ledger").glob("*.csv"))[0]
    ledger.write_bytes(ledger.read_bytes()[:-5])
    return folder


def test_an_interrupted_take_becomes_usable(interrupted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repair", str(interrupted), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["changed"] is True
    assert result["missing"]
    first, *others = result["cameras"].values()
    assert first["captured"] == first["recorded"] + sum(first["dropped"].values()) == FRAMES - 1
    assert all(totals["recorded"] == FRAMES for totals in others)
    assert Take.open(interrupted).header.state == "repaired"


def test_people_read_what_is_missing_once(interrupted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repair", str(interrupted)]) == 0
    shown = capsys.readouterr().out
    assert f"{interrupted}: repaired; frames: cam1 {FRAMES - 1}, cam2 {FRAMES}" in shown
    assert "cam1: line 5 is cut short" in shown
    assert main(["repair", str(interrupted)]) == 0
    assert capsys.readouterr().out == f"{interrupted}: is complete, nothing to repair\n"


def test_a_folder_that_is_no_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repair", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
