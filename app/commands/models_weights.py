"""``models import FILE --as KIND``: trained weights, checked against their network and kept with a card."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from configs.errors import bad_input

KINDS = ("pose_resnet", "ransac", "algebraic", "volumetric", "contextpose", "simple_baseline", "gridconv")


def add_weights_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the second form of ``models import``."""
    weights = parser.add_argument_group("trained weights")
    weights.add_argument("--as", dest="kind", choices=KINDS, help="what network the file holds")
    weights.add_argument("--name", dest="own_name", metavar="NAME", help="keep it under this name")
    weights.add_argument("--layers", type=int, metavar="N", help="insist on this depth of the backbone")
    weights.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what the file does not tell, such as aggregation=conf_norm",
    )
    weights.add_argument(
        "--limbs", type=Path, metavar="FILE", help="limb lengths that a contextpose network was trained with"
    )
    weights.add_argument(
        "--statistics",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="mean and deviation that simple_baseline was trained with: a file for 2D and one for 3D",
    )
    weights.add_argument("--licence", default="unknown", metavar="TEXT", help="terms of the weights")


def import_weights(args: argparse.Namespace) -> Result:
    """Convert the file.

    Raises:
        BadInputError: The file does not fit, or the words do not.
        MissingExtraError: torch is not installed.
    """
    from configs.loading import apply_overrides
    from models.checkpoints.registry import CHECKPOINT_TOOLS
    from models.zoo.imported import place_for

    if args.paths:
        raise bad_input("--as takes one file", value=str(args.paths[0]))
    source = Path(args.name).expanduser()
    settings: dict[str, Any] = apply_overrides({}, args.setting)
    if args.layers is not None:
        settings["layers"] = args.layers
    if args.limbs is not None:
        settings |= CHECKPOINT_TOOLS.load("limbs")(args.limbs)
    if args.statistics:
        settings["statistics"] = CHECKPOINT_TOOLS.load("statistics")(args.statistics)
    importer = CHECKPOINT_TOOLS.load("import")
    if not source.is_file():
        raise bad_input("no such file", file=source)
    target = place_for(args.own_name or source.stem.removesuffix(".pth"))
    card = importer(source, target, args.kind, settings, licence=args.licence)
    return {"name": target.stem, "file": target, **card.model_dump(mode="json")}


def weights_summary(result: Mapping[str, Any]) -> str:
    """What was kept, and as what."""
    shown = {
        key: value
        for key, value in result["settings"].items()
        if value is not None
        and not isinstance(value, dict)
        and not (isinstance(value, list) and len(value) > 2)
    }
    settings = ", ".join(f"{key} {value}" for key, value in shown.items())
    skeleton = result["skeleton"] or "unknown"
    return (
        f"{result['name']}: {result['architecture']} from {result['source']} in {result['file']}\n"
        f"  {settings}\n  joints in the order {skeleton}; licence {result['licence']}"
    )
