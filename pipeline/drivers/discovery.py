"""Which cameras are plugged into this machine, by names that stay the same."""

from __future__ import annotations

import errno
import os
import re
import sys
from pathlib import Path

from pipeline.drivers import v4l2
from pipeline.drivers.device_info import DeviceInfo
from pipeline.drivers.opencv_capture import probe_index

__all__ = ["DeviceInfo", "device_path", "discover", "explain"]

DEV = Path("/dev")
SYS = Path("/sys/class/video4linux")

_MOST_INDICES = 8
"""Camera numbers tried where the system has no list of its own (macOS, Windows)."""


def discover(probe: bool = True) -> list[DeviceInfo]:
    """Cameras of this machine.

    Args:
        probe: Also open each one, to learn its modes or why it cannot be used. Without, nothing is opened
            and on systems without a device list nothing is found.
    """
    if sys.platform != "linux":
        return [found for index in range(_MOST_INDICES) if (found := probe_index(index))] if probe else []
    found = [_look_at(path, probe) for path in video_nodes()]
    return [device for device in found if device is not None]


def video_nodes() -> list[Path]:
    """Device files of video devices, by number."""
    nodes = [path for path in DEV.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return sorted(nodes, key=lambda path: int(path.name[5:]))


def stable_id(node: Path) -> str:
    """Name of a device that survives plugging it in again: maker and serial number, else its socket."""
    for folder in ("by-id", "by-path"):
        for link in sorted((DEV / "v4l" / folder).glob("*")):
            if link.resolve() == node.resolve():
                return link.name
    return str(node)


def device_path(device: str) -> Path | None:
    """The device file that an index, a path or a stable id means; None when there is none."""
    if device.isdigit():
        candidates = [DEV / f"video{int(device)}"]
    elif "/" in device:
        candidates = [Path(device)]
    else:
        candidates = [DEV / "v4l" / folder / device for folder in ("by-id", "by-path")]
    return next((path.resolve() for path in candidates if path.exists()), None)


def explain(error: OSError) -> str:
    """Why a camera could not be opened, and what to do, in words."""
    reasons = {
        errno.EBUSY: "is in use by another program; close that program first",
        errno.EACCES: "may not be opened by this user; "
        "run: sudo usermod -aG video $USER, then log out and in again",
        errno.EPERM: "may not be opened by this user, or not from inside this container; "
        "give the container the device (docker run --device)",
        errno.ENOENT: "is not connected; launch.py cameras lists what is there",
        errno.ENODEV: "was unplugged; plug it in again",
        errno.ENXIO: "was unplugged; plug it in again",
        errno.EIO: "does not answer; unplug it and plug it in again",
        errno.ENOSPC: "gets no more room on its USB bus; move it to another port, or ask for mjpeg, "
        "a smaller size or a lower frame rate",
        errno.ENOTTY: "is not a camera",
    }
    if error.errno in reasons:
        return reasons[error.errno]
    return f"cannot be used ({os.strerror(error.errno) if error.errno else error})"


def _look_at(node: Path, probe: bool) -> DeviceInfo | None:
    name = _name_in_sys(node)
    identifier = stable_id(node)
    if not probe:
        # Webcams have a second device file for metadata, which never has index 0.
        return None if _index_in_sys(node) not in {None, 0} else DeviceInfo(str(node), identifier, name, "")
    try:
        with v4l2.V4l2Device(str(node), v4l2.KERNEL) as device:
            if not device.can_capture():
                return None
            answer = device.capability()
            card = answer.card.decode(errors="replace") or name
            bus = answer.bus_info.decode(errors="replace")
            return DeviceInfo(str(node), identifier, card, bus, tuple(device.modes()))
    except OSError as error:
        return DeviceInfo(str(node), identifier, name, "", reason=explain(error))


def _name_in_sys(node: Path) -> str:
    try:
        return (SYS / node.name / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return node.name


def _index_in_sys(node: Path) -> int | None:
    try:
        return int((SYS / node.name / "index").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
