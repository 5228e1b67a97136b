"""What is wrong with a rig as a whole, recognised from how its views agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from calibration.board import Board
from calibration.board_shape import fit_bow
from calibration.camera import Camera
from calibration.clock_check import check_clocks
from calibration.contradictions import find_contradictions
from calibration.diagnosis import Diagnosis
from calibration.errors import TooFewViewsError, UnlinkedCamerasError
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.lens_check import doubt_lenses, lens_diagnoses
from calibration.link_check import check_links
from calibration.mirror_check import check_mirrored
from calibration.observations import BoardObservations
from calibration.posed_views import PosedViews, pose_views

SCALE_MATTERS_PERCENT = 1.0
"""A tape between two lenses is good to half a percent."""
LAG_MATTERS_MS = 2.0
LAG_GAIN = 1.03
"""Errors without lags over those with them; below, no lag shows."""
LAG_UNKNOWN_MS = (12.0, 20.0)
"""Half widths of intervals beyond which a lag is unknown: where lags bring nothing, and where they do."""
BOW_GAIN = 0.02
"""Share of the squared errors that a bow explains from which it is worth a word."""
BOW_SHARE = 0.001
"""Of the board's diagonal."""
BOW_SIGMAS = 8.0


def check_before_solve(
    observations: BoardObservations, lenses: Mapping[str, Camera], config: ExtrinsicsConfig
) -> list[Diagnosis]:
    """Look for pictures that are mirrored: the solve could only fail over them."""
    return list(check_mirrored(observations, lenses, config))


def check_rig(
    observations: BoardObservations,
    lenses: Mapping[str, Camera],
    own: set[str],
    result: ExtrinsicsResult,
    config: ExtrinsicsConfig,
) -> list[Diagnosis]:
    """Everything that the solution shows.

    Args:
        observations: What was solved.
        lenses: With which lenses.
        own: Cameras whose lenses were estimated from the same recording.
        result: The solution.
        config: How it was found.
    """
    final = {camera.name: camera for camera in result.rig.cameras}
    views = pose_views(observations, final, min_corners=config.min_corners)
    graver = list(find_contradictions(observations, lenses, own, views, result, config))
    bent = list(_bent(observations, views))
    found = [*graver, *bent, *check_links(result.graph)]
    # What a moved camera or a wrong clock does to the lags is no news.
    if not graver:
        found += _lags(result)
    return found


def explain_failure(
    observations: BoardObservations,
    lenses: Mapping[str, Camera],
    own: set[str],
    config: ExtrinsicsConfig,
    error: Exception,
) -> list[Diagnosis]:
    """Why there is no solution."""
    supplied = [name for name in lenses if name not in own]
    if not isinstance(error, UnlinkedCamerasError):
        doubts = lens_diagnoses(doubt_lenses(observations, lenses, supplied), lenses)
        if doubts:
            return doubts
    clocks = list(check_clocks(pose_views(observations, lenses, min_corners=config.min_corners)))
    if clocks:
        return clocks
    if isinstance(error, UnlinkedCamerasError):
        return [Diagnosis("weak_link", "error", str(error), error.pair)]
    if isinstance(error, TooFewViewsError):
        return [Diagnosis("too_few_views", "error", str(error), (error.camera,))]
    return [Diagnosis("no_solution", "error", str(error))]


def check_scale(board: Board, scale_percent: float | None) -> list[Diagnosis]:
    """Compare the rig with known lengths.

    Args:
        board: As it was described.
        scale_percent: How much larger the rig is than they say; None where none is known.
    """
    if scale_percent is None or abs(scale_percent) < SCALE_MATTERS_PERCENT:
        return []
    word = "larger" if scale_percent > 0 else "smaller"
    square = board.square_mm / (1.0 + scale_percent / 100.0)
    return [
        Diagnosis(
            "wrong_square",
            "error",
            f"the rig comes out {abs(scale_percent):.1f} % {word} than the known lengths say: the squares "
            f"are stated as {board.square_mm:g} mm but should measure {square:.2f} mm; measure ten squares "
            "of the print with a ruler, correct square_mm in the board file and calibrate again",
        )
    ]


def _lags(result: ExtrinsicsResult) -> Iterator[Diagnosis]:
    reference = result.reference
    shows = result.rms_without_lags_px > LAG_GAIN * result.rms_px
    gained = f"{result.rms_without_lags_px:.2f} px without, {result.rms_px:.2f} px with"
    for name, lag in result.lags.items():
        if name == reference:
            continue
        if not lag.known or lag.interval_ms > LAG_UNKNOWN_MS[shows]:
            yield Diagnosis(
                "lag_unknown",
                "warning",
                f"how late the pictures of {name} are cannot be told, because the board hardly moved while "
                f"{name} and others saw it: move it all the time while recording, at walking pace, unless "
                "the cameras are triggered together",
                (name,),
            )
        elif shows and abs(lag.ms) > max(LAG_MATTERS_MS, lag.interval_ms):
            word = "late" if lag.ms > 0 else "early"
            yield Diagnosis(
                "lag",
                "note",
                f"{name} shows everything {abs(lag.ms):.0f} ± {max(lag.interval_ms, 1.0):.0f} ms {word} "
                f"compared with {reference}; that is taken into account ({gained})",
                (name,),
            )


def _bent(observations: BoardObservations, views: PosedViews) -> Iterator[Diagnosis]:
    if len(views.data.views) < 10:
        return
    bow = fit_bow(views)
    diagonal = float(np.linalg.norm(observations.board.size_mm))
    agree = bow.camera_sag_mm[np.isfinite(bow.camera_sag_mm)] > 0.3 * bow.sag_mm
    if (
        bow.gain > BOW_GAIN
        and bow.sag_mm > BOW_SHARE * diagonal
        and bow.sag_mm > BOW_SIGMAS * bow.deviation_mm
        and agree.mean() > 0.6
    ):
        yield Diagnosis(
            "bent_board",
            "warning",
            f"the board is bent: its corners lie on a curved surface that rises by {bow.sag_mm:.1f} mm, in "
            "every camera alike; glue it to something stiff and flat, such as glass or aluminium "
            "composite, and record again",
        )
