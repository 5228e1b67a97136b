"""What the program itself can do about a diagnosis: only what showing the board again makes good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.calibrate.board_choice import title_of
from app.calibrate.order import Order
from calibration.board import Board
from calibration.diagnosis import Diagnosis

_WRONG_LENS: Final = frozenset({"wrong_intrinsics", "picture_size"})
_WRONG_VIEWS: Final = frozenset({"moved_camera", "lens_changed"})


@dataclass(frozen=True)
class Remedy:
    """One thing to do.

    Attributes:
        kind: ``board``: use the board that the pictures show. ``lenses``: estimate lenses instead of using
            those that were given. ``again``: forget what some cameras saw, and show them the board again.
        words: On the button.
        about: The diagnosis.
        board: The one to use.
        cameras: Those whose views are forgotten.
    """

    kind: Literal["board", "lenses", "again"]
    words: str
    about: Diagnosis
    board: Board | None = None
    cameras: tuple[str, ...] = ()


def remedies(diagnoses: Sequence[Diagnosis], order: Order) -> tuple[Remedy, ...]:
    """What can be done, at most one thing of each kind, the gravest first."""
    found: dict[str, Remedy] = {}
    for one in diagnoses:
        remedy = _remedy(one, order)
        if remedy is not None:
            found.setdefault(remedy.kind, remedy)
    return tuple(found.values())


def _remedy(one: Diagnosis, order: Order) -> Remedy | None:
    if one.board is not None and not order.board.locked:
        return Remedy("board", f"Use {_words(one.board, order.board.board)}", one, board=one.board)
    if one.kind in _WRONG_LENS and order.lenses is not None:
        return Remedy("lenses", "Estimate all lenses instead", one)
    if one.kind in _WRONG_VIEWS and one.cameras and order.live:
        return Remedy("again", f"Show {' and '.join(one.cameras)} the board again", one, cameras=one.cameras)
    return None


def _words(board: Board, stated: Board | None) -> str:
    """The board by what differs from the stated one."""
    if stated is not None and stated.kind == board.kind:
        if (stated.columns, stated.rows) != (board.columns, board.rows):
            return f"{board.columns} × {board.rows} squares"
        if stated.dictionary != board.dictionary:
            return str(board.dictionary)
        if stated.first_marker != board.first_marker:
            return f"first marker {board.first_marker}"
        if stated.legacy_pattern != board.legacy_pattern:
            return "the old layout" if board.legacy_pattern else "today's layout"
        if stated.marker_mm != board.marker_mm:
            return f"markers of {board.marker_mm:g} mm"
    return title_of(board)
