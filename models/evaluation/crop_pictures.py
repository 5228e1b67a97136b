"""A sheet of what a network sees in a user's own recordings, beside what the teacher saw, to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.crop_set import CropSet

Floats = NDArray[np.float64]

MOST_ROWS: Final = 6
TEACHER, LEFT, RIGHT, MIDDLE = (70, 220, 90), (250, 190, 60), (60, 140, 255), (240, 240, 240)
"""Colours, BGR."""
_SHIFT: Final = 4
"""Binary digits behind the point of what OpenCV draws."""


def write_sheet(path: Path, crops: CropSet, numbers: NDArray[np.int64], joints: Floats) -> None:
    """One row for each of a few samples, evenly chosen, one column for each camera.

    The pose that the used views gave is drawn as bones, left in blue, right in orange; the teacher's
    keypoints as green rings. Cameras that were held out are marked in the first row.

    Args:
        path: Of the picture.
        crops: The recordings.
        numbers: Samples.
        joints: (N, J, 3) mm in world, NaN where unknown.

    Raises:
        BadInputError: A picture of the set is missing, or the file cannot be written as a picture.
    """
    rows: list[NDArray[np.uint8]] = []
    for place in np.unique(np.linspace(0, len(numbers) - 1, MOST_ROWS).round().astype(int)):
        sample = crops[int(numbers[place])]
        views = []
        for view, picture in enumerate(sample.pictures):
            if picture is None:
                views.append(np.zeros((crops.crop_px, crops.crop_px, 3), np.uint8))
                continue
            shown = picture.copy()
            _draw_pose(shown, _projected(joints[place], sample.projections[view]), crops)
            for x, y, score in sample.points[view]:
                if np.isfinite([x, y]).all() and score > 0:
                    cv2.circle(shown, (round(x), round(y)), 3, TEACHER, 1, cv2.LINE_AA)
            if not rows:
                name = crops.cameras[view] + (" (held out)" if crops.held_out[view] else "")
                cv2.putText(shown, name, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, MIDDLE, 1, cv2.LINE_AA)
            views.append(shown)
        rows.append(np.hstack(views))
    try:
        done = cv2.imwrite(str(path), np.vstack(rows))
    except cv2.error:
        done = False
    if not done:
        raise bad_input(
            "cannot be written as a picture", file=path, allowed="*.png, *.jpg in a folder that exists"
        )


def _projected(joints: Floats, projection: Floats) -> Floats:
    """(J, 2) px of the crop, NaN behind the camera or where unknown."""
    homogeneous = joints @ projection[:, :3].T + projection[:, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(homogeneous[:, 2:] > 0, homogeneous[:, :2] / homogeneous[:, 2:], np.nan)


def _draw_pose(picture: NDArray[np.uint8], points: Floats, crops: CropSet) -> None:
    names = crops.skeleton.joints
    for first, second in crops.skeleton.bones:
        ends = points[[first, second]]
        if not np.isfinite(ends).all() or np.abs(ends).max() > 1e4:
            continue
        sides = {names[joint].split("_")[0] for joint in (first, second)}
        colour = LEFT if "left" in sides else RIGHT if "right" in sides else MIDDLE
        start, stop = (tuple(round(value * 2**_SHIFT) for value in end) for end in ends)
        cv2.line(picture, start, stop, colour, 2, cv2.LINE_AA, _SHIFT)
