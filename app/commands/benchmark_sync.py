"""``benchmark sync``: are clocks that are apart noticed, and what is it worth to know by how much."""

from __future__ import annotations

import argparse

from app.cli.command import Result
from app.cli.console import Console
from configs.errors import bad_input


def add_sync(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The sub-command's options."""
    sync = parts.add_parser(
        "sync",
        description="Four simulated cameras whose clocks are up to 33 ms apart, drift by 100 ppm, jitter and "
        "lose 5 % of their frames: how well the lags are estimated from the performer's keypoints, and the "
        "error of a fast wrist with and without moving keypoints to one instant.",
    )
    sync.add_argument("--seeds", type=int, default=5, metavar="N", help="performers, rigs and clocks (5)")
    sync.add_argument("--seconds", type=float, default=60.0, metavar="S", help="length of each (60)")
    sync.add_argument(
        "--noise-px", type=float, default=1.0, metavar="PX", help="of keypoints in 1280x720 (1)"
    )


def run_sync(args: argparse.Namespace, console: Console) -> Result:
    """Measure.

    Raises:
        BadInputError: A number out of range.
    """
    ranges = {"seeds": (1, 1000), "seconds": (12, 3600), "noise_px": (0, 50)}
    for name, (least, most) in ranges.items():
        value = getattr(args, name)
        if not least <= value <= most:
            key = f"--{name.replace('_', '-')}"
            raise bad_input("out of range", key=key, value=value, allowed=f"{least} to {most}")
    from pipeline.benchmarks.synchronization import benchmark_sync

    with console.progress("measuring synchronisation", args.seeds, "seeds") as bar:
        return benchmark_sync(
            args.seeds,
            args.seconds,
            noise_px=args.noise_px,
            progress=lambda: bar.update(bar.done + 1),
        )
