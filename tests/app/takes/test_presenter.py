from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.studio import Studio
from app.takes.presenter import TakesPresenter
from tests.app.takes.conftest import interrupt, rename_in_header


@pytest.fixture
def presenter(studio: Studio, tmp_path: Path, qtbot):
    """Looks at takes when told to; thumbnails are computed only while the page is shown."""
    presenter = TakesPresenter(studio, tmp_path / "cache")
    yield presenter
    presenter.shutdown()


def look(presenter: TakesPresenter, qtbot) -> None:
    presenter.refresh()
    qtbot.waitUntil(lambda: not presenter.finder.looking)


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
        presenter.work.rename(walk, "Sprint")
    assert names(presenter) == ["Sprint"]
    assert presenter.selected == walk.parent / "Sprint"
    presenter.work.rename(presenter.selected, " ")
    qtbot.waitUntil(lambda: bool(said))
    assert said[-1][0] == "bad"


def test_deleting_can_be_undone(presenter, walk, said, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    look(presenter, qtbot)
    with qtbot.waitSignal(presenter.changed):
        presenter.work.delete(walk)
    assert not walk.exists()
    assert presenter.work.last_deleted is not None
    assert "Undo" in said[-1][1]
    presenter.work.undo_delete()
    qtbot.waitUntil(lambda: names(presenter) == ["synthetic walk"])
    assert walk.exists()
    assert presenter.work.last_deleted is None


def test_interrupted_takes_are_told_of_once(presenter, interrupted, said, qtbot):
    look(presenter, qtbot)
    assert [entry.folder for entry in presenter.interrupted] == [interrupted]
    look_again = len(said)
    assert said[0][0] == "warning"
    assert "cut was interrupted" in said[0][1]
    presenter.refresh()
    qtbot.waitUntil(lambda: not presenter.finder.looking)
    assert len(said) == look_again


def test_a_take_that_is_being_repaired_does_not_wait_for_repair(presenter, interrupted, qtbot, monkeypatch):
    look(presenter, qtbot)
    monkeypatch.setattr(presenter.work.tasks, "add", presenter.work.tasks.tasks.append)
    presenter.work.repair(interrupted)
    assert presenter.interrupted == []


def test_all_interrupted_takes_are_repaired_at_once(
    presenter, interrupted, walk_once, takes, qtbot, monkeypatch
):
    shutil.copytree(walk_once, takes / "cut2")
    interrupt(takes / "cut2")
    look(presenter, qtbot)
    repaired: list[Path] = []
    monkeypatch.setattr(presenter.work, "repair", repaired.append)
    presenter.repair_all()
    assert sorted(repaired) == [interrupted, takes / "cut2"]


def test_only_usable_takes_are_played(presenter, walk, interrupted, qtbot):
    look(presenter, qtbot)
    opened: list[object] = []
    presenter.opened_take.connect(opened.append)
    presenter.play(interrupted)
    presenter.play(walk)
    assert opened == [walk]


def test_the_order_can_be_chosen(presenter, three, qtbot):
    look(presenter, qtbot)
    assert names(presenter) == ["alpha", "gamma", "Beta"]
    with qtbot.waitSignal(presenter.changed):
        presenter.set_sort("oldest")
    assert names(presenter) == ["Beta", "gamma", "alpha"]


def test_thumbnails_and_quality_come_while_the_page_is_shown(presenter, walk, qtbot):
    seen: list[object] = []
    presenter.digested.connect(seen.append)
    look(presenter, qtbot)
    assert presenter.digest(presenter.shown[0]) is None, "nobody sees them"
    presenter.enter()
    qtbot.waitUntil(lambda: seen == [walk], timeout=90_000)
    assert presenter.digest(presenter.shown[0]) is not None
    presenter.leave()
