"""``doctor``: can this machine do the work, and what is the next step."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns


class Command:
    """Run every check."""

    description = (
        "Check interpreter, processor, memory, disk, display, video libraries, cameras and models. "
        "Ends with 1 when something fails that Posestage cannot work without."
    )
    example = """
        launch.py doctor
        launch.py doctor --takes /data/takes --json
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where recordings go."""
        parser.add_argument(
            "--takes", type=Path, default=Path("takes"), metavar="DIR", help="folder for recordings (takes)"
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Collect the findings."""
        from app.doctor.devices import devices
        from app.doctor.machine import machine
        from app.doctor.media import media
        from app.doctor.screen import screen
        from models.zoo import default_store

        findings = []
        with console.progress("checking", unit="checks") as bar:
            for group in (machine(args.takes, default_store().folder), screen(), devices(), media()):
                for finding in group:
                    findings.append(finding)
                    bar.advance()
        states = Counter(finding.state for finding in findings)
        return {
            "checks": [finding.as_dict() for finding in findings],
            "ok": states["ok"],
            "warn": states["warn"],
            "fail": states["fail"],
            "exit_code": 1 if states["fail"] else 0,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """A line per check, its next step below it."""
        lines = columns([(check["state"], check["name"], check["found"]) for check in result["checks"]])
        shown = []
        for line, check in zip(lines.splitlines(), result["checks"], strict=True):
            shown.append(line)
            if check["next_step"]:
                shown.append(f"      -> {check['next_step']}")
        shown.append(f"{result['ok']} ok, {result['warn']} to look at, {result['fail']} failed")
        return "\n".join(shown)
