"""Why cameras did not see the board, read from pictures in which it should have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.detection_cause import Cause
from calibration.detection_diagnosis import check_marker_size, explain_missing
from calibration.diagnosis import Diagnosis, Severity
from calibration.intrinsics_config import FEWEST_VIEWS
from calibration.observations import BoardObservations

Grey = NDArray[np.uint8]

KINDS: dict[Cause, str] = {
    "inverted": "wrong_board",
    "mirrored": "mirrored_print",
    "dictionary": "wrong_dictionary",
    "legacy_pattern": "wrong_layout",
    "swapped": "swapped_counts",
    "inner_corners": "inner_outer",
    "counts": "wrong_counts",
    "first_marker": "wrong_layout",
    "marker_size": "wrong_marker_size",
    "other_kind": "wrong_board",
    "blurred": "blurred",
    "too_small": "small_board",
    "partial": "too_few_views",
    "no_board": "no_board",
}
"""Cause in a picture to kind of diagnosis."""


def check_pictures(
    observations: BoardObservations, pictures: Mapping[str, Sequence[Grey]], fewest: int = FEWEST_VIEWS
) -> list[Diagnosis]:
    """Look at pictures of cameras that hardly saw the board, and at the size of markers.

    Args:
        observations: What was found.
        pictures: Camera to a handful of its pictures, (H, W) each; of a camera without enough views those
            that should show the board.
        fewest: Views below which a camera is asked about.

    Returns:
        One diagnosis for cameras with the same trouble.
    """
    causes: dict[tuple[str, Severity, str], list[str]] = {}
    for name, some in pictures.items():
        if not some or name not in observations.cameras:
            continue
        severity: Severity = "error"
        if len(observations.by_camera(name)) < fewest:
            found = explain_missing(observations.board, some)
        else:
            marker = check_marker_size(observations.board, some)
            if marker is None:
                continue
            found, severity = marker, "warning"
        kind = KINDS.get(found.cause)
        if kind is not None:
            causes.setdefault((kind, severity, found.sentence), []).append(name)
    return [
        Diagnosis(kind, severity, f"{', '.join(names)}: {sentence}", tuple(names))
        for (kind, severity, sentence), names in causes.items()
    ]
