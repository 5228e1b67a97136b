"""Makes an interrupted take complete again, without losing what is good or inventing what is not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from configs.atomic_file import write_atomic
from pipeline.take.errors import DiskFullError, TakeError, is_disk_full
from pipeline.take.events import read_events
from pipeline.take.header import TakeHeader, read_header, write_header
from pipeline.take.ledger import LedgerTotals, LedgerWriter
from pipeline.take.lock import TakeLock
from pipeline.take.lost_pictures import DAMAGED, keep, settle_ledger
from pipeline.take.matroska import read_bones, seal
from pipeline.take.one_camera import one_camera_summary
from pipeline.take.poses_log import PosesLog
from pipeline.take.writer import EVENTS, LEDGER, POSES_FILE, POSES_LOG, STREAMS_LOG, VIDEOS, finish_poses

_log = logging.getLogger(__name__)


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

    Videos get the index that their writer did not come to; their pictures stay where they are. Ledger lines
    after damage are left out, frames without a picture become dropped ones, the poses log becomes
    ``poses.npz``. What is replaced or cut off is kept in the folder ``damaged``.

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
        (folder / STREAMS_LOG).unlink(missing_ok=True)
        alone = one_camera_summary(folder / POSES_FILE, header.origin_ns)
        write_header(folder, header.with_state("repaired", totals, alone))
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
    video = folder / VIDEOS / f"{camera}.mkv"
    if video.is_file():
        _seal(folder, video)
    return settle_ledger(folder, path, video, header.origin_ns, missing)


def _seal(folder: Path, video: Path) -> None:
    """Give a video that was cut short its index; a torn end is kept beside it."""
    try:
        bones = read_bones(video)
        if bones.sized or not bones.clusters:
            return
        size = video.stat().st_size
        if bones.end < size:
            tail = folder / DAMAGED / VIDEOS / f"{video.name}.torn"
            tail.parent.mkdir(parents=True, exist_ok=True)
            with video.open("rb") as stream:
                stream.seek(bones.end)
                write_atomic(tail, stream.read())
        seal(video)
    except TakeError as error:
        _log.warning("%s", error)


def _repair_events(folder: Path, missing: list[str]) -> None:
    path = folder / EVENTS
    if not path.is_file():
        missing.append(f"{EVENTS} is gone")
        path.touch()
        return
    events, problem = read_events(path)
    if problem:
        missing.append(f"{EVENTS}: {problem}; the {len(events)} before it are good")
        keep(folder, path)
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
        keep(folder, path)
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
