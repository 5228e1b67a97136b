"""Which board is shown to the cameras: presets, own figures, what a ruler said. Decides, draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PyQt6.QtCore import QObject, pyqtSignal

from calibration.board import DICTIONARIES, Board, board_from_dict, read_board
from calibration.board_sheet import PAGES_MM, Sheet, lay_out
from calibration.errors import InvalidBoardError
from configs.errors import PosestageError
from pipeline.rigs.board_rig import BOARDS_FOLDER, STUDIO_BOARD_FILE

OWN: Final = "own"
FIRST_PRESET: Final = "charuco_a4"

_MARKER_SHARE: Final = 0.75
"""Of a square: smaller markers are not read from afar, larger ones disturb the corners."""


@dataclass(frozen=True)
class Preset:
    """A board that is described already.

    Attributes:
        name: Of its file.
        title: For people.
        board: What it is.
    """

    name: str
    title: str
    board: Board


def presets() -> tuple[Preset, ...]:
    """The boards in ``configs/boards``, small ones first; without the simulated studio's."""
    found = []
    for path in BOARDS_FOLDER.glob("*.yaml"):
        if path != STUDIO_BOARD_FILE:
            board = read_board(path)
            found.append(Preset(path.stem, title_of(board), board))
    return tuple(sorted(found, key=lambda one: (one.board.kind, one.board.size_mm)))


def title_of(board: Board) -> str:
    """Such as ``ChArUco 7 × 5 for A4``."""
    kind = "ChArUco" if board.kind == "charuco" else "Checkerboard"
    page = page_of(lay_out(board))
    return f"{kind} {board.columns} × {board.rows}" + (f" for {page}" if page else "")


def page_of(sheet: Sheet) -> str:
    """Such as ``A4``; "" for a page of no standard size."""
    for name, size in PAGES_MM.items():
        if sorted(size) == sorted(sheet.size_mm):
            return name.upper()
    return ""


class BoardChoice(QObject):
    """The board as it is being described.

    Attributes:
        preset: Name of the preset, or ``OWN``.
        values: Keys of ``board.yaml``, perhaps not (yet) a board.
        locked: Why nothing can be chosen; "" where it can.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.presets = presets()
        self.preset = FIRST_PRESET
        self.values: dict[str, Any] = self._preset(FIRST_PRESET).board.as_dict()
        self.locked = ""
        self._before: tuple[str, dict[str, Any]] | None = None

    @property
    def board(self) -> Board | None:
        """The board; None while the figures are none."""
        try:
            return self._build()
        except (InvalidBoardError, PosestageError):
            return None

    @property
    def problem(self) -> str:
        """Why the figures are no board, as a sentence; "" where they are."""
        try:
            self._build()
        except InvalidBoardError as error:
            return _sentence(f"{_NAMES.get(error.field, error.field)} {error.problem}")
        except PosestageError as error:
            return _sentence(str(error))
        return ""

    @property
    def wrong_field(self) -> str:
        """The key that is to blame; "" where none is."""
        try:
            self._build()
        except InvalidBoardError as error:
            return error.field
        except PosestageError:
            return ""
        return ""

    @property
    def warning(self) -> str:
        """What makes this board worse than it could be; "" where nothing does."""
        board = self.board
        if board is None:
            return ""
        if board.symmetry > 1:
            return (
                "This pattern looks the same turned round: cameras on different sides do not agree on its "
                "corners. Make one of columns and rows odd and the other even."
            )
        if board.kind == "charuco" and board.marker_mm is not None:
            share = board.marker_mm / board.square_mm
            if not 0.65 <= share <= 0.78:
                return (
                    f"Markers are {100 * share:.0f} % of a square. 70 to 75 % works best: larger ones "
                    "disturb the corners, smaller ones are not read from afar."
                )
        return ""

    @property
    def sheet(self) -> Sheet | None:
        """What would be printed."""
        board = self.board
        return lay_out(board) if board is not None else None

    def use_preset(self, name: str) -> None:
        """Take a preset; ``OWN`` keeps the figures and frees them."""
        self.preset = name
        if name != OWN:
            self.values = self._preset(name).board.as_dict()
        self.changed.emit()

    def use_board(self, board: Board) -> None:
        """Take a board from elsewhere."""
        same = [one.name for one in self.presets if one.board == board]
        self.preset = same[0] if same else OWN
        self.values = board.as_dict()
        self.changed.emit()

    def open(self, path: Path) -> None:
        """Take the board of a file.

        Raises:
            BadInputError: It cannot be read.
        """
        self.use_board(read_board(path))

    def set(self, key: str, value: Any) -> None:
        """Change one figure; markers keep their share of a square when the square changes."""
        if self.values.get(key) == value:
            return
        values = dict(self.values)
        if key == "square_mm" and values.get("marker_mm") and float(values["square_mm"]) > 0:
            values["marker_mm"] = round(float(values["marker_mm"]) * value / float(values["square_mm"]), 3)
        values[key] = value
        if key == "type":
            values = _of_type(values)
        self.values, self.preset = values, OWN
        self.changed.emit()

    def measured(self, squares: int, length_mm: float) -> None:
        """Take what a ruler said: so many squares in a row are so long."""
        self.set("square_mm", round(length_mm / squares, 4))

    def lock(self, board: Board, why: str) -> None:
        """Use this board and no other."""
        if not self.locked:
            self._before = self.preset, self.values
        self.locked = why
        self.use_board(board)

    def unlock(self) -> None:
        """Choose freely again: what was chosen before."""
        if not self.locked:
            return
        self.locked = ""
        if self._before is not None:
            self.preset, self.values = self._before
        self.changed.emit()

    def _build(self) -> Board:
        values = dict(self.values)
        kind = values.pop("type")
        return Board(kind, **values)

    def _preset(self, name: str) -> Preset:
        return next(one for one in self.presets if one.name == name)


def _of_type(values: dict[str, Any]) -> dict[str, Any]:
    """The keys that this type has, with sensible figures for those that it did not have before."""
    common = {key: values[key] for key in ("type", "columns", "rows", "square_mm")}
    if values["type"] == "checkerboard":
        columns, rows = max(4, values["columns"]), max(4, values["rows"])
        # One odd and one even, or the pattern would look the same turned round.
        return {**common, "columns": columns + (columns + rows + 1) % 2, "rows": rows}
    needed = values["columns"] * values["rows"] // 2
    counts = [count for count in (50, 100, 250) if needed <= count]
    data = {
        **common,
        "marker_mm": round(_MARKER_SHARE * values["square_mm"], 3),
        "dictionary": f"DICT_4X4_{counts[0] if counts else 1000}",
    }
    try:
        return board_from_dict(data).as_dict()
    except PosestageError:
        return data


def dictionaries() -> tuple[str, ...]:
    """All marker dictionaries."""
    return tuple(DICTIONARIES)


_NAMES: Final = {
    "columns": "Columns",
    "rows": "Rows",
    "square_mm": "The square",
    "marker_mm": "The marker",
    "dictionary": "The dictionary:",
    "first_marker": "The first marker",
}


def _sentence(text: str) -> str:
    words = f"{text[0].upper()}{text[1:]}"
    return words if words.endswith(("?", ".")) else f"{words}."
