"""Every recipe in configs/train: its names exist, its network is built, and it trains on tiny data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from configs.loading import load_config, parse_config
from models.checkpoints.architectures import architecture, build_network
from models.training.config import TrainConfig
from models.training.data import TRAINING_DATA
from models.training.freezing import frozen_parts
from models.training.optimisers import build_optimiser
from models.training.run_log import read_figures
from models.training.tasks.registry import TASKS
from models.training.trainer import train

RECIPES = sorted((Path(__file__).resolve().parents[3] / "configs" / "train").glob("*.yaml"))
LIMBS = {"limb_mean": [300.0] * 16, "limb_deviation": [30.0] * 16}


def test_there_are_recipes() -> None:
    assert {path.stem for path in RECIPES} >= {
        "studio_lite",
        "human36m_alg",
        "human36m_vol_softmax",
        "human36m_contextpose",
    }


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_names_and_groups_fit(path: Path) -> None:
    config = load_config(TrainConfig, path)
    assert config.name == path.stem
    TASKS.load(config.task.type)(config.task.settings, source=path.name)
    assert config.data.type in TRAINING_DATA
    settings = config.network.settings
    if config.network.kind == "contextpose" and "limb_mean" not in settings:
        settings = settings | LIMBS
    parse_config(architecture(config.network.kind).settings, settings)
    if config.network.kind == "contextpose":
        settings = settings | {
            "layers": 18
        }  # its attention computes with values, so it cannot be built without memory
        network = build_network(config.network.kind, settings)
    else:
        with torch.device("meta"):
            network = build_network(config.network.kind, settings)
    frozen_parts(network, config.frozen)
    optimiser = build_optimiser(network, config)
    trained = sum(parameter.numel() for group in optimiser.param_groups for parameter in group["params"])
    assert trained == sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert config.seed == 0
    for other in (config.validation,):
        assert other is not None
        key = "part" if config.data.type == "crops" else "split"
        assert other.settings[key] != config.data.settings[key]


@pytest.fixture(scope="session")
def human36m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("h5py", reason="h5py is not installed")
    from tests.models.datasets.prepared import prepared_root

    return prepared_root(tmp_path_factory.mktemp("human36m"))


SMALL = [
    "network.backbone_weights=null",
    "network.settings.layers=18",
    "data.settings.image=128",
    "validation.settings.image=128",
    "batch=2",
    "validation_batch=2",
    "samples_per_epoch=null",
    "workers=0",
    "threads=1",
    "device=cpu",
    "log_every=1",
    "steps=5",
    "validate_every=5",
]
VOLUME = [
    "network.settings.voxels=32",
    "data.settings.image=64",
    "validation.settings.image=64",
    "data.settings.predictions=null",
    "validation.settings.predictions=null",
    "task.settings.centre=truth",
]
PUBLISHED = {
    "human36m_alg": [],
    "human36m_alg_no_conf": [],
    "human36m_vol_softmax": [*VOLUME, "network.settings.small=true"],
    "human36m_contextpose": [
        *VOLUME,
        "network.settings.attention_channels=17",
        "validation.settings.most_views=1",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_recipes_train_on_the_documented_layout(name: str, human36m: Path, tmp_path: Path) -> None:
    path = next(path for path in RECIPES if path.stem == name)
    words = [
        *SMALL,
        *PUBLISHED[name],
        f"data.settings.root={human36m}",
        f"validation.settings.root={human36m}",
    ]
    if name == "human36m_contextpose":
        words.append(f"network.limbs={human36m}/extra/mean_and_std_limb_length.h5")
    # A higher rate than published: five steps from a random start must show something.
    words.append("groups=[{prefix: '', rate: 1.0e-3}]")
    result = train(load_config(TrainConfig, path, words), tmp_path / "run")
    losses = [line["loss"] for line in read_figures(tmp_path / "run") if line["kind"] == "train"]
    assert len(losses) == 5
    assert min(losses[1:]) < losses[0]
    assert result.figures["mpjpe_mm"] > 0
    again = load_config(TrainConfig, path, words)
    assert train(again, tmp_path / "run", resume=True).steps == 5
