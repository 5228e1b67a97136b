"""A rig while it is edited: like the rig file, but may be wrong for a while."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from configs.errors import PosestageError
from pipeline.rigs.rig_config import CameraConfig, RigConfig

_keys = count(1)

Size = tuple[int, int]
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LONGEST_NAME: Final = 64
_LARGEST_SIDE: Final = 16384
_HIGHEST_RATE: Final = 1000.0


@dataclass(frozen=True)
class CameraDraft:
    """One camera.

    Attributes:
        key: Stays with the camera whatever else changes; never saved.
        name: As typed.
        driver: Name in the registry.
        settings: Of the driver, without its type; values that could not be read are the text as typed.
        size: (width, height) px, None for the source's own, text that could not be read.
        fps: Hz, None for the source's own, text that could not be read.
    """

    name: str
    driver: str
    settings: Mapping[str, Any]
    size: Size | str | None = None
    fps: float | str | None = None
    key: int = 0

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", next(_keys))

    @classmethod
    def of(cls, camera: CameraConfig) -> CameraDraft:
        """From a rig."""
        settings = {key: value for key, value in camera.driver.items() if key != "type"}
        return cls(camera.name, camera.driver_type, settings, camera.size, camera.fps)

    def config(self) -> CameraConfig:
        """For a rig; only of a draft without problems."""
        assert not isinstance(self.size, str) and not isinstance(self.fps, str)
        driver = {"type": self.driver, **self.settings}
        return CameraConfig(name=self.name, driver=driver, size=self.size, fps=self.fps)

    def setting(self, path: Sequence[str]) -> Any:
        """The value at a path of keys; ``KeyError`` when it is not stated."""
        node: Any = self.settings
        for key in path:
            if not isinstance(node, Mapping):
                raise KeyError(key)
            node = node[key]
        return node

    def with_setting(self, path: Sequence[str], value: Any) -> CameraDraft:
        """With one setting stated; ``UNSTATED`` takes it out."""
        return replace(self, settings=_stated(self.settings, tuple(path), value))

    def same_as(self, other: CameraDraft) -> bool:
        """Whether a rig would hold the same."""
        return replace(self, key=1) == replace(other, key=1)


class _Unstated:
    def __repr__(self) -> str:
        return "UNSTATED"


UNSTATED: Final = _Unstated()


def _stated(node: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    key, *rest = path
    result = dict(node)
    if rest:
        inner = node.get(key)
        result[key] = _stated(inner if isinstance(inner, Mapping) else {}, tuple(rest), value)
    elif value is UNSTATED:
        result.pop(key, None)
    else:
        result[key] = value
    return result


@dataclass(frozen=True)
class RigDraft:
    """The rig's name and its cameras in order."""

    name: str = "rig"
    cameras: tuple[CameraDraft, ...] = ()

    @classmethod
    def of(cls, rig: RigConfig) -> RigDraft:
        """From a rig."""
        return cls(rig.name, tuple(CameraDraft.of(camera) for camera in rig.cameras))

    def config(self, calibration: str | None = None) -> RigConfig:
        """The rig; only of a draft without problems and with cameras."""
        return RigConfig(
            name=self.name,
            cameras=tuple(camera.config() for camera in self.cameras),
            calibration=calibration,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of the cameras, in order."""
        return tuple(camera.name for camera in self.cameras)

    def place(self, key: int) -> int:
        """Where the camera stands in the order; -1 when it is not there."""
        return next((place for place, one in enumerate(self.cameras) if one.key == key), -1)

    def camera(self, key: int | None) -> CameraDraft | None:
        """The camera with this key."""
        return next((one for one in self.cameras if one.key == key), None)

    def same_as(self, other: RigDraft) -> bool:
        """Whether their files would be the same."""
        return (
            self.name == other.name
            and len(self.cameras) == len(other.cameras)
            and all(one.same_as(two) for one, two in zip(self.cameras, other.cameras, strict=True))
        )

    def free_name(self, wanted: str) -> str:
        """``wanted``, or with the first number that makes it new."""
        wanted = re.sub(r"[^A-Za-z0-9_.-]+", "_", wanted).lstrip("_.-")[: _LONGEST_NAME - 4] or "camera"
        if wanted not in self.names:
            return wanted
        # cam3 is followed by cam4, left by left2.
        stem = re.sub(r"\d+$", "", wanted) or f"{wanted}-"
        return next(name for number in count(2) if (name := f"{stem}{number}") not in self.names)

    def added(self, cameras: Sequence[CameraDraft], after: int | None = None) -> RigDraft:
        """With more cameras, at the end or behind the one with the key ``after``."""
        place = len(self.cameras) if after is None else self.place(after) + 1
        return replace(self, cameras=(*self.cameras[:place], *cameras, *self.cameras[place:]))

    def removed(self, key: int) -> RigDraft:
        """Without a camera."""
        return replace(self, cameras=tuple(one for one in self.cameras if one.key != key))

    def moved(self, key: int, place: int) -> RigDraft:
        """With a camera at another place in the order."""
        camera = self.camera(key)
        if camera is None:
            return self
        others = [one for one in self.cameras if one.key != key]
        others.insert(max(0, min(place, len(others))), camera)
        return replace(self, cameras=tuple(others))

    def changed(self, key: int, change: Callable[[CameraDraft], CameraDraft]) -> RigDraft:
        """With one camera changed."""
        return replace(self, cameras=tuple(change(one) if one.key == key else one for one in self.cameras))

    def changed_all(self, driver: str, change: Callable[[CameraDraft], CameraDraft]) -> RigDraft:
        """With all cameras of a driver changed."""
        return replace(
            self, cameras=tuple(change(one) if one.driver == driver else one for one in self.cameras)
        )


def own_problems(draft: RigDraft) -> dict[tuple[int, str], str]:
    """What is wrong apart from drivers' settings: (key of the camera, "name", "size" or "fps") to words."""
    found: dict[tuple[int, str], str] = {}
    for camera in draft.cameras:
        if problem := _name_problem(camera.name, draft.names):
            found[camera.key, "name"] = problem
        if isinstance(camera.size, str):
            found[camera.key, "size"] = "Write width and height such as 1280 × 720, or choose from the list."
        elif camera.size is not None and not all(0 < side <= _LARGEST_SIDE for side in camera.size):
            found[camera.key, "size"] = f"Width and height must lie between 1 and {_LARGEST_SIDE} px."
        if isinstance(camera.fps, str):
            found[camera.key, "fps"] = "Must be a number such as 30."
        elif camera.fps is not None and not 0 < camera.fps <= _HIGHEST_RATE:
            found[camera.key, "fps"] = f"Must be more than 0 and at most {_HIGHEST_RATE:g}."
    return found


def _name_problem(name: str, names: tuple[str, ...]) -> str:
    if not name:
        return "A camera needs a name."
    if len(name) > _LONGEST_NAME:
        return f"At most {_LONGEST_NAME} characters."
    if not _NAME.fullmatch(name):
        return "Only letters a to z, digits and _ . - are possible, the first one a letter or digit."
    if names.count(name) > 1:
        return "Another camera has this name; each needs its own."
    return ""


def read_size(text: str) -> Size | str | None:
    """What was typed as a size; empty means the source's own."""
    text = text.strip()
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,6})\s*(?:[x×*,]|\s)\s*(\d{1,6})(?:\s*px)?", text, re.IGNORECASE)
    return (int(match[1]), int(match[2])) if match else text


def read_rate(text: str) -> float | str | None:
    """What was typed as a frame rate; empty means the source's own."""
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(re.sub(r"\s*(fps|hz)$", "", text, flags=re.IGNORECASE))
    except ValueError:
        return text


def rig_problem(draft: RigDraft) -> str:
    """Why the draft is no rig although no field is wrong; empty: it is one."""
    if not draft.cameras:
        return "The rig has no cameras yet."
    try:
        draft.config()
    except (ValueError, PosestageError) as error:
        return str(error)
    return ""
