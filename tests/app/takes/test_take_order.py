"""Orders of a list of takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from app.takes.digest import Digest, Grade
from app.takes.take_entry import TakeEntry
from app.takes.take_order import SORTS, SortKey, in_order

DAYS = {"alpha": 3, "gamma": 2, "Beta": 1}
SECONDS = {"alpha": 5.0, "gamma": 60.0, "Beta": 20.0}
ENTRIES = [
    *(
        TakeEntry(Path(name), name, datetime(2025, 1, day, tzinfo=UTC), SECONDS[name])
        for name, day in DAYS.items()
    ),
    TakeEntry(Path("odd"), "odd", state="unreadable"),
]


def names(key: SortKey, **grades: tuple[Grade, str]) -> list[str]:
    def digest(entry: TakeEntry) -> Digest | None:
        return Digest(*grades[entry.name], (), None) if entry.name in grades else None

    return [entry.name for entry in in_order(ENTRIES, key, digest)]


def test_takes_without_a_date_are_the_oldest():
    assert names("newest") == ["alpha", "gamma", "Beta", "odd"]
    assert names("oldest") == ["odd", "Beta", "gamma", "alpha"]


def test_names_are_compared_without_capitals():
    assert names("name") == ["alpha", "Beta", "gamma", "odd"]


def test_the_longest_comes_first():
    assert names("longest") == ["gamma", "Beta", "alpha", "odd"]


def test_quality_is_the_grade_then_the_error_then_the_date():
    good, better, poor = ("good", "2.5 px"), ("good", "10.5 px"), ("bad", "1.0 px")
    assert names("quality", alpha=poor, gamma=better, Beta=good) == ["Beta", "gamma", "alpha", "odd"]
    assert names("quality", odd=("quiet", "")) == ["odd", "alpha", "gamma", "Beta"]
    assert names("quality") == names("newest"), "nothing is known yet"


def test_every_order_lists_every_take():
    assert all(len(names(key)) == len(ENTRIES) for key in SORTS)
