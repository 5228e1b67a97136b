"""Finding and following with a network that sees white rectangles as people."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from configs.errors import BadInputError
from models.backbones.pose_resnet import BackboneOutput
from models.backbones.studio_lite import StudioLite
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.keypoints.studio_lite import square
from models.keypoints.studio_lite.model import StudioLiteConfig, StudioLiteKeypoints
from models.keypoints.studio_lite.readers import TorchReader

JOINTS = 26
PLACES = np.random.default_rng(3).uniform(0.0, 1.0, (JOINTS, 2))
PLACES[:4] = [(0, 0), (1, 0), (0, 1), (1, 1)]
"""Of the joints in a person's rectangle, in its width and height."""
SIZE = (640, 480)


class Rectangles(nn.Module):
    """Stands in for the trained network: exact heatmaps of the one bright rectangle of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[tuple[int, int]] = []

    def forward(self, images: Tensor) -> BackboneOutput:
        self.widths.append((len(images), images.shape[-1]))
        width = images.shape[-1]
        steps = torch.arange(width // 4, dtype=torch.float32)
        maps = torch.zeros(len(images), JOINTS, width // 4, width // 4)
        for picture, out in zip(images, maps, strict=True):
            bright = picture.mean(dim=0) > 1.0
            if not bright.any():
                continue
            rows, columns = bright.any(dim=1).nonzero(), bright.any(dim=0).nonzero()
            low = torch.cat([columns.min()[None], rows.min()[None]])
            extent = torch.cat([columns.max()[None], rows.max()[None]]) - low
            for joint, place in enumerate(torch.from_numpy(PLACES).float()):
                x, y = ((low + place * extent) / 4).tolist()
                out[joint] = -((steps[:, None] - y) ** 2 + (steps - x) ** 2) / 2
        return BackboneOutput(maps, maps, None, None)


def picture(left: int | None, top: int = 100, width: int = 80, height: int = 200) -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), 30, np.uint8)
    if left is not None:
        image[top : top + height, left : left + width] = 255
    return image


def truth(left: int, top: int = 100, width: int = 80, height: int = 200) -> np.ndarray:
    return (left, top) + PLACES * (width - 1, height - 1)


def card(settings: dict) -> ModelCard:
    return ModelCard(architecture="studio_lite", settings=settings, skeleton="halpe_26", source="a test")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    network = StudioLite()
    path = tmp_path_factory.mktemp("weights") / "tried.safetensors"
    settings = {"joints": JOINTS, "width": 1.0, "alg_confidences": True, "vol_confidences": False}
    write_checkpoint(path, network.state_dict(), card(settings))
    return path


@pytest.fixture
def model(weights):
    model = StudioLiteKeypoints(
        StudioLiteConfig(weights=str(weights), look_every=5, runtime="torch"), ["a", "b"]
    )
    model._read = TorchReader(Rectangles(), "cpu")
    yield model
    model.close()


def test_nothing_is_left_to_compile_for_the_first_picture(weights, monkeypatch) -> None:
    cut = []
    real = square.average_square
    monkeypatch.setattr(square, "average_square", lambda *words: cut.append(words) or real(*words))
    config = StudioLiteConfig(weights=str(weights), runtime="torch")
    model = StudioLiteKeypoints(config, ["a", "b", "c"])
    assert {words[-1].shape[0] for words in cut} == {config.crop_px, config.picture_px}
    assert not cut[0][0].flags.writeable  # code is compiled for pictures in shared memory
    model.close()


def test_it_finds_and_follows_in_every_view_by_itself(model) -> None:
    tracks = set()
    for step in range(12):
        lefts = (60 + 12 * step, 500 - 15 * step)
        found = model.detect([picture(left) for left in lefts], [0, 0])
        for left, here in zip(lefts, found, strict=True):
            assert len(here) == 1
            # A crop pixel is 2 px of the picture, edges of a rectangle are whole ones; a cell is 4 of them,
            # and the cut at two cells moves a place by up to 0.06 cells.
            assert np.abs(here.keypoints[0] - truth(left)).max() < 2.0 + 0.06 * 8
            assert (here.scores[0] > 0.8).all()
            tracks.add(int(here.track[0]))
    assert tracks == {0, 1}


def test_the_whole_picture_is_looked_at_now_and_then_and_not_by_all_views_at_once(model) -> None:
    network = model._read.network
    looks = 0
    for step in range(11):
        network.widths.clear()
        model.detect([picture(100), picture(300)], [0, 0])
        wholes = [count for count, width in network.widths if width == model.config.picture_px]
        if step > 0:  # at first nobody is followed
            looks += len(wholes)
            assert len(wholes) <= 1
            assert (2, model.config.crop_px) in network.widths  # the crops of both together
    assert looks == 4  # every fifth of ten pictures of two views


def test_who_comes_back_is_somebody_new_and_nobody_is_nobody(model) -> None:
    first = model.detect([picture(100), None], [0, -1])
    assert [len(each) for each in first] == [1, 0]
    gone = model.detect([picture(None), picture(None)], [0, 0])
    assert [len(each) for each in gone] == [0, 0]
    back = model.detect([picture(400), None], [0, -1])
    assert len(back[0]) == 1
    assert back[0].track[0] != first[0].track[0]
    assert np.abs(back[0].keypoints[0] - truth(400)).max() < 2.5


def test_a_cut_is_recovered_from(model) -> None:
    model.detect([picture(20), picture(20)], [0, 0])
    for _ in range(2):
        found = model.detect([picture(520, top=240), picture(20)], [0, 0])
    assert np.abs(found[0].keypoints[0] - truth(520, top=240)).max() < 2.5


def test_the_real_network_runs_and_says_its_file(weights) -> None:
    model = StudioLiteKeypoints(StudioLiteConfig(weights=str(weights)), ["a"])
    assert model.name == "tried"
    assert list(model.hashes) == ["tried.safetensors"]
    assert model.skeleton.name == "halpe_26"
    found = model.detect([picture(100)], [0])
    assert len(found) == 1
    model.close()
    model.close()


def test_other_weights_are_refused(tmp_path) -> None:
    with pytest.raises(BadInputError, match="nothing"):
        StudioLiteKeypoints(StudioLiteConfig(weights="nothing"), ["a"])
    path = tmp_path / "other.safetensors"
    settings = {"joints": JOINTS, "width": 0.5, "alg_confidences": True, "vol_confidences": False}
    write_checkpoint(path, StudioLite().state_dict(), card(settings))
    with pytest.raises(BadInputError, match="other"):
        StudioLiteKeypoints(StudioLiteConfig(weights=str(path)), ["a"])
