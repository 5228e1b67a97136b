"""Calibration boards: what is printed on them, and the file that says so.

``board.yaml``::

    version: 1
    type: charuco              # or checkerboard
    columns: 7                 # SQUARES, for checkerboards too: 7 x 5 squares have 6 x 4 inner corners
    rows: 5
    square_mm: 40.0            # as measured on the print
    marker_mm: 30.0            # this and what follows: charuco only
    dictionary: DICT_4X4_50
    legacy_pattern: false      # true for boards made with OpenCV before 4.6
    first_marker: 0
    inverted: null             # true: printed white on black; null: the detector finds out
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import field_validator

from calibration.errors import InvalidBoardError
from configs.atomic_file import write_atomic
from configs.errors import bad_input, did_you_mean
from configs.loading import Config, parse_config, read_yaml

VERSION = 1

BoardKind = Literal["checkerboard", "charuco"]

Floats = NDArray[np.float64]

DICTIONARIES: dict[str, tuple[int, int]] = {
    **{f"DICT_{n}X{n}_{count}": (n, count) for n in (4, 5, 6, 7) for count in (50, 100, 250, 1000)},
    "DICT_ARUCO_ORIGINAL": (5, 1024),
    "DICT_ARUCO_MIP_36H12": (6, 250),
    "DICT_APRILTAG_16H5": (4, 30),
    "DICT_APRILTAG_25H9": (5, 35),
    "DICT_APRILTAG_36H10": (6, 2320),
    "DICT_APRILTAG_36H11": (6, 587),
}
"""OpenCV's predefined marker dictionaries: bits along a side, number of markers."""

MOST_SQUARES = 60
"""Along a side. A larger board has squares that no camera resolves."""


@dataclass(frozen=True)
class Board:
    """A flat board; immutable.

    The board's frame: origin in the outer corner of square (0, 0), x along the columns, y along the rows,
    Z = 0, in mm. Whoever reads the print sees x to the right and y down. Square (0, 0) is black on a
    checkerboard; a board that is white there is the same board turned round, or counts as inverted.

    Args:
        kind: ``checkerboard`` or ``charuco``.
        columns: Squares along x.
        rows: Squares along y.
        square_mm: Side of a square as measured on the print.
        marker_mm: Side of a marker with its black border; charuco only.
        dictionary: A key of ``DICTIONARIES``, any case, with or without ``DICT_``; charuco only.
        legacy_pattern: The layout of OpenCV before 4.6, which differs where the number of rows is even.
        first_marker: Number of the first marker; they count up along the rows.
        inverted: Printed white on black; None where the detector is to find out.

    Raises:
        InvalidBoardError: (a ValueError) Says which field is wrong and why.
    """

    kind: BoardKind
    columns: int
    rows: int
    square_mm: float
    marker_mm: float | None = None
    dictionary: str | None = None
    legacy_pattern: bool = False
    first_marker: int = 0
    inverted: bool | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("checkerboard", "charuco"):
            raise InvalidBoardError("kind", f"must be checkerboard or charuco, not {self.kind!r}")
        # OpenCV's checkerboard search needs three inner corners along each side; a pose needs four in all.
        fewest = 4 if self.kind == "checkerboard" else 3
        for name in ("columns", "rows"):
            count = getattr(self, name)
            if isinstance(count, bool) or not isinstance(count, int | np.integer):
                raise InvalidBoardError(name, f"must be a whole number of squares, not {count!r}")
            if not fewest <= count <= MOST_SQUARES:
                raise InvalidBoardError(
                    name, f"must be {fewest} to {MOST_SQUARES} squares on a {self.kind}, not {count}"
                )
            object.__setattr__(self, name, int(count))
        object.__setattr__(self, "square_mm", _checked_length("square_mm", self.square_mm))
        if self.kind == "charuco":
            self._check_markers()
        else:
            self._check_no_markers()

    def _check_markers(self) -> None:
        if self.marker_mm is None:
            raise InvalidBoardError("marker_mm", "is needed for a charuco board: the side of a marker in mm")
        object.__setattr__(self, "marker_mm", _checked_length("marker_mm", self.marker_mm))
        if self.marker_mm >= self.square_mm:
            raise InvalidBoardError(
                "marker_mm",
                f"must be smaller than a square ({self.square_mm:g} mm), not {self.marker_mm:g}; "
                "are the two exchanged?",
            )
        if self.dictionary is None:
            raise InvalidBoardError("dictionary", "is needed for a charuco board, such as DICT_4X4_50")
        object.__setattr__(self, "dictionary", dictionary_name(self.dictionary))
        _, available = DICTIONARIES[self.dictionary]
        if self.first_marker < 0 or self.first_marker + self.marker_count > available:
            raise InvalidBoardError(
                "dictionary",
                f"{self.dictionary} has {available} markers, but a board of {self.columns} x {self.rows} "
                f"squares that starts with marker {self.first_marker} needs numbers up to "
                f"{self.first_marker + self.marker_count - 1}",
            )

    def _check_no_markers(self) -> None:
        for name in ("marker_mm", "dictionary"):
            if getattr(self, name) is not None:
                raise InvalidBoardError(
                    name, "belongs to charuco boards; a checkerboard has no markers, is the type right?"
                )
        if self.legacy_pattern or self.first_marker:
            name = "legacy_pattern" if self.legacy_pattern else "first_marker"
            raise InvalidBoardError(name, "belongs to charuco boards; a checkerboard has no markers")

    @property
    def inner(self) -> tuple[int, int]:
        """Inner corners along x and y."""
        return self.columns - 1, self.rows - 1

    @property
    def corner_count(self) -> int:
        """Number of inner corners."""
        return (self.columns - 1) * (self.rows - 1)

    @property
    def marker_count(self) -> int:
        """Number of markers, one in every white square; 0 on a checkerboard."""
        return self.columns * self.rows // 2 if self.kind == "charuco" else 0

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the printed pattern."""
        return self.columns * self.square_mm, self.rows * self.square_mm

    @property
    def symmetry(self) -> int:
        """How many turns leave the pattern as it is: 1, 2 or 4.

        Above 1 nobody can tell from a picture which corner is which, and cameras that see the board from
        different sides do not agree about them.
        """
        if self.kind == "charuco" or (self.columns + self.rows) % 2:
            return 1
        return 4 if self.columns == self.rows and self.columns % 2 else 2

    @cached_property
    def corners(self) -> Floats:
        """(N, 3) mm: the inner corners in the board's frame; corner k is ``k % (columns - 1)`` along x."""
        along_x = self.columns - 1
        k = np.arange(self.corner_count)
        grid = np.stack([k % along_x + 1, k // along_x + 1, np.zeros_like(k)], axis=1)
        corners: Floats = (grid * self.square_mm).astype(np.float64)
        corners.setflags(write=False)
        return corners

    def determines_pose(self, ids: NDArray[np.integer[Any]]) -> bool:
        """Whether these corners alone tell where the board is: four of them with no three in one line.

        All corners but one lying in one line do not, however many they are.

        Args:
            ids: (N,) numbers of corners.
        """
        x, y = (self.corners[ids, :2] / self.square_mm - (self.columns / 2, self.rows / 2)).T
        one, zero = np.ones_like(x), np.zeros_like(x)
        # The equations of a homography, here onto the board itself: rank 8 where it is unique.
        rows_u = np.stack([x, y, one, zero, zero, zero, -x * x, -x * y, -x], axis=1)
        rows_v = np.stack([zero, zero, zero, x, y, one, -y * x, -y * y, -y], axis=1)
        return bool(np.linalg.matrix_rank(np.concatenate([rows_u, rows_v]), tol=1e-6) == 8)

    def words(self) -> str:
        """Such as ``charuco board of 4 x 5 squares (54 mm, DICT_4X4_50)``."""
        markers = "" if self.kind == "checkerboard" else f", {self.dictionary}"
        legacy = ", legacy layout" if self.legacy_pattern else ""
        name = "checkerboard" if self.kind == "checkerboard" else "charuco board"
        return f"{name} of {self.columns} x {self.rows} squares ({self.square_mm:g} mm{markers}{legacy})"

    def as_dict(self) -> dict[str, Any]:
        """The keys of ``board.yaml`` without ``version``; a checkerboard has only those it needs."""
        result: dict[str, Any] = {"type": self.kind}
        for field in fields(self)[1:]:
            if self.kind == "charuco" or field.name in ("columns", "rows", "square_mm"):
                result[field.name] = getattr(self, field.name)
        return result


class BoardFile(Config):
    """The file, see the module. ``Board`` checks what the values mean together."""

    version: int = VERSION
    type: BoardKind
    columns: int
    rows: int
    square_mm: float
    marker_mm: float | None = None
    dictionary: str | None = None
    legacy_pattern: bool = False
    first_marker: int = 0
    inverted: bool | None = None

    @field_validator("version")
    @classmethod
    def _is_ours(cls, version: int) -> int:
        if version != VERSION:
            raise ValueError(f"this Posestage reads version {VERSION} of the board file")
        return version


def read_board(path: Path) -> Board:
    """Read ``board.yaml``.

    Raises:
        BadInputError: Names file, key, value and what is allowed.
    """
    return board_from_dict(read_yaml(Path(path)), source=path)


def write_board(path: Path, board: Board) -> None:
    """Write ``board.yaml`` atomically.

    Raises:
        BadInputError: The place cannot be written.
    """
    write_atomic(Path(path), yaml.safe_dump({"version": VERSION, **board.as_dict()}, sort_keys=False))


def board_from_dict(data: Mapping[str, Any], *, source: Path | str = "board") -> Board:
    """A board from the keys of ``board.yaml``.

    Raises:
        BadInputError: Names ``source``, key, value and what is allowed.
    """
    entry = parse_config(BoardFile, data, source=source)
    values = entry.model_dump(exclude={"version", "type"})
    try:
        return Board(kind=entry.type, **values)
    except InvalidBoardError as error:
        key = "type" if error.field == "kind" else error.field
        raise bad_input(error.problem, file=source, key=key) from error


def dictionary_name(name: str) -> str:
    """The key of ``DICTIONARIES`` that ``name`` stands for, such as ``4x4_50``.

    Raises:
        InvalidBoardError: There is no such dictionary.
    """
    upper = str(name).strip().upper().replace("-", "_")
    full = upper if upper.startswith("DICT_") else f"DICT_{upper}"
    if full not in DICTIONARIES:
        hint = did_you_mean(full, DICTIONARIES)
        raise InvalidBoardError(
            "dictionary",
            f"{name!r} is no predefined marker dictionary; allowed: {', '.join(DICTIONARIES)}"
            + (f"; {hint}" if hint else ""),
        )
    return full


def _checked_length(name: str, value: Any) -> float:
    try:
        length = float(value)
    except (TypeError, ValueError) as error:
        raise InvalidBoardError(name, f"must be a length in mm, not {value!r}") from error
    if not (np.isfinite(length) and 0.0 < length <= 5000.0):
        raise InvalidBoardError(name, f"must be more than 0 and at most 5000 mm, not {length:g}")
    return length
