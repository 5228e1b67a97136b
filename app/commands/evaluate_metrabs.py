"""``evaluate metrabs``: a crop network on people in boxes whose joints are known."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from configs.errors import bad_input

DESCRIPTION = (
    "Shape and place of people as a MeTRAbs network says them, each person in a box from the true joints: on "
    "people of the simulated studio that no training saw, on the test people of Human3.6M, every 64th row, "
    "or on S8 of MPI-INF-3DHP."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``evaluate metrabs``."""
    parser.add_argument(
        "--weights",
        required=True,
        metavar="FOLDER|FILE|NAME",
        help="folder of a published model, what training wrote, or an imported network",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help="Human3.6M as prepare human36m leaves it")
    source.add_argument("--mpi-inf-3dhp", type=Path, metavar="DIR", help="as prepare mpi_inf_3dhp leaves it")
    source.add_argument(
        "--simulated",
        choices=("val", "studio"),
        help="anybody before any camera, or the studio's performer before its cameras",
    )
    parser.add_argument(
        "--universal", action="store_true", help="with --mpi-inf-3dhp: everybody at one height"
    )
    parser.add_argument("--crops", type=int, default=1000, metavar="N", help="at most (1000)")
    parser.add_argument("--every", type=int, default=64, metavar="N", help="with --data: every N-th row (64)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="crops at a time (8)")


def evaluate(args: argparse.Namespace, console: Console) -> Result:
    """Run it.

    Raises:
        BadInputError: Weights or data are missing, or a number is out of range.
    """
    from models.evaluation.registry import NETWORKS

    for name in ("crops", "every", "batch"):
        if getattr(args, name) < 1:
            raise bad_input("must be at least 1", key=f"--{name}", value=getattr(args, name))
    run = NETWORKS.load("metrabs")
    if args.simulated is not None:
        split, part = args.simulated, {"source": "simulated_studio", "settings": {"bodies": 8}}
    elif args.mpi_inf_3dhp is not None:
        split = "val"
        settings = {"root": str(args.mpi_inf_3dhp), "universal": args.universal}
        part = {"source": "mpi_inf_3dhp", "settings": settings}
    else:
        split = "val"
        part = {"source": "human36m", "settings": {"root": str(args.data), "every": args.every}}
    with console.progress("evaluating", args.crops, "crops") as bar:
        errors = run(
            args.weights,
            split,
            part,
            crops=args.crops,
            batch=args.batch,
            progress=lambda done, total: bar.update(done, total=total),
        )
    data = f"simulated {split}" if args.simulated is not None else str(args.data or args.mpi_inf_3dhp)
    return {"protocol": "metrabs", "data": data, **asdict(errors)}


def words(result: Mapping[str, Any]) -> str:
    """A line for each figure."""
    figures = result["figures"]
    rows = [
        ("relative to the mean joint (MPJPE)", f"{figures['mpjpe_mm']:.1f} mm"),
        ("after a similarity (PA-MPJPE)", f"{figures['pa_mpjpe_mm']:.1f} mm"),
        ("joints within 150 mm, relative (PCK)", f"{100 * figures['pck']:.1f} %"),
    ]
    if "absolute_mm" in figures:
        rows += [
            ("from the camera, absolute", f"{figures['absolute_mm']:.1f} mm"),
            ("joints within 150 mm, absolute", f"{100 * figures['absolute_pck']:.1f} %"),
            ("in the crop", f"{figures['pixels']:.2f} px"),
        ]
    head = f"{result['network']} on {result['data']}: {result['crops']} crops, {len(result['joints'])} joints"
    return "\n".join([head, columns(rows, indent="  ")])
