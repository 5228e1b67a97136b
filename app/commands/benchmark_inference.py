"""``benchmark inference``: lifting networks and MeTRAbs' crop network."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from configs.errors import bad_input

DESCRIPTION = (
    "Simple Baseline, GridConv (256 channels, padding c z) and MeTRAbs' crop network (EfficientNetV2-S, "
    "256 px), each against the structure it was published with, in one run."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``benchmark inference``."""
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64], metavar="N", help="poses (1 64)")
    parser.add_argument("--crops", type=int, nargs="*", default=[1, 5], metavar="N", help="crops (1 5)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of the processor (1)")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="each runs every form (9)")


def measure(args: argparse.Namespace, console: Console) -> Result:
    """Measure all forms.

    Raises:
        BadInputError: A number is out of range.
    """
    for name, most in (("threads", 64), ("rounds", 1000)):
        value = getattr(args, name)
        if not 1 <= value <= most:
            raise bad_input("out of range", key=f"--{name}", value=value, allowed=f"1 to {most}")
    for name in ("batch", "crops"):
        for value in getattr(args, name):
            if not 1 <= value <= 4096:
                raise bad_input("out of range", key=f"--{name}", value=value, allowed="1 to 4096")
    from models.triangulation.predictors.registry import BENCHMARKS

    run = BENCHMARKS.load("inference")
    with console.progress("measuring inference") as bar:
        result: dict[str, Any] = run(
            args.batch,
            threads=args.threads,
            rounds=args.rounds,
            crops=args.crops,
            progress=lambda what: bar.update(bar.done + 1, note=what),
        )
    return {"part": "inference", **result}


def words(result: Mapping[str, Any]) -> str:
    """A line for each form."""
    rows = [("network", "batch", "form", "ms", "ms CPU", "times faster", "by CPU", "differs by up to, mean")]
    for name, table in result["networks"].items():
        for batch, forms in table.items():
            for form, speed in forms.items():
                if form == "elsewhere_ms":
                    continue
                rows.append(
                    (
                        name,
                        batch,
                        form,
                        f"{speed['wall_ms']:.2f}",
                        f"{speed['processor_ms']:.2f}",
                        f"{speed['ratio']:.2f}",
                        f"{speed['processor_ratio']:.2f}",
                        f"{speed['largest_difference']:.2g} {speed['mean_difference']:.2g}",
                    )
                )
            if "elsewhere_ms" in forms:
                low, high = forms["elsewhere_ms"]
                rows.append((name, batch, "published program elsewhere", f"{low:g}-{high:g}", "", "", "", ""))
    head = f"threads: {result['threads']}; median of {result['rounds']} rounds; differences in mm"
    return "\n".join([f"{head}, of the baseline in deviations", columns(rows, indent="  ")])
