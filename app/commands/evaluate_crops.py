"""``evaluate crops``: a network on a user's own recordings, judged by views that it did not use."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from configs.errors import bad_input


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the sub-command."""
    parser.add_argument("data", type=Path, metavar="DIR", help="what launch.py prepare takes made")
    parser.add_argument("--weights", required=True, metavar="NAME|FILE", help="network")
    parser.add_argument("--part", choices=("val", "train", "all"), default="val", help="instants (val)")
    parser.add_argument(
        "--val-share",
        type=float,
        default=0.3,
        metavar="S",
        help="last share of each take, as in training (0.3)",
    )
    parser.add_argument("--crop", type=int, default=128, metavar="PX", help="width of a crop (128)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="samples at a time (8)")
    parser.add_argument("--pictures", type=Path, metavar="FILE", help="draw some of the poses")


def evaluate(args: argparse.Namespace, console: Console) -> Result:
    """Run it."""
    from models.datasets.crop_set import CropSet
    from models.evaluation.registry import NETWORKS

    if not 0.0 <= args.val_share < 1.0:
        raise bad_input("out of range", key="--val-share", value=args.val_share, allowed="0 to below 1")
    if args.batch < 1:
        raise bad_input("must be at least 1", key="--batch", value=args.batch)
    if args.crop < 64 or args.crop % 32:
        raise bad_input("must be a multiple of 32 and at least 64", key="--crop", value=args.crop)
    run = NETWORKS.load("crops")
    with console.progress("evaluating", unit="samples") as bar:
        errors = run(
            CropSet(args.data),
            args.weights,
            part=args.part,
            val_share=args.val_share,
            crop_px=args.crop,
            batch=args.batch,
            pictures=args.pictures,
            progress=lambda done, total: bar.update(done, total=total),
        )
    return {"protocol": "crops", "part": args.part, "weights": args.weights, **asdict(errors)}


def words(result: Mapping[str, Any]) -> str:
    """Table of what was found."""
    rows = [("", "mean", "median", "95 %")]
    for name, title in (("held_out_px", "views held out"), ("used_px", "views used")):
        spread = result[name]
        mean, median, p95 = (_figure(spread[key], "px") for key in ("mean", "median", "p95"))
        rows.append((title, mean, median, p95))
    lines = [f"{result['samples']} samples ({result['part']})", columns(rows, indent="  ")]
    lines.append(f"from the teacher's joints: {_figure(result['teacher_mm'], 'mm')}")
    if not math.isnan(result["truth_mm"]):
        lines.append(
            f"from the truth: {_figure(result['truth_mm'], 'mm')}, "
            f"aligned {_figure(result['truth_aligned_mm'], 'mm')}; "
            f"the teacher {_figure(result['teacher_truth_mm'], 'mm')}"
        )
    lines.append(
        "by view: " + ", ".join(f"{name} {_figure(value, 'px')}" for name, value in result["by_view"].items())
    )
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    return "none" if math.isnan(value) else f"{value:.1f} {unit}"
