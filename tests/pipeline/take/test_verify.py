"""Damage of every kind is found, and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.cli.main import main
from configs.errors import BadInputError
from pipeline.take.ledger import LedgerRow, LedgerWriter
from pipeline.take.lock import TakeLock
from pipeline.take.verify import check_take, interrupted_takes
from tests.pipeline.take.synthetic_take import make_take

FRAMES = 6


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_take(
        tmp_path_factory.mktemp("takes") / "walk",
        frames=FRAMES,
        dropped={"cam2": {3}},
        sizes=[(160, 120)] * 2,
    )


@pytest.fixture
def take(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "walk"))


def test_a_whole_take_is_intact(take: Path):
    check = check_take(take)
    assert check.intact, check.problems
    assert check.state == "complete"
    assert check.poses == FRAMES
    assert check.totals["cam2"].dropped == {"ring_full": 1}
    assert 0.03 < check.longest_gap_s["cam1"] < 0.04, "30 frames a second with some jitter"


def rewritten(path: Path, rows: list[LedgerRow]) -> None:
    path.unlink()
    writer = LedgerWriter(path)
    for row in rows:
        writer.append(row)
    writer.close()


def damage(take: Path, what: str) -> None:
    ledger = take / "ledger" / "cam1.csv"
    lines = ledger.read_bytes().splitlines(keepends=True)
    if what == "line changed":
        ledger.write_bytes(b"".join([*lines[:3], lines[3].replace(b"recorded", b"recorder"), *lines[4:]]))
    elif what == "line removed":
        ledger.write_bytes(b"".join([*lines[:3], *lines[4:]]))
    elif what == "end removed":
        ledger.write_bytes(b"".join(lines[:-1]))
    elif what == "ledger gone":
        ledger.unlink()
    elif what == "frame without a line":
        rewritten(ledger, [LedgerRow(index + (index > 2), index + 1, "recorded") for index in range(FRAMES)])
    elif what == "time stands still":
        rewritten(ledger, [LedgerRow(index, max(index, 1), "recorded") for index in range(FRAMES)])
    elif what == "video cut":
        video = take / "videos" / "cam1.mkv"
        video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    elif what == "video gone":
        (take / "videos" / "cam1.mkv").unlink()
    elif what == "poses cut":
        poses = take / "poses.npz"
        poses.write_bytes(poses.read_bytes()[:-200])
    elif what == "events cut":
        events = take / "events.jsonl"
        events.write_bytes(events.read_bytes()[:-5])
    elif what == "interrupted":
        header = take / "take.yaml"
        header.write_text(header.read_text(encoding="utf-8").replace("complete", "recording", 1), "utf-8")


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("line changed", "cam1: line 4 was changed"),
        ("line removed", "cam1: line 4 was changed, or a line before it was removed"),
        ("end removed", "cam1: ends after 5 frames, take.yaml counted 6"),
        ("ledger gone", "cam1: the ledger is gone"),
        ("frame without a line", "cam1: frame 3 of the ledger has the index 4"),
        ("time stands still", "cam1: capture time does not rise after frame 0"),
        ("video cut", "cam1: the ledger says that 6 pictures are recorded, the video has"),
        ("video gone", "cam1: the ledger says that 6 pictures are recorded, the video has 0"),
        ("poses cut", "poses.npz"),
        ("events cut", "events.jsonl: line 2 is cut short"),
        ("interrupted", "its recording was interrupted; run: launch.py repair"),
    ],
)
def test_damage_is_named_and_nothing_is_changed(take: Path, what: str, named: str):
    damage(take, what)
    before = {path: path.read_bytes() for path in take.rglob("*") if path.is_file()}
    check = check_take(take)
    assert not check.intact
    assert any(named in problem for problem in check.problems), check.problems
    assert {path: path.read_bytes() for path in take.rglob("*") if path.is_file()} == before


def test_the_command_says_so_with_its_exit_code(take: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["repair", "--check", str(take)]) == 0
    assert f"{take}: intact (complete); {2 * FRAMES} frames captured" in capsys.readouterr().out
    damage(take, "line changed")
    assert main(["repair", "--check", str(take)]) == 2
    assert "is not intact: cam1: line 4" in capsys.readouterr().err


def test_a_take_that_is_being_written_is_left_alone(take: Path):
    with TakeLock(take), pytest.raises(BadInputError, match="being written"):
        check_take(take)


def test_interrupted_takes_are_found_and_those_being_recorded_are_not(take: Path):
    assert interrupted_takes(take.parent) == []
    damage(take, "interrupted")
    (take.parent / "other").mkdir()
    (take.parent / "other" / "take.yaml").write_bytes(b"\xff\xfe no yaml")
    assert interrupted_takes(take.parent) == [take]
    with TakeLock(take):
        assert interrupted_takes(take.parent) == []
