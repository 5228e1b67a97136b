"""Everything that can be set about a calibration, from files or live."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from calibration.calibrator import CalibrationConfig
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
        views: Views that each camera needs.
        coverage: Share of its picture in which each camera needs to have seen the board; a lens that is
            known already needs none.
        shared: Instants that tie each camera to the others.
        position_percent: 95 % interval of each camera's place, of its distance to the reference camera.
        focal_percent: 95 % interval of focal lengths; not asked of known lenses.
        lag_ms: 95 % interval of each camera's lag.
        trial_every_s: Shortest time between two trial solves.
        save_every_s: How often the views are saved.
        most_seconds: A session that does not have enough by then ends with what there is.
    """

    min_corners: int = Field(6, ge=4)
    min_sharpness: float = Field(0.5, ge=0, le=1)
    min_motion: float = Field(0.003, ge=0, le=0.1)
    most_still: int = Field(3, ge=1)
    most_per_s: float = Field(10.0, gt=0)
    most_instants: int = Field(1500, ge=20)
    views: int = Field(25, ge=3)
    coverage: float = Field(0.5, ge=0, le=1)
    shared: int = Field(15, ge=3)
    position_percent: float = Field(0.5, gt=0)
    focal_percent: float = Field(0.5, gt=0)
    lag_ms: float = Field(3.0, gt=0)
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
