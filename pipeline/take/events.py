"""Marks, warnings, restarts and disconnects of a take: one JSON object per line."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.take.append import append_whole


@dataclass(frozen=True)
class Event:
    """Something that happened during a take.

    Attributes:
        t_ns: When, monotonic clock of the take.
        kind: Short class name such as ``mark``, ``warning``, ``restart``, ``disconnect``.
        message: One sentence for people.
        details: Further values, plain JSON types.
    """

    t_ns: int
    kind: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


class EventsWriter:
    """Appends events; each is one write call."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("xb", buffering=0)
        self.count = 0

    @classmethod
    def resume(cls, path: Path) -> EventsWriter:
        """Go on with the events of a killed process behind the last whole line."""
        content = path.read_bytes() if path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        writer = cls.__new__(cls)
        writer._stream = path.open("ab", buffering=0)
        writer._stream.truncate(len(whole))
        writer.count = whole.count(b"\n")
        return writer

    def append(self, event: Event) -> None:
        """Write one event.

        Raises:
            TypeError: A detail is not a plain JSON value.
        """
        data = {"t_ns": event.t_ns, "kind": event.kind, "message": event.message, **event.details}
        line = json.dumps(data, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        append_whole(self._stream, line)
        self.count += 1

    def fsync(self) -> None:
        """Wait until the events are on the disk."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._stream.close()


def read_events(path: Path) -> tuple[list[Event], str]:
    """Read every whole line; returns the events and what is wrong with the file, empty when nothing is."""
    events: list[Event] = []
    lines = path.read_bytes().split(b"\n")
    tail = lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            event = Event(int(data.pop("t_ns")), str(data.pop("kind")), str(data.pop("message")), data)
        except (ValueError, KeyError, AttributeError, TypeError, OverflowError, RecursionError):
            return events, f"line {number} is not an event"
        events.append(event)
    return events, f"line {len(lines) + 1} is cut short" if tail else ""
