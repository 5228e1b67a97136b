from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from app.studio import Studio
from app.takes.presenter import TakesPresenter
from pipeline.take.take import Take
from tests.app.takes.conftest import FRAMES, interrupt, rename_in_header
from tests.pipeline.take.synthetic_take import ORIGIN_NS, make_take


@pytest.fixture
def presenter(studio: Studio, tmp_path: Path, qtbot):
    """Looks at takes when told to; thumbnails are computed only while the page is shown."""
    presenter = TakesPresenter(studio, tmp_path / "cache")
    yield presenter
    presenter.shutdown()


@pytest.fixture
def said(studio: Studio) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    studio.message.connect(lambda level, text: words.append((level, text)))
    return words


def look(presenter: TakesPresenter, qtbot) -> None:
    presenter.refresh()
    qtbot.waitUntil(lambda: presenter._scan is None)


def names(presenter: TakesPresenter) -> list[str]:
    return [entry.name for entry in presenter.shown]


@pytest.fixture
def three(walk: Path, takes: Path) -> Path:
    """Named and dated apart."""
    for name, day in (("alpha", 3), ("gamma", 2)):
        shutil.copytree(walk, takes / name)
        rename_in_header(takes / name, name, wall_time=f"'2025-01-0{day}T12:00:00.000+00:00'")
    rename_in_header(walk, "Beta")
    return takes


def test_newest_first_and_other_orders(presenter, three, qtbot):
    look(presenter, qtbot)
    assert names(presenter) == ["alpha", "gamma", "Beta"]
    presenter.set_sort("oldest")
    assert names(presenter) == ["Beta", "gamma", "alpha"]
    presenter.set_sort("name")
    assert names(presenter) == ["alpha", "Beta", "gamma"]
    ledger = three / "gamma" / "ledger" / "cam1.csv"
    with ledger.open("ab") as stream:
        stream.write(f"99,{ORIGIN_NS + 60_000_000_000},recorded,,00000000\n".encode())
    (three / "gamma" / "take.yaml").touch()
    look(presenter, qtbot)
    presenter.set_sort("longest")
    assert names(presenter)[0] == "gamma"


def test_search_keeps_something_selected(presenter, three, qtbot):
    look(presenter, qtbot)
    assert presenter.selected == three / "alpha"
    presenter.set_search("gam")
    assert names(presenter) == ["gamma"]
    assert presenter.selected == three / "gamma"
    presenter.set_search("nothing")
    assert presenter.selected is None
    presenter.set_search("")
    assert len(presenter.shown) == 3


def test_new_takes_appear_when_the_studio_says_so(presenter, studio, walk, takes, qtbot):
    look(presenter, qtbot)
    shutil.copytree(walk, takes / "second")
    with qtbot.waitSignal(presenter.changed):
        studio.takes_changed.emit()
    assert len(presenter.entries) == 2


def test_other_folders_are_opened_remembered_and_closed(presenter, studio, walk, tmp_path, said, qtbot):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(walk, elsewhere / "far")
    rename_in_header(elsewhere / "far", "far")
    look(presenter, qtbot)
    with qtbot.waitSignal(presenter.changed):
        presenter.open_folder(elsewhere)
    assert sorted(names(presenter)) == ["far", "synthetic walk"]
    again = TakesPresenter(studio, tmp_path / "cache")
    assert again.opened == [elsewhere]
    again.shutdown()
    with qtbot.waitSignal(presenter.changed):
        presenter.close_folder(elsewhere)
    assert names(presenter) == ["synthetic walk"]
    assert (elsewhere / "far").exists()
    presenter.open_folder(tmp_path / "cache")
    assert said[-1][0] == "warning"
    assert "no take" in said[-1][1]


def test_renaming(presenter, walk, said, qtbot):
    look(presenter, qtbot)
    with qtbot.waitSignal(presenter.changed):
        presenter.rename(walk, "Sprint")
    assert names(presenter) == ["Sprint"]
    assert presenter.selected == walk.parent / "Sprint"
    presenter.rename(presenter.selected, " ")
    qtbot.waitUntil(lambda: bool(said))
    assert said[-1][0] == "bad"


def test_deleting_can_be_undone(presenter, walk, said, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    look(presenter, qtbot)
    with qtbot.waitSignal(presenter.changed):
        presenter.delete(walk)
    assert not walk.exists()
    assert presenter.last_deleted is not None
    assert "Undo" in said[-1][1]
    presenter.undo_delete()
    qtbot.waitUntil(lambda: names(presenter) == ["synthetic walk"])
    assert walk.exists()
    assert presenter.last_deleted is None


def test_interrupted_takes_are_told_of_once(presenter, interrupted, said, qtbot):
    look(presenter, qtbot)
    assert [entry.folder for entry in presenter.interrupted] == [interrupted]
    look_again = len(said)
    assert said[0][0] == "warning"
    assert "cut was interrupted" in said[0][1]
    presenter.refresh()
    qtbot.waitUntil(lambda: presenter._scan is None)
    assert len(said) == look_again


def test_repair_runs_in_a_process_and_says_what_is_missing(presenter, interrupted, studio, said, qtbot):
    look(presenter, qtbot)
    task = presenter.repair(interrupted)
    assert task is not None
    assert presenter.interrupted == [], "it is being repaired"
    assert presenter.repair(interrupted) is None, "only once"
    assert "not finished" in presenter.reason_to_stay()
    qtbot.waitUntil(lambda: not task.is_active, timeout=60_000)
    assert task.state == "done", task.words
    assert "cam1" in task.words
    assert "Missing" in task.words
    qtbot.waitUntil(lambda: presenter.entries[0].state == "repaired")
    assert (interrupted / "report.html").is_file()
    assert presenter.reason_to_stay() == ""
    assert said[-1][0] == "good"


def test_all_interrupted_takes_are_repaired_at_once(
    presenter, interrupted, walk_once, takes, qtbot, monkeypatch
):
    shutil.copytree(walk_once, takes / "cut2")
    interrupt(takes / "cut2")
    look(presenter, qtbot)
    repaired: list[Path] = []
    monkeypatch.setattr(presenter, "repair", repaired.append)
    presenter.repair_all()
    assert sorted(repaired) == [interrupted, takes / "cut2"]


def test_only_usable_takes_are_played(presenter, walk, interrupted, qtbot):
    look(presenter, qtbot)
    opened: list[object] = []
    presenter.opened_take.connect(opened.append)
    presenter.play(interrupted)
    presenter.play(walk)
    assert opened == [walk]


def test_a_take_in_use_is_not_deleted_or_renamed(presenter, walk, said, qtbot, monkeypatch):
    look(presenter, qtbot)
    monkeypatch.setattr(presenter.tasks, "_next", lambda: None)  # it waits for its turn
    presenter.process_again(walk, "blazepose")
    presenter.delete(walk)
    presenter.rename(walk, "other")
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


def test_processing_again_makes_a_new_take(presenter, walk, stand_in, qtbot):
    look(presenter, qtbot)
    told: list[float] = []
    task = presenter.process_again(walk, str(stand_in))
    task.changed.connect(lambda: told.append(task.share))
    second = presenter.process_again(walk, "nonsense")
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
    qtbot.waitUntil(lambda: len(presenter.entries) == 2)
    qtbot.waitUntil(lambda: not second.is_active, timeout=30_000)
    assert second.state == "failed"
    assert "unknown pipeline" in second.words
    assert len(list(walk.parent.iterdir())) == 2, "a failure leaves no empty folder"


def test_cancelled_processing_keeps_what_is_done(presenter, takes, stand_in, qtbot):
    long = make_take(takes / "long", frames=900, sizes=[(64, 48)] * 3, poses=False)
    look(presenter, qtbot)
    task = presenter.process_again(long, str(stand_in))
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


def test_export_is_read_back(presenter, walk, tmp_path, qtbot):
    look(presenter, qtbot)
    task = presenter.export(walk, ["npz", "csv"], tmp_path / "out")
    qtbot.waitUntil(lambda: not task.is_active, timeout=60_000)
    assert task.state == "done", task.words
    assert [file.path.name for file in task.result] == ["walk.npz", "walk.csv"]
    assert all(file.path.stat().st_size == file.size_bytes for file in task.result)
    assert "without a difference" in task.words
    again = presenter.export(walk, ["npz"], tmp_path / "out")
    qtbot.waitUntil(lambda: not again.is_active, timeout=60_000)
    assert again.state == "failed"
    assert "exists already" in again.words


def test_thumbnails_and_quality_come_while_the_page_is_shown(presenter, three, qtbot):
    seen: list[object] = []
    presenter.digested.connect(seen.append)  # first: takes are read as soon as they are found
    presenter.enter()
    qtbot.waitUntil(lambda: bool(presenter.entries))
    entry = presenter.shown[0]
    qtbot.waitUntil(lambda: all(presenter.digest(item) for item in presenter.entries), timeout=90_000)
    digest = presenter.digest(entry)
    assert digest is not None
    assert digest.thumbnail is not None
    assert set(seen) == {item.folder for item in presenter.entries}
    presenter.leave()
    presenter.set_sort("quality")
    assert len(names(presenter)) == 3
