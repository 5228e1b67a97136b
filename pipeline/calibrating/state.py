"""What a live calibration tells whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.floor_watch import StillStretch
from pipeline.calibrating.trial_figures import TrialFigures

Phase = Literal["starting", "collecting", "solving", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class WeakPair:
    """Two cameras that should see the board together more often, and by how many instants."""

    cameras: tuple[str, str]
    shared: int
    wanted: int


@dataclass(frozen=True)
class CameraProgress:
    """How far one camera is.

    Attributes:
        pictures: Searched.
        views: Kept.
        covered: Which part of the picture has seen corners, 0 to 1.
        sees_board: Whether the newest picture showed the board.
        reason: Why not; "" where it did.
        near: Whether something like a board has been there for a while all the same.
        time_ns: Capture time of the newest searched picture.
        corners: (N, 2) px found in it.
        counts: (rows, columns) corners of kept views in each cell of the picture.
        gaps: Names of the ninths of the picture that the board hardly visited.
        size: (width, height) px of its pictures.
        ring: Name of the shared memory with its newest pictures; "" while there is none.
        known_lens: Its lens was given: only its place is looked for.
    """

    pictures: int = 0
    views: int = 0
    covered: float = 0.0
    sees_board: bool = False
    reason: str = ""
    near: bool = False
    time_ns: int = 0
    corners: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    gaps: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)
    ring: str = ""
    known_lens: bool = False


@dataclass(frozen=True)
class CalibrationState:
    """What the person with the board should know; a new object whenever something changed.

    Attributes:
        phase: Where it is.
        seconds: Since frames flow.
        cameras: By name.
        kept_instants: Instants kept.
        kept_views: Views kept.
        shared: (C, C) instants that two cameras share: the view graph; on the diagonal those of one.
        weakest: The pair that ties the cameras together least.
        missing: What to do next, in sentences; empty when nothing is.
        trial: What the last trial solve promises; None before the first.
        still: Stretches in which the board lay still, in the time of the views: where it may have lain on the
            floor.
        floor_wanted: Somebody said that the board lies on the floor, and it has not lain still since.
        enough: Whether nothing is missing and the trial is good enough.
        solving: Share of the final solve that is done, and its stage.
        wanted: When that is enough.
    """

    phase: Phase = "starting"
    seconds: float = 0.0
    cameras: Mapping[str, CameraProgress] = field(default_factory=dict)
    kept_instants: int = 0
    kept_views: int = 0
    shared: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    weakest: WeakPair | None = None
    missing: tuple[str, ...] = ()
    trial: TrialFigures | None = None
    still: tuple[StillStretch, ...] = ()
    floor_wanted: bool = False
    enough: bool = False
    solving: tuple[float, str] = (0.0, "")
    wanted: LiveConfig = field(default_factory=LiveConfig)
