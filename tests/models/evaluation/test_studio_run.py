"""Ways of triangulating, side by side: right figures, the same samples for all, and what goes wrong said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from app.cli.main import main
from configs.errors import BadInputError
from models.backbones.studio_lite import StudioLite
from models.checkpoints.architectures import build_network
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.datasets.batch import Batch
from models.evaluation.studio_run import CONDITIONS, PUBLISHED_PX, Condition, Way, evaluate_studio, open_ways


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "lite.safetensors"
    settings = {"joints": 26, "alg_confidences": True}
    card = ModelCard(architecture="studio_lite", settings=settings, skeleton="halpe_26", source="a test")
    write_checkpoint(path, StudioLite(joints=26).state_dict(), card)
    return str(path)


class Beside:
    """Says the truth, moved."""

    def __init__(self, shift_mm: tuple[float, float, float], *, needs_centres: bool = False) -> None:
        self.shift, self.needs_centres = np.array(shift_mm, np.float32), needs_centres
        self.seen: list[tuple[Batch, np.ndarray | None]] = []

    def predict(self, batch: Batch, centres: np.ndarray | None) -> np.ndarray:
        self.seen.append((batch, centres))
        joints = batch.keypoints + self.shift
        joints[:, 0] = np.nan
        return joints


def test_figures_are_those_of_the_joints_and_all_ways_see_the_same() -> None:
    near, far = Beside((0.0, 3.0, 4.0)), Beside((30.0, 0.0, 0.0), needs_centres=True)
    ways = [Way("other", Beside((500.0, 0.0, 0.0))), Way("near", near), Way("far", far)]
    two = Condition("two of four", views=(0, 2))
    found = evaluate_studio(ways, {"two": two}, samples=3, crop_px=64, batch=2)["two"]
    assert found["near"].mean_mm == pytest.approx(5.0, abs=1e-3)
    assert found["far"].p95_mm == pytest.approx(30.0, abs=1e-3)
    assert found["near"].relative_mm == pytest.approx(0.0, abs=1e-3)
    assert found["near"].missing == pytest.approx(1 / 26)
    for (first, nothing), (second, centres) in zip(near.seen, far.seen, strict=True):
        assert first is second
        assert first.images.shape[1:] == (2, 3, 64, 64)
        assert nothing is None
        # the pelvis (Halpe joint 19) as the last way found it that needs none
        assert np.allclose(centres, first.keypoints[:, 19] + near.shift)


def test_a_volume_alone_must_be_told_where_to_look() -> None:
    volume = Beside((0.0, 0.0, 0.0), needs_centres=True)
    with pytest.raises(BadInputError, match="know where somebody is"):
        evaluate_studio([Way("volumetric", volume)], {}, samples=1, crop_px=64)
    evaluate_studio(
        [Way("volumetric", volume)], {"clean": CONDITIONS["clean"]}, samples=1, crop_px=64, centre="truth"
    )
    ((batch, centres),) = volume.seen
    assert np.allclose(centres, batch.keypoints[:, 19])


def test_a_backbone_gives_three_ways(backbone: str) -> None:
    ways = open_ways([backbone, backbone], 96, "cpu")
    assert [way.name for way in ways] == [
        "dlt",
        "ransac",
        "algebraic",
        *(f"{n} ({backbone})" for n in ("dlt", "ransac", "algebraic")),
    ]
    assert ways[1].model._network.epsilon == pytest.approx(15.0 * 96 / PUBLISHED_PX)
    random = np.random.default_rng(0)
    batch = Batch(
        images=random.normal(size=(1, 3, 3, 64, 64)).astype(np.float32),
        projections=random.normal(size=(1, 3, 3, 4)).astype(np.float32),
        present=np.ones((1, 3), bool),
        keypoints=np.zeros((1, 26, 3), np.float32),
        validity=np.ones((1, 26, 1), np.float32),
        boxes=np.zeros((1, 3, 5)),
        predicted=None,
        indexes=np.zeros(1, np.int64),
    )
    dlt, algebraic = (way.model.predict(batch, None) for way in (ways[0], ways[2]))
    # before training all confidences are nearly the same
    assert np.allclose(dlt, algebraic, atol=1e-3)
    assert not np.array_equal(dlt, algebraic)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    network = build_network("simple_baseline", {"width": 8})
    card = ModelCard(architecture="simple_baseline", settings={"width": 8}, source="a test")
    write_checkpoint(tmp_path / "lifter.safetensors", network.state_dict(), card)
    with pytest.raises(BadInputError, match="simple_baseline"):
        open_ways([str(tmp_path / "lifter.safetensors")], 96, "cpu")


def test_from_the_command_line(backbone: str, tmp_path: Path, capsys, monkeypatch) -> None:
    torch.set_num_threads(1)
    few = {name: CONDITIONS[name] for name in ("clean", "two_views")}
    monkeypatch.setattr("models.evaluation.studio_run.CONDITIONS", few)
    monkeypatch.setattr(
        "models.evaluation.studio_run.SWEEPS", {"views": {2: few["two_views"], 4: few["clean"]}}
    )
    words = ["evaluate", "studio", "--weights", backbone, "--samples", "1", "--crop", "64", "--sweeps"]
    out, plot = tmp_path / "out" / "studio.json", tmp_path / "plots" / "studio.png"
    assert main([*words, "--out", str(out), "--plot", str(plot)]) == 0
    text = capsys.readouterr().out
    rows = {line.split()[0]: line for line in text.splitlines()}
    assert rows["condition"].split() == ["condition", "dlt", "ransac", "algebraic"]
    written = json.loads(out.read_text())
    for name in few:
        assert f"{written['conditions'][name]['algebraic']['mean_mm']:.1f} (" in rows[name]
    assert written["sweeps"]["views"]["4"] == written["conditions"]["clean"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert main([*words[:-1], "--condition", "two_views", "--out", str(out)]) == 0
    again = json.loads(out.read_text())
    assert again["conditions"] == {"two_views": written["conditions"]["two_views"]}
    assert again["sweeps"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--samples", "0"], "--samples"),
        (["--crop", "100"], "--crop"),
        (["--seed", "-1"], "--seed"),
        (["--plot", "x.png"], "--sweeps"),
        (["--condition", "clean", "--condition", "rain"], "'rain': no such condition; allowed: clean"),
    ],
)
def test_bad_words(words: list[str], said: str, capsys) -> None:
    assert main(["evaluate", "studio", "--weights", "nobody", *words]) == 2
    assert said in capsys.readouterr().err
