"""A calibration as screens show it: plain figures and arrays that load no solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.diagnosis import Diagnosis
from calibration.report.verdict import Headline, Verdict
from calibration.rig import Rig
from calibration.world_axes import FloorBoard

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CameraOutcome:
    """What is known about one camera; NaN where it is not.

    Attributes:
        rms_px: Error of its used corners.
        held_out_px: The same on views kept out of the solve.
        focal_px: Mean of both axes.
        focal_95_percent: 95 % interval, of it; NaN for a lens that was given.
        place_95_mm: Half width of the 95 % interval of its place along the axis it is known least, the world
            laid where points between the cameras fit best.
        turn_95_deg: The same of its direction.
        lag_ms: How much older its pictures are than their time stamps say.
        lag_95_ms: Half width of the 95 % interval.
        views: Used.
        counts: (rows, columns) used corners in each cell of the picture.
        pixels: (N, 2) a sample of the used corners.
        residuals: (N, 2) px, their errors.
        times_s: (V,) of its views, from the first of the recording.
        view_rms_px: (V,) their errors.
    """

    rms_px: float
    held_out_px: float
    focal_px: float
    focal_95_percent: float
    place_95_mm: float
    turn_95_deg: float
    lag_ms: float
    lag_95_ms: float
    views: int
    counts: Ints
    pixels: Floats
    residuals: Floats
    times_s: Floats
    view_rms_px: Floats

    @property
    def covered(self) -> float:
        """Part of the picture with corners, 0 to 1."""
        return float((self.counts > 0).mean()) if self.counts.size else 0.0


@dataclass(frozen=True, eq=False)
class FloorCandidate:
    """A time in which the board lay still, perhaps on the floor.

    Attributes:
        start_s: From the first view.
        end_s: From the first view.
        board: Where it lay, in the world of ``CalibrationOutcome.reference``.
        lying: It is level and below the cameras, or somebody said that it lay there.
    """

    start_s: float
    end_s: float
    board: FloorBoard
    lying: bool


@dataclass(frozen=True, eq=False)
class CalibrationOutcome:
    """What came out of a calibration.

    Attributes:
        rig: Cameras in their world.
        reference: The same cameras in the world of the reference camera, from where a world can be chosen.
        reference_camera: Its name.
        board: What was filmed.
        usable: Nothing is so wrong that it must not be used.
        headline: All verdicts in one.
        verdicts: Figure by figure.
        diagnoses: What was recognised, the gravest first.
        cameras: By name.
        shared: (C, C) moments that two cameras share; on the diagonal those of one.
        tree: Pairs that tie all cameras together.
        times_s: (M,) moments of the board's track, from the first view.
        board_turns: (M, 3, 3) world of ``reference`` from board.
        board_places: (M, 3) mm.
        floors: When the board lay still, oldest first.
        floor: Index of the one that gave ``rig`` its world; None where none did.
        rms_px: Error of all used corners.
        rms_without_lags_px: The same if time stamps are believed.
        truth: How near a simulated rig came, see ``compare_with_truth``; None for real cameras.
        figures: Everything else worth knowing.
        archive: The whole calibration, for ``open_archive``.
    """

    rig: Rig
    reference: Rig
    reference_camera: str
    board: Board
    usable: bool
    headline: Headline
    verdicts: tuple[Verdict, ...]
    diagnoses: tuple[Diagnosis, ...]
    cameras: Mapping[str, CameraOutcome]
    shared: Ints
    tree: tuple[tuple[str, str], ...]
    times_s: Floats
    board_turns: Floats
    board_places: Floats
    floors: tuple[FloorCandidate, ...]
    floor: int | None
    rms_px: float
    rms_without_lags_px: float
    truth: Mapping[str, Any] | None
    figures: Mapping[str, Any]
    archive: bytes = field(repr=False)


@dataclass(frozen=True)
class CalibrationFailure:
    """Why there is none.

    Attributes:
        sentence: For people.
        bad_input: Other or more views would help, or something that the user gave is wrong.
        diagnoses: The engine's, where it has any.
    """

    sentence: str
    bad_input: bool = True
    diagnoses: tuple[Diagnosis, ...] = ()
