"""``cameras``: what is plugged in, in which modes, and why something cannot be used."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.cli.command import Result
from app.cli.console import Console

if TYPE_CHECKING:
    from pipeline.drivers.device_info import DeviceInfo


class Command:
    """List devices."""

    description = (
        "List the cameras of this machine with the names to write into a rig file. --probe also opens each "
        "one, for its modes or the reason why it cannot be used."
    )
    example = """
        launch.py cameras --probe
        launch.py cameras --json
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Whether to open them."""
        parser.add_argument("--probe", action="store_true", help="open each camera and ask for its modes")

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Find the devices."""
        from pipeline.drivers.discovery import discover

        with console.progress("looking for cameras"):
            found = discover(probe=args.probe)
        return {"probed": args.probe, "cameras": [_described(device) for device in found]}

    def summary(self, result: Mapping[str, Any]) -> str:
        """One paragraph per camera."""
        if not result["cameras"]:
            hint = "" if result["probed"] else "; some systems list them only with --probe"
            return f"no camera found{hint}. Without one: launch.py demo, or videos with launch.py process"
        lines = []
        for camera in result["cameras"]:
            bus = f", {camera['bus']}" if camera["bus"] else ""
            lines.append(f"{camera['name']} ({camera['path']}{bus})")
            lines.append(f"  driver: {{type: usb, device: {camera['stable_id']}}}")
            if camera["reason"]:
                lines.append(f"  cannot be used: it {camera['reason']}")
            lines += [f"  {mode}" for mode in _modes_by_format(camera["modes"])]
        return "\n".join(lines)


def _described(device: DeviceInfo) -> Result:
    return {
        "path": device.path,
        "stable_id": device.stable_id,
        "name": device.name,
        "bus": device.bus,
        "modes": [
            {"pixel_format": mode.pixel_format, "size": mode.size, "rates": mode.rates}
            for mode in device.modes
        ],
        "reason": device.reason,
    }


def _modes_by_format(modes: list[dict[str, Any]]) -> list[str]:
    """Such as ``MJPG: 640x480 @ 30, 1280x720 @ 30``."""
    by_format: dict[str, list[str]] = {}
    for mode in modes:
        width, height = mode["size"]
        rates = "/".join(f"{rate:g}" for rate in mode["rates"])
        shown = f"{width}x{height}" + (f" @ {rates}" if rates else "")
        by_format.setdefault(mode["pixel_format"], []).append(shown)
    return [f"{name}: {', '.join(shown)}" for name, shown in by_format.items()]
