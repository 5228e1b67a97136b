"""A take as the list shows it: read from ``take.yaml`` and the ends of its ledgers, in milliseconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from pipeline.take.header import TAKE_FILE, VERSION
from pipeline.take.lock import is_held
from pipeline.take.writer import LEDGER, POSES_FILE, POSES_LOG

log = logging.getLogger(__name__)

TakeState = Literal["recording", "interrupted", "complete", "repaired", "unreadable"]

DELETED_FOLDER: Final = ".deleted"
"""Beside the takes: where deleted ones wait when the system has no trash."""

_YOUNG_S: Final = 3.0
"""A take that was begun so recently is left alone: its recorder may be about to lock it."""

_LINE: Final = 512
"""Bytes: no line of a ledger is longer."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class TakeEntry:
    """One line of the list.

    Attributes:
        folder: Where it is.
        name: What it is called.
        recorded: When it was begun, None when unknown.
        seconds: From the first to the last captured frame.
        cameras: Their names.
        pipeline: From frames to poses.
        label: What must be told before its poses are believed.
        state: ``interrupted``: to be repaired; ``unreadable``: see ``problem``.
        has_poses: Whether there are any.
        frames: Recorded frames of the camera with the most; 0 while not counted.
        dropped: Frames of all cameras that were captured but not recorded.
        problem: Why it cannot be read.
        simulated: Whether the simulated studio was filmed.
        stamp: Changes when the take does.
    """

    folder: Path
    name: str
    recorded: datetime | None = None
    seconds: float = 0.0
    cameras: tuple[str, ...] = ()
    pipeline: str = ""
    label: str = ""
    state: TakeState = "complete"
    has_poses: bool = False
    frames: int = 0
    dropped: int = 0
    problem: str = ""
    simulated: bool = False
    stamp: tuple[int, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether it can be played, processed and exported."""
        return self.state in {"complete", "repaired"}

    def matches(self, words: str) -> bool:
        """Whether every word is found in its name, pipeline, cameras, date or state."""
        date = f"{self.recorded:%Y-%m-%d %H:%M}" if self.recorded else ""
        text = " ".join([self.name, self.pipeline, *self.cameras, date, self.state, self.label]).lower()
        return all(word in text for word in words.lower().split())


def find_takes(folders: Iterable[Path]) -> Iterator[Path]:
    """Takes that lie in some folders, or are these folders; each once."""
    seen: set[Path] = set()
    for folder in folders:
        try:
            inside = sorted(item for item in folder.iterdir() if not item.name.startswith("."))
        except OSError as error:
            log.info("%s cannot be looked into: %s", folder, error)
            continue
        for take in (folder, *inside):
            if take not in seen and (take / TAKE_FILE).is_file():
                seen.add(take)
                yield take


def stamp_of(folder: Path) -> tuple[int, ...]:
    """Changes when the take's header or poses do."""
    stamps = []
    for name in (TAKE_FILE, POSES_FILE, POSES_LOG):
        try:
            stamps.append((folder / name).stat().st_mtime_ns)
        except OSError:
            stamps.append(0)
    return tuple(stamps)


def read_entry(folder: Path) -> TakeEntry:
    """Read what the list shows; a take that cannot be read says why."""
    stamp = stamp_of(folder)
    try:
        data = yaml.load((folder / TAKE_FILE).read_text(encoding="utf-8"), Loader=_Loader)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']} cannot be read by this program")  # noqa: TRY301
        totals = data["totals"] or {}
        cameras = tuple(str(name) for name in data["cameras"])
        devices = data["rig"].get("cameras") or ()
        return TakeEntry(
            folder=folder,
            name=str(data["name"]),
            recorded=_time(str(data["wall_time"])),
            seconds=_seconds(folder, cameras),
            cameras=cameras,
            pipeline=str(data["pipeline"]),
            label=str(data["label"]),
            state=_state(folder, str(data["state"]), stamp),
            has_poses=bool(stamp[1] or stamp[2]),
            frames=max((int(counts["recorded"]) for counts in totals.values()), default=0),
            dropped=sum(int(count) for counts in totals.values() for count in counts["dropped"].values()),
            simulated=bool(devices)
            and all(item.get("driver", {}).get("type") == "simulated" for item in devices),
            stamp=stamp,
        )
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        log.info("%s cannot be read: %s", folder, error)
        problem = f"{TAKE_FILE} is damaged: {type(error).__name__}: {error}".splitlines()[0]
        return TakeEntry(folder, folder.name, state="unreadable", problem=problem, stamp=stamp)


def _state(folder: Path, state: str, stamp: tuple[int, ...]) -> TakeState:
    if state != "recording":
        return "repaired" if state == "repaired" else "complete"
    young = time.time() - stamp[0] / 1e9 < _YOUNG_S
    return "recording" if young or is_held(folder) else "interrupted"


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        return None


def _seconds(folder: Path, cameras: tuple[str, ...]) -> float:
    """Length from the first and the last whole line of each ledger."""
    ends = [end for camera in cameras if (end := _ends(folder / LEDGER / f"{camera}.csv")) is not None]
    return (max(last for _, last in ends) - min(first for first, _ in ends)) / 1e9 if ends else 0.0


def _ends(path: Path) -> tuple[int, int] | None:
    try:
        with path.open("rb") as stream:
            head = stream.read(_LINE).split(b"\n")
            stream.seek(max(0, path.stat().st_size - _LINE))
            tail = stream.read().split(b"\n")[:-1]  # after the last line break: nothing, or a line cut short
        return int(head[1].split(b",")[1]), int(tail[-1].split(b",")[1])
    except (OSError, IndexError, ValueError):
        return None
