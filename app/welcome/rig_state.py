"""How the present rig is doing, in words: its cameras, its calibration, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pipeline.rigs.rig_config import RigConfig

if TYPE_CHECKING:
    from calibration.rig import Rig

Grade = Literal["good", "warning", "bad", "quiet"]

_GOOD_PERCENT, _FAIR_PERCENT = 0.1, 0.25
"""Of the picture's width: the limits of the calibration report for views that were kept out of the solve."""

_FILES: Final = ("video_file", "image_folder")


@dataclass(frozen=True)
class Line:
    """A sentence and how good the news is."""

    grade: Grade
    text: str


def cameras_line(rig: RigConfig, missing: tuple[str, ...] | None) -> Line:
    """How many cameras, of which kind, and which are not there; ``missing`` is None while it is not known."""
    count = len(rig.cameras)
    kinds = {camera.driver_type for camera in rig.cameras}
    what = f"{count} camera{'s' if count != 1 else ''}"
    if kinds == {"simulated"}:
        return Line("good", f"{what}, simulated")
    if missing is None:
        return Line("quiet", f"{what}, looking for them …")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        lost = "not found" if kinds <= set(_FILES) else "not connected"
        return Line("warning", f"{what}; {', '.join(missing)} {verb} {lost}")
    if kinds & {"rtsp", "remote"}:
        return Line("good", f"{what}; network cameras are tried when live starts")
    return Line("good", f"{what}, all there")


def missing_cameras(rig: RigConfig) -> tuple[str, ...]:
    """Cameras whose device or file is not there now; network cameras are not asked. May take a moment."""
    from pipeline.drivers.discovery import device_path

    lost = []
    for camera in rig.cameras:
        settings = camera.driver
        if camera.driver_type == "usb":
            there = device_path(str(settings.get("device", "0"))) is not None
        elif camera.driver_type in _FILES:
            there = Path(str(settings.get("path", ""))).expanduser().exists()
        else:
            there = True
        if not there:
            lost.append(camera.name)
    return tuple(lost)


def calibration_line(calibration: Rig | None, now: datetime | None = None) -> Line:
    """Whether the cameras are calibrated, since when, and how well."""
    if calibration is None:
        return Line("warning", "Not calibrated")
    when = _when(calibration.created, now)
    text = f"Calibrated {when}" if when else "Calibrated"
    sizes = {camera.name: camera.size for camera in calibration.cameras}
    error = _worst_share(calibration.quality, sizes)
    pixels = calibration.quality.get("reprojection_px")
    if error is None or not isinstance(pixels, int | float):
        return Line("good", text)
    grade, word = _graded(error)
    return Line(grade, f"{text}, error {pixels:.2f} px: {word}")


def _graded(percent: float) -> tuple[Grade, str]:
    if percent <= _GOOD_PERCENT:
        return "good", "good"
    if percent <= _FAIR_PERCENT:
        return "warning", "usable, could be better"
    return "bad", "calibrate again"


def _worst_share(quality: Mapping[str, Any], sizes: Mapping[str, tuple[int, int]]) -> float | None:
    """Largest error of a camera, in percent of its picture's width."""
    cameras = quality.get("cameras")
    if not isinstance(cameras, Mapping):
        return None
    shares = [
        100.0 * float(figures["reprojection_px"]) / sizes[name][0]
        for name, figures in cameras.items()
        if name in sizes and isinstance(figures, Mapping) and "reprojection_px" in figures
    ]
    return max(shares, default=None)


def _when(created: str, now: datetime | None) -> str:
    try:
        time = datetime.fromisoformat(created).astimezone()
    except ValueError:
        return ""
    days = ((now or datetime.now().astimezone()).date() - time.date()).days
    if days == 0:
        return f"today at {time:%H:%M}"
    if days == 1:
        return f"yesterday at {time:%H:%M}"
    if 1 < days < 14:
        return f"{days} days ago"
    return f"on {time.day} {time:%B %Y}"
