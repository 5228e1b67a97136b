"""The rig file: which devices film, and how they are asked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from configs.errors import bad_input
from configs.loading import Config, apply_overrides, parse_config, read_yaml
from pipeline.drivers.registry import DRIVERS
from pipeline.drivers.safe_url import safe_url


class CameraConfig(Config):
    """One device: its name, its driver with the driver's own settings, and the mode asked for."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    driver: dict[str, Any]
    size: tuple[int, int] | None = None
    fps: float | None = Field(default=None, gt=0, le=1000)

    @field_validator("driver")
    @classmethod
    def _names_a_driver(cls, driver: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(driver.get("type"), str):
            raise ValueError(f"needs a key type, one of {', '.join(DRIVERS)}")
        return driver

    @field_validator("size")
    @classmethod
    def _size_is_positive(cls, size: tuple[int, int] | None) -> tuple[int, int] | None:
        if size is not None and not all(0 < side <= 16384 for side in size):
            raise ValueError("width and height must lie in 1..16384 px")
        return size

    def without_secrets(self) -> dict[str, Any]:
        """Plain data fit for files that are handed on: no password in the address of a stream."""
        data = self.model_dump(mode="json")
        for key, value in data["driver"].items():
            if isinstance(value, str) and "://" in value:
                data["driver"][key] = safe_url(value)
        return data

    @property
    def driver_type(self) -> str:
        """Name of the driver in the registry."""
        return str(self.driver["type"])


class RigConfig(Config):
    """Every camera of a rig and, once known, the file with their calibration."""

    version: Literal[1] = 1
    name: str = "rig"
    cameras: tuple[CameraConfig, ...] = Field(min_length=1)
    calibration: str | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> RigConfig:
        names = [camera.name for camera in self.cameras]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'two cameras are called "{name}"; give each camera its own name')
        return self

    def without_secrets(self) -> dict[str, Any]:
        """Plain data fit for files that are handed on."""
        data = self.model_dump(mode="json")
        data["cameras"] = [camera.without_secrets() for camera in self.cameras]
        return data

    @property
    def names(self) -> tuple[str, ...]:
        """Camera names in order."""
        return tuple(camera.name for camera in self.cameras)


def load_rig(path: Path, overrides: tuple[str, ...] = ()) -> RigConfig:
    """Read a rig file and check every driver's own settings too.

    Paths inside the file are relative to the file's folder and come back absolute.

    Raises:
        BadInputError: Names file, key, value and what is allowed.
    """
    rig = parse_config(RigConfig, apply_overrides(read_yaml(path), overrides), source=path)
    cameras = []
    for camera in rig.cameras:
        key = f"cameras.{camera.name}.driver"
        DRIVERS.check(camera.driver_type, file=str(path), key=f"{key}.type")
        settings = {name: value for name, value in camera.driver.items() if name != "type"}
        if isinstance(settings.get("path"), str):
            settings["path"] = str((path.parent / Path(settings["path"]).expanduser()).resolve())
        driver = DRIVERS.load(camera.driver_type)
        parse_config(driver.Config, settings, source=f"{path}: {key}")
        cameras.append(camera.model_copy(update={"driver": {"type": camera.driver_type, **settings}}))
    calibration = rig.calibration
    if calibration is not None:
        target = (path.parent / Path(calibration).expanduser()).resolve()
        if not target.is_file():
            raise bad_input("no such calibration file", file=path, key="calibration", value=calibration)
        calibration = str(target)
    return rig.model_copy(update={"cameras": tuple(cameras), "calibration": calibration})
