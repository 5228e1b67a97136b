"""``prepare takes``: from recordings to crops that a network can be trained on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from configs.errors import bad_input


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the sub-command."""
    parser.add_argument(
        "takes", type=Path, nargs="+", metavar="TAKE", help="with poses; their pipeline is the teacher"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder")
    parser.add_argument(
        "--held-out",
        action="append",
        default=[],
        metavar="CAMERA",
        help="takes no part in the joints, so that it can judge; may be repeated",
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th instant (1)")
    parser.add_argument("--crop", type=int, default=256, metavar="PX", help="width of a stored crop (256)")
    parser.add_argument("--skeleton", default="halpe_26", help="of the network that is to learn (halpe_26)")
    parser.add_argument(
        "--max-uncertainty",
        type=float,
        default=40.0,
        metavar="MM",
        help="joints that the teacher is less sure of are left out (40)",
    )


def prepare(args: argparse.Namespace, console: Console) -> Result:
    """Run it."""
    from dataclasses import asdict

    from configs.loading import parse_config
    from pipeline.take.crops import CropsConfig, write_crops
    from pipeline.take.take import Take

    if not args.out.parent.is_dir():
        raise bad_input("no such folder", key="--out", file=args.out.parent)
    settings = {
        "held_out": tuple(args.held_out),
        "every": args.every,
        "crop_px": args.crop,
        "skeleton": args.skeleton,
        "max_uncertainty_mm": args.max_uncertainty,
    }
    config = parse_config(CropsConfig, settings, source="prepare takes")
    takes = [Take.open(folder) for folder in args.takes]
    with console.progress("cutting", unit="instants") as bar:
        written = write_crops(takes, args.out, config, lambda done, total: bar.update(done, total=total))
    return {"data": str(args.out), **asdict(written)}


def words(result: Mapping[str, Any]) -> str:
    """What was made, and what to do with it."""
    return (
        f"wrote {result['samples']} samples, {result['pictures']} crops, "
        f"{result['joints_per_sample']:.1f} sure joints each to {result['data']}\n"
        f"train: launch.py train --config configs/train/studio_lite_own_takes.yaml "
        f"--set data.settings.folder={result['data']} --set validation.settings.folder={result['data']}"
    )
