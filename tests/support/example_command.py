"""A command that does what its options say, to test the command line itself."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from app.cli.console import Console
from app.cli.settings import read_settings
from configs.errors import PosestageError, bad_input
from configs.loading import Config


class Settings(Config):
    gain: float = Field(default=1.0, gt=0)
    label: str = "none"


class Command:
    description = "Do as told."
    example = "launch.py example --end well"
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--end", default="well")
        parser.add_argument("--frames", type=int, default=2)

    def run(self, args: argparse.Namespace, console: Console) -> dict[str, Any]:
        settings = read_settings(Settings, args)
        sys.stdout.write("noise from Python\n")
        os.write(1, b"noise from a library\n")
        logging.getLogger("pipeline.example").info("a record")
        console.tell("a remark")
        with console.progress("counting", total=args.frames, unit="frames") as bar:
            for _ in range(args.frames):
                bar.advance()
        try:
            self._end(args.end)
        except KeyboardInterrupt:
            if args.end != "saved":
                raise
            return {"frames": 1, "exit_code": 130}
        return {
            "frames": np.int64(args.frames),
            "error_mm": np.array([1.5, np.nan]),
            "gain": settings.gain,
            "label": settings.label,
        }

    def _end(self, how: str) -> None:
        match how:
            case "bad":
                raise bad_input("must be well", key="--end", value=how)
            case "failed":
                raise PosestageError("the camera left the room")
            case "bug":
                raise ZeroDivisionError("divided by nothing")
            case "package":
                __import__("package_that_is_not_here")
            case "interrupted" | "saved":
                os.kill(os.getpid(), signal.SIGINT)
            case "terminated":
                os.kill(os.getpid(), signal.SIGTERM)

    def summary(self, result: Mapping[str, Any]) -> str:
        return f"{result['frames']} frames"


class Rigid(Command):
    """The same without a configuration."""

    configurable = False
