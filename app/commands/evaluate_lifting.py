"""``evaluate lifting``: Protocols #1 and #2 of lifting networks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from configs.errors import bad_input

DESCRIPTION = (
    "Mean joint error in mm of lifted poses, as they are (Protocol #1) and after the best similarity (#2), "
    "by action. Reads the folders that the Simple 3D Pose Baseline (test_2d.pth.tar ...) and GridConv "
    "(test_custom_2d_unnorm.pth.tar ...) are published with, or makes poses of the simulated studio that no "
    "training saw."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``evaluate lifting``."""
    parser.add_argument(
        "--weights",
        action="append",
        required=True,
        metavar="NAME|FILE",
        help="network; several are shown side by side",
    )
    parser.add_argument(
        "--as", dest="kind", choices=("simple_baseline", "gridconv"), help="what a file without a card holds"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help="folder of published files")
    source.add_argument(
        "--simulated",
        choices=("val", "studio"),
        help="any stance before any camera, or the studio's performer before its cameras",
    )
    parser.add_argument("--poses", type=int, default=8000, metavar="N", help="with --simulated (8000)")
    parser.add_argument("--use-hg", action="store_true", help="keypoints of the hourglass network")
    parser.add_argument(
        "--drop-drifted",
        action="store_true",
        help="leave out takes with displaced truth, as with HRNet keypoints",
    )
    parser.add_argument("--action", metavar="NAME", help="only this action")
    parser.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help="of GridConv's attention, instead of what its card says",
    )


def evaluate(args: argparse.Namespace, console: Console) -> Result:
    """Measure every network.

    Raises:
        BadInputError: Weights or files are missing, or do not fit each other.
    """
    from models.evaluation.registry import NETWORKS

    if args.poses < 1:
        raise bad_input("must be at least 1", key="--poses", value=args.poses)
    opened = {name: NETWORKS.load("lifter")(name, args.kind, args.temperature) for name in args.weights}
    networks: dict[str, Any] = {}
    for name, lifter in opened.items():
        console.tell(f"evaluating {name}")
        about = {"kind": lifter.kind, "parameters": lifter.parameters, "temperature": lifter.temperature}
        if args.simulated is not None:
            measure = NETWORKS.load("lifting_simulated")
            networks[name] = about | {"conditions": measure(lifter, args.simulated, args.poses)}
            continue
        result = NETWORKS.load("lifting_files")(
            lifter, args.data, detected=args.use_hg, drop_drifted=args.drop_drifted, action=args.action
        )
        networks[name] = about | {
            "frames": result.first.frames,
            "mpjpe_mm": result.first.mean_over_actions,
            "mpjpe_over_frames_mm": result.first.mean_over_frames,
            "pa_mpjpe_mm": result.second.mean_over_actions,
            "pa_mpjpe_over_frames_mm": result.second.mean_over_frames,
            "axes_mm": list(result.first.axes),
            "actions": {
                action: {"mpjpe_mm": value, "pa_mpjpe_mm": result.second.actions[action]}
                for action, value in result.first.actions.items()
            },
        }
    return {
        "protocol": "lifting",
        "data": str(args.data or f"simulated {args.simulated}"),
        "networks": networks,
    }


def words(result: Mapping[str, Any]) -> str:
    """A table for each network."""
    lines: list[str] = []
    for name, found in result["networks"].items():
        temperature = (
            "" if found["temperature"] is None else f", attention temperature {found['temperature']:.4g}"
        )
        lines.append(f"{name}: {found['kind']}, {found['parameters']:,} parameters{temperature}")
        if "conditions" in found:
            heads = list(next(iter(found["conditions"].values())))
            rows = [("keypoints", *(head.removesuffix("_mm").replace("_", " ") for head in heads))]
            rows += [
                (condition, *(f"{figures[head]:.1f} mm" for head in heads))
                for condition, figures in found["conditions"].items()
            ]
            lines.append(columns(rows, indent="  "))
            continue
        rows = [("action", "protocol #1", "protocol #2")]
        rows += [
            (action, f"{value['mpjpe_mm']:.1f} mm", f"{value['pa_mpjpe_mm']:.1f} mm")
            for action, value in found["actions"].items()
        ]
        rows.append(("mean over actions", f"{found['mpjpe_mm']:.1f} mm", f"{found['pa_mpjpe_mm']:.1f} mm"))
        rows.append(
            (
                f"mean over {found['frames']} frames",
                f"{found['mpjpe_over_frames_mm']:.1f} mm",
                f"{found['pa_mpjpe_over_frames_mm']:.1f} mm",
            )
        )
        lines.append(columns(rows, indent="  "))
    return "\n".join(lines)
