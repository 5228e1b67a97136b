"""Notes about calibrations that were begun."""

from datetime import UTC, datetime

from app.calibrate.unfinished import RECORD, VIEWS, Unfinished, forget
from calibration.board import Board


def note(folder) -> Unfinished:
    board = Board("charuco", 7, 5, 38.0, 28.0, "DICT_4X4_50")
    when = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    return Unfinished(folder, board, "recorded", folder / "board", ("left", "right"), "auto", None, when)


def test_a_note_is_found_again_once_there_are_views(tmp_path):
    one = note(tmp_path / "new")
    one.save()
    assert Unfinished.find(one.folder) is None, "nothing to go on with"
    (one.folder / VIEWS).write_bytes(b"views")
    assert Unfinished.find(one.folder) == one
    assert "begun on 04 March at 12:30" in one.words()


def test_it_is_gone_when_it_is_forgotten_or_damaged(tmp_path):
    one = note(tmp_path)
    one.save()
    (tmp_path / VIEWS).write_bytes(b"views")
    (tmp_path / RECORD).write_text("board: [", encoding="utf-8")
    assert Unfinished.find(tmp_path) is None
    (tmp_path / RECORD).write_text("version: 1\nboard: {type: charuco}\n", encoding="utf-8")
    assert Unfinished.find(tmp_path) is None
    one.save()
    forget(tmp_path)
    assert Unfinished.find(tmp_path) is None
    forget(tmp_path)
