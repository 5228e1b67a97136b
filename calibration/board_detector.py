"""Finds a board in the pictures of the cameras of a rig: one call per picture, for any kind of board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.charuco_detector import CharucoDetector, CharucoMemory
from calibration.checkerboard_detector import CheckerboardDetector, Effort
from calibration.observations import BoardView
from calibration.sharpness import corner_sharpness

Grey = NDArray[np.uint8]

_LARGER_EVERY: Final[dict[Effort, int]] = {"live": 0, "video": 3, "stills": 1}
"""See ``CharucoDetector``."""


@dataclass(frozen=True)
class Detection:
    """The board in one picture, or why it is not there.

    Attributes:
        view: None where there is no board.
        reason: For people, why ``view`` is None; "" otherwise.
        evidence: Whether something like a board was there all the same: the reason is worth telling.
    """

    view: BoardView | None
    reason: str = ""
    evidence: bool = False


class BoardDetector:
    """Remembers for each camera which print it saw and where, so that the usual picture costs one attempt.

    Use one instance per thread; the pictures of one camera go to one instance, in order.

    Args:
        board: What to look for. Charuco boards are found printed either way and from behind too; of plain
            checkerboards the print from behind and white on black are patterns like any other.
        effort: ``live`` for running cameras; ``video`` for files; ``stills`` where each picture is precious.
    """

    def __init__(self, board: Board, *, effort: Effort = "video") -> None:
        self.board = board
        self.effort = effort
        self._charuco = (
            CharucoDetector(board, larger_every=_LARGER_EVERY[effort]) if board.kind == "charuco" else None
        )
        self._checkerboard = CheckerboardDetector(board, effort=effort) if self._charuco is None else None
        self._memories: dict[str, CharucoMemory] = {}

    def find(self, camera: str, picture: NDArray[np.uint8], *, frame: int = 0, time_ns: int = 0) -> Detection:
        """Look for the board.

        Args:
            camera: Name, for the memory.
            picture: (H, W) grey, such as the Y plane of a video, or (H, W, 3) BGR.
            frame: Number of the picture, copied into the view.
            time_ns: Its time, copied into the view.
        """
        grey = to_grey(picture)
        if self._charuco is not None:
            found = self._charuco.find(grey, self._memories.setdefault(camera, CharucoMemory()))
        else:
            assert self._checkerboard is not None
            found = self._checkerboard.find(grey)
        if not len(found.ids):
            return Detection(None, found.reason, found.evidence)
        view = BoardView(
            camera,
            frame,
            time_ns,
            found.ids,
            found.pixels,
            mirrored=found.mirrored,
            inverted=found.inverted,
            sharpness=corner_sharpness(grey, found.pixels, found.spacing_px),
        )
        return Detection(view, evidence=True)


def to_grey(picture: NDArray[Any]) -> Grey:
    """(H, W) grey of a grey or BGR picture with 8 bits; raises ValueError for anything else."""
    if picture.dtype != np.uint8:
        raise ValueError(f"a picture has 8 bits per channel, not {picture.dtype}")
    if picture.ndim == 2:
        return picture
    if picture.ndim == 3 and picture.shape[2] == 3:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    raise ValueError(f"a picture is (H, W) or (H, W, 3), not {picture.shape}")
