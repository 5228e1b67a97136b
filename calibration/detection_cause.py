"""A cause for which a board is not found, in a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from calibration.board import Board

Cause = Literal[
    "found",
    "inverted",
    "mirrored",
    "dictionary",
    "legacy_pattern",
    "swapped",
    "inner_corners",
    "counts",
    "first_marker",
    "marker_size",
    "other_kind",
    "blurred",
    "too_small",
    "partial",
    "no_board",
]


@dataclass(frozen=True)
class Diagnosis:
    """One cause.

    Attributes:
        cause: For programs.
        sentence: For people: what is the matter and what to do.
        board: The board as the pictures show it, where that is the remedy.
    """

    cause: Cause
    sentence: str
    board: Board | None = None
