"""``prepare`` and ``evaluate`` from downloads to figures, with random weights and with known predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("h5py", reason="h5py is not installed")

from app.cli.main import main
from models.datasets.human36m_labels import read_labels
from models.datasets.results_file import Results, read_results, write_results
from tests.models.datasets.tiny_human36m import write_downloads
from tests.models.datasets.tiny_panoptic import write_sequence

LABELS = "extra/human36m-multiview-labels-GTbboxes.npy"
TINY = ["--setting", "layers=18", "--image", "128", "--device", "cpu", "--batch", "4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("human36m")
    write_downloads(root)
    return root


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.slow
def test_from_downloads_to_figures(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    steps = run(["prepare", "human36m", str(data)], capsys)["steps"]
    assert list(steps) == ["boxes", "labels", "limbs"]

    out = ["--out", str(tmp_path)]
    evaluate = ["evaluate", "human36m", "--data", str(data), *out]
    algebraic = run([*evaluate, "--untrained", "algebraic", *TINY], capsys)
    assert "mean nothing" in algebraic["warning"]
    assert (algebraic["poses"], algebraic["poses_in_wrong_scenes"]) == (9, 3)
    assert algebraic["pictures"] == "on_the_fly"
    assert {name.rsplit("/", 1)[-1] for name in algebraic["files"]} == {
        "metric.json", "results.pkl", "summary.json",
    }  # fmt: skip
    metric_file, results_file, summary_file = (Path(name) for name in algebraic["files"])
    assert "eval_human36m_algebraic_AlgebraicTriangulationNet@" in str(metric_file)
    assert metric_file.parent.name == "0000"
    metric = json.loads(metric_file.read_text())
    assert metric["per_pose_error"]["Average"]["Average"] == pytest.approx(algebraic["absolute_mm"])
    assert metric["per_pose_error"]["S1"]["Average"] is None
    assert "mean nothing" in json.loads(summary_file.read_text())["warning"]

    # The predictions alone give the same figures again.
    again = run([*evaluate, "--results", str(results_file)], capsys)
    assert again["absolute_mm"] == pytest.approx(algebraic["absolute_mm"], rel=1e-6)
    assert again["relative_mm"] == pytest.approx(algebraic["relative_mm"], rel=1e-6)

    volume = [*evaluate, "--untrained", "volumetric", "--setting", "voxels=32", *TINY]
    volumetric = run([*volume, "--pelvis", "truth", "--every", "4", "--skip-damaged"], capsys)
    assert volumetric["poses"] == 2
    assert volumetric["poses_in_wrong_scenes"] == 0
    assert main([*volume, "--every", "4"]) == 2
    assert "--pelvis" in capsys.readouterr().err
    # A cuboid of 2.5 m round the true pelvis holds every answer.
    assert volumetric["absolute_mm"] < 1250 * np.sqrt(3)

    single = run(
        [*evaluate, "--untrained", "contextpose", "--setting", "voxels=32", *TINY, "--single-view",
         "--limbs", str(data / "extra/mean_and_std_limb_length.h5"), "--pelvis", "truth", "--every", "4"],
        capsys,
    )  # fmt: skip
    assert single["poses"] == 4 + 4 + 3
    metric = json.loads(Path(single["files"][0]).read_text())
    assert 0 <= metric["pose_2d_metric"]["avg_joint_pckh"]["0.5"]["all"] <= 1
    assert len(read_results(Path(single["files"][1]))) == 11


def test_known_predictions_give_known_figures(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["prepare", "human36m", str(data)], capsys)
    labels = read_labels(data / LABELS)
    poses = labels.table["keypoints"][labels.split_rows("val")].copy()
    poses += (3, 0, 4)
    poses[3:6] += (40, 0, 0)  # Greeting-2, whose truth is known to be wrong
    path = tmp_path / "results.pkl"
    write_results(path, Results(poses, np.arange(9)))
    words = ["evaluate", "human36m", "--data", str(data), "--results", str(path), "--out", str(tmp_path)]
    result = run(words, capsys)
    assert result["absolute_mm_without_wrong_scenes"] == pytest.approx(5.0, abs=1e-3)
    assert result["absolute_mm"] == pytest.approx((6 * 5 + 3 * np.hypot(43, 4)) / 9, abs=1e-3)
    assert result["relative_mm"] == pytest.approx(0.0, abs=1e-3)
    assert main(words) == 0
    assert "absolute without the wrong scenes 5.0 mm" in capsys.readouterr().out

    write_results(path, Results(poses[:5], np.arange(5)))
    assert main(words) == 2
    assert "5 instants" in capsys.readouterr().err


def test_panoptic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    folder = write_sequence(tmp_path / "171204_pose1")
    words = ["evaluate", "panoptic", "--data", str(folder), "--untrained", "algebraic", *TINY]
    result = run(words, capsys)
    assert result["poses"] == 2
    assert len(result["joints"]) == 17
    assert "mean nothing" in result["warning"]
    assert np.isfinite(result["relative_mm"])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["evaluate", "human36m", "--data", "."], "exactly one of --weights, --untrained, --results"),
        (["evaluate", "human36m", "--data", "none", "--untrained", "algebraic"], "no such file"),
        (["evaluate", "human36m", "--data", ".", "--results", "x", "--batch", "0"], "--batch"),
        (["evaluate", "human36m", "--data", ".", "--untrained", "algebraic", "--image", "100"], "--image"),
        (["evaluate", "panoptic", "--data", "none", "--untrained", "algebraic"], "none: no such folder"),
        (["evaluate", "panoptic", "--data", "."], "exactly one of"),
        (["evaluate"], "required: NAME"),
        (["prepare", "human36m", "none"], "none: no such folder"),
        (["prepare", "human36m", ".", "--steps", "boxes,label"], "unknown step"),
        (["prepare", "human36m", ".", "--steps", ","], "names no step"),
    ],
)
def test_bad_input(
    words: list[str],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert part in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
