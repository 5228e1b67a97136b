"""How drivers, sources and modes are called in the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from app.cameras.rig_draft import CameraDraft, Size
from pipeline.drivers.device_info import DeviceInfo, Mode
from pipeline.drivers.safe_url import safe_url

_TITLES: Final = {
    "simulated": "Simulated camera",
    "video_file": "Video file",
    "image_folder": "Folder of images",
    "usb": "USB camera",
    "rtsp": "Network camera",
    "remote": "Remote camera",
}


def driver_title(driver: str) -> str:
    """A driver by name; one that nobody gave words to is called as in the rig file."""
    return _TITLES.get(driver) or driver.replace("_", " ").capitalize()


def source_words(camera: CameraDraft) -> str:
    """Where its pictures come from, without passwords."""
    settings = camera.settings
    title = driver_title(camera.driver)
    if camera.driver == "simulated":
        return f"{title} {settings.get('camera') or camera.name}"
    for key, show in (
        ("url", safe_url),
        ("path", lambda text: Path(text).name),
        ("device", str),
        ("address", lambda text: text.removeprefix("tcp://")),
    ):
        value = settings.get(key)
        if isinstance(value, str) and value:
            return f"{title}, {show(value)}"
    return title


def mode_words(camera: CameraDraft) -> str:
    """The mode asked for."""
    size = size_words(camera.size) if camera.size is not None else "size of the source"
    rate = rate_words(camera.fps) if camera.fps is not None else "rate of the source"
    return f"{size}, {rate}"


def size_words(size: Size | str) -> str:
    """Such as 640 × 480."""
    return size if isinstance(size, str) else f"{size[0]} × {size[1]}"


def rate_words(fps: float | str) -> str:
    """Such as 30 fps."""
    return fps if isinstance(fps, str) else f"{fps:g} fps"


def device_words(device: DeviceInfo) -> str:
    """What a found camera can do, or why it cannot be used."""
    if device.reason:
        return f"This camera {device.reason}."
    sizes = {mode.size for mode in device.modes}
    if not sizes:
        return "The camera does not say which sizes it has."
    largest = max(device.modes, key=lambda mode: (mode.size[0] * mode.size[1], max(mode.rates, default=0)))
    fastest = f" at {max(largest.rates):g} fps" if largest.rates else ""
    many = f"{len(sizes)} sizes, up to " if len(sizes) > 1 else ""
    return f"{many}{size_words(largest.size)}{fastest}"


def sizes_of(device: DeviceInfo, pixel_format: str = "auto") -> list[Size]:
    """Sizes the camera offers, small ones first."""
    return sorted(
        {mode.size for mode in _modes(device, pixel_format)}, key=lambda size: (size[0] * size[1], size)
    )


def rates_of(device: DeviceInfo, size: Any, pixel_format: str = "auto") -> list[float]:
    """Rates the camera offers at a size, high ones first."""
    modes = [mode for mode in _modes(device, pixel_format) if size is None or mode.size == size]
    return sorted({rate for mode in modes for rate in mode.rates}, reverse=True)


def _modes(device: DeviceInfo, pixel_format: str) -> list[Mode]:
    wanted = {"mjpeg": {"MJPG"}, "yuyv": {"YUYV"}}.get(pixel_format, {"MJPG", "YUYV", ""})
    return [mode for mode in device.modes if mode.pixel_format in wanted]
