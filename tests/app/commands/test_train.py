"""The command that trains: what it lists, refuses, rehearses and reports."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import yaml

from app.cli.main import main

pytest.importorskip("torch", reason="torch is not installed")

from tests.models.training.runs import tiny_run, written


@pytest.fixture(autouse=True)
def threads_as_before():
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_without_a_recipe_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train"]) == 0
    assert "configs/train/studio_lite.yaml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "stepps=3"], "steps"),
        (["--set", "batch=0"], "batch = 0"),
        (["--set", "task.type=heatmap"], 'did you mean "heatmaps"'),
        (["--dry-run", "--resume"], "leave out --resume"),
        (["--pictures", "a.png"], "--dry-run only"),
        (["--resume"], "no interrupted run"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    path = written(tmp_path)
    assert main(["train", "--config", str(path), "--out", str(tmp_path / "run"), *words]) == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1


def test_a_dry_run_keeps_nothing_but_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, picture = written(tmp_path), tmp_path / "batch.png"
    words = ["--dry-run", "--pictures", str(picture), "--out", str(tmp_path / "run"), "--json"]
    assert main(["train", "--config", str(path), *words]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["shapes"]["images"] == [4, 2, 64, 64, 3]
    assert result["step_seconds"] > 0
    assert result["memory_bytes"] > 50e6
    # four samples, two in a row of two views each
    assert cv2.imread(str(picture)).shape == (2 * 64, 4 * 64, 3)
    assert not (tmp_path / "run").exists()


def test_a_run_reports_where_its_weights_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tiny_run(steps=2)
    run["validation"] = {**run["data"], "settings": {**run["data"]["settings"], "samples": 4, "split": "val"}}
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(run))
    assert main(["train", "--config", str(path), "--out", str(tmp_path / "run"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["steps"] == 2
    assert result["best"] == result["figures"]["error_px"]
    assert (tmp_path / "run" / "best.safetensors").is_file()
