"""``benchmark``: how fast the parts run on this machine."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from app.cli.values import picture_size
from app.commands import benchmark_inference
from app.commands.benchmark_sync import add_sync, run_sync
from app.commands.benchmark_transport import add_transport, run_transport
from app.doctor.screen import has_display
from configs.errors import bad_input


class Command:
    """Measure and report distributions."""

    description = (
        "Measure parts of Posestage on this machine. Times are distributions (p50, p95, p99); close other "
        "programs first."
    )
    example = """
        launch.py benchmark triangulation
        launch.py benchmark triangulation --cameras 16 --people 3 --json
        launch.py benchmark triangulation --device cpu --runtime openvino --views 4 --batch 1
        launch.py benchmark inference --threads 2
        launch.py benchmark pipeline --cameras 4 --seconds 20
        launch.py benchmark calibration --plot calibration_scaling.png
        launch.py benchmark calibration --accuracy --seeds 20
        launch.py benchmark transport --producers 4 --size 1280x720
        launch.py benchmark sync
        launch.py benchmark desktop --seconds 900
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One sub-command per part."""
        parts = parser.add_subparsers(
            dest="part", required=True, metavar="triangulation|pipeline|calibration|transport|sync|desktop"
        )
        triangulation = parts.add_parser(
            "triangulation",
            description="Robust triangulation with covariance of random people, and its growth with cameras.",
        )
        triangulation.add_argument("--cameras", type=int, default=8, metavar="N", help="cameras (8)")
        triangulation.add_argument("--people", type=int, default=3, metavar="N", help="people (3)")
        triangulation.add_argument("--joints", type=int, default=26, metavar="N", help="joints (26)")
        triangulation.add_argument("--runs", type=int, default=500, metavar="N", help="timed calls (500)")
        _add_network_options(triangulation)
        benchmark_inference.add_arguments(
            parts.add_parser("inference", description=benchmark_inference.DESCRIPTION)
        )
        pipeline = parts.add_parser(
            "pipeline", description="The simulated studio through capture, inference and recording."
        )
        pipeline.add_argument("--cameras", type=int, default=4, metavar="N", help="virtual cameras (4)")
        pipeline.add_argument("--seconds", type=float, default=10.0, metavar="S", help="how long (10)")
        pipeline.add_argument("--fps", type=float, default=30.0, help="frames per second of a camera (30)")
        pipeline.add_argument("--size", default="640x480", metavar="WxH", help="picture size (640x480)")
        pipeline.add_argument("--pipeline", default="blazepose", metavar="NAME", help="pipeline (blazepose)")
        pipeline.add_argument("--no-record", action="store_true", help="do not write a take meanwhile")

        calibration = parts.add_parser(
            "calibration",
            description="The solve for places and lags of cameras from simulated board views of known truth: "
            "its time, how that grows with views and cameras, and the same problem in scipy's least_squares. "
            "With --accuracy: whole sessions, lenses estimated too, against the truth.",
        )
        calibration.add_argument(
            "--accuracy", action="store_true", help="errors and how often 95 %% intervals hold, not time"
        )
        calibration.add_argument(
            "--seeds", type=int, default=20, metavar="N", help="sessions of each size for --accuracy (20)"
        )
        calibration.add_argument(
            "--workers", type=int, default=1, metavar="N", help="processes for --accuracy (1)"
        )
        calibration.add_argument(
            "--cameras", type=int, metavar="N", help="cameras (16; for --accuracy 4 and 8)"
        )
        calibration.add_argument("--moments", type=int, default=300, metavar="N", help="board moments (300)")
        calibration.add_argument(
            "--runs", type=int, default=3, metavar="N", help="timed solves of each size (3)"
        )
        calibration.add_argument("--no-growth", action="store_true", help="only the main figure")
        calibration.add_argument("--no-library", action="store_true", help="do not run scipy")
        calibration.add_argument("--plot", type=Path, metavar="FILE", help="write a PNG of the growth")

        add_transport(parts)
        add_sync(parts)
        desktop = parts.add_parser(
            "desktop",
            description="The whole window with the simulated studio live: how often tiles and 3D view are "
            "drawn, how soon the event loop answers, CPU, whether memory stays flat. Without a display it "
            "runs off screen.",
        )
        desktop.add_argument("--cameras", type=int, default=4, metavar="N", help="virtual cameras (4)")
        desktop.add_argument("--seconds", type=float, default=60.0, metavar="S", help="how long (60)")
        desktop.add_argument(
            "--pipeline", default="noisy_truth", metavar="NAME", help="pipeline (noisy_truth)"
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Measure."""
        if args.part == "transport":
            return run_transport(args, console)
        if args.part == "sync":
            return run_sync(args, console)
        if args.part == "desktop":
            return _desktop(args, console)
        if args.part == "inference":
            return benchmark_inference.measure(args, console)
        if args.part == "triangulation":
            _check(args, cameras=(2, 64), people=(1, 64), joints=(1, 500), runs=(20, 100_000))
            from models.triangulation.benchmark import benchmark_triangulation

            with console.progress("measuring triangulation"):
                result = benchmark_triangulation(args.cameras, args.people, args.joints, args.runs)
            if args.device is not None:
                result["networks"] = _networks(args, console)
            return result
        if args.part == "calibration" and args.accuracy:
            return _accuracy(args, console)
        if args.part == "calibration":
            return _calibration(args, console)
        _check(args, cameras=(2, 16), seconds=(1, 3600), fps=(1, 240))
        size = picture_size(args.size)
        from pipeline.benchmarks.live_pipeline import benchmark_pipeline

        with console.progress(f"measuring the pipeline for {args.seconds:g} s"):
            return benchmark_pipeline(
                cameras=args.cameras,
                size=size,
                fps=args.fps,
                seconds=args.seconds,
                pipeline=args.pipeline,
                record=not args.no_record,
            )

    def summary(self, result: Mapping[str, Any]) -> str:
        """One line per figure; a distribution is one line."""
        if result.get("part") == "inference":
            return benchmark_inference.words(result)
        return columns(list(_rows(result)))


def _desktop(args: argparse.Namespace, console: Console) -> Result:
    _check(args, cameras=(2, 16), seconds=(1, 36_000))
    if not has_display(os.environ):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from app.desktop_benchmark import benchmark_desktop

    with console.progress("measuring the desktop", args.seconds, "s") as bar:
        return benchmark_desktop(args.cameras, args.seconds, pipeline=args.pipeline, progress=bar.update)


def _accuracy(args: argparse.Namespace, console: Console) -> Result:
    _check(args, seeds=(1, 10_000), workers=(1, 64))
    if args.plot is not None:
        raise bad_input("there is no picture of the accuracy", key="--plot")
    sizes: tuple[int, ...] = (4, 8)
    if args.cameras is not None:
        _check(args, cameras=(3, 16))
        sizes = (args.cameras,)
    from calibration.benchmark_accuracy import benchmark_accuracy

    with console.progress("calibrating", len(sizes) * args.seeds, "sessions") as bar:
        return benchmark_accuracy(
            sizes,
            args.seeds,
            workers=args.workers,
            progress=lambda what: bar.update(bar.done + 1, note=what),
        )


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    """Options of learned triangulation, which is measured where a device is named."""
    networks = parser.add_argument_group("learned triangulation, measured when --device is given")
    networks.add_argument("--device", choices=("cpu", "cuda"), help="where networks run")
    networks.add_argument("--views", type=int, nargs="+", default=[2, 4, 8], metavar="N", help="(2 4 8)")
    networks.add_argument("--batch", type=int, nargs="+", default=[1, 8], metavar="N", help="people (1 8)")
    networks.add_argument("--layers", type=int, default=50, help="of the backbone (50)")
    networks.add_argument("--crop", type=int, default=384, metavar="PX", help="width of a crop (384)")
    networks.add_argument("--voxels", type=int, default=64, metavar="N", help="per side of the volume (64)")
    networks.add_argument("--network-runs", type=int, default=50, metavar="N", help="timed calls (50)")
    networks.add_argument(
        "--runtime", choices=("torch", "openvino"), default="torch", help="on a CPU (torch)"
    )
    networks.add_argument(
        "--precision", choices=("float32", "bfloat16", "float16"), default="float32", help="(float32)"
    )
    networks.add_argument("--stages-only", action="store_true", help="leave out everything with convolutions")


def _networks(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    for name in ("views", "batch"):
        for value in getattr(args, name):
            if not 1 + (name == "views") <= value <= 64:
                raise bad_input(
                    "out of range", key=f"--{name}", value=value, allowed="2 to 64 views, 1 to 64"
                )
    if args.layers not in (18, 34, 50, 101, 152):
        raise bad_input("no such depth", key="--layers", value=args.layers, allowed="18, 34, 50, 101, 152")
    for name, step in (("crop", 32), ("voxels", 32)):
        value = getattr(args, name)
        if value < step or value % step:
            raise bad_input("must be a multiple of 32", key=f"--{name}", value=value)
    _check(args, network_runs=(1, 100_000))
    from models.triangulation.predictors.registry import BENCHMARKS

    measure = BENCHMARKS.load("networks")
    with console.progress("measuring networks") as bar:
        found: dict[str, Any] = measure(
            device=args.device,
            views=args.views,
            batches=args.batch,
            layers=args.layers,
            crop_px=args.crop,
            voxels=args.voxels,
            runs=args.network_runs,
            runtime=args.runtime,
            precision=args.precision,
            stages_only=args.stages_only,
            progress=lambda what: bar.update(bar.done + 1, note=what),
        )
    return found


def _calibration(args: argparse.Namespace, console: Console) -> Result:
    args.cameras = 16 if args.cameras is None else args.cameras
    _check(args, cameras=(2, 16), moments=(30, 3000), runs=(1, 100))
    if args.plot is not None and args.no_growth:
        raise bad_input("the picture shows the growth", key="--plot", hint="leave out --no-growth")
    from calibration.benchmark import benchmark_calibration

    with console.progress("measuring the calibration") as bar:
        result = benchmark_calibration(
            args.cameras,
            args.moments,
            args.runs,
            growth=not args.no_growth,
            against=not args.no_library,
            progress=lambda what: bar.update(bar.done + 1, note=what),
        )
    if args.plot is not None:
        from calibration.benchmark_plot import plot_growth

        plot_growth(result, args.plot)
    return result


def _check(args: argparse.Namespace, **ranges: tuple[float, float]) -> None:
    for name, (least, most) in ranges.items():
        value = getattr(args, name)
        if not least <= value <= most:
            raise bad_input("out of range", key=f"--{name}", value=value, allowed=f"{least} to {most}")


def _rows(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and not _is_distribution(value):
        for key, item in value.items():
            yield from _rows(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
        for item in value:
            yield name, _words(item)
    else:
        yield name, _words(value)


def _is_distribution(value: Mapping[str, Any]) -> bool:
    return "p50" in value and all(isinstance(item, (int, float)) for item in value.values())


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "  ".join(f"{key} {_words(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(_words(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
