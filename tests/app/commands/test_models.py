"""The models command on a store of its own; fetching itself is tested beside the zoo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_info_of_a_model_that_is_not_here(own_store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "info", "blazepose", "--json"]) == 0
    model = json.loads(capfd.readouterr().out)
    assert model["ready"] is False
    assert model["folder"] == str(own_store / "blazepose")
    assert {file["problem"] for file in model["files"]} == {"is not here"}
    assert model["size_bytes"] == sum(file["size_bytes"] for file in model["files"])
    assert main(["models", "info", "blazepose"]) == 0
    shown = capfd.readouterr().out
    for word in ("Apache-2.0", "is not here", "pose_detection.tflite", "sources, in this order:"):
        assert word in shown


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["info", "blazepos"], ["blazepos", 'did you mean "blazepose"?']),
        (["fetch", "blazepose", "--source", "offical"], ["offical", 'did you mean "official"?']),
        (["import", "blazepose", "nowhere.tflite"], ["nowhere.tflite"]),
        (["import", "blazepose"], ["PATH"]),
        (["fetch"], ["NAME"]),
        ([], ["list|info|fetch|import"]),
        (["fetch", "blazepose", "--sorce", "x"], ['unknown option "--sorce"', 'did you mean "--source"?']),
    ],
)
def test_wrong_words(words: list[str], parts: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", *words]) == 2
    sentence = capfd.readouterr().err
    for part in parts:
        assert part in sentence


def test_importing_the_wrong_file_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "pose_detection.tflite"
    wrong.write_bytes(b"not a network")
    assert main(["models", "import", "blazepose", str(wrong), "--json"]) == 2
    assert str(wrong) in json.loads(capfd.readouterr().out)["error"]
