"""Ledger lines whose picture never reached the disk; correcting a ledger without losing the old one."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from pipeline.take.errors import TakeError
from pipeline.take.ledger import Ledger, LedgerRow, LedgerTotals, LedgerWriter, read_ledger
from pipeline.take.video_file import RecordedVideo

_log = logging.getLogger(__name__)

LOST_CAUSE = "lost_in_interruption"
"""Fate of a frame whose ledger line says recorded but whose picture never reached the disk."""

DAMAGED = "damaged"
"""Folder inside the take that keeps every file which had to be replaced."""


def without_picture(video: Path, origin_ns: int, ledger: Ledger) -> set[int]:
    """Numbers of the ledger's lines that say recorded although the video does not have the picture."""
    recorded = [number for number, row in enumerate(ledger) if row.fate == "recorded"]
    capture_ns = [ledger.rows[number].t_capture_ns for number in recorded]
    shown = np.zeros(0, np.intp)
    if video.is_file() and video.stat().st_size > 0:
        try:
            shown = RecordedVideo(video).rows(capture_ns, origin_ns)
        except TakeError as error:
            _log.warning("%s", error)
    return set(recorded) - {recorded[row] for row in shown if row >= 0}


def settle_ledger(folder: Path, path: Path, video: Path, origin_ns: int, missing: list[str]) -> LedgerTotals:
    """Make one camera's ledger say what is on the disk.

    Lines after damage are left out and frames without a picture become dropped ones. A ledger that is right
    is not touched; one that is replaced is kept.

    Args:
        folder: The take.
        path: The ledger.
        video: The camera's video; need not exist.
        origin_ns: Time 0 of the video.
        missing: Gets a sentence about everything that is lost.
    """
    camera = path.stem
    ledger = read_ledger(path)
    lost = without_picture(video, origin_ns, ledger)
    if ledger.problem:
        missing.append(f"{camera}: {ledger.problem}; {len(ledger)} lines before it are good")
    if lost:
        frames = "1 captured frame has" if len(lost) == 1 else f"{len(lost)} captured frames have"
        missing.append(f"{camera}: {frames} no picture in the video")
    if not ledger.problem and not lost:
        return ledger.totals
    rows = [
        LedgerRow(row.index, row.t_capture_ns, "dropped", LOST_CAUSE) if number in lost else row
        for number, row in enumerate(ledger)
    ]
    return _rewrite(folder, path, rows)


def _rewrite(folder: Path, path: Path, rows: list[LedgerRow]) -> LedgerTotals:
    """Replace a ledger by these rows; the old one is kept."""
    fresh = path.with_name(f".repaired-{path.name}")
    fresh.unlink(missing_ok=True)  # of a repair that was interrupted itself
    writer = LedgerWriter(fresh)
    for row in rows:
        writer.append(row)
    writer.fsync()
    writer.close()
    keep(folder, path)
    fresh.replace(path)
    return writer.totals


def keep(folder: Path, path: Path) -> None:
    """Move a damaged file aside, never over another one."""
    target = folder / DAMAGED / path.relative_to(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        path.unlink()  # kept by an earlier repair that was interrupted
    else:
        path.rename(target)
