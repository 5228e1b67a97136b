"""``evaluate lifting``: both published layouts, several networks, and poses of the studio."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from app.cli.main import main
from configs.errors import BadInputError
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.datasets.lifting_files import read_normalised, read_pixels
from models.evaluation.lifting_run import CONDITIONS, Lifter, evaluate_files, evaluate_simulated
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.simple_baseline import SimpleBaseline, SimpleBaselineConfig
from models.lifting.statistics_file import read_statistics
from tests.models.datasets.tiny_lifting import normalised_files, pixel_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layouts with the same poses, and random weights of both networks."""
    folder = tmp_path_factory.mktemp("lifting")
    normalised_files(folder / "rows", 4)
    pixel_files(folder / "gt", 4)
    statistics = read_statistics([folder / "rows" / "stat_2d.npz", folder / "rows" / "stat_3d.pth.tar"])
    torch.manual_seed(0)
    for kind, network in (
        (
            "simple_baseline",
            SimpleBaseline(SimpleBaselineConfig.model_validate({"width": 16, "statistics": statistics})),
        ),
        ("gridconv", GridConv(GridConvConfig(channels=8, blocks=1, padding=("c", "r")))),
    ):
        settings = network.config.model_dump(mode="json")
        card = ModelCard(architecture=kind, settings=settings, skeleton="human36m_17", source="a test")
        write_checkpoint(folder / f"{kind}.safetensors", network.state_dict(), card)
    return folder


def test_the_baseline_says_the_same_of_both_layouts(folder: Path) -> None:
    lifter = Lifter(str(folder / "simple_baseline.safetensors"))
    rows, pixels = (evaluate_files(lifter, folder / name) for name in ("rows", "gt"))
    assert rows.first.frames == pixels.first.frames == 12
    assert list(rows.first.actions) == ["Directions", "SittingDown", "Walking"]
    # Normalised poses are stored in single precision: 1e-7 of some hundred mm, through a random network.
    assert rows.first.mean_over_actions == pytest.approx(pixels.first.mean_over_actions, abs=0.01)
    assert rows.second.mean_over_frames == pytest.approx(pixels.second.mean_over_frames, abs=0.01)
    only = evaluate_files(lifter, folder / "rows", action="walking")
    assert list(only.first.actions) == ["Walking"] and only.first.frames == 4
    # by hand, on the pixels: 16 joints are wrong, the pelvis never is
    samples = read_pixels(folder / "gt", "test", drop_drifted=False)
    found = lifter.pixels(samples.keypoints.astype(float) * 500.0 + 500.0)
    distance = np.linalg.norm(found - samples.joints * 1000.0, axis=2)
    assert distance[:, 0].max() == 0.0
    assert pixels.first.mean_over_frames == pytest.approx(distance.mean())
    assert len(read_normalised(folder / "rows", "test")) == 12


def test_the_temperature_of_the_card_can_be_overruled(folder: Path) -> None:
    weights = str(folder / "gridconv.safetensors")
    stored, cold = evaluate_files(Lifter(weights), folder / "gt"), Lifter(weights, temperature=1.0)
    assert stored.temperature == 30.0 and cold.temperature == 1.0
    assert stored.first.mean_over_frames != evaluate_files(cold, folder / "gt").first.mean_over_frames
    with pytest.raises(BadInputError, match="goes with gridconv"):
        Lifter(str(folder / "simple_baseline.safetensors"), temperature=1.0)
    with pytest.raises(BadInputError, match="for simple_baseline"):
        evaluate_files(cold, folder / "rows")


def test_simulated_conditions(folder: Path) -> None:
    table = evaluate_simulated(Lifter(str(folder / "gridconv.safetensors")), "val", 60)
    assert list(table) == list(CONDITIONS)
    both = table["exact"]
    assert min(both["motion_mpjpe_mm"], both["stance_mpjpe_mm"]) < both["mpjpe_mm"]
    assert max(both["motion_mpjpe_mm"], both["stance_mpjpe_mm"]) > both["mpjpe_mm"]


def test_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = [f"{folder}/{kind}.safetensors" for kind in ("simple_baseline", "gridconv")]
    words = ["evaluate", "lifting", "--data", str(folder / "gt"), "--json"]
    assert main([*words, "--weights", weights[0], "--weights", weights[1]]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in result["networks"].values()] == ["simple_baseline", "gridconv"]
    assert main([*words[:-1], "--weights", weights[1], "--temperature", "2"]) == 0
    said = capsys.readouterr().out
    assert "attention temperature 2" in said and "mean over actions" in said
    assert main(["evaluate", "lifting", "--data", str(folder), "--weights", weights[0]]) == 2
    assert "holds no poses for lifting" in capsys.readouterr().err
