"""Weights in the layout that the published programs write become networks with everything they do not say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from app.cli.main import main
from configs.errors import BadInputError
from models.checkpoints.importing import import_checkpoint, load_network
from models.checkpoints.inert_pickle import read_inert
from models.checkpoints.opening import open_network
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.simple_baseline import SimpleBaseline, SimpleBaselineConfig
from models.lifting.statistics_file import read_statistics

CHANNELS = 8


def released(path: Path, network: torch.nn.Module, *, whole_optimizer: bool) -> Path:
    """As the programs of 2018 and 2020 wrote: the container before zip files, perhaps a whole optimiser."""
    optimizer = torch.optim.Adam(network.parameters())
    state = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    content = {
        "epoch": 3,
        "lr": 1e-3,
        "step": 7,
        "err": 45.5,
        "state_dict": state,
        "optimizer": optimizer if whole_optimizer else optimizer.state_dict(),
    }
    torch.save(content, path, pickle_protocol=2, _use_new_zipfile_serialization=False)
    return path


def grid(**settings: object) -> GridConv:
    torch.manual_seed(1)
    return GridConv(GridConvConfig(channels=CHANNELS, blocks=1, **settings)).eval()


@pytest.mark.parametrize(
    ("name", "padding", "layout"),
    [
        ("hrnet_d-gridconv.pth.tar", ("c", "z"), "handcrafted"),
        ("gt_d-gridconv.pth.tar", ("c", "r"), "handcrafted"),
        ("gt_d-gridconv_autogrids.pth.tar", ("c", "r"), "learnable"),
    ],
)
def test_released_grids_tell_their_padding_by_name(
    name: str, padding: tuple[str, str], layout: str, tmp_path: Path
) -> None:
    network = grid(padding=padding, layout=layout)
    source = released(tmp_path / name, network, whole_optimizer=True)
    card = import_checkpoint(source, tmp_path / "ours.safetensors", "gridconv", {})
    assert (card.settings["padding"], card.settings["layout"]) == (list(padding), layout)
    assert (card.settings["channels"], card.settings["blocks"]) == (CHANNELS, 1)
    assert card.settings["attention_temperature"] == 30.0
    assert card.skeleton == "human36m_17"
    keypoints = torch.randn(3, 17, 2)
    for loaded in (
        load_network(tmp_path / "ours.safetensors")[0],
        open_network(str(source), "gridconv", {}).network,
    ):
        assert torch.equal(loaded(keypoints), network(keypoints))


def test_what_a_file_does_not_say_is_asked_for_and_kept(tmp_path: Path) -> None:
    source = released(tmp_path / "mine.pth.tar", grid(padding=("z", "r")), whole_optimizer=True)
    target = tmp_path / "mine.safetensors"
    with pytest.raises(BadInputError, match="fit every padding"):
        import_checkpoint(source, target, "gridconv", {})
    assert not target.exists()
    import_checkpoint(source, target, "gridconv", {"padding": ("z", "r"), "attention_temperature": 1.5})
    network, _ = load_network(target)
    assert network.config.padding == ("z", "r")
    assert network.atten_conv1.temperature == network.linear_stages[0].atten_conv2.temperature == 1.5


def test_another_grid_needs_its_shape(tmp_path: Path) -> None:
    own = {
        "padding": ("c", "c"),
        "grid_shape": (4, 6),
        "layout": "learnable",
        "initial_layout": "random_prob",
    }
    source = released(tmp_path / "mine.pth", grid(**own), whole_optimizer=False)
    with pytest.raises(BadInputError, match="of another shape"):
        import_checkpoint(source, tmp_path / "a.safetensors", "gridconv", {"padding": ("c", "c")})
    settings = {"padding": ("c", "c"), "grid_shape": (4, 6)}
    card = import_checkpoint(source, tmp_path / "a.safetensors", "gridconv", settings)
    assert card.settings["grid_shape"] == [4, 6]


def test_a_plain_grid_needs_nothing(tmp_path: Path) -> None:
    source = released(tmp_path / "plain.pth.tar", grid(convolution="plain"), whole_optimizer=True)
    card = import_checkpoint(source, tmp_path / "plain.safetensors", "gridconv", {})
    assert (card.settings["convolution"], card.settings["padding"]) == ("plain", None)


@pytest.fixture
def statistics(tmp_path: Path) -> list[Path]:
    """In the published form for 3D, deviations of unused dimensions zero, and ours for 2D."""
    random = np.random.default_rng(0)
    used = {64: 32, 96: 48}
    std = {size: random.uniform(50.0, 100.0, size) for size in used}
    std[96][:3] = 0.0
    paths = [tmp_path / "stat_3d.pth.tar", tmp_path / "stat_2d.npz"]
    torch.save({"mean": random.normal(size=96), "std": std[96]}, paths[0])
    np.savez(paths[1], mean=random.normal(size=64), std=std[64])
    return paths


def test_the_baseline_is_imported_with_statistics_by_the_command(
    statistics: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path / "store"))
    torch.manual_seed(2)
    network = SimpleBaseline(SimpleBaselineConfig(width=24, stages=3)).eval()
    source = released(tmp_path / "gt_ckpt_best.pth.tar", network, whole_optimizer=False)
    words = ["models", "import", str(source), "--as", "simple_baseline"]
    for path in statistics:
        words += ["--statistics", str(path)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "gt_ckpt_best: simple_baseline" in printed and "width 24, stages 3" in printed
    opened = open_network("gt_ckpt_best", None, {})
    x = torch.randn(4, 32)
    assert torch.equal(opened.network(x), network(x))
    kept = opened.network.config.statistics
    assert len(kept.mean_2d) == 32 and len(kept.std_3d) == 48
    assert kept.std_2d[2] == np.load(statistics[1])["std"][2]


def test_statistics_that_do_not_fit_are_sentences(statistics: list[Path], tmp_path: Path) -> None:
    three, two = statistics
    with pytest.raises(BadInputError, match="2D poses are missing"):
        read_statistics([three])
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, mean=np.zeros(5), std=np.ones(5))
    with pytest.raises(BadInputError, match="rows of 5 numbers"):
        read_statistics([wrong])
    np.savez(wrong, mean=np.zeros(64), std=np.zeros(64))
    with pytest.raises(BadInputError, match="zero"):
        read_statistics([wrong, three])
    np.savez(wrong, mu=np.zeros(64))
    with pytest.raises(BadInputError, match="no mean"):
        read_statistics([two, wrong])
    with pytest.raises(BadInputError, match="no such file"):
        read_statistics([tmp_path / "absent.npz"])


class Harmful:
    """Writes a file when an ordinary unpickler meets it."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_file_runs(zipped: bool, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "weights.pth"
    weights = {"a": torch.arange(3.0)}
    torch.save({"state_dict": weights, "harm": Harmful(mark)}, path, _use_new_zipfile_serialization=zipped)
    assert torch.equal(read_inert(path)["state_dict"]["a"], weights["a"])
    assert not mark.exists()
