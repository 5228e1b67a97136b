"""``evaluate studio``: ways of triangulating side by side on people, motions and rigs never trained on."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns, json_line
from configs.errors import bad_input

DESCRIPTION = (
    "RANSAC, unweighted, algebraic, volumetric and ContextPose triangulation on the simulated studio: clean, "
    "occluded, with few views, in an unseen look, with a camera that was bumped or films late."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the sub-command."""
    parser.add_argument(
        "--weights",
        action="append",
        required=True,
        metavar="NAME|FILE",
        help="network; several times for several. A studio_lite gives dlt, ransac and algebraic",
    )
    parser.add_argument(
        "--condition",
        action="append",
        metavar="NAME",
        help="one of those measured otherwise, such as occluded; several times for several (all)",
    )
    parser.add_argument("--samples", type=int, default=200, metavar="N", help="of each condition (200)")
    parser.add_argument("--crop", type=int, default=128, metavar="PX", help="width of a crop (128)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the studio (0)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="samples at a time (8)")
    parser.add_argument(
        "--centre",
        choices=("predicted", "truth"),
        default="predicted",
        help="where volumes stand: round the pelvis of the algebraic way (predicted), or the true one",
    )
    parser.add_argument("--sweeps", action="store_true", help="also errors over views and occlusion")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="picture of --sweeps (.png)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="all figures as .json")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def evaluate(args: argparse.Namespace, console: Console) -> Result:
    """Run it."""
    for option, value in (("--samples", args.samples), ("--batch", args.batch)):
        if value < 1:
            raise bad_input("must be at least 1", key=option, value=value)
    if not 64 <= args.crop <= 512 or args.crop % 32:
        raise bad_input("must be a multiple of 32 from 64 to 512", key="--crop", value=args.crop)
    if args.seed < 0:
        raise bad_input("must not be negative", key="--seed", value=args.seed)
    if args.plot is not None and not args.sweeps:
        raise bad_input("shows what --sweeps measures", key="--plot", value=args.plot, hint="add --sweeps")
    from models.evaluation.registry import NETWORKS

    open_ways, run = NETWORKS.load("studio_ways"), NETWORKS.load("studio")
    from models.evaluation.studio_plots import plot_sweeps
    from models.evaluation.studio_run import CONDITIONS, SWEEPS

    wanted = list(CONDITIONS) if args.condition is None else args.condition
    for name in wanted:
        if name not in CONDITIONS:
            raise bad_input("no such condition", key="--condition", value=name, allowed=", ".join(CONDITIONS))
    ways = open_ways(args.weights, args.crop, args.device)
    sets: dict[str, Mapping[Any, Any]] = {
        "conditions": {name: CONDITIONS[name] for name in wanted},
        **(SWEEPS if args.sweeps else {}),
    }
    found: dict[str, Any] = {}
    for name, conditions in sets.items():
        with console.progress(f"evaluating {name}", unit="samples") as bar:
            errors = run(
                ways,
                conditions,
                samples=args.samples,
                crop_px=args.crop,
                seed=args.seed,
                centre=args.centre,
                batch=args.batch,
                progress=lambda done, total, bar=bar: bar.update(done, total=total),
            )
        found[name] = {
            str(key): {way: asdict(figures) for way, figures in row.items()} for key, row in errors.items()
        }
    result: dict[str, Any] = {
        "protocol": "studio",
        "weights": args.weights,
        "samples": args.samples,
        "crop_px": args.crop,
        "seed": args.seed,
        "centre": args.centre,
        "titles": {name: condition.title for name, condition in CONDITIONS.items()},
        "conditions": found.pop("conditions"),
        "sweeps": found,
        "files": [],
    }
    if args.plot is not None:
        plot_sweeps(found, args.plot)
        result["files"].append(str(args.plot))
    if args.out is not None:
        result["files"].append(str(args.out))
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(json.loads(json_line(result)), indent=1) + "\n")
    return result


def words(result: Mapping[str, Any]) -> str:
    """Mean joint error in mm by condition and way."""
    lines = [f"mean joint error in mm (median), {result['samples']} samples of each condition"]
    tables = {"condition": result["conditions"], **result["sweeps"]}
    for name, conditions in tables.items():
        ways = list(next(iter(conditions.values())))
        rows = [(name, *ways)]
        rows += [(key, *(_figure(errors[way]) for way in ways)) for key, errors in conditions.items()]
        lines.append(columns(rows, indent="  "))
    return "\n".join([*lines, *(f"wrote {path}" for path in result["files"])])


def _figure(errors: Mapping[str, float]) -> str:
    if math.isnan(errors["mean_mm"]):
        return "none"
    missing = f", {100 * errors['missing']:.1f} % missing" if errors["missing"] else ""
    return f"{errors['mean_mm']:.1f} ({errors['median_mm']:.1f}){missing}"
