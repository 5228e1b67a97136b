"""CMU Panoptic as training data: true joints lie where the crops show them, and the recipe learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.errors import BadInputError
from configs.loading import load_config
from models.skeletons import convert_joints, get_skeleton
from models.training.config import TrainConfig
from models.training.panoptic_data import PanopticData
from models.training.run_log import read_figures
from models.training.tasks.base import projected, to_tensors
from models.training.trainer import train
from tests.models.datasets.tiny_panoptic import TURN, joints_cm, write_sequence

RECIPE = Path(__file__).resolve().parents[3] / "configs" / "train" / "panoptic_alg.yaml"
CAMERAS = ("00_00", "00_01", "00_02")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panoptic")
    for name in ("pose1", "pose2", "pose3"):
        write_sequence(folder / name)
    return folder


def panoptic(folder: Path, **changes: Any) -> PanopticData:
    settings = {"root": str(folder), "val": ["pose3"], "cameras": CAMERAS, "image": 64, **changes}
    return PanopticData(settings, source="test", seed=0)


def test_joints_are_those_of_the_network(root: Path) -> None:
    data = panoptic(root)
    assert len(data) == 4 and len(panoptic(root, split="val")) == 2  # two usable frames of each sequence
    batch = data.batch(np.array([0, 3]), 0)
    assert batch["images"].shape == (2, 3, 3, 64, 64)
    target, source = get_skeleton("human36m_lt17"), get_skeleton("cmu_19")
    expected = convert_joints(joints_cm(1) * 10.0 @ TURN.T, source, target)
    known = np.isfinite(expected[:, 0])
    assert known.sum() == 15  # neither a spine nor the top of the head
    assert (batch["validity"][..., 0] == known).all()
    # files hold four decimals of a centimetre
    np.testing.assert_allclose(batch["keypoints"][1, known], expected[known], atol=1e-3)
    assert np.isfinite(batch["keypoints"]).all()
    tensors = to_tensors(batch)
    pixels, depth = projected(tensors["keypoints"], tensors["projections"])
    seen = pixels[:, :, known]
    assert bool(((seen > 0) & (seen < 64)).all()) and bool((depth[:, :, known] > 500).all())


def test_views_are_drawn_for_each_sample(root: Path) -> None:
    data = panoptic(root, least_views=1, most_views=3)
    counts = [data.batch(np.arange(4), epoch)["present"].sum(axis=1).tolist() for epoch in range(4)]
    assert {count for row in counts for count in row} == {1, 2, 3}
    np.testing.assert_array_equal(
        data.batch(np.arange(4), 1)["present"],
        panoptic(root, least_views=1).batch(np.arange(4), 1)["present"],
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": ["pose3"]}, "pose3.*both parts"),
        ({"train": ["pose9"]}, "pose9: no such folder"),
        ({"val": ["pose1", "pose2", "pose3"]}, "no other sequence"),
        ({"cameras": ["00_00", "00_30"]}, "00_30"),
        ({"cameras": ["00_00"]}, "cameras"),
        ({"root": "/nowhere"}, "/nowhere: no such folder"),
    ],
)
def test_settings_that_will_not_do(root: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        panoptic(root, **change)


def test_the_recipe_learns(root: Path, tmp_path: Path) -> None:
    words = [
        "network.backbone_weights=null",
        "network.settings.layers=18",
        *(
            f"{data}.settings.{key}={value}"
            for data in ("data", "validation")
            for key, value in (("root", root), ("image", 128), ("val", "[pose3]"), ("cameras", list(CAMERAS)))
        ),
        "batch=2",
        "validation_batch=2",
        "samples_per_epoch=null",
        "workers=0",
        "threads=1",
        "device=cpu",
        "log_every=1",
        "steps=4",
        "validate_every=4",
        "groups=[{prefix: '', rate: 1.0e-3}]",  # few steps from a random start must show something
    ]
    result = train(load_config(TrainConfig, RECIPE, words), tmp_path / "run")
    losses = [line["loss"] for line in read_figures(tmp_path / "run") if line["kind"] == "train"]
    assert len(losses) == 4
    assert min(losses[1:]) < losses[0]
    assert result.figures["mpjpe_mm"] > 0.0
