"""What shall be calibrated, with which board, and where it goes: everything that is chosen beforehand."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from platformdirs import user_data_path
from PyQt6.QtCore import QObject, pyqtSignal

from app.calibrate.board_choice import BoardChoice
from app.calibrate.unfinished import Source, Unfinished
from pipeline.calibrating.host import FilmTask
from pipeline.rigs.board_rig import board_rig, is_simulated, studio_board

if TYPE_CHECKING:
    from app.studio import Studio
    from pipeline.rigs.rig_config import RigConfig

Model = Literal["auto", "pinhole", "rational", "fisheye"]
MODELS: Final[tuple[Model, ...]] = ("auto", "pinhole", "rational", "fisheye")
EXPORTS: Final = ("toml", "easymocap", "qualisys")

_ONE_ROUND: Final = {"place_percent": 0.28, "turn_deg": 0.3, "focal_percent": 0.35}
"""What one round of the simulated board gives, in 70 seconds, and still what is judged good: who tries it out
should not wait for a second one."""


def unsaved_folder() -> Path:
    """Where calibrations of rigs go that have no file themselves."""
    return user_data_path("posestage", appauthor=False) / "calibrations"


class Order(QObject):
    """The choices. Each setter tells ``changed``.

    Attributes:
        board: The board as it is described.
        source: Live cameras, or recorded footage.
        footage: The recording; None before one is chosen.
        lenses: A file with known lenses; None: they are estimated together with the places.
        model: Lens model.
        by_itself: Collecting ends by itself when there is enough.
        wants_floor: It is not enough before the board lay on the floor; None: only in the simulated studio,
            where somebody lays it there.
        exports: Other formats to write.
        out: Where the calibration goes; None for the usual place.
    """

    changed = pyqtSignal()

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.board = BoardChoice()
        self.source: Source = "live"
        self.footage: Path | None = None
        self.lenses: Path | None = None
        self.model: Model = "auto"
        self.by_itself = True
        self.wants_floor: bool | None = None
        self.exports: tuple[str, ...] = ()
        self.out: Path | None = None
        self._begun: datetime | None = None
        self.board.changed.connect(self.changed)

    @property
    def live(self) -> bool:
        """Whether cameras film."""
        return self.source == "live"

    @property
    def rig(self) -> RigConfig | None:
        """The cameras at hand."""
        return self._studio.rig

    @property
    def simulated(self) -> bool:
        """Whether the cameras that film are simulated: then they film their own board."""
        return self.live and self.rig is not None and is_simulated(self.rig)

    @property
    def rig_file(self) -> Path | None:
        """The rig's file; None where it has none, or one that cannot be written."""
        path = self._studio.rig_path
        if path is None or not os.access(path.parent, os.W_OK):
            return None
        return path if not path.exists() or os.access(path, os.W_OK) else None

    @property
    def default_out(self) -> Path:
        """Where the calibration goes unless somebody says otherwise."""
        if not self.live and self.footage is not None:
            return self.footage.parent / f"{self.footage.stem}_calibration.yaml"
        path, rig = self.rig_file, self.rig
        if path is not None:
            return path.with_name(f"{path.stem}_calibration.yaml")
        name = re.sub(r"[^A-Za-z0-9]+", "_", rig.name if rig is not None else "rig").strip("_").lower()
        return unsaved_folder() / (name or "rig") / "calibration.yaml"

    @property
    def target(self) -> Path:
        """Where the calibration goes."""
        return self.out if self.out is not None else self.default_out

    @property
    def report_folder(self) -> Path:
        """Where the report goes."""
        return self.target.with_name(f"{self.target.stem}_report")

    @property
    def folder(self) -> Path:
        """Where views are kept: beside the usual place of the calibration, found again next time."""
        return self.default_out.with_name(f"{self.default_out.stem}_report")

    @property
    def settings(self) -> dict[str, Any]:
        """For ``CalibrateConfig``."""
        live: dict[str, Any] = {"floor": "wanted" if self.waits_for_floor else "auto"}
        if self.simulated:
            live |= _ONE_ROUND
        return {"intrinsics": {"model": self.model}, "live": live}

    @property
    def waits_for_floor(self) -> bool:
        """Whether it is not enough before the board lay on the floor."""
        return self.simulated if self.wants_floor is None else self.wants_floor

    @property
    def problem(self) -> str:
        """What is missing before cameras start or a recording is searched, as a sentence."""
        if self.live:
            return "" if self.rig is not None else "Set up cameras first."
        return "" if self.footage is not None else "Choose a recording first."

    def use_source(self, source: Source) -> None:
        """Calibrate live cameras or a recording."""
        if source != self.source:
            self.source = source
            self.start_afresh()
            self.fit_board()
            self.changed.emit()

    def use_footage(self, path: Path) -> None:
        """Calibrate from this folder or take."""
        self.footage = path
        self.start_afresh()
        self._studio.preferences.remember_folder(path)
        self.changed.emit()

    def use_lenses(self, path: Path | None) -> None:
        """Take lenses from a file; None estimates them."""
        self.lenses = path
        self.changed.emit()

    def use_model(self, model: Model) -> None:
        """Estimate lenses of this kind."""
        self.model = model
        self.changed.emit()

    def use_exports(self, formats: Sequence[str]) -> None:
        """Other formats to write, too."""
        self.exports = tuple(formats)
        self.changed.emit()

    def use_target(self, path: Path) -> None:
        """Save there."""
        self.out = path
        self.changed.emit()

    def start_afresh(self) -> None:
        """What belongs to one calibration only is forgotten."""
        self.out = self._begun = None

    def fit_board(self) -> None:
        """The board of the simulated studio, or the one that was chosen."""
        if self.simulated and self.rig is not None:
            self.board.lock(
                studio_board(self.rig),
                "The simulated cameras film the board of the simulated studio, so there is nothing to choose "
                "or to print.",
            )
        else:
            self.board.unlock()

    def repeat(self, found: Unfinished) -> None:
        """Order what was not finished."""
        self.source, self.footage, self.lenses = found.source, found.footage, found.lenses
        self.model = next((model for model in MODELS if model == found.model), "auto")
        self._begun = found.when
        if not self.board.locked:
            self.board.use_board(found.board)
        self.changed.emit()

    def film_task(self, resume: bool) -> FilmTask | None:
        """For a live calibration; None while something is missing."""
        rig, board = self.rig, self.board.board
        if rig is None or board is None:
            return None
        kept = Unfinished.find(self.folder) if resume else None
        again = kept is not None and kept.source == "live" and kept.cameras == rig.names
        again = again and kept is not None and same_print(kept.board, board)
        devices = board_rig(rig) if is_simulated(rig) else rig
        return FilmTask(devices, board, self.folder, self.settings, self.lenses, again, self.by_itself)

    def search_words(self, resume: bool) -> tuple[Any, ...]:
        """For ``calibrating.from_footage.search_footage``: the recording, or the views found in it."""
        kept, board = Unfinished.find(self.folder) if resume else None, self.board.board
        again = kept is not None and board is not None and same_print(kept.board, board)
        source = self.folder if again else self.footage
        return source, board, None, self.folder, self.settings, self.lenses

    def unfinished(self) -> Unfinished | None:
        """An earlier calibration of the same that can be gone on with."""
        found = Unfinished.find(self.folder)
        if found is None or found.source != self.source:
            return None
        if found.source == "live" and (self.rig is None or self.rig.names != found.cameras):
            return None
        return found

    def note(self, cameras: Sequence[str], collected: bool) -> None:
        """Leave a note beside the views, by which they can be gone on with.

        Raises:
            BadInputError: It cannot be written.
        """
        board = self.board.board
        if board is None:
            return
        self._begun = self._begun or datetime.now().astimezone()
        footage = None if self.live else self.footage
        Unfinished(
            self.folder, board, self.source, footage, tuple(cameras), self.model, self.lenses, self._begun,
            collected,
        ).save()  # fmt: skip


def same_print(one: Any, other: Any) -> bool:
    """Whether two boards show the same pattern, however large its squares are said to be."""
    layout = ("kind", "columns", "rows", "dictionary", "legacy_pattern", "first_marker")
    return all(getattr(one, key) == getattr(other, key) for key in layout)
