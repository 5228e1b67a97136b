"""What makes intrinsics doubtful, in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.coverage import Coverage

Floats = NDArray[np.float64]

ENOUGH_VIEWS = 10
"""Good practice of all calibration tools; fewer may do when they are very diverse."""
_DOUBTFUL_FOCAL = 0.01
"""Standard deviation over focal length: a rig of 4 m is then wrong by 4 cm."""
_DOUBTFUL_PX = 0.002
"""Uncertainty of a projection, in picture lengths: 1.3 px at 640, 3.8 px at 1920."""
_TILTED_DEG = 15.0
_ONE_AXIS_DEG = 6.0
_BLURRED = 0.12
"""``BoardView.sharpness``: an edge is then 8 px wide."""
_FAR_OFF_CENTRE = 0.15
_OVERFITTED, _OVERFITTED_PX = 2.0, 0.1
_THIN_REACH = 0.6


def intrinsics_warnings(
    *,
    camera: Camera,
    deviations: dict[str, float],
    rms_px: float,
    held_out_px: float,
    coverage: Coverage,
    uncertainty_px: Floats,
    lean: Floats,
    sharpness: Sequence[float],
    rejected: int,
) -> tuple[str, ...]:
    """Sentences, the gravest first.

    Args:
        camera: As calibrated.
        deviations: Parameter to standard deviation.
        rms_px: Of the used corners.
        held_out_px: On other views, or NaN.
        coverage: Of the used corners.
        uncertainty_px: See ``projection_uncertainty``.
        lean: (V, 2) x and y of the board's unit normal in camera axes, for each used view.
        sharpness: Of the used views.
        rejected: How many views were rejected.
    """
    found: list[str] = []
    views = len(lean)
    found += _uncertain(camera, deviations, uncertainty_px)
    if views < ENOUGH_VIEWS:
        found.append(
            f"only {views} views of the board were used: show it in at least {ENOUGH_VIEWS} different "
            "places and tilts"
        )
    found += _poorly_covered(coverage)
    found += _too_flat(lean)
    known = [value for value in sharpness if np.isfinite(value)]
    if known and float(np.median(known)) < _BLURRED:
        found.append(
            f"the pictures are blurred (edges are {1 / max(float(np.median(known)), 1e-3):.0f} px wide): "
            "focus the lens, add light or shorten the exposure, and hold the board still"
        )
    if rejected > views:
        found.append(
            f"{rejected} views were rejected and only {views} used: see the reasons, something is wrong "
            "with the board or with its description"
        )
    if np.isfinite(held_out_px) and held_out_px > max(_OVERFITTED * rms_px, rms_px + _OVERFITTED_PX):
        found.append(
            f"the error on other views ({held_out_px:.2f} px) is {held_out_px / rms_px:.1f} times that on "
            "the used ones: there are too few or too similar views"
        )
    found += _odd(camera)
    return tuple(found)


def _uncertain(camera: Camera, deviations: dict[str, float], uncertainty_px: Floats) -> list[str]:
    share = max(deviations[name] / camera.K[axis, axis] for axis, name in enumerate(("fx", "fy")))
    if not np.isfinite(share) or share > _DOUBTFUL_FOCAL:
        return [
            f"the focal length is known to {100 * share:.1f} % only ({camera.K[0, 0]:.0f} ± "
            f"{deviations['fx']:.0f} "
            "px): do not trust this calibration; coverage is too thin, add views that are tilted by 30 to 45 "
            "degrees and fill the picture"
        ]
    limit = _DOUBTFUL_PX * max(camera.size)
    if not np.isfinite(uncertainty_px).any():
        return []
    worst = float(np.nanmax(uncertainty_px))
    if worst > limit:
        row, column = np.unravel_index(int(np.nanargmax(uncertainty_px)), uncertainty_px.shape)
        u, v = (
            (position + 0.5) / count
            for position, count in zip((column, row), uncertainty_px.shape[::-1], strict=True)
        )
        return [
            f"directions are uncertain by up to {worst:.1f} px (at {100 * u:.0f} % of the width, "
            f"{100 * v:.0f} % of the "
            "height): show the board there, near and tilted"
        ]
    return []


def _poorly_covered(coverage: Coverage) -> list[str]:
    gaps = coverage.gaps()
    found = []
    if gaps:
        where = "most of the picture" if len(gaps) > 5 else ", ".join(gaps)
        found.append(
            f"no board was seen in {where} (corners in {100 * coverage.share:.0f} % of the picture): the "
            "distortion there is a guess; move the board there"
        )
    elif coverage.reach < _THIN_REACH:
        found.append(
            f"corners reach only {100 * coverage.reach:.0f} % of the way from the middle to the picture's "
            "corners: move the board into the corners"
        )
    return found


def _too_flat(lean: Floats) -> list[str]:
    tilt = np.degrees(np.arcsin(np.clip(np.linalg.norm(lean, axis=1), 0.0, 1.0)))
    tilted = int((tilt > _TILTED_DEG).sum())
    if tilted < max(3, len(lean) // 10):
        return [
            f"nearly all views are frontal ({tilted} of {len(lean)} tilted by more than {_TILTED_DEG:.0f} "
            "degrees): focal length and distance cannot be told apart; tilt the board by 30 to 45 degrees, "
            "up, down and to both sides"
        ]
    spread = np.sqrt(np.linalg.eigvalsh(lean.T @ lean / len(lean)))
    if np.degrees(spread[0]) < _ONE_AXIS_DEG:
        return ["the board was tilted about one axis only: tilt it about the other one as well"]
    return []


def _odd(camera: Camera) -> list[str]:
    found = []
    width, height = camera.size
    off = (camera.K[:2, 2] - (np.array(camera.size) - 1) / 2) / max(camera.size)
    if np.abs(off).max() > _FAR_OFF_CENTRE:
        found.append(
            f"the principal point ({camera.K[0, 2]:.0f}, {camera.K[1, 2]:.0f}) is far from the middle of "
            "the picture: was the picture cropped? if not, add tilted views"
        )
    ratio = camera.K[0, 0] / camera.K[1, 1]
    if abs(ratio - 1) > 0.05:
        found.append(
            f"pixels come out {ratio:.2f} times as wide as high: was the picture stretched? if not, add "
            "tilted views"
        )
    if camera.model == "fisheye" and not np.isfinite(camera.lens.max_radius):
        return found  # it sees 90 degrees to the side, where the picture ends for every lens model
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], float)
    blind = int(np.isnan(camera.undistort(corners)[:, 0]).sum())
    if blind:
        found.append(
            f"the lens model does not reach {blind} of the picture's four corners: show the board there, "
            "or ask for another lens model"
        )
    return found
