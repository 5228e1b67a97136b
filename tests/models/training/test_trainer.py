"""The trainer: loss falls, killed runs go on with the same bits, two processes do what one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from configs.errors import BadInputError
from configs.loading import load_config, parse_config
from models.checkpoints.opening import open_network
from models.training.config import TrainConfig, differences
from models.training.run_log import read_figures
from models.training.trainer import BEST, LAST, LATEST, train
from tests.models.training.runs import STUDIO, tiny_run, written

ROOT = Path(__file__).resolve().parents[3]
QUIET = {**os.environ, "OMP_NUM_THREADS": "1"}


def config(**changes) -> TrainConfig:
    return parse_config(TrainConfig, tiny_run(**changes))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def state_of(folder: Path) -> dict:
    return torch.load(folder / LAST, weights_only=True)


def assert_same(first, second) -> None:
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same(first[key], second[key])
    else:
        assert first == second


@pytest.mark.slow
def test_four_samples_are_learnt_by_heart(tmp_path: Path) -> None:
    run = config(
        steps=150,
        data={"type": "simulated_studio", "settings": {**STUDIO, "samples": 4}},
        validation={"type": "simulated_studio", "settings": {**STUDIO, "samples": 4}},
        groups=[{"prefix": "", "rate": 5e-3}],
        schedule={"type": "cosine", "warmup_steps": 5},
        save_every=1000,
        validate_every=1000,
    )
    result = train(run, tmp_path / "run")
    lines = [line for line in read_figures(tmp_path / "run") if line["kind"] == "train"]
    assert len(lines) == 150
    # An untrained map says the middle of the crop, some 15 px off; a sixteenth of the crop is 4 px.
    assert lines[0]["error_px"] > 10.0
    assert lines[-1]["error_px"] < 4.0
    assert lines[-1]["loss"] < 0.5 * lines[0]["loss"]
    assert result.figures["error_px"] < 5.0
    assert result.best == result.figures["error_px"]
    for name in (BEST, LATEST):
        opened = open_network(str(tmp_path / "run" / name), None, {})
        assert opened.kind == "studio_lite"
        assert opened.skeleton == "halpe_26"


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    path = written(tmp_path, accumulate=2, clip_norm=1.0, schedule={"type": "cosine"}, workers=1)
    words = [sys.executable, "launch.py", "train", "--config", str(path), "--out"]
    subprocess.run([*words, tmp_path / "whole"], cwd=ROOT, env=QUIET, check=True, capture_output=True)

    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [*words, folder], cwd=ROOT, env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len(read_figures(folder)) < 5:
        assert process.poll() is None, "the run ended before it could be killed"
        if time.monotonic() > deadline:
            process.kill()
            pytest.fail("the run does not begin")
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert state_of(folder)["step"] < 12
    subprocess.run([*words, folder, "--resume"], cwd=ROOT, env=QUIET, check=True, capture_output=True)
    assert_same(state_of(folder), state_of(tmp_path / "whole"))
    steps = [line["step"] for line in read_figures(folder)]
    assert steps == list(range(1, 13))


@pytest.mark.slow
def test_two_processes_learn_what_one_with_twice_the_batch_learns(tmp_path: Path) -> None:
    # Frozen statistics, because those of a batch would be of half a batch each.
    path = written(tmp_path, batch_norm="frozen", steps=6)
    words = ["launch.py", "train", "--config", str(path), "--out"]
    train(load_config(TrainConfig, path, ["batch=8"]), tmp_path / "one")
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *words, tmp_path / "two"],
        cwd=ROOT,
        env=QUIET,
        check=True,
        capture_output=True,
    )
    one, two = (
        [line["loss"] for line in read_figures(tmp_path / name) if line["kind"] == "train"]
        for name in ("one", "two")
    )
    # Gradients differ by the order of float32 sums (1e-7 each, 1e-6 over a batch); Adam divides by their
    # size, so that weights whose gradient nearly cancels move apart by more, and the loss by 1e-4 at most.
    assert two == pytest.approx(one, rel=1e-4)
    assert one[0] != one[-1]


def test_frozen_parts_stay_as_they_are(tmp_path: Path) -> None:
    run = config(frozen=["stem", "stages.1"], save_every=1, ema=None)
    train(run.model_copy(update={"steps": 1}), tmp_path / "start")
    train(run, tmp_path / "run")
    before, after = (state_of(tmp_path / name)["network"] for name in ("start", "run"))
    still = {name for name in before if name.startswith(("stem.", "stages.1."))}
    assert any(name.endswith("running_mean") for name in still)
    for name in before:
        same = torch.equal(before[name], after[name])
        assert same == (name in still) or before[name].numel() == 0, name


def test_a_part_that_does_not_exist_cannot_be_frozen(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"frozen.*backbone.*stem"):
        train(config(frozen=["backbone"]), tmp_path / "run")


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / LAST).write_bytes(b"")
    with pytest.raises(BadInputError, match="--resume"):
        train(config(), tmp_path)


def test_a_run_goes_on_with_its_own_configuration_only(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no interrupted run"):
        train(config(), tmp_path, resume=True)
    (tmp_path / LAST).write_bytes(b"torn")
    with pytest.raises(BadInputError, match="damaged"):
        train(config(), tmp_path, resume=True)
    (tmp_path / LAST).unlink()
    train(config(steps=1), tmp_path)
    with pytest.raises(BadInputError, match=r"other settings \(batch\)"):
        train(config(steps=1, batch=2), tmp_path, resume=True)
    assert train(config(steps=1, log_every=7), tmp_path, resume=True).steps == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": {"type": "heatmap"}}, "task.type.*did you mean"),
        ({"data": {"type": "studio"}}, "data.type.*unknown training data"),
        ({"data": {"type": "simulated_studio", "settings": {"crop": 64}}}, "crop.*unknown key"),
        ({"network": {"kind": "resnet"}}, "unknown kind of model"),
        ({"network": {"kind": "studio_lite", "settings": {"joint": 2}}}, "joint.*did you mean"),
        ({"groups": [{"prefix": "stem", "rate": 1e-3}]}, "is in no group"),
        (
            {"groups": [{"prefix": "", "rate": 1e-3}, {"prefix": "head", "rate": 1e-3}]},
            "no trainable parameter",
        ),
        ({"batch": 65}, "fewer samples"),
        ({"precision": "float16", "device": "auto"}, "float16"),
    ],
)
def test_wrong_configurations_are_told_in_a_sentence(tmp_path: Path, changes, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        train(config(**changes), tmp_path / "run", source="run.yaml")
    assert not (tmp_path / "run" / LAST).exists()


def test_a_run_of_before_a_setting_existed_goes_on() -> None:
    now = config().model_dump(mode="json")
    before = {name: value for name, value in now.items() if name != "keep_incomplete"}
    assert differences(before, now) == []
    assert differences(before, config(keep_incomplete=True).model_dump(mode="json")) == ["keep_incomplete"]
