"""What is known of a camera that is plugged in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """A mode that a camera offers.

    Attributes:
        pixel_format: Four characters such as ``MJPG`` or ``YUYV``.
        size: (width, height) px.
        rates: Frame rates in Hz, highest first; empty when the camera does not say.
    """

    pixel_format: str
    size: tuple[int, int]
    rates: tuple[float, ...]


@dataclass(frozen=True)
class DeviceInfo:
    """A camera found on this machine.

    Attributes:
        path: What the system calls it now, such as ``/dev/video0``; may change when it is plugged in again.
        stable_id: Name that stays the same, to be written into rig files.
        name: What the maker calls it.
        bus: Where it is plugged in.
        modes: What it offers; empty when it was not asked or could not be opened.
        reason: Why it cannot be used, or None.
    """

    path: str
    stable_id: str
    name: str
    bus: str
    modes: tuple[Mode, ...] = ()
    reason: str | None = None
