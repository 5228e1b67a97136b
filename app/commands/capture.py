"""``capture``: a rig's cameras, live, into a take; without a window."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime
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
    """Film, estimate, record."""

    description = (
        "Film with all cameras of a rig, estimate poses live and record everything into a take. Ends after "
        "--seconds or --frames, when all file cameras have ended, or with Ctrl-C; what was captured is saved "
        "in every case."
    )
    example = """
        launch.py capture --rig configs/rigs/simulated_studio.yaml --seconds 10
        launch.py capture --rig my_studio.yaml --out takes/monday --set rig.cameras.front.fps=60
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Rig, duration, pipeline, output."""
        parser.add_argument(
            "--rig", type=Path, required=True, metavar="FILE", help="rig file with the cameras"
        )
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--seconds", type=float, metavar="S", help="how long to record")
        length.add_argument(
            "--frames", type=int, metavar="N", help="how many frames of each camera to record"
        )
        add_calibration_options(parser)
        add_pipeline_option(parser)
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="folder of the take (takes/RIG-DATE-TIME)"
        )
        parser.add_argument("--no-report", action="store_true", help="skip preview, contact sheet and report")

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Run the session and finish the take."""
        from configs.errors import bad_input
        from pipeline.rigs.rig_config import load_rig
        from pipeline.session.live import run_session
        from pipeline.take.finish import finish_take
        from pipeline.take.folder import free_space_check, name_for_take, new_take_folder
        from pipeline.take.quality import take_quality
        from pipeline.take.verify import interrupted_takes

        duration(args.seconds)
        if args.frames is not None and args.frames <= 0:
            raise bad_input("must be positive", key="--frames", value=args.frames)
        rig_overrides, overrides = split_overrides(args.set)
        rig = load_rig(args.rig, rig_overrides)
        pipeline = pipeline_from(args, overrides)
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        session = session_from(args, rig, pipeline, console)
        with console.progress("starting cameras"), session:
            place = args.out or Path("takes")
            room_s = free_space_check(place, session.bytes_per_second())
            console.tell(f"the disk has room for about {room_s / 60:.0f} minutes")
            folder = args.out or new_take_folder(place, f"{name_for_take(args.rig.stem)}-{stamp}")
            for take in interrupted_takes(folder.parent):
                console.tell(f"{take} was interrupted; complete it with: launch.py repair {take}")
            if address := session.poses.address:
                console.tell(f"poses are published on {address}")
            with console.progress("recording", args.seconds, "s") as bar:

                def tick(seconds: float, poses: Any) -> bool:
                    people = len(poses.person) if poses is not None else 0
                    shown = f"{people} in view" if pipeline is not None else None
                    bar.update(min(seconds, args.seconds or seconds), note=shown)
                    return True

                live = run_session(session, folder, seconds=args.seconds, frames=args.frames, on_tick=tick)
        result = live_figures(live, folder)
        result["label"] = session.poses.label
        if not args.no_report:
            with console.progress("drawing preview and report") as bar:
                result["files"] = finish_take(folder, bar).paths
            quality = take_quality(folder)
            result["quality"] = quality.to_dict() if quality is not None else None
        return result

    def summary(self, result: Mapping[str, Any]) -> str:
        """What was recorded, and how well."""
        from app.commands.words import label_words, live_words, quality_words

        lines = [*live_words(result), *quality_words(result.get("quality")), *label_words(result)]
        lines.append(f"take: {result['take']}")
        return "\n".join(lines)


def live_figures(live: Any, folder: Path) -> Result:
    """Figures of a live session as plain data."""
    inference = live.telemetry.get("inference", {})
    grabbers = [values for values in live.telemetry.values() if "camera" in values]
    result: Result = {
        "take": folder,
        "seconds": round(live.seconds, 2),
        "cameras": live.summary.totals if live.summary else {},
        "capture": {values["camera"]: values for values in grabbers},
        "poses": {
            "recorded": live.summary.poses if live.summary else 0,
            "published": inference.get("sets", 0),
            "address": live.address,
            "received": live.poses_seen,
            "fps": inference.get("fps_overall"),
            "latency_ms": inference.get("latency_ms", {}),
            "stage_ms": inference.get("stage_ms", {}),
            "skew_ms": inference.get("skew_ms", {}),
            "jitter_ms": inference.get("jitter_ms", {}),
            "drops": inference.get("drops", {}),
        },
        "events": live.events,
    }
    if live.interrupted:
        result["exit_code"] = 130
    return result
