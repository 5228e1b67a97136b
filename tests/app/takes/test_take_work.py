"""What is done with whole takes, in real processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from app.studio import Studio
from app.takes.take_entry import read_entry
from app.takes.take_work import TakeWork
from pipeline.take.take import Take
from tests.app.takes.conftest import FRAMES
from tests.pipeline.take.synthetic_take import make_take


@pytest.fixture
def work(studio: Studio, qtbot):
    """Knows every take by looking at its folder."""
    work = TakeWork(studio, read_entry)
    yield work
    work.shutdown()


def test_repair_runs_in_a_process_and_says_what_is_missing(work, interrupted, studio, said, qtbot):
    told: list[bool] = []
    studio.takes_changed.connect(lambda: told.append(True))
    task = work.repair(interrupted)
    assert task is not None
    assert work.repair(interrupted) is None, "only once"
    assert "not finished" in work.reason_to_stay()
    qtbot.waitUntil(lambda: not task.is_active, timeout=60_000)
    assert task.state == "done", task.words
    assert "cam1" in task.words
    assert "Missing" in task.words
    assert told, "pages look at the take again"
    assert read_entry(interrupted).state == "repaired"
    assert (interrupted / "report.html").is_file()
    assert work.reason_to_stay() == ""
    assert said[-1][0] == "good"


def test_a_take_in_use_is_not_deleted_or_renamed(work, walk, said, monkeypatch):
    monkeypatch.setattr(work.tasks, "_next", lambda: None)  # it waits for its turn
    work.process_again(walk, "blazepose")
    work.delete(walk)
    work.rename(walk, "other")
    assert walk.exists()
    assert [level for level, _ in said] == ["warning", "warning"]


@pytest.fixture
def stand_in(tmp_path: Path, walk: Path) -> Path:
    """A pipeline that needs no weights: the simulated studio's truth, seen by the take's cameras' names."""
    path = tmp_path / "stand_in.yaml"
    studio = {"cameras": 3, "size": [160, 120]}
    keypoints = {"type": "noisy_truth", "studio": studio}
    path.write_text(yaml.safe_dump({"version": 1, "name": "stand_in", "keypoints": keypoints}))
    return path


def test_processing_again_makes_a_new_take(work, walk, stand_in, qtbot):
    told: list[float] = []
    task = work.process_again(walk, str(stand_in))
    task.changed.connect(lambda: told.append(task.share))
    second = work.process_again(walk, "nonsense")
    assert second.state == "waiting"
    qtbot.waitUntil(lambda: not task.is_active, timeout=90_000)
    assert task.state == "done", task.words
    result = Take.open(task.result.folder)
    assert result.header.name == "synthetic walk-stand_in"
    assert result.header.pipeline == "stand_in"
    assert "not a network" in result.header.label
    poses = result.poses()
    assert poses is not None
    # Instants are formed anew from the pictures: one of each camera, but for the two that were lost.
    assert len(poses) == task.result.instants == FRAMES
    assert np.isfinite(poses.joints).any()
    assert max(told) == 1.0
    assert 0 < np.median([share for share in told if share > 0]) < 1
    qtbot.waitUntil(lambda: not second.is_active, timeout=30_000)
    assert second.state == "failed"
    assert "unknown pipeline" in second.words
    assert len(list(walk.parent.iterdir())) == 2, "a failure leaves no empty folder"


def test_cancelled_processing_keeps_what_is_done(work, takes, stand_in, qtbot):
    long = make_take(takes / "long", frames=900, sizes=[(64, 48)] * 3, poses=False)
    task = work.process_again(long, str(stand_in))
    qtbot.waitUntil(lambda: task.share > 0, timeout=90_000)
    task.cancel()
    assert task.state == "stopping"
    qtbot.waitUntil(lambda: not task.is_active, timeout=60_000)
    assert task.state == "done", task.words
    assert task.result.cancelled
    assert 0 < task.result.instants < 900
    assert f"the {task.result.instants} instants done so far are in" in task.words
    result = Take.open(task.result.folder)
    assert result.header.state == "complete"
    poses = result.poses()
    assert poses is not None
    # The instant that was being written when it stopped may be whole or not.
    assert abs(len(poses) - task.result.instants) <= 1
    assert any(event.kind == "interrupted" for event in result.events())


def test_export_is_read_back(work, walk, tmp_path, qtbot):
    task = work.export(walk, ["npz", "csv"], tmp_path / "out")
    qtbot.waitUntil(lambda: not task.is_active, timeout=60_000)
    assert task.state == "done", task.words
    assert [file.path.name for file in task.result] == ["walk.npz", "walk.csv"]
    assert all(file.path.stat().st_size == file.size_bytes for file in task.result)
    assert "without a difference" in task.words
    again = work.export(walk, ["npz"], tmp_path / "out")
    qtbot.waitUntil(lambda: not again.is_active, timeout=60_000)
    assert again.state == "failed"
    assert "exists already" in again.words
