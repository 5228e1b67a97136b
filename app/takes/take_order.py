"""Orders in which takes can be listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal

from app.takes.digest import Digest
from app.takes.take_entry import TakeEntry

SortKey = Literal["newest", "oldest", "name", "longest", "quality"]
SORTS: Final[dict[SortKey, str]] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "name": "Name",
    "longest": "Longest first",
    "quality": "Quality",
}

_GRADE_ORDER: Final = {"good": 0, "warning": 1, "bad": 2, "quiet": 3}


def in_order(
    entries: Iterable[TakeEntry], key: SortKey, digest: Callable[[TakeEntry], Digest | None] = lambda _: None
) -> list[TakeEntry]:
    """Takes in an order; those of the same quality are listed newest first.

    Args:
        entries: The takes.
        key: Which order.
        digest: What is known about a take; without it, takes come last by quality.
    """
    if key == "name":
        return sorted(entries, key=lambda entry: entry.name.lower())
    if key == "longest":
        return sorted(entries, key=lambda entry: -entry.seconds)
    by_time = sorted(entries, key=_recorded_s, reverse=key != "oldest")
    return sorted(by_time, key=lambda entry: _quality(digest(entry))) if key == "quality" else by_time


def _recorded_s(entry: TakeEntry) -> float:
    return entry.recorded.timestamp() if entry.recorded else 0.0


def _quality(digest: Digest | None) -> tuple[int, float]:
    """Best first: by grade, then by reprojection error in px."""
    if digest is None:
        return (4, 0.0)
    figure = float(digest.figure.split()[0]) if digest.figure else 0.0
    return (_GRADE_ORDER[digest.grade], figure)
