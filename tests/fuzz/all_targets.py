"""Everything that is tried, by name."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Protocol

from tests.fuzz.targets import TARGETS, Prepared, Target
from tests.fuzz.wire import WIRE


class Tried(Protocol):
    """Makes inputs and tries them."""

    def damaged(self, dice: Random) -> bytes:
        """Another input."""
        ...

    def try_bytes(self, data: bytes) -> bool:
        """Raise whatever no user should see."""
        ...


def names() -> list[str]:
    """Of everything that is tried."""
    return [*_files(weights=True), *WIRE]


def prepare(name: str, folder: Path) -> Tried:
    """A reader with its valid input in an empty folder."""
    if name in WIRE:
        tried: Tried = WIRE[name]()
        return tried
    return Prepared(_files(weights=name not in TARGETS)[name], folder)


def _files(*, weights: bool) -> dict[str, Target]:
    if not weights:
        return TARGETS
    from tests.fuzz.weight_targets import WEIGHT_TARGETS  # torch takes seconds to load

    return {**TARGETS, **WEIGHT_TARGETS}
