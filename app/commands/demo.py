"""``demo``: the simulated studio through the real pipeline, and how near it comes to the truth."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.values import duration, picture_size
from configs.errors import bad_input

if TYPE_CHECKING:
    from models.simulation.studio import Studio
    from pipeline.estimation.pipeline_config import PipelineConfig
    from pipeline.rigs.rig_config import RigConfig
    from pipeline.session.live import LiveResult


class Command:
    """Film the virtual performer, estimate, record, compare."""

    description = (
        "Film a moving person in the simulated studio with virtual cameras, estimate poses live, record a "
        "take and compare with the truth. With a display the desktop opens, records, and closes by itself."
    )
    example = """
        launch.py demo
        launch.py demo --headless --cameras 4 --seconds 20 --out takes/demo
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Size of the studio, duration, output."""
        parser.add_argument("--headless", action="store_true", help="no window, also when there is a display")
        parser.add_argument(
            "--cameras", type=int, default=4, metavar="N", help="virtual cameras, 2 to 16 (4)"
        )
        parser.add_argument("--seconds", type=float, default=15.0, metavar="S", help="how long to film (15)")
        parser.add_argument("--fps", type=float, default=30.0, help="frames per second of each camera (30)")
        parser.add_argument("--size", default="640x480", metavar="WxH", help="picture size (640x480)")
        parser.add_argument("--seed", type=int, default=0, metavar="K", help="which performer and motion (0)")
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="folder of the take (takes/demo-DATE-TIME)"
        )
        parser.add_argument(
            "--pipeline",
            default="auto",
            metavar="NAME",
            help="auto: studio_lite; where torch is not installed noisy_truth, which says so",
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Run the demo."""
        from app.commands.capture import live_figures
        from models.simulation.studio import warm_up
        from pipeline.rigs.simulated_rig import simulated_rig
        from pipeline.rigs.studio_rig import compare_with_truth, studio_of, write_truth
        from pipeline.take.finish import finish_take

        _check(args)
        rig = simulated_rig(args.cameras, picture_size(args.size), args.fps, args.seed)
        name, pipeline = _pipeline(args, console)
        with console.progress("preparing the simulated studio"):
            warm_up()
            studio = studio_of(rig)
        assert studio is not None
        shown = not args.headless and _has_display() and _has_desktop(console)
        if shown:
            live, origin_ns, label = _in_the_desktop(args, console, rig, studio, name)
        else:
            live, origin_ns, label = _without_window(args, console, rig, studio, pipeline)
        assert live.summary is not None
        folder = live.summary.folder
        write_truth(folder, studio, origin_ns)
        result = live_figures(live, folder)
        result["pipeline"] = pipeline.name
        result["label"] = label
        result["truth"] = compare_with_truth(folder)
        with console.progress("drawing preview and report") as bar:
            result["files"] = finish_take(folder, bar).paths
        return result

    def summary(self, result: Mapping[str, Any]) -> str:
        """Error against truth, rate, latency, and where the take is."""
        from app.commands.words import label_words, live_words

        lines = live_words(result)
        truth = result["truth"]
        if truth.get("mpjpe_mm") is not None:
            lines.append(
                f"MPJPE {truth['mpjpe_mm']:.1f} mm against truth (median {truth['mpjpe_median_mm']:.1f}, "
                f"p95 {truth['mpjpe_p95_mm']:.1f}, aligned {truth.get('pa_mpjpe_mm', float('nan')):.1f}), "
                f"{100 * truth['joints_found']:.1f} % of body joints found"
            )
        else:
            lines.append("no pose could be compared with the truth")
        lines += label_words(result)
        lines.append(f"take: {result['take']} (open report.html, preview.mp4 or contact_sheet.png)")
        return "\n".join(lines)


def _check(args: argparse.Namespace) -> None:
    if not 2 <= args.cameras <= 16:
        raise bad_input("out of range", key="--cameras", value=args.cameras, allowed="2 to 16")
    duration(args.seconds)
    if not 1 <= args.fps <= 240:
        raise bad_input("out of range", key="--fps", value=args.fps, allowed="1 to 240")


def _without_window(
    args: argparse.Namespace, console: Console, rig: RigConfig, studio: Studio, pipeline: PipelineConfig
) -> tuple[LiveResult, int, str]:
    """The session, the start of its clock, and what must be said about its poses."""
    from pipeline.rigs.studio_rig import studio_calibration
    from pipeline.session.live import run_session
    from pipeline.session.session import Session
    from pipeline.take.folder import new_take_folder

    session = Session(rig, studio_calibration(rig, studio), pipeline, log_level=args.log_level)
    if session.poses.label:
        console.tell(f"NOTE: {session.poses.label}.")
    with session, console.progress("filming", args.seconds, "s") as bar:
        folder = args.out or new_take_folder(Path("takes"), _usual_name())

        def tick(seconds: float, _poses: Any) -> bool:
            bar.update(min(seconds, args.seconds))
            return True

        live = run_session(session, folder, seconds=args.seconds, on_tick=tick)
    return live, session.origin_ns, session.poses.label


def _in_the_desktop(
    args: argparse.Namespace, console: Console, rig: RigConfig, studio: Studio, name: str
) -> tuple[LiveResult, int, str]:
    """The same, in a window that closes by itself."""
    from app.demo_window import DemoTask, show_demo
    from pipeline.rigs.studio_rig import studio_calibration

    folder = _empty_place(args.out or Path("takes") / _usual_name())
    calibration = studio_calibration(rig, studio)
    with console.progress("filming in the desktop"):
        result = show_demo(DemoTask(rig, calibration, name, tuple(args.set), folder, args.seconds))
    if result.label:
        console.tell(f"NOTE: {result.label}.")
    return result.live, result.origin_ns, result.label


def _usual_name() -> str:
    return f"demo-{datetime.now():%Y%m%d-%H%M%S}"


def _empty_place(folder: Path) -> Path:
    """Where a new take can be made."""
    from pipeline.take.folder import take_name_problem

    if problem := take_name_problem(folder.name):
        raise bad_input("cannot be the name of a take", key="--out", value=folder.name, hint=problem)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()  # the recorder makes it
    if folder.exists():
        raise bad_input("exists and is not empty", key="--out", value=folder, hint="choose another folder")
    return folder


def _pipeline(args: argparse.Namespace, console: Console) -> tuple[str, PipelineConfig]:
    """Name or file of the pipeline to run, and what is in it."""
    from pipeline.estimation.pipeline_config import load_pipeline

    name = str(args.config) if args.config is not None else args.pipeline
    if name == "none":
        raise bad_input("the demo needs a pipeline", key="--pipeline", value=name)
    if name == "auto":
        name = _best_available(console)
    return str(name), load_pipeline(name, tuple(args.set))


def _best_available(console: Console) -> str:
    """The network that comes with the program; otherwise the stand-in, never without a word."""
    from app.session.pipelines import runs_own_networks

    if not runs_own_networks():
        console.tell('Our own network needs the packages of pip install -e ".[learned,openvino]"')
        return "noisy_truth"
    return "studio_lite"


def _has_display() -> bool:
    needs_server = sys.platform.startswith(("linux", "freebsd"))
    return not needs_server or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _has_desktop(console: Console) -> bool:
    """Whether the window can be opened; says why not."""
    for package in ("PyQt6", "pyqtgraph"):
        if find_spec(package) is None:
            console.tell(f'no window: {package} is not installed; run: pip install -e ".[desktop]"')
            return False
    return True
