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


def test_info_of_a_model_that_is_not_here(own_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "info", "blazepose", "--json"]) == 0
    model = json.loads(capsys.readouterr().out)
    assert model["ready"] is False
    assert model["folder"] == str(own_store / "blazepose")
    assert {file["problem"] for file in model["files"]} == {"is not here"}
    assert model["size_bytes"] == sum(file["size_bytes"] for file in model["files"])
    assert main(["models", "info", "blazepose"]) == 0
    shown = capsys.readouterr().out
    for word in ("Apache-2.0", "is not here", "pose_detection.tflite", "sources, in this order:"):
        assert word in shown


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["info", "blazepos"], ["blazepos", 'did you mean "blazepose"?']),
        (["fetch", "blazepose", "--source", "offical"], ["offical", 'did you mean "official"?']),
        (["import", "blazepose", "nowhere.tflite"], ["nowhere.tflite"]),
        (["import", "blazepose"], ["PATH"]),
        (["export", "nobody", "--out", "network.pt2"], ["nobody", "models import"]),
        (["export", "nobody", "--out", "network.pth"], ["network.pth", "*.onnx"]),
        (["export", "nobody"], ["--out"]),
        (["fetch"], ["NAME"]),
        ([], ["list|info|fetch|import|export"]),
        (["fetch", "blazepose", "--sorce", "x"], ['unknown option "--sorce"', 'did you mean "--source"?']),
    ],
)
def test_wrong_words(words: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", *words]) == 2
    sentence = capsys.readouterr().err
    for part in parts:
        assert part in sentence


def test_importing_the_wrong_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "pose_detection.tflite"
    wrong.write_bytes(b"not a network")
    assert main(["models", "import", "blazepose", str(wrong), "--json"]) == 2
    assert str(wrong) in json.loads(capsys.readouterr().out)["error"]


def test_trained_weights_are_imported_under_a_name(
    own_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch")
    from models.backbones.pose_resnet import PoseResNet

    source = tmp_path / "weights.pth"
    network = PoseResNet(18, 5)
    torch.save({f"module.{name}": value for name, value in network.state_dict().items()}, source)
    words = ["models", "import", str(source), "--as", "pose_resnet", "--name", "mine", "--json"]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["file"] == str(own_store / "imported" / "mine.safetensors")
    assert (result["architecture"], result["settings"]["layers"]) == ("pose_resnet", 18)
    assert main(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["imported"] == ["mine"]

    for wrong, parts in (
        (["--as", "algebraic"], ["missing", "backbone.conv1.weight", "unexpected"]),
        (["--as", "pose_resnet", "--layers", "50"], ["missing", "of another shape"]),
        (["--as", "contextpose"], ["--limbs"]),
        (["--as", "pose_resnet", "--name", "../mine"], ["plain name"]),
        (["--as", "pose_resnet", "--setting", "layer=18"], ["layer", "layers"]),
    ):
        assert main(["models", "import", str(source), *wrong]) == 2
        sentence = capsys.readouterr().err
        for part in parts:
            assert part in sentence


@pytest.mark.slow
def test_an_imported_network_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    from models.backbones.pose_resnet import PoseResNet

    source, out = tmp_path / "weights.pth", tmp_path / "mine.pt2"
    torch.save(PoseResNet(18, 5).state_dict(), source)
    assert main(["models", "import", str(source), "--as", "pose_resnet", "--name", "mine"]) == 0
    words = ["models", "export", "mine", "--out", str(out), "--crop", "64", "--batch", "2"]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["inputs"] == {"images": [2, 3, 64, 64]} and out.stat().st_size == result["size_bytes"]
    assert result["differences"]["heatmaps"] <= result["limits"]["heatmaps"]
    assert main(words) == 0
    assert "largest difference to the network" in capsys.readouterr().out
