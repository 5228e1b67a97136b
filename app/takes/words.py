"""Figures of takes in words."""

from __future__ import annotations

from datetime import datetime

from app.takes.take_entry import TakeEntry, TakeState

STATE_WORDS: dict[TakeState, tuple[str, str]] = {
    "recording": ("Recording", "bad"),
    "interrupted": ("Interrupted", "warning"),
    "complete": ("Complete", "quiet"),
    "repaired": ("Repaired", "quiet"),
    "unreadable": ("Cannot be read", "bad"),
}
"""Word and role."""


def duration_words(seconds: float) -> str:
    """``7.4 s``, ``3:05 min``, ``1:02:09 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d} h"


def date_words(when: datetime | None, now: datetime | None = None) -> str:
    """``Today 14:05``, ``Yesterday 09:30``, ``3 May 2025``."""
    if when is None:
        return "Unknown date"
    today = (now or datetime.now().astimezone()).date()
    days = (today - when.date()).days
    if days == 0:
        return f"Today {when:%H:%M}"
    if days == 1:
        return f"Yesterday {when:%H:%M}"
    year = f" {when.year}" if when.year != today.year else ""
    return f"{when.day} {when:%b}{year} {when:%H:%M}"


def cameras_words(count: int) -> str:
    """``1 camera``, ``4 cameras``."""
    return f"{count} camera{'s' if count != 1 else ''}"


def pipeline_words(entry: TakeEntry) -> str:
    """Name of the pipeline, or that there are no poses."""
    if entry.pipeline in {"", "none"}:
        return "no poses"
    return entry.pipeline


def clock_words(seconds: float) -> str:
    """``01:02.345``: minutes, seconds, milliseconds."""
    sign = "-" if seconds < -0.0005 else ""
    milliseconds = round(abs(seconds) * 1000)
    return f"{sign}{milliseconds // 60000:02d}:{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"


def size_words(size_bytes: int) -> str:
    """``820 kB``, ``3.4 MB``, ``1.2 GB``."""
    for unit, power in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= power:
            return f"{size_bytes / power:.1f} {unit}"
    return f"{max(1, round(size_bytes / 1e3))} kB"
