"""What a take says about itself: ``take.yaml``."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any, Literal

import numpy as np
import yaml

from calibration.rig import Rig
from calibration.rig_file import read_calibration, write_calibration
from configs.atomic_file import write_atomic
from configs.errors import bad_input
from configs.loading import read_yaml
from pipeline.take.ledger import LedgerTotals

TAKE_FILE = "take.yaml"
CALIBRATION_FILE = "calibration.yaml"
VERSION = 1

State = Literal["recording", "complete", "repaired"]
_STATES: tuple[State, ...] = ("recording", "complete", "repaired")

# Whatever shapes pixels, numbers or files.
_PACKAGES = (
    "posestage",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "av",
    "simplejpeg",
    "numba",
    "pyzmq",
    "msgspec",
    "ai-edge-litert",
    "torch",
)


def software_versions() -> dict[str, str]:
    """Python, platform and every installed package that shapes pixels, numbers or files."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


@dataclass(frozen=True)
class TakeHeader:
    """Everything needed to understand and repeat a take.

    Attributes:
        name: Name of the take.
        rig: The rig file's content as plain data.
        calibration: Geometry of the cameras when recording started, None when uncalibrated.
        config: The resolved configuration of the pipeline as plain data.
        models: SHA-256 of every weights file by model name: ``{"blazepose": {"pose.tflite": "…"}}``.
        origin_ns: Monotonic time that is 0 in the videos.
        wall_time: Wall-clock time of ``origin_ns``, ISO 8601 with time zone.
        skeleton: Name of the poses' skeleton, None when no poses are made.
        cameras: Camera names in rig order.
        pipeline: Name of the pipeline.
        label: What a viewer must be told before believing the poses, such as "truth projected with noise";
            empty when they come from a model.
        state: ``recording`` until closed in order; ``repaired`` when completed afterwards.
        software: Version of every package that matters.
        totals: Ledger totals by camera, once complete.
        one_camera: How much of the poses a single camera saw, once complete: see ``one_camera_summary``.
    """

    name: str
    rig: Mapping[str, Any]
    calibration: Rig | None
    config: Mapping[str, Any]
    models: Mapping[str, Mapping[str, str]]
    origin_ns: int
    wall_time: str
    skeleton: str | None
    cameras: tuple[str, ...]
    pipeline: str
    label: str = ""
    state: State = "recording"
    software: Mapping[str, str] = field(default_factory=software_versions)
    totals: Mapping[str, LedgerTotals] = field(default_factory=dict)
    one_camera: Mapping[str, Any] = field(default_factory=dict)

    def with_state(
        self, state: State, totals: Mapping[str, LedgerTotals], one_camera: Mapping[str, Any]
    ) -> TakeHeader:
        """The same take in another state."""
        return replace(self, state=state, totals=dict(totals), one_camera=dict(one_camera))


def wall_time_now() -> str:
    """Now, ISO 8601 with the local offset from UTC."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def write_header(folder: Path, header: TakeHeader) -> None:
    """Write ``take.yaml``, and ``calibration.yaml`` when it is not there yet; each atomically."""
    calibration_file = folder / CALIBRATION_FILE
    calibration: dict[str, Any] | None = None
    if header.calibration is not None:
        if not calibration_file.exists():
            write_calibration(calibration_file, header.calibration)
        calibration = read_yaml(calibration_file)
    data = {
        "version": VERSION,
        "name": header.name,
        "state": header.state,
        "label": header.label,
        "wall_time": header.wall_time,
        "origin_ns": header.origin_ns,
        "cameras": header.cameras,
        "pipeline": header.pipeline,
        "skeleton": header.skeleton,
        "models": header.models,
        "totals": {camera: totals.to_dict() for camera, totals in header.totals.items()},
        "one_camera": header.one_camera,
        "software": header.software,
        "rig": header.rig,
        "calibration": calibration,
        "config": header.config,
    }
    text = yaml.safe_dump(_plain(data), sort_keys=False, allow_unicode=True, width=110)
    write_atomic(folder / TAKE_FILE, text)


def read_header(folder: Path) -> TakeHeader:
    """Read ``take.yaml`` of a take.

    Raises:
        BadInputError: The folder is no take, or the file is damaged or newer than this program.
    """
    path = folder / TAKE_FILE
    if not folder.is_dir():
        raise bad_input("no such folder", file=folder)
    if not path.is_file():
        raise bad_input(f"is not a take: it has no {TAKE_FILE}", file=folder)
    data = read_yaml(path)
    if data.get("version") != VERSION:
        raise bad_input(
            "this version of take cannot be read",
            file=path,
            key="version",
            value=data.get("version"),
            allowed=str(VERSION),
        )
    try:
        if data["state"] not in _STATES:
            raise bad_input(
                "unknown state", file=path, key="state", value=data["state"], allowed=", ".join(_STATES)
            )
        _check_kinds(path, data)
        calibration = None
        if data["calibration"] is not None:
            calibration = read_calibration(folder / CALIBRATION_FILE)
        return TakeHeader(
            name=str(data["name"]),
            rig=data["rig"],
            calibration=calibration,
            config=data["config"],
            models=data["models"],
            origin_ns=int(data["origin_ns"]),
            wall_time=str(data["wall_time"]),
            skeleton=data["skeleton"],
            cameras=tuple(data["cameras"]),
            pipeline=str(data["pipeline"]),
            label=str(data["label"]),
            state=data["state"],
            software=data["software"],
            totals={camera: LedgerTotals.from_dict(totals) for camera, totals in data["totals"].items()},
            one_camera=dict(data.get("one_camera") or {}),  # older takes have none
        )
    except KeyError as error:
        raise bad_input("this key is required but missing", file=path, key=str(error.args[0])) from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise bad_input(f"is damaged: {error}", file=path) from error


def _check_kinds(path: Path, data: Mapping[str, Any]) -> None:
    """What others build on: names of cameras become names of files in the take's folder, and nowhere else."""
    cameras = data["cameras"]
    if not isinstance(cameras, list) or not all(isinstance(name, str) for name in cameras):
        raise bad_input("must be a list of names", file=path, key="cameras", value=cameras)
    for name in cameras:
        if not name or name.startswith(".") or any(sign in name for sign in "/\\:\0"):
            raise bad_input("cannot be the name of a camera", file=path, key="cameras", value=name)
    for key in ("rig", "config", "models", "software", "totals"):
        if not isinstance(data[key], Mapping):
            raise bad_input("must be a mapping", file=path, key=key, value=data[key])
    if data["skeleton"] is not None and not isinstance(data["skeleton"], str):
        raise bad_input("must be a name", file=path, key="skeleton", value=data["skeleton"])
    if not 0 <= int(data["origin_ns"]) < 1 << 62:
        raise bad_input("is no time", file=path, key="origin_ns", value=data["origin_ns"])


def _plain(value: Any) -> Any:
    """Only what every yaml reader understands."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
