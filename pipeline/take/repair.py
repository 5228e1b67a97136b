"""Makes an interrupted take complete again, without losing what is good or inventing what is not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.take.errors import DiskFullError, TakeError, is_disk_full
from pipeline.take.events import read_events
from pipeline.take.header import TakeHeader, read_header, write_header
from pipeline.take.ledger import Ledger, LedgerRow, LedgerTotals, LedgerWriter, read_ledger
from pipeline.take.lock import TakeLock
from pipeline.take.poses_log import PosesLog
from pipeline.take.video_file import RecordedVideo, match_pictures
from pipeline.take.writer import EVENTS, LEDGER, POSES_FILE, POSES_LOG, VIDEOS, finish_poses

_log = logging.getLogger(__name__)

LOST_CAUSE = "lost_in_interruption"
"""Fate of a frame whose ledger line says recorded but whose picture never reached the disk."""

DAMAGED = "damaged"
"""Folder inside the take that keeps every file which had to be replaced."""


@dataclass(frozen=True)
class RepairedTake:
    """What a repair found.

    Attributes:
        folder: The take.
        changed: False when the take was complete and nothing was done.
        totals: Ledger totals by camera.
        poses: Number of instants with poses.
        missing: What could not be saved, one sentence each; empty when nothing is missing.
    """

    folder: Path
    changed: bool
    totals: dict[str, LedgerTotals]
    poses: int
    missing: tuple[str, ...]


def repair_take(folder: Path) -> RepairedTake:
    """Complete a take whose recording was killed or ran out of disk. Safe to call again.

    Videos stay as they are: they are readable up to the interruption. Ledger lines after damage are left out,
    frames without a picture become dropped ones, the poses log becomes ``poses.npz``. Files that are replaced
    are kept in the folder ``damaged``.

    Raises:
        BadInputError: The folder is no take, or the take is being recorded right now.
        DiskFullError: There is no room to repair.
    """
    header = read_header(folder)
    if header.state != "recording":
        return RepairedTake(folder, False, dict(header.totals), _count_poses(folder), ())
    with TakeLock(folder):
        return _complete(folder, header)


def _complete(folder: Path, header: TakeHeader) -> RepairedTake:
    missing: list[str] = []
    try:
        totals = {camera: _repair_camera(folder, header, camera, missing) for camera in header.cameras}
        _repair_events(folder, missing)
        poses = _repair_poses(folder, missing)
        write_header(folder, header.with_state("repaired", totals))
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError(f"{folder}: the disk is full; free some space and repair again") from error
        raise
    return RepairedTake(folder, True, totals, poses, tuple(missing))


def _repair_camera(folder: Path, header: TakeHeader, camera: str, missing: list[str]) -> LedgerTotals:
    path = folder / LEDGER / f"{camera}.csv"
    if not path.is_file():
        missing.append(f"{camera}: the ledger is gone")
        LedgerWriter(path).close()
    ledger = read_ledger(path)
    lost = _without_picture(folder, header, camera, ledger)
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


def _without_picture(folder: Path, header: TakeHeader, camera: str, ledger: Ledger) -> set[int]:
    """Numbers of the ledger's lines that say recorded although the video does not have the picture."""
    recorded = [number for number, row in enumerate(ledger) if row.fate == "recorded"]
    path = folder / VIDEOS / f"{camera}.mkv"
    times_ms = np.zeros(0)
    if path.is_file() and path.stat().st_size > 0:
        try:
            times_ms = RecordedVideo(path).times_ms
        except TakeError as error:
            _log.warning("%s", error)
    capture_ns = [ledger.rows[number].t_capture_ns for number in recorded]
    shown = match_pictures(times_ms, capture_ns, header.origin_ns)
    return set(recorded) - {recorded[row] for row in shown if row >= 0}


def _rewrite(folder: Path, path: Path, rows: list[LedgerRow]) -> LedgerTotals:
    """Replace a ledger by these rows; the old one is kept."""
    fresh = path.with_name(f".repaired-{path.name}")
    fresh.unlink(missing_ok=True)  # of a repair that was interrupted itself
    writer = LedgerWriter(fresh)
    for row in rows:
        writer.append(row)
    writer.fsync()
    writer.close()
    _keep(folder, path)
    fresh.replace(path)
    return writer.totals


def _repair_events(folder: Path, missing: list[str]) -> None:
    path = folder / EVENTS
    if not path.is_file():
        missing.append(f"{EVENTS} is gone")
        path.touch()
        return
    events, problem = read_events(path)
    if problem:
        missing.append(f"{EVENTS}: {problem}; the {len(events)} before it are good")
        _keep(folder, path)
        content = (folder / DAMAGED / EVENTS).read_bytes()
        path.write_bytes(b"".join(content.splitlines(keepends=True)[: len(events)]))


def _repair_poses(folder: Path, missing: list[str]) -> int:
    path = folder / POSES_LOG
    if not path.is_file():
        return _count_poses(folder)
    try:
        log = PosesLog(path)
    except TakeError:
        missing.append("the poses log holds nothing")
        _keep(folder, path)
        return 0
    count, people = 0, 0
    for frame in log:
        count += 1
        people = max(people, len(frame.person))
    if log.problem:
        missing.append(f"poses: {log.problem}")
    finish_poses(folder, count, people)
    return count


def _count_poses(folder: Path) -> int:
    path = folder / POSES_FILE
    if not path.is_file():
        return 0
    with np.load(path, allow_pickle=False) as data:
        return len(data["times_ns"])


def _keep(folder: Path, path: Path) -> None:
    """Move a damaged file aside, never over another one."""
    target = folder / DAMAGED / path.relative_to(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        path.unlink()  # kept by an earlier repair that was interrupted
    else:
        path.rename(target)
