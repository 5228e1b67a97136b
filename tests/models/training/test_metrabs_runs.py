"""MeTRAbs learns a few people by heart, goes on where it was killed, and is used like a published model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.cli.main import main
from configs.errors import BadInputError
from models.backbones.efficientnet_v2 import STAGES
from models.evaluation.metrabs_run import evaluate_metrabs
from models.metrabs.opening import open_metrabs
from models.monocular.metrabs import Metrabs, MetrabsSettings
from models.simulation.studio import Studio, StudioConfig
from models.skeletons import get_skeleton
from models.training.config import TrainConfig
from models.training.run_log import read_figures
from models.training.tasks.metrabs import MetrabsTask
from models.training.trainer import BEST, LAST, LATEST, train

PLAIN = {"bodies": 1, "clutter": 0.0, "obstacles": 0.0, "second_person": 0.0}
STEPS = 28


def recipe(**changes: Any) -> TrainConfig:
    people = {
        "split": "train",
        "crop_px": 64,
        "vary": False,
        "samples": 4,
        "parts": [{"count": 3, "settings": PLAIN}, {"count": 1, "labels": "picture", "settings": PLAIN}],
    }
    return TrainConfig.model_validate(
        {
            "name": "tiny",
            "network": {"kind": "metrabs"},
            "task": {
                "type": "metrabs",
                "settings": {"absolute_from": 0.1, "weak_until": 0.05, "settled_steps": 0},
            },
            "data": {"type": "metrabs", "settings": people},
            "validation": {"type": "metrabs", "settings": people},
            "shuffle": False,
            "batch": 4,
            "steps": STEPS,
            "groups": [{"prefix": "", "rate": 2e-3}],
            "schedule": {"type": "cosine", "final": 0.01},
            "threads": 1,
            "device": "cpu",
            "log_every": 1,
            "save_every": 18,
            "validate_every": STEPS,
            **changes,
        }
    )


@pytest.fixture(scope="module")
def shallow() -> Iterator[None]:
    """One block of each stage: all kinds of layers, a tenth of the time."""
    before, threads = STAGES["s"], torch.get_num_threads()
    STAGES["s"] = tuple(replace(stage, blocks=1) for stage in before)
    yield
    STAGES["s"] = before
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def run(shallow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrabs") / "run"
    train(recipe(), folder)
    return folder


def test_a_few_people_are_learnt_by_heart(run: Path) -> None:
    lines = [line for line in read_figures(run) if line["kind"] == "train"]
    assert len(lines) == STEPS
    # Untrained heatmaps are flat, so all joints are said to be in the middle: as wrong as a person is large.
    assert 350.0 < lines[0]["error_mm"] < 800.0
    assert lines[-1]["error_mm"] < 0.5 * lines[0]["error_mm"]
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]
    # The fourth person has labels in the picture only.
    assert all(line["picture"] > 0.0 for line in lines[:3])


def test_a_killed_run_ends_with_the_same_bits(run: Path, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def die(done: int, total: int, text: str) -> None:
        if done == 20:
            raise KilledError

    with pytest.raises(KilledError):
        train(recipe(), tmp_path / "halves", progress=die)
    assert torch.load(tmp_path / "halves" / LAST, weights_only=True)["step"] == 18
    train(recipe(), tmp_path / "halves", resume=True)
    whole, halves = (torch.load(each / LAST, weights_only=True) for each in (run, tmp_path / "halves"))
    assert whole["network"].keys() == halves["network"].keys()
    assert all(torch.equal(value, halves["network"][name]) for name, value in whole["network"].items())
    assert (run / LATEST).read_bytes() == (tmp_path / "halves" / LATEST).read_bytes()


def test_weights_say_what_they_are(run: Path) -> None:
    opened = open_metrabs(str(run / BEST))
    assert opened.network.config.proc_side == 64
    assert opened.layout.names[5:7] == ("lsho", "rsho")
    assert len(opened.layout.edges) == len(get_skeleton("halpe_26").bones)
    assert set(opened.hashes) == {BEST}


def test_the_result_is_evaluated(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = {"source": "simulated_studio", "settings": PLAIN}
    errors = evaluate_metrabs(str(run / BEST), "train", part, crops=3, batch=2)
    validated = [line for line in read_figures(run) if line["kind"] == "val"][-1]
    # The same three people, in batches of two instead of four.
    for name in ("mpjpe_mm", "pa_mpjpe_mm"):
        assert errors.figures[name] == pytest.approx(validated[name], rel=1e-3)
    code = main(
        ["evaluate", "metrabs", "--simulated", "studio", "--weights", str(run / BEST), "--crops", "2"]
    )
    assert code == 0
    assert "after a similarity (PA-MPJPE)" in capsys.readouterr().out


def test_one_camera_uses_it(run: Path) -> None:
    """Whatever so little training is worth: poses come out, of the skeleton for one camera."""
    studio = Studio(StudioConfig(cameras=1, size=(320, 240)))
    camera = studio.rig.cameras[0]
    model = Metrabs(MetrabsSettings(weights=str(run / BEST), device="cpu"), studio.skeleton)
    assert model.name == "metrabs (best)"
    keypoints = camera.project(studio.truth(1.0)[0])
    pose = model(studio.render(camera.name, 1.0), camera, keypoints, np.ones(26))
    assert pose.joints.shape == (17, 3)
    assert BEST in model.hashes
    if find_spec("openvino") is None:  # importing it here would let its telemetry in
        pytest.skip("the extra 'openvino' is not installed")
    fast = Metrabs(
        MetrabsSettings(weights=str(run / BEST), device="cpu", runtime="openvino"), studio.skeleton
    )
    again = fast(studio.render(camera.name, 1.0), camera, keypoints, np.ones(26))
    # Single precision, summed in another order; what is allowed to differ in use.
    np.testing.assert_allclose(again.joints, pose.joints, atol=0.5)


def test_shape_alone_can_be_trained_and_says_no_place(shallow: None, tmp_path: Path) -> None:
    config = recipe(network={"kind": "metrabs", "settings": {"scale_recovery": "metro"}}, steps=6)
    result = train(config, tmp_path / "run")
    lines = [line for line in read_figures(tmp_path / "run") if line["kind"] == "train"]
    assert "absolute_mm" not in result.figures and result.figures["mpjpe_mm"] > 0.0
    assert min(line["error_mm"] for line in lines) < 0.9 * lines[0]["error_mm"]
    with pytest.raises(BadInputError, match="and not the place"):
        Metrabs(MetrabsSettings(weights=str(tmp_path / "run" / LATEST)), get_skeleton("halpe_26"))


def test_filters_are_kept_small_and_statistics_settle_in_the_end(shallow: None) -> None:
    network = open_metrabs_untrained()
    task = MetrabsTask({"kernel_norm": 0.5, "settled_steps": 2}, source="test")
    task.begin_step(network, 7, 10, 1)
    norms = [p.detach().flatten(1).norm(dim=1) for p in network.parameters() if p.ndim == 4]
    # limited in single precision
    assert max(float(norm.max()) for norm in norms) <= 0.5 * (1 + 1e-6)
    assert min(float(norm.min()) for norm in norms) < 0.5
    norm = next(module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d))
    network.train()
    assert norm.training
    task.begin_step(network, 8, 10, 1)
    network.train()
    assert network.training and not norm.training


def open_metrabs_untrained() -> Any:
    from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel

    torch.manual_seed(0)
    return MetrabsCropModel(MetrabsConfig(proc_side=64, points=4))


def test_openvino_is_for_float32_on_the_cpu() -> None:
    with pytest.raises(BadInputError, match="float32 on the CPU"):
        settings = MetrabsSettings(runtime="openvino", precision="bfloat16", device="cpu", crop_px=64)
        Metrabs(settings, get_skeleton("halpe_26"))


def test_another_network_is_refused() -> None:
    task = MetrabsTask({}, source="recipe.yaml")
    with pytest.raises(BadInputError, match="trains a MetrabsCropModel"):
        task.begin_step(torch.nn.Linear(2, 2), 0, 10, 1)


@pytest.mark.parametrize("given", ["nowhere", "nowhere.safetensors", "nowhere/best.safetensors"])
def test_weights_that_are_not_there(given: str) -> None:
    with pytest.raises(BadInputError, match="is not the folder of a MeTRAbs model, nor weights of one"):
        open_metrabs(given)
