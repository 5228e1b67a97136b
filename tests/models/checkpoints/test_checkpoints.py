"""Weights in every layout, what does not fit, and files of our own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from configs.errors import BadInputError
from models.backbones.initialisation import initialise_backbone
from models.backbones.pose_resnet import PoseResNet
from models.checkpoints.architectures import ARCHITECTURES, build_network, depth_of, settings_of
from models.checkpoints.importing import import_checkpoint, load_network
from models.checkpoints.reading import read_state
from models.checkpoints.strict import load_strict
from models.checkpoints.writing import read_card
from models.triangulation.algebraic import AlgebraicTriangulation

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(0)
    return AlgebraicTriangulation(18, 16).state_dict()


def prefixed(state: State) -> State:
    return {f"module.{name}": value for name, value in state.items()}


LAYOUTS = {
    "flat": lambda state: state,
    "distributed": prefixed,
    "nested": lambda state: {"epoch": 3, "state_dict": dict(state)},
    "nested, distributed, without counters": lambda state: {
        "state_dict": {n: v for n, v in prefixed(state).items() if "num_batches" not in n},
        "optimizer": {"lr": 1e-5},
    },
    "prefix inside": lambda state: {n.replace("backbone.", "backbone.module."): v for n, v in state.items()},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_becomes_a_network(layout: str, state: State, tmp_path: Path) -> None:
    source, target = tmp_path / "weights.pth", tmp_path / "ours.safetensors"
    torch.save(LAYOUTS[layout](state), source)
    card = import_checkpoint(source, target, "algebraic", {}, licence="MIT")
    assert (card.settings["layers"], card.settings["joints"]) == (18, 16)
    assert card.settings["use_confidences"] is True
    network, read = load_network(target)
    assert read == card == read_card(target)
    assert not network.training
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, state[name])


def test_safetensors_of_others_are_read(state: State, tmp_path: Path) -> None:
    source = tmp_path / "weights.safetensors"
    save_file(prefixed({name: value.clone() for name, value in state.items()}), source)
    assert list(read_state(source)) and set(read_state(source)) == set(state)
    with pytest.raises(BadInputError, match="no card"):
        read_card(source)


def test_what_does_not_fit_is_listed_and_nothing_changes(state: State, tmp_path: Path) -> None:
    network = AlgebraicTriangulation(18, 16)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    wrong = {name: value for name, value in state.items() if "final_layer" not in name}
    wrong |= {"fc.weight": torch.zeros(3), "backbone.conv1.weight": torch.zeros(64, 1, 7, 7)}
    with pytest.raises(BadInputError) as raised:
        load_strict(network, wrong, file="weights.pth")
    sentence = str(raised.value)
    for part in (
        "weights.pth",
        "2 missing: backbone.final_layer.weight, backbone.final_layer.bias",
        "1 unexpected: fc.weight",
        "1 of another shape: backbone.conv1.weight [64, 1, 7, 7] instead of [64, 3, 7, 7]",
    ):
        assert part in sentence
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    source, target = tmp_path / "weights.pth", tmp_path / "ours.safetensors"
    torch.save(state, source)
    with pytest.raises(BadInputError, match="missing"):
        import_checkpoint(source, target, "algebraic", {"layers": 50})
    assert not target.exists()


class Evil:
    """Anything but a tensor, to be refused."""


def test_bad_files_are_sentences(tmp_path: Path) -> None:
    code, text, empty = tmp_path / "code.pth", tmp_path / "text.pth", tmp_path / "list.pth"
    torch.save({"weights": Evil()}, code)
    text.write_text("not a network")
    torch.save([1, 2], empty)
    both = tmp_path / "both.pth"
    torch.save({"a": torch.zeros(1), "module.a": torch.zeros(1)}, both)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\xff" * 30)
    for path, part in (
        (code, "more than tensors"),
        (text, "damaged"),
        (empty, "no weights"),
        (both, "equal"),
        (broken, "damaged"),
        (tmp_path / "absent.pth", "no such file"),
        (tmp_path / "weights.zip", "no such file"),
    ):
        with pytest.raises(BadInputError, match=part):
            read_state(path)
    odd = tmp_path / "weights.txt"
    odd.write_text("x")
    with pytest.raises(BadInputError, match="by its name"):
        read_state(odd)


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_the_depth_is_told_by_the_names(depth: int) -> None:
    with torch.device("meta"):
        found = PoseResNet(depth, 9, vol_confidences=True).state_dict()
    assert depth_of(found, "") == depth
    expected = {"layers": depth, "joints": 9, "alg_confidences": False, "vol_confidences": True}
    assert settings_of("pose_resnet", found) == expected
    assert depth_of({"conv1.weight": torch.zeros(1)}, "") is None


def test_unknown_kinds_and_settings_are_sentences() -> None:
    with pytest.raises(BadInputError, match="did you mean"):
        build_network("algebraik", {})
    with pytest.raises(BadInputError, match="layers"):
        build_network("algebraic", {"layers": 20})
    triangulation = {"pose_resnet", "ransac", "algebraic", "volumetric", "contextpose"}
    assert set(ARCHITECTURES) >= triangulation | {"simple_baseline", "gridconv"}


def test_a_classifier_lends_its_trunk() -> None:
    network = PoseResNet(18, 17, alg_confidences=True)
    lender = {
        name: torch.ones_like(value)
        for name, value in network.state_dict().items()
        if name.startswith(("conv1", "bn1", "layer"))
    }
    report = initialise_backbone(network, lender | {"fc.weight": torch.zeros(1000, 512)})
    assert set(report.copied) == set(lender)
    assert report.dropped == {"fc.weight": "unknown name"} and not report.partly
    assert (network.conv1.weight == 1).all()
    assert "fc.weight" in report.summary()
