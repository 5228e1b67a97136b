"""Opening a network by what a user says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from configs.errors import BadInputError
from models.backbones.studio_lite import StudioLite
from models.checkpoints.exportable import Sample
from models.checkpoints.opening import open_network
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.triangulation.algebraic import triangulate_heatmaps


@pytest.fixture
def file(tmp_path: Path) -> tuple[Path, StudioLite]:
    torch.manual_seed(3)
    network = StudioLite(joints=5).eval()
    card = ModelCard(architecture="studio_lite", settings={"joints": 5}, skeleton="halpe_26", source="a test")
    write_checkpoint(tmp_path / "lite.safetensors", network.state_dict(), card)
    return tmp_path / "lite.safetensors", network


def test_a_trained_backbone_triangulates_as_it_is(file) -> None:
    path, backbone = file
    opened = open_network(str(path), "algebraic", {})
    assert (opened.kind, opened.skeleton) == ("algebraic", "halpe_26")
    sample = Sample.random(2, 3, 64, 2, seed=0)
    with torch.inference_mode():
        found = opened.network(sample.images, sample.projections, sample.present)
        out = backbone(sample.images.flatten(0, 1))
        expected = triangulate_heatmaps(
            out.heatmaps.unflatten(0, (2, 3)),
            out.alg_confidences.unflatten(0, (2, 3)),
            sample.projections,
            sample.present,
            image_shape=(64, 64),
            multiplier=1.0,
        )
    assert torch.equal(found.keypoints_2d, expected.keypoints_2d)
    assert torch.equal(found.keypoints_3d, expected.keypoints_3d)


def test_it_opens_as_ransac_and_as_itself_but_not_as_a_volume(file) -> None:
    path, backbone = file
    images = Sample.random(1, 3, 64, 2, seed=0).images[0]
    with torch.inference_mode():
        maps = open_network(str(path), "ransac", {}).network.backbone(images).heatmaps
        assert torch.equal(maps, backbone(images).heatmaps)
    assert open_network(str(path), None, {}).kind == "studio_lite"
    with pytest.raises(BadInputError, match="studio_lite"):
        open_network(str(path), "volumetric", {})


def test_settings_must_agree_with_the_card(file) -> None:
    path, _ = file
    assert open_network(str(path), None, {"joints": 5, "width": 1}).network.joints == 5
    with pytest.raises(BadInputError, match=r"settings\.joints = 17: contradicts the card of .*allowed: 5"):
        open_network(str(path), None, {"joints": 17})
    # defaults that the card does not spell out are said by it all the same
    with pytest.raises(BadInputError, match=r"settings\.alg_confidences = False: contradicts"):
        open_network(str(path), None, {"alg_confidences": False})
    with pytest.raises(BadInputError, match="did you mean"):
        open_network(str(path), None, {"joint": 5})
    assert open_network(str(path), None, {"joints": 17}, overruled=("joints",)).network.joints == 5


def test_settings_of_what_stands_on_a_backbone_must_agree_too(file) -> None:
    path, _ = file
    open_network(str(path), "algebraic", {"use_confidences": True})
    with pytest.raises(BadInputError, match=r"settings\.heatmap_multiplier = 100"):
        open_network(str(path), "algebraic", {"heatmap_multiplier": 100})
