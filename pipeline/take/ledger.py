"""The fate of every captured frame of one camera: an append-only table that shows cuts and edits.

Each line ends in a CRC-32 over its own text, seeded with the CRC of the line before. A changed, removed or
inserted line therefore breaks the chain exactly where it happened; a removed tail shows against the last
CRC that ``take.yaml`` remembers.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.take.append import append_whole

Fate = Literal["recorded", "dropped"]

COLUMNS = "index,t_capture_ns,fate,cause,crc32"
_SEED = crc32(COLUMNS.encode())
_NUMBER = re.compile("-?[0-9]{1,18}")  # whatever fits into 64 bits


@dataclass(frozen=True)
class LedgerRow:
    """One captured frame.

    Attributes:
        index: Frame index given by the driver.
        t_capture_ns: Capture time, monotonic clock of the take.
        fate: Whether its picture is in the video.
        cause: Why it was dropped; empty for a recorded frame.
    """

    index: int
    t_capture_ns: int
    fate: Fate
    cause: str = ""


@dataclass(frozen=True)
class LedgerTotals:
    """Counts of one camera; always ``captured == recorded + sum(dropped.values())``.

    Attributes:
        captured: Number of lines.
        recorded: Frames whose picture is in the video.
        dropped: Frames without picture, by cause.
        crc32: Chain value of the last line, hexadecimal.
    """

    captured: int
    recorded: int
    dropped: dict[str, int]
    crc32: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for yaml."""
        return {
            "captured": self.captured,
            "recorded": self.recorded,
            "dropped": dict(self.dropped),
            "crc32": self.crc32,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LedgerTotals:
        """Back from yaml."""
        dropped = {str(cause): int(count) for cause, count in data["dropped"].items()}
        return cls(int(data["captured"]), int(data["recorded"]), dropped, str(data["crc32"]))


class LedgerWriter:
    """Appends lines; a killed process loses at most the line it was writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._crc = _SEED
        self._captured = 0
        self._recorded = 0
        self._dropped: Counter[str] = Counter()
        # Unbuffered: one write call per line, so a kill cannot hold back finished lines.
        self._stream = path.open("xb", buffering=0)
        self._stream.write(f"{COLUMNS}\n".encode())

    @classmethod
    def resume(cls, path: Path) -> tuple[LedgerWriter, Ledger]:
        """Go on with the ledger of a killed process behind its last line that verifies.

        Returns:
            The writer, and what the file holds so far.
        """
        try:
            ledger = read_ledger(path)
        except FileNotFoundError:
            ledger = None
        if ledger is None or not ledger.good_bytes:
            path.unlink(missing_ok=True)
            return cls(path), Ledger((), LedgerTotals(0, 0, {}, f"{_SEED:08x}"))
        writer = cls.__new__(cls)
        writer.path = path
        totals = ledger.totals
        writer._crc = int(totals.crc32, 16)
        writer._captured, writer._recorded = totals.captured, totals.recorded
        writer._dropped = Counter(totals.dropped)
        writer._stream = path.open("ab", buffering=0)
        writer._stream.truncate(ledger.good_bytes)
        return writer, ledger

    def append(self, row: LedgerRow) -> None:
        """Write one line.

        Raises:
            ValueError: A recorded frame with a cause, a dropped one without, or a cause that is not one word
                of csv.
            OSError: The disk refused.
        """
        if (row.fate == "dropped") != bool(row.cause):
            raise ValueError(f"a dropped frame needs a cause and a recorded one has none, not {row}")
        if any(character in row.cause for character in ',"\r\n'):
            raise ValueError(f"a cause holds no comma, quote or line break, not {row.cause!r}")
        text = f"{row.index},{row.t_capture_ns},{row.fate},{row.cause}"
        crc = crc32(text.encode(), self._crc)
        append_whole(self._stream, f"{text},{crc:08x}\n".encode())
        self._crc = crc
        self._captured += 1
        if row.fate == "recorded":
            self._recorded += 1
        else:
            self._dropped[row.cause] += 1

    @property
    def totals(self) -> LedgerTotals:
        """Counts so far."""
        return LedgerTotals(self._captured, self._recorded, dict(self._dropped), f"{self._crc:08x}")

    def fsync(self) -> None:
        """Wait until the lines are on the disk."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._stream.close()


@dataclass(frozen=True)
class Ledger:
    """All lines of one camera that verify.

    Attributes:
        rows: The good lines, in order.
        totals: Counts over them.
        problem: What is wrong with the file and in which line, empty when it verifies to its end.
        good_bytes: Length of the part of the file that verifies, header included.
    """

    rows: tuple[LedgerRow, ...]
    totals: LedgerTotals
    problem: str = ""
    good_bytes: int = 0

    def __iter__(self) -> Iterator[LedgerRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def recorded(self) -> tuple[LedgerRow, ...]:
        """Rows that have a picture in the video, in order."""
        return tuple(row for row in self.rows if row.fate == "recorded")

    @cached_property
    def times_ns(self) -> NDArray[np.int64]:
        """(N,) capture times of all rows, ns."""
        return np.array([row.t_capture_ns for row in self.rows], np.int64)


def read_ledger(path: Path, expected: LedgerTotals | None = None) -> Ledger:
    """Read and verify a ledger up to the first bad line.

    Args:
        path: The csv file.
        expected: Totals remembered elsewhere; a difference is reported as a problem.

    Raises:
        FileNotFoundError: There is no such file.
    """
    lines = path.read_bytes().split(b"\n")
    tail = lines.pop()
    problem = ""
    rows: list[LedgerRow] = []
    crc = _SEED
    good_bytes = len(COLUMNS) + 1
    if not lines or lines[0] != COLUMNS.encode():
        problem = f"line 1 is not the header {COLUMNS}"
        lines = lines[:1]
        good_bytes = 0
    for number, line in enumerate(lines[1:], start=2):
        parsed = _parse(line, crc)
        if isinstance(parsed, str):
            problem = f"line {number} {parsed}"
            break
        row, crc = parsed
        rows.append(row)
        good_bytes += len(line) + 1
    if not problem and tail:
        problem = f"line {len(lines) + 1} is cut short"
    recorded = sum(row.fate == "recorded" for row in rows)
    dropped = dict(Counter(row.cause for row in rows if row.fate == "dropped"))
    totals = LedgerTotals(len(rows), recorded, dropped, f"{crc:08x}")
    if not problem and expected is not None and totals != expected:
        problem = f"ends after {totals.captured} frames, take.yaml counted {expected.captured}"
        if totals.captured == expected.captured:
            problem = "differs from the totals in take.yaml"
    return Ledger(tuple(rows), totals, problem, good_bytes)


def _parse(line: bytes, crc_before: int) -> tuple[LedgerRow, int] | str:
    text, comma, checksum = line.rpartition(b",")
    fields = text.decode("utf-8", "replace").split(",")
    if not comma or len(fields) != 4:
        return f"does not have the {COLUMNS.count(',') + 1} columns {COLUMNS}"
    crc = crc32(text, crc_before)
    if checksum != f"{crc:08x}".encode():
        return "was changed, or a line before it was removed or inserted: its checksum does not fit"
    fate, cause = fields[2:]
    if not _NUMBER.fullmatch(fields[0]) or not _NUMBER.fullmatch(fields[1]):
        return "does not begin with two numbers"
    index, t_capture_ns = int(fields[0]), int(fields[1])
    if fate == "recorded":
        return LedgerRow(index, t_capture_ns, "recorded", cause), crc
    if fate == "dropped":
        return LedgerRow(index, t_capture_ns, "dropped", cause), crc
    return f'has the unknown fate "{fate}"'
