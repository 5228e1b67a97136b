"""New cameras for a rig, by where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.cameras.rig_draft import CameraDraft, RigDraft, Size
from pipeline.drivers.device_info import DeviceInfo, Mode

SIMULATED: Final = "simulated"
_GOOD_SIZE: Final = (1280, 720)
_GOOD_RATE: Final = 30.0
_MOST_SIMULATED: Final = 16


def usb_camera(draft: RigDraft, device: DeviceInfo) -> CameraDraft:
    """A camera that was found, in a mode that suits most rooms."""
    mode = suitable_mode(device.modes)
    rate = min(mode.rates, key=lambda one: abs(one - _GOOD_RATE)) if mode is not None and mode.rates else None
    name = draft.free_name(f"cam{len(draft.cameras) + 1}")
    return CameraDraft(
        name, "usb", {"device": device.stable_id}, mode.size if mode is not None else None, rate
    )


def suitable_mode(modes: Iterable[Mode]) -> Mode | None:
    """The largest one up to 1280 x 720 that reaches 30 per second, else the fastest; None without any."""
    usable = [mode for mode in modes if mode.pixel_format in {"MJPG", "YUYV", ""}]

    def worth(mode: Mode) -> tuple[bool, bool, int, bool, float]:
        width, height = mode.size
        fast = not mode.rates or max(mode.rates) >= _GOOD_RATE - 1
        fits = width <= _GOOD_SIZE[0] and height <= _GOOD_SIZE[1]
        area = width * height if fits else -width * height
        return fast, fits, area, mode.pixel_format == "MJPG", max(mode.rates, default=0.0)

    return max(usable, key=worth, default=None)


def stream_camera(draft: RigDraft, address: str) -> CameraDraft:
    """A network camera."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    name = f"cam{len(draft.cameras) + 1}" if not host or re.fullmatch(r"[\d.:a-f]+", host) else host
    return CameraDraft(draft.free_name(name), "rtsp", {"url": address})


def file_cameras(draft: RigDraft, driver: str, paths: Iterable[Path]) -> list[CameraDraft]:
    """One camera for each file or folder, called like it."""
    made: list[CameraDraft] = []
    for path in paths:
        name = draft.free_name(path.stem if driver == "video_file" else path.name)
        made.append(CameraDraft(name, driver, {"path": str(path)}))
        draft = draft.added(made[-1:])
    return made


def folders_of_images(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """The folder itself when there are images in it, else those of its folders that have some."""

    def has_images(one: Path) -> bool:
        return any(path.suffix.lower() in suffixes for path in one.iterdir())

    if has_images(folder):
        return [folder]
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [path for path in found if has_images(path)] or [folder]


def plain_camera(draft: RigDraft, driver: str) -> CameraDraft:
    """A camera of any driver, with what all cameras of that driver share."""
    other = next((one for one in draft.cameras if one.driver == driver), None)
    name = draft.free_name(f"cam{len(draft.cameras) + 1}")
    return CameraDraft(name, driver, {}, other.size if other else None, other.fps if other else None)


def with_simulated_camera(draft: RigDraft) -> tuple[RigDraft, CameraDraft]:
    """One more camera in the simulated studio, whose ring then has one more place.

    Raises:
        ValueError: The studio is full.
    """
    others = [one for one in draft.cameras if one.driver == SIMULATED]
    if not others:
        name = draft.free_name("cam1")
        camera = CameraDraft(
            name, SIMULATED, {"studio": {"seed": 0, "cameras": 1}, "camera": "cam1"}, (640, 480), 30.0
        )
        return draft.added([camera]), camera
    group = "board_studio" if others[0].settings.get("board_studio") else "studio"
    studio = dict(others[0].settings.get(group) or {})
    count = max(int(studio.get("cameras", 4)), len(others))
    used = {one.settings.get("camera") or one.name for one in others}
    free = next((view for place in range(1, count + 1) if (view := f"cam{place}") not in used), None)
    if free is None:
        if count == _MOST_SIMULATED:
            raise ValueError(f"The simulated studio has room for {_MOST_SIMULATED} cameras.")
        count += 1
        free = f"cam{count}"
    name = draft.free_name(free)
    settings: dict[str, Any] = {**others[0].settings, "camera": free}
    if name == free:
        settings.pop("camera")
    camera = CameraDraft(name, SIMULATED, settings, others[0].size, others[0].fps)
    draft = draft.added([camera]).changed_all(
        SIMULATED, lambda one: one.with_setting((group, "cameras"), count)
    )
    return draft, next(one for one in draft.cameras if one.key == camera.key)


def copy_of(draft: RigDraft, camera: CameraDraft) -> CameraDraft:
    """The same camera once more, under a new name."""
    copy = replace(keeping_its_place(camera), key=0)
    return replace(copy, name=draft.free_name(camera.name))


def renamed(camera: CameraDraft, name: str) -> CameraDraft:
    """A camera under another name; a simulated one still stands where it stood."""
    return replace(keeping_its_place(camera), name=name)


def keeping_its_place(camera: CameraDraft) -> CameraDraft:
    """A simulated camera that no longer depends on its name for its place in the studio."""
    if camera.driver != SIMULATED or camera.settings.get("camera"):
        return camera
    return camera.with_setting(("camera",), camera.name)


def common_sizes() -> tuple[Size, ...]:
    """What to offer where nobody lists modes."""
    return (320, 240), (640, 480), (800, 600), (960, 540), (1280, 720), (1920, 1080)
