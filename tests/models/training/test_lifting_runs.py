"""Every recipe for lifting learns a tiny set by heart from files as published, and resumes bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from calibration.camera import Camera
from configs.errors import BadInputError
from configs.loading import load_config
from models.checkpoints.opening import open_network
from models.lifting.gridconv import GridConv
from models.lifting.predictor import LiftingConfig, LiftingPredictor
from models.lifting.simple_baseline import SimpleBaseline
from models.training.config import TrainConfig
from models.training.run_log import read_figures
from models.training.trainer import BEST, LAST, LATEST, train
from tests.models.datasets.tiny_lifting import normalised_files, pixel_files

RECIPES = Path(__file__).resolve().parents[3] / "configs" / "train"
BASELINES = (
    "human36m_simple_baseline",
    "human36m_simple_baseline_hourglass",
    "human36m_simple_baseline_original",
)
GRIDS = (
    "hrnet_dgridconv_5x5",
    "gt_dgridconv_5x5",
    "hrnet_dgridconv-autogrids_5x5",
    "gt_dgridconv-autogrids_5x5",
    "hrnet_dgridconv-learnt_5x5",
    "gt_gridconv_5x5",
)
TINY = {"poses": 60, "bodies": 2, "samples": 60}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("human36m_lifting")
    return {
        "simple_baseline": normalised_files(folder / "rows", 3),
        "gridconv": pixel_files(folder / "gt", 3),
    }


def recipe(name: str, root: Path, *words: str) -> TrainConfig:
    """A recipe for a narrow network that trains on the nine poses it is then judged by."""
    narrow = ["width=64"] if name in BASELINES else ["channels=16", "blocks=1"]
    return load_config(
        TrainConfig,
        RECIPES / f"{name}.yaml",
        [
            *(f"network.settings.{each}" for each in narrow),
            "network.settings.dropout=0.0",  # learning by heart is what it is there to prevent
            f"data.settings.root={root}",
            f"validation.settings.root={root}",
            "validation.settings.split=train",
            "batch=9",
            "groups=[{prefix: '', rate: 1.0e-2}]",
            "threads=1",
            "device=cpu",
            "log_every=1",
            *words,
        ],
    )


@pytest.mark.parametrize("name", [*BASELINES, *GRIDS])
def test_a_few_poses_are_learnt_by_heart(name: str, files: dict[str, Path], tmp_path: Path) -> None:
    root = files["simple_baseline" if name in BASELINES else "gridconv"]
    words = ["steps=70", "save_every=70", "validate_every=70", "schedule={type: cosine, final: 0.01}"]
    if name in GRIDS and name != "gt_gridconv_5x5":
        words.append("task.settings.temperature_epochs=5")
    if name == "hrnet_dgridconv-learnt_5x5":
        words.append("task.settings.frozen_layout_epochs=25")
    result = train(recipe(name, root, *words), tmp_path / "run")
    losses = [line["loss"] for line in read_figures(tmp_path / "run") if line["kind"] == "train"]
    assert len(losses) == 70
    # By heart means an error of some ten times less, a hundredth of its square; a layout that is drawn with
    # noise in every step cannot be learnt by heart, and its loss only falls.
    assert losses[-1] < (0.5 if "learnt" in name else 0.05) * losses[0]
    # Joints are 500 mm from the pelvis on average; running means of so short a run lag behind.
    assert result.figures["mpjpe_mm"] < 300.0
    assert result.figures["pa_mpjpe_mm"] < result.figures["mpjpe_mm"]
    network = open_network(str(tmp_path / "run" / BEST), None, {}).network
    assert isinstance(network, SimpleBaseline if name in BASELINES else GridConv)
    if isinstance(network, GridConv) and network.config.convolution == "dynamic":
        # An epoch is one batch: in the last of five the temperature is a fifth of its way above 1.
        assert network.config.attention_temperature == pytest.approx(1.0 + 29.0 / 5.0)


@pytest.mark.parametrize("name", ["human36m_simple_baseline", "hrnet_dgridconv-learnt_5x5"])
def test_an_interrupted_run_ends_with_the_same_bits(
    name: str, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = files["simple_baseline" if name in BASELINES else "gridconv"]
    words = ["steps=9", "batch=4", "save_every=4", "validate_every=100", "network.settings.dropout=0.3"]
    if name in GRIDS:
        words += ["task.settings.frozen_layout_epochs=1", "task.settings.temperature_epochs=2"]
    config = recipe(name, root, *words)
    train(config, tmp_path / "whole")

    class KilledError(Exception):
        pass

    def die(done: int, total: int, text: str) -> None:
        if done == 6:
            raise KilledError

    with pytest.raises(KilledError):
        train(config, tmp_path / "halves", progress=die)
    assert torch.load(tmp_path / "halves" / LAST, weights_only=True)["step"] == 4
    train(config, tmp_path / "halves", resume=True)
    whole, halves = (torch.load(tmp_path / each / LAST, weights_only=True) for each in ("whole", "halves"))
    assert whole["step"] == halves["step"] == 9
    for state in ("network", "optimiser"):
        flat = [_tensors(each[state]) for each in (whole, halves)]
        assert len(flat[0]) == len(flat[1]) > 10
        for one, other in zip(*flat, strict=True):
            assert torch.equal(one, other)
    assert (tmp_path / "whole" / LATEST).read_bytes() == (tmp_path / "halves" / LATEST).read_bytes()


def _tensors(value: object) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [each for key in value for each in _tensors(value[key])]
    return [each for item in value for each in _tensors(item)] if isinstance(value, list) else []


def test_statistics_of_the_data_reach_the_card(files: dict[str, Path], tmp_path: Path) -> None:
    words = ["steps=2", "validate_every=2"]
    root = files["simple_baseline"]
    train(recipe("human36m_simple_baseline", root, *words), tmp_path / "without")
    with pytest.raises(BadInputError, match="normalised with"):
        LiftingPredictor(LiftingConfig(weights=str(tmp_path / "without" / LATEST)))
    words.append(f"data.settings.statistics_2d={root / 'stat_2d.npz'}")
    train(recipe("human36m_simple_baseline", root, *words), tmp_path / "with")
    LiftingPredictor(LiftingConfig(weights=str(tmp_path / "with" / LATEST)))


def test_simulated_motion_makes_a_lifter_that_stands_gaps(tmp_path: Path) -> None:
    motion = {"type": "simulated_motion", "settings": {"split": "train", **TINY}}
    config = TrainConfig.model_validate(
        {
            "name": "simulated",
            "network": {"kind": "simple_baseline", "settings": {"width": 32, "stages": 1}},
            "task": {"type": "simple_baseline"},
            "data": motion,
            "validation": {**motion, "settings": {"split": "val", **TINY}},
            "batch": 20,
            "steps": 4,
            "validate_every": 4,
            "groups": [{"prefix": "", "rate": 1e-3}],
            "threads": 1,
            "device": "cpu",
        }
    )
    train(config, tmp_path / "run")
    predictor = LiftingPredictor(LiftingConfig(weights=str(tmp_path / "run" / LATEST)))
    K = np.array([[1145.0, 0, 512], [0, 1145, 512], [0, 0, 1]])
    camera = Camera("a", (1000, 1000), "pinhole", K, np.zeros(5), np.eye(3), np.zeros(3))
    pose = np.random.default_rng(0).uniform(300.0, 700.0, (3, 17, 2))
    pose[1, [13, 16]] = np.nan
    pose[2, :9] = np.nan
    scores = np.where(np.isnan(pose).any(axis=2), 0.0, 1.0)
    found = predictor.lift(pose, scores, camera)
    assert np.isfinite(found.relative[:2]).all()
    assert (found.scores[1, [13, 16]] == 0.0).all()  # made up, not seen
    assert np.isnan(found.relative[2]).all()  # more missing than seen


def test_the_wrong_task_is_a_sentence(files: dict[str, Path], tmp_path: Path) -> None:
    config = recipe("gt_dgridconv_5x5", files["gridconv"], "task={type: simple_baseline}", "steps=1")
    with pytest.raises(BadInputError, match="trains a SimpleBaseline"):
        train(config, tmp_path / "run")
