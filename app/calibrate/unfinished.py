"""Calibrations that were begun and not finished: what is needed to go on with them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Self

import yaml

from calibration.board import Board, board_from_dict
from configs.atomic_file import write_atomic
from configs.errors import PosestageError

log = logging.getLogger(__name__)

RECORD: Final = "unfinished.yaml"
VIEWS: Final = "observations.npz"

Source = Literal["live", "recorded"]


@dataclass(frozen=True)
class Unfinished:
    """Where somebody stopped.

    Attributes:
        folder: With the views.
        board: What was shown.
        source: Live cameras or recorded footage.
        footage: What was recorded; None for live cameras.
        cameras: Their names.
        model: Lens model.
        lenses: File with known lenses, None where they are estimated.
        when: It was begun.
        collected: All views that were wanted are there.
    """

    folder: Path
    board: Board
    source: Source
    footage: Path | None
    cameras: tuple[str, ...]
    model: str
    lenses: Path | None
    when: datetime
    collected: bool = False

    def save(self) -> None:
        """Leave a note in the folder.

        Raises:
            BadInputError: It cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        data: dict[str, Any] = {
            "version": 1,
            "board": self.board.as_dict(),
            "source": self.source,
            "footage": str(self.footage) if self.footage is not None else None,
            "cameras": list(self.cameras),
            "model": self.model,
            "lenses": str(self.lenses) if self.lenses is not None else None,
            "when": self.when.isoformat(timespec="seconds"),
            "collected": self.collected,
        }
        write_atomic(self.folder / RECORD, yaml.safe_dump(data, sort_keys=False))

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """The note of a folder; None where there is none, no view was kept, or it cannot be read."""
        path = folder / RECORD
        if not path.is_file() or not (folder / VIEWS).is_file():
            return None
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            footage, lenses = data["footage"], data["lenses"]
            return cls(
                folder,
                board_from_dict(data["board"], source=path),
                "live" if data["source"] == "live" else "recorded",
                Path(footage) if footage else None,
                tuple(str(name) for name in data["cameras"]),
                str(data["model"]),
                Path(lenses) if lenses else None,
                datetime.fromisoformat(str(data["when"])),
                bool(data["collected"]),
            )
        except (
            OSError,
            UnicodeError,
            yaml.YAMLError,
            KeyError,
            TypeError,
            ValueError,
            PosestageError,
        ) as error:
            log.warning("%s cannot be used: %s", path, error)
            return None

    def words(self) -> str:
        """For people."""
        what = "of the cameras" if self.footage is None else f"of {self.footage.name}"
        state = "All views are there." if self.collected else "Its views are kept."
        return f"A calibration {what} was begun on {self.when:%d %B at %H:%M} and not finished. {state}"


def forget(folder: Path) -> None:
    """There is nothing to go on with any more."""
    (folder / RECORD).unlink(missing_ok=True)
