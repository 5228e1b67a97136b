"""The file of the rig that is edited, and whether it holds what is edited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from app.cameras.kept_calibration import KeptCalibration
from app.cameras.rig_draft import RigDraft
from configs.errors import PosestageError
from configs.loading import read_yaml
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.rig_file import comments_lost, write_rig

SaveState = Literal["empty", "new", "changed", "saved"]


class DraftFile:
    """Remembers what the file holds.

    Args:
        draft: Gives the rig as it is edited.
        calibration: What the rig keeps as its calibration.

    Attributes:
        path: The file, None while there is none.
    """

    def __init__(self, draft: Callable[[], RigDraft], calibration: KeptCalibration) -> None:
        self.path: Path | None = None
        self._draft = draft
        self._calibration = calibration
        self._holds: tuple[RigDraft, str | None] = (RigDraft(), None)

    def begin(self, path: Path | None, draft: RigDraft, calibration: str | None) -> None:
        """Another rig: it was read from this file, or is in none yet."""
        self.path = path
        self._holds = (draft, calibration)

    @property
    def state(self) -> SaveState:
        """How the draft stands to its file."""
        draft = self._draft()
        if self.path is None:
            return "new" if draft.cameras else "empty"
        held, calibration = self._holds
        same = held.same_as(draft) and calibration == self._calibration.to_save(draft)
        return "saved" if same else "changed"

    @property
    def worth_asking(self) -> bool:
        """Whether something would be lost with this draft; a simulated studio is made again in one click."""
        if self.state == "new":
            return any(camera.driver != "simulated" for camera in self._draft().cameras)
        return self.state == "changed"

    @property
    def comments_lost(self) -> int:
        """Comments of the file that saving would lose; a new calibration alone loses none."""
        if self.path is None or self._holds[0].same_as(self._draft()):
            return 0
        return comments_lost(self.path)

    def write(self, path: Path) -> None:
        """Write the draft, which is a correct rig, into this file from now on.

        Raises:
            PosestageError: The file cannot be written.
        """
        draft = self._draft()
        calibration = self._calibration.to_save(draft)
        write_rig(path, draft.config(calibration), origin=self.path)
        self.path = path
        self._holds = (draft, calibration)

    def notice_calibration(self, rig: RigConfig | None) -> None:
        """The wizard writes a new calibration into the file of ``rig`` by itself: then it is saved."""
        calibration = self._calibration.to_save(self._draft())
        if self.path is None or rig is None or calibration is None:
            return
        try:
            noted = read_yaml(self.path).get("calibration")
        except PosestageError:
            return
        if isinstance(noted, str) and (self.path.parent / noted).resolve() == Path(calibration).resolve():
            self._holds = (RigDraft.of(rig), calibration)
