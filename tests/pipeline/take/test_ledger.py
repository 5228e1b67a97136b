from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.take.ledger import LedgerRow, LedgerTotals, LedgerWriter, read_ledger

ROWS = [
    LedgerRow(0, 1000, "recorded"),
    LedgerRow(1, 1033, "dropped", "ring_full"),
    LedgerRow(2, 1066, "recorded"),
    LedgerRow(5, 1166, "dropped", "source"),
    LedgerRow(6, 1200, "recorded"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cam.csv"
    writer = LedgerWriter(path)
    for row in ROWS:
        writer.append(row)
    writer.close()
    return path


def totals_of(path: Path) -> LedgerTotals:
    return read_ledger(path).totals


def test_rows_and_totals_come_back(path: Path):
    ledger = read_ledger(path)
    assert list(ledger.rows) == ROWS
    assert ledger.problem == ""
    assert [row.index for row in ledger.recorded] == [0, 2, 6]
    totals = ledger.totals
    assert (totals.captured, totals.recorded, totals.dropped) == (5, 3, {"ring_full": 1, "source": 1})
    assert totals.captured == totals.recorded + sum(totals.dropped.values())
    assert LedgerTotals.from_dict(totals.to_dict()) == totals
    assert read_ledger(path, totals).problem == ""


def test_every_changed_byte_is_found_in_its_line(path: Path):
    content = path.read_bytes()
    header = content.index(b"\n") + 1
    for at in range(header, len(content) - 1):
        if content[at : at + 1] == b"\n":
            continue
        changed = bytearray(content)
        changed[at] = ord("7") if content[at] != ord("7") else ord("8")
        path.write_bytes(changed)
        ledger = read_ledger(path)
        line = content[:at].count(b"\n") + 1
        assert ledger.problem.startswith(f"line {line} "), (at, ledger.problem)
        assert list(ledger.rows) == ROWS[: line - 2]


@pytest.mark.parametrize("line", range(1, 5))
def test_a_removed_line_is_found(path: Path, line: int):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    assert read_ledger(path).problem.startswith(f"line {line + 1} ")


def test_swapped_lines_are_found(path: Path):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2], lines[3] = lines[3], lines[2]
    path.write_bytes(b"".join(lines))
    assert read_ledger(path).problem.startswith("line 3 ")


def test_a_removed_tail_is_found_against_the_totals(path: Path):
    expected = totals_of(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert read_ledger(path).problem == ""  # a kill between two lines looks just like this
    assert "ends after 4 frames" in read_ledger(path, expected).problem


def test_every_cut_keeps_the_whole_lines_before_it(path: Path):
    content = path.read_bytes()
    for length in range(content.index(b"\n") + 1, len(content)):
        path.write_bytes(content[:length])
        ledger = read_ledger(path)
        whole = content[:length].count(b"\n") - 1
        assert list(ledger.rows) == ROWS[:whole]
        cut_inside = content[length - 1 : length] != b"\n"
        assert bool(ledger.problem) == cut_inside


def test_a_file_without_header_is_reported(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("hello\n1,2,recorded,,00000000\n")
    assert read_ledger(path).problem.startswith("line 1 ")
    path.write_bytes(b"")
    assert read_ledger(path).problem.startswith("line 1 ")


@pytest.mark.parametrize(
    "row",
    [
        LedgerRow(0, 1, "dropped"),
        LedgerRow(0, 1, "recorded", "why"),
        LedgerRow(0, 1, "dropped", "a,b"),
        LedgerRow(0, 1, "dropped", "a\nb"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, row: LedgerRow):
    writer = LedgerWriter(tmp_path / "x.csv")
    with pytest.raises(ValueError, match="cause"):
        writer.append(row)
    writer.close()
    assert len(read_ledger(tmp_path / "x.csv")) == 0


def test_an_existing_ledger_is_not_overwritten(path: Path):
    with pytest.raises(FileExistsError):
        LedgerWriter(path)
