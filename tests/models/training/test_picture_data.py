"""Training on labelled pictures and MPI-INF-3DHP: joints lie where crops show them, and the recipes learn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.cli.main import main
from configs.errors import BadInputError
from configs.loading import load_config
from models.backbones.efficientnet_v2 import STAGES
from models.training.config import TrainConfig
from models.training.contact_sheet import write_contact_sheet
from models.training.data import TRAINING_DATA
from models.training.metrabs_data import MetrabsData
from models.training.picture_data import CocoData
from models.training.run_log import read_figures
from models.training.tasks.base import projected, to_tensors
from models.training.tasks.heatmaps import left_of_people
from models.training.trainer import BEST, train
from tests.models.datasets import tiny_pictures

RECIPES = Path(__file__).resolve().parents[3] / "configs" / "train"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    tiny_pictures.coco(folder / "coco")
    tiny_pictures.mpii(folder / "mpii")
    tiny_pictures.mpi_inf_3dhp(folder / "wild")
    assert main(["prepare", "mpi_inf_3dhp", str(folder / "wild")]) == 0
    return folder


def coco(root: Path, **changes: Any) -> CocoData:
    return CocoData({"root": str(root / "coco"), **changes}, source="test", seed=1)


def test_crops_show_wrists_where_they_are(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Colours are what the wrists are found by.
    monkeypatch.setattr("models.training.picture_data.expose_at_random", lambda random, image: image)
    data = coco(root)
    left, right = (data.skeleton.index(f"{side}_wrist") for side in ("left", "right"))
    straight = mirrored = 0
    for epoch in range(4):
        batch = data.batch(np.arange(4), epoch)
        assert batch["images"].shape == (4, 1, 128, 128, 3)
        # 17 of 26 joints are COCO's, an eye has no label; an ear is hidden, in a mirror the other one
        assert (batch["validity"].sum(axis=(1, 2)) == 16).all()
        assert (batch["visible"].sum(axis=(1, 2)) == 15).all()
        again = data.batch(np.arange(4), epoch)
        assert all((again[name] == value).all() for name, value in batch.items())
        tensors = to_tensors(batch)
        pixels = projected(tensors["keypoints"], tensors["projections"])[0][:, 0].numpy()
        for picture, points in zip(batch["images"][:, 0], pixels, strict=True):
            assert points[left, 0] > points[right, 0]
            red, blue = (tiny_pictures.middle_of(picture, f"{side}_wrist") for side in ("left", "right"))
            if red is None or blue is None:
                continue  # beyond the border
            order = [left, right] if red[0] > blue[0] else [right, left]
            # Chroma of half the resolution: a disc of 5 px is found to about a pixel.
            np.testing.assert_allclose([red, blue], points[order], atol=1.2)
            straight, mirrored = straight + (order[0] == left), mirrored + (order[0] == right)
    assert straight >= 2 and mirrored >= 2


def test_without_variation_everybody_stands_in_the_middle(root: Path, tmp_path: Path) -> None:
    data = coco(root, vary=False, split="val")
    batch = to_tensors(data.batch(np.arange(4), 0))
    pixels = projected(batch["keypoints"], batch["projections"])[0][:, 0]
    for points, valid in zip(pixels, batch["validity"][..., 0] > 0, strict=True):
        low, high = points[valid].min(dim=0).values, points[valid].max(dim=0).values
        # The annotators' box also holds the eye without label, up to 5 px above the labelled joints.
        assert torch.allclose((low + high) / 2.0, torch.full((2,), 63.5), atol=2.5)
        assert 128 / 1.25 * 0.85 < float((high - low).max()) < 128 / 1.25
    write_contact_sheet(tmp_path / "sheet.png", batch)
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_nobody_learns_from_a_picture_who_looks_where(root: Path) -> None:
    data = coco(root, simulated=0.5, crop_px=64, bodies=1)
    data.prepare()
    mixed = [to_tensors(data.batch(np.arange(4), epoch)) for epoch in range(4)]
    flat = torch.cat([each["flat"] for each in mixed])
    assert 0 < int(flat.sum()) < 16
    known = torch.cat([left_of_people(each)[1][:, 0] for each in mixed])
    assert torch.equal(known, ~flat)
    # The simulated ones have all joints.
    validity = torch.cat([each["validity"].sum(dim=(1, 2)) for each in mixed])
    assert (validity[~flat] == 26).all() and (validity[flat] == 16).all()


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("coco", {"split": "studio"}, "split"),
        ("coco", {"skeleton": "coco_17"}, "skeleton"),
        ("mpii", {"skeleton": "human36m_lt17", "simulated": 0.3}, "another skeleton"),
        ("mpii", {"root": "/nowhere"}, "/nowhere/annot/train.json: no such file"),
        ("coco", {"least_joints": 0}, "least_joints"),
    ],
)
def test_settings_that_will_not_do(root: Path, kind: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        TRAINING_DATA.load(kind)({"root": str(root / kind), **change}, source="test", seed=0)


def test_metrabs_knows_people_of_pictures_in_the_picture_only(root: Path) -> None:
    part = {"source": "coco", "count": 1, "settings": {"root": str(root / "coco")}}
    settings = {"split": "train", "crop_px": 128, "parts": [part]}
    with pytest.raises(BadInputError, match="set labels: picture"):
        MetrabsData(settings, source="test", seed=0)
    parts = [
        {**part, "labels": "picture"},
        {"source": "mpii", "labels": "picture", "count": 1, "settings": {"root": str(root / "mpii")}},
    ]
    settings |= {"parts": parts, "vary": False, "picture_joints": ["lwri", "rwri", "nose", "leye"]}
    data = MetrabsData(settings, source="test", seed=0)
    batch = data.batch(np.arange(8), 0)
    assert not batch["valid"].any()
    # MPII has no nose, and nobody labelled COCO's left eye.
    assert batch["labelled"].tolist() == [[True, True, True, False], [True, True, False, False]] * 4
    for picture, labels in zip(batch["images"], batch["labels"], strict=True):
        for joint, place in zip(("left_wrist", "right_wrist"), labels, strict=False):
            found = tiny_pictures.middle_of(picture, joint, rgb=True)
            assert found is not None
            # Chroma of half the resolution: a disc of 5 px is found to about a pixel.
            np.testing.assert_allclose(found, place, atol=1.2)


def test_labels_at_the_lower_border_are_dropped(root: Path) -> None:
    """People who are cut off there were given ankles at the border: 95 % of 200 px is row 190."""
    settings = {
        "split": "train",
        "crop_px": 64,
        "vary": False,
        "picture_joints": ["lank"],
        "parts": [
            {"source": "mpii", "labels": "picture", "count": 1, "settings": {"root": str(root / "mpii")}}
        ],
    }
    data = MetrabsData(settings, source="test", seed=0)
    people = data._sources[0]._labels  # type: ignore[attr-defined]
    ankle = people.skeleton.index("left_ankle")
    assert data.batch(np.arange(4), 0)["labelled"].all()
    people.joints[0, ankle, 1] = 190.5
    people.joints[1, ankle, 1] = 189.5
    assert data.batch(np.arange(4), 0)["labelled"][:, 0].tolist() == [False, True, True, True]


SMALL = [
    "workers=0",
    "threads=1",
    "device=cpu",
    "precision=float32",
    "log_every=1",
    "ema=null",
]


RATE = "groups=[{prefix: '', rate: %g}]"
"""Higher than published: few steps must show something."""


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_figures(run) if line["kind"] == "train"]


@pytest.mark.parametrize(
    ("name", "steps", "words"),
    [
        ("coco_studio_lite", 14, ["network.weights=null", "network.settings.width=0.25", RATE % 1e-2]),
        ("mpii_pose_resnet", 8, ["network.settings.layers=18"]),
    ],
)
def test_backbones_learn_from_pictures(
    name: str, steps: int, words: list[str], root: Path, tmp_path: Path
) -> None:
    folder = root / name.partition("_")[0]
    settings = [
        f"{data}.settings.{key}={value}"
        for data in ("data", "validation")
        for key, value in (("root", folder), ("crop_px", 64))
    ]
    more = [
        "data.settings.vary=false",
        "batch=4",
        f"steps={steps}",
        f"validate_every={steps}",
        "schedule={type: constant}",
    ]
    if name.startswith("coco"):
        more.append("data.settings.simulated=0")  # every sample another one, which hides what is learnt
    config = load_config(TrainConfig, RECIPES / f"{name}.yaml", [*SMALL, *words, *settings, *more])
    result = train(config, tmp_path / "run")
    found = losses(tmp_path / "run")
    assert len(found) == steps
    assert np.mean(found[-3:]) < 0.9 * np.mean(found[:2])
    assert 0.0 < result.figures["error_px"] < 64.0
    assert (tmp_path / "run" / BEST).is_file()


@pytest.fixture
def shallow() -> Iterator[None]:
    """One block of each stage: all kinds of layers, a tenth of the time."""
    before, threads = STAGES["s"], torch.get_num_threads()
    STAGES["s"] = tuple(replace(stage, blocks=1) for stage in before)
    yield
    STAGES["s"] = before
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "name", ["metrabs_3dhp_metro_univ", "metrabs_3dhp_metro_nonuniv", "metrabs_3dhp_univ"]
)
def test_metrabs_learns_from_mpi_inf_3dhp(
    name: str, root: Path, tmp_path: Path, shallow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        f"data.settings.parts.0.settings.root={root / 'wild'}",
        f"data.settings.parts.1.settings.root={root / 'mpii'}",
        f"validation.settings.parts.0.settings.root={root / 'wild'}",
        "data.settings.parts.0.count=3",
        "data.settings.parts.1.count=1",
        "data.settings.vary=false",
        "data.settings.crop_px=64",
        "validation.settings.crop_px=64",
        "validation.settings.samples=8",
        "batch=4",
        "steps=18",
        "validate_every=18",
        "schedule={type: constant}",
        "task.settings.absolute_from=0.6666",
    ]
    config = load_config(TrainConfig, RECIPES / f"{name}.yaml", [*SMALL, RATE % 2e-3, *words])
    result = train(config, tmp_path / "run")
    found = losses(tmp_path / "run")
    assert len(found) == 18
    assert np.mean(found[9:12]) < 0.8 * found[0]
    if name == "metrabs_3dhp_univ":  # from here on the place counts, too
        assert found[12] > found[11] + 0.1
        assert np.mean(found[-3:]) < found[12]
    assert 0.0 < result.figures["mpjpe_mm"] < 1000.0
    asked = ["--weights", str(tmp_path / "run" / BEST), "--crops", "8"]
    universal = [] if name.endswith("nonuniv") else ["--universal"]
    assert main(["evaluate", "metrabs", "--mpi-inf-3dhp", str(root / "wild"), *universal, *asked]) == 0
    said = re.search(r"\(MPJPE\)\s+([\d.]+) mm", capsys.readouterr().out)
    # The same eight people of S8, in other batches; to the last digit that is said.
    assert said is not None and float(said[1]) == pytest.approx(result.figures["mpjpe_mm"], abs=0.1)


def test_all_sources_of_the_large_recipe_are_mixed(root: Path) -> None:
    config = load_config(TrainConfig, RECIPES / "metrabs_eff2s_pictures.yaml")
    parts = config.data.settings["parts"]
    assert {part["source"] for part in parts} == {
        "human36m",
        "mpi_inf_3dhp",
        "simulated_studio",
        "coco",
        "mpii",
    }
    assert sum(part["count"] for part in parts) == config.batch
    settings = config.data.settings | {
        "crop_px": 64,
        "parts": [
            {**part, "count": 1, "settings": {"root": str(root / folder)}}
            for part in parts
            for folder in ({"mpi_inf_3dhp": "wild", "coco": "coco", "mpii": "mpii"}.get(part["source"]),)
            if folder
        ],
    }
    batch = MetrabsData(settings, source="test", seed=0).batch(np.arange(6), 0)
    assert batch["valid"].any(axis=1).tolist() == [True, False, False] * 2
    # COCO labels all but an eye of the seventeen; MPII limbs.
    counts = batch["labelled"].sum(axis=1).tolist()
    assert counts == [0, 16, 12] * 2


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_is_missing_ends_a_run_with_one_sentence(
    workers: int, root: Path, tmp_path: Path
) -> None:
    tiny_pictures.coco(tmp_path / "coco")
    (tmp_path / "coco" / "train2017" / "000000000003.jpg").unlink()
    words = [
        *SMALL,
        "network.weights=null",
        "network.settings.width=0.25",
        f"data.settings.root={tmp_path / 'coco'}",
        f"validation.settings.root={root / 'coco'}",
        "data.settings.crop_px=64",
        "validation.settings.crop_px=64",
        "data.settings.simulated=0",
        f"workers={workers}",
        "batch=4",
        "steps=2",
    ]
    config = load_config(TrainConfig, RECIPES / "coco_studio_lite.yaml", words)
    with pytest.raises(BadInputError, match=r"^\S*000000000003\.jpg: no such picture$"):
        train(config, tmp_path / "run")
