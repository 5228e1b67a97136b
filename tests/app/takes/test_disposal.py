from __future__ import annotations

from pathlib import Path

import pytest

from app.takes.disposal import delete_take, rename_take, restore_take
from configs.errors import BadInputError
from pipeline.take.lock import TakeLock
from pipeline.take.take import Take


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("has_trash", [True, False])
def test_a_deleted_take_comes_back_whole(walk: Path, tmp_path: Path, has_trash: bool):
    def trash(folder: Path) -> Path | None:
        if not has_trash:
            return None
        place = tmp_path / "Trash" / "files" / folder.name
        place.parent.mkdir(parents=True)
        (tmp_path / "Trash" / "info").mkdir()
        (tmp_path / "Trash" / "info" / f"{folder.name}.trashinfo").touch()
        return folder.rename(place)

    before = contents(walk)
    deleted = delete_take(walk, trash)
    assert not walk.exists()
    assert deleted.in_trash == has_trash
    assert contents(deleted.kept) == before
    if not has_trash:
        assert deleted.kept == walk.parent / ".deleted" / "walk"
    assert restore_take(deleted) == walk
    assert contents(walk) == before
    assert not list(tmp_path.glob("Trash/info/*")), "the trash forgets it"


def test_the_systems_own_trash(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("HOME", str(tmp_path))
    before = contents(walk)
    deleted = delete_take(walk)
    assert not walk.exists()
    assert contents(deleted.kept) == before
    assert contents(restore_take(deleted)) == before


def test_it_comes_back_beside_what_took_its_place(walk: Path):
    deleted = delete_take(walk, lambda _: None)
    walk.mkdir()
    assert restore_take(deleted) == walk.parent / "walk-2"
    with pytest.raises(BadInputError, match="not in the trash any more"):
        restore_take(deleted)


def test_two_of_one_name_are_both_kept(walk: Path):
    first = delete_take(walk, lambda _: None)
    walk.mkdir()
    second = delete_take(walk, lambda _: None)
    assert first.kept != second.kept
    assert first.kept.exists()


def test_what_is_being_recorded_cannot_be_deleted(walk: Path):
    with TakeLock(walk), pytest.raises(BadInputError, match="being recorded right now"):
        delete_take(walk, lambda _: None)
    assert walk.exists()


def test_a_renamed_take_is_the_same_take(walk: Path):
    poses = Take.open(walk).poses()
    target = rename_take(walk, " Sprint (fast) ")
    assert target == walk.parent / "Sprint _fast_"
    take = Take.open(target)
    assert take.header.name == "Sprint (fast)"
    assert take.header.state == "complete"
    assert take.poses() is not None
    assert poses is not None
    assert not take.ledger("cam1").problem, "totals in the header still fit the ledgers"
    assert rename_take(target, "Sprint  (fast)").exists()


def test_bad_names_change_nothing(walk: Path, interrupted: Path):
    before = contents(walk)
    with pytest.raises(BadInputError, match="needs a name"):
        rename_take(walk, "  ")
    with pytest.raises(BadInputError, match="there is a take of this name already"):
        rename_take(walk, "cut")
    with pytest.raises(BadInputError, match="repair it before renaming"):
        rename_take(interrupted, "other")
    assert contents(walk) == before
