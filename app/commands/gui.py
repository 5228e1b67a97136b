"""``gui``: a window on a running rig."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.values import duration
from app.commands.options import (
    add_calibration_options,
    add_pipeline_option,
    pipeline_from,
    session_from,
    split_overrides,
)


class Command:
    """Show a rig live; nothing is recorded."""

    description = (
        "Open a window with the live pictures of a rig and the skeleton in space. Without --rig it shows the "
        "simulated studio. Nothing is recorded; to record, use capture or demo."
    )
    example = """
        launch.py gui
        launch.py gui --rig my_studio.yaml
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Rig, calibration, pipeline."""
        parser.add_argument("--rig", type=Path, metavar="FILE", help="rig file (the simulated studio)")
        parser.add_argument("--seconds", type=float, metavar="S", help="close by itself after so long")
        add_calibration_options(parser)
        add_pipeline_option(parser)

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Run until the window is closed."""
        from app.live_window import open_window
        from pipeline.live import run_session
        from pipeline.rig_config import load_rig
        from pipeline.simulated_rig import simulated_rig

        duration(args.seconds)
        rig_overrides, overrides = split_overrides(args.set)
        rig = load_rig(args.rig, rig_overrides) if args.rig else simulated_rig(4, (640, 480), 30.0, 0)
        session = session_from(args, rig, pipeline_from(args, overrides), console)
        with contextlib.ExitStack() as running:
            with console.progress("starting cameras"):
                running.enter_context(session)
            window = open_window(session)

            def tick(seconds: float, poses: Any) -> bool:
                window.refresh(seconds, poses)
                return not window.closed

            live = run_session(session, None, seconds=args.seconds, on_tick=tick)
            window.detach()
        return {
            "seconds": round(live.seconds, 2),
            "poses": live.poses_seen,
            "address": live.address,
            "events": live.events,
            "exit_code": 130 if live.interrupted else 0,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """What happened meanwhile."""
        return "\n".join(result["events"])
