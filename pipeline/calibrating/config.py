"""Everything that can be set about a calibration, from files or live."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from calibration.calibration_config import CalibrationConfig
from configs.loading import Config, apply_overrides, parse_config, read_yaml


class LiveConfig(Config):
    """When a live session keeps a view, and when it has enough of them.

    Attributes:
        min_corners: Fewest corners of a view.
        min_sharpness: Views below this share of the camera's usual sharpness are left out.
        min_motion: A board that moved less since the last kept instant, as a share of the picture's width,
            stands still; a few instants of it are enough.
        most_still: So many.
        most_per_s: Instants kept per second at most: neighbours in time say nearly the same.
        most_instants: From so many on, an instant is kept only where it brings something new.
        views: Views that each camera needs before a trial solve is worth its time.
        coverage: Share of its picture in which each camera needs to have seen the board; a lens that is
            known already needs none. What a lens does elsewhere is a guess, however certain the rest is.
        shared: Instants that tie each camera to the others, before a trial solve.
        point_percent: Expected error of a point that the cameras triangulate, of its distance from them.
        place_percent: 95 % interval of each camera's place, of the same distance.
        turn_deg: 95 % interval of each camera's rotation.
        focal_percent: 95 % interval of focal lengths; not asked of known lenses.
        lag_ms: 95 % interval of each camera's lag.
        no_warnings: Not enough while the trial warns of what showing the board elsewhere mends: corners of
            pictures that never saw it, tilts that were missing.
        floor: Whether the world is where the board lay still on the floor: ``auto`` where it did, ``wanted``
            waits for it, ``off`` does not look. Only where ``world`` says nothing.
        floor_seconds: How long it must lie still.
        floor_still: Most motion of its corners in that time, as a share of the picture's width.
        trial_every_s: Shortest time between two trial solves.
        save_every_s: How often the views are saved.
        most_seconds: A session that does not have enough by then ends with what there is.
    """

    min_corners: int = Field(6, ge=4)
    min_sharpness: float = Field(0.5, ge=0, le=1)
    min_motion: float = Field(0.003, ge=0, le=0.1)
    most_still: int = Field(10, ge=3)
    most_per_s: float = Field(10.0, gt=0)
    most_instants: int = Field(1000, ge=20)
    views: int = Field(20, ge=3)
    coverage: float = Field(0.5, ge=0, le=1)
    shared: int = Field(8, ge=3)
    point_percent: float = Field(0.01, gt=0)
    place_percent: float = Field(0.12, gt=0)
    turn_deg: float = Field(0.15, gt=0)
    focal_percent: float = Field(0.25, gt=0)
    lag_ms: float = Field(2.0, gt=0)
    no_warnings: bool = True
    floor: Literal["auto", "wanted", "off"] = "auto"
    floor_seconds: float = Field(2.0, gt=0)
    floor_still: float = Field(0.0025, gt=0)
    trial_every_s: float = Field(5.0, gt=0)
    save_every_s: float = Field(5.0, gt=0)
    most_seconds: float = Field(600.0, gt=0)


class CalibrateConfig(CalibrationConfig):
    """The solve, and how a live session collects views for it."""

    live: LiveConfig = Field(default_factory=LiveConfig)


def load_calibrate_config(path: Path | None, overrides: Iterable[str]) -> CalibrateConfig:
    """Defaults, changed by a file and by ``--set``.

    Raises:
        BadInputError: Names key, value and what is allowed.
    """
    data = read_yaml(path) if path is not None else {}
    source = path if path is not None else "calibrate"
    return parse_config(CalibrateConfig, apply_overrides(data, overrides), source=source)
