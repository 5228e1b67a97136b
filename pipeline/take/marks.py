"""Marks of a take: named moments, set while recording or afterwards, changed or taken back.

``events.jsonl`` only ever grows, so that nothing in it can be lost. A changed mark is a line of kind
``mark_edited`` with the new text, a mark taken back one of kind ``mark_removed``; both say with ``mark``
which line, counted from 0, they are about.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from configs.errors import bad_input
from pipeline.take.errors import DiskFullError, is_disk_full
from pipeline.take.events import Event, read_events
from pipeline.take.header import read_header
from pipeline.take.lock import TakeLock
from pipeline.take.writer import EVENTS

MARK, EDITED, REMOVED = "mark", "mark_edited", "mark_removed"


@dataclass(frozen=True)
class Mark:
    """A named moment.

    Attributes:
        number: Line of the mark in ``events.jsonl``, counted from 0.
        t_ns: When, monotonic clock of the take.
        text: What is there, in the words of whoever set it.
    """

    number: int
    t_ns: int
    text: str


def resolve_marks(events: list[Event]) -> list[Mark]:
    """The marks that hold, with their latest text, by time."""
    marks: dict[int, Mark] = {}
    for number, event in enumerate(events):
        if event.kind == MARK:
            marks[number] = Mark(number, event.t_ns, event.message)
            continue
        about = event.details.get("mark")
        if about not in marks:
            continue
        if event.kind == EDITED:
            marks[about] = Mark(about, marks[about].t_ns, event.message)
        elif event.kind == REMOVED:
            del marks[about]
    return sorted(marks.values(), key=lambda mark: (mark.t_ns, mark.number))


def settled_events(events: list[Event]) -> list[Event]:
    """All events in order, marks with their latest text, those taken back left out."""
    marks = {mark.number: mark for mark in resolve_marks(events)}
    settled = []
    for number, event in enumerate(events):
        if event.kind in {EDITED, REMOVED} or (event.kind == MARK and number not in marks):
            continue
        settled.append(replace(event, message=marks[number].text) if event.kind == MARK else event)
    return settled


def read_marks(folder: Path) -> list[Mark]:
    """Marks of a take, by time; those after a damaged line are left out."""
    path = folder / EVENTS
    return resolve_marks(read_events(path)[0]) if path.is_file() else []


def add_mark(folder: Path, t_ns: int, text: str) -> Mark:
    """Set a mark in a take that is not being recorded.

    Raises:
        BadInputError: The take is being written, was interrupted, or its events are damaged.
        DiskFullError: No room left.
    """
    number = _append(folder, lambda _: Event(t_ns, MARK, text))
    return Mark(number, t_ns, text)


def edit_mark(folder: Path, number: int, text: str) -> None:
    """Give a mark another text.

    Raises:
        BadInputError: There is no such mark (any more), or as for ``add_mark``.
        DiskFullError: No room left.
    """
    _append(folder, lambda marks: Event(_known(folder, marks, number).t_ns, EDITED, text, {"mark": number}))


def remove_mark(folder: Path, number: int) -> None:
    """Take a mark back.

    Raises:
        BadInputError: There is no such mark (any more), or as for ``add_mark``.
        DiskFullError: No room left.
    """

    def event(marks: dict[int, Mark]) -> Event:
        mark = _known(folder, marks, number)
        return Event(mark.t_ns, REMOVED, mark.text, {"mark": number})

    _append(folder, event)


def _known(folder: Path, marks: dict[int, Mark], number: int) -> Mark:
    if number not in marks:
        raise bad_input("there is no such mark any more", file=folder / EVENTS, key="mark", value=number)
    return marks[number]


def _append(folder: Path, make: Any) -> int:
    """Add one event that ``make`` builds from the present marks; returns its line, counted from 0."""
    if read_header(folder).state == "recording":
        raise bad_input("is not complete yet", file=folder, hint="repair the take first")
    path = folder / EVENTS
    with TakeLock(folder):
        events, problem = read_events(path) if path.is_file() else ([], "")
        if problem:
            raise bad_input(f"cannot be added to: {problem}", file=path)
        event = make({mark.number: mark for mark in resolve_marks(events)})
        data = {"t_ns": event.t_ns, "kind": event.kind, "message": event.message, **event.details}
        line = json.dumps(data, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        _write(path, line)
    return len(events)


def _write(path: Path, line: bytes) -> None:
    """One line in one call; a part of a line that no longer fits is taken away again."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    except PermissionError as error:
        raise bad_input("cannot be written: permission denied", file=path) from error
    try:
        size = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                os.ftruncate(descriptor, size)
                raise DiskFullError(f"{path}: the disk is full; the mark was not set")
            os.fsync(descriptor)
        except OSError as error:
            if is_disk_full(error):
                raise DiskFullError(f"{path}: the disk is full; the mark was not set") from error
            raise
    finally:
        os.close(descriptor)
