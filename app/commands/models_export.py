"""``models export NAME|FILE --out FILE``: a network as one file that other programs run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.values import picture_size
from app.commands.models_weights import KINDS
from configs.errors import bad_input

FORMATS = (".pt2", ".onnx", ".safetensors")


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``models export``."""
    parser.add_argument("name", metavar="NAME|FILE", help="an imported network, or a file of weights")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="FILE.pt2 (torch.export) or FILE.onnx; FILE.safetensors: a lifting network for this program, in "
        "half the size",
    )
    metrabs = parser.add_argument_group("the folder of a MeTRAbs model, or one of our own training")
    metrabs.add_argument(
        "--part",
        choices=("crop", "people", "picture"),
        default="people",
        help="a model of single crops, of a picture with boxes (people), or of a picture alone, with a "
        "person detector inside (picture)",
    )
    metrabs.add_argument("--num-aug", type=int, default=1, metavar="N", help="variants to average over (1)")
    metrabs.add_argument(
        "--detector", metavar="NAME|FILE", help="picture: rtmdet-nano, yolox-tiny, ..., or an ONNX file"
    )
    metrabs.add_argument("--detector-family", choices=("rtmdet", "yolox"), help="of a file")
    metrabs.add_argument("--detector-size", metavar="WxH", help="input of a file")
    metrabs.add_argument(
        "--detector-threshold", type=float, default=0.3, metavar="S", help="least score (0.3)"
    )
    metrabs.add_argument(
        "--detector-overlap", type=float, default=0.7, metavar="S", help="of two boxes of one person (0.7)"
    )
    metrabs.add_argument("--most", type=int, default=16, metavar="N", help="people at most (16)")
    metrabs.add_argument(
        "--affine-weights", type=Path, metavar="FILE", help="decoder of a network of latent points"
    )
    parser.add_argument("--note", default="", metavar="TEXT", help="with .safetensors: for its card")
    parser.add_argument("--licence", metavar="TEXT", help="with .safetensors: for its card")
    parser.add_argument(
        "--views", type=int, metavar="N", help="fix the number of views (default: any number)"
    )
    parser.add_argument(
        "--crop", type=int, default=384, metavar="PX", help="side of the pictures (default: 384)"
    )
    parser.add_argument(
        "--batch", type=int, metavar="N", help="fix the number of people (default: any number)"
    )
    parser.add_argument("--as", dest="kind", choices=KINDS, help="what network a file without a card holds")
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what a file without a card does not tell",
    )


def export_weights(args: argparse.Namespace, console: Console) -> Result:
    """Export, after running the result and comparing it with the network.

    Raises:
        BadInputError: No such network, or words that do not fit it.
        MissingExtraError: A package is not installed.
        PosestageError: The file would not say what the network says.
    """
    from configs.loading import apply_overrides
    from models.checkpoints.registry import CHECKPOINT_TOOLS

    if args.out.suffix not in FORMATS:
        allowed = ", ".join(f"*{suffix}" for suffix in FORMATS)
        raise bad_input("is none of the formats that can be written", file=args.out, allowed=allowed)
    settings: dict[str, Any] = apply_overrides({}, args.setting)
    if Path(args.name).expanduser().is_dir() or CHECKPOINT_TOOLS.load("kind")(args.name) == "metrabs":
        detector = None
        if args.detector is not None:
            detector = CHECKPOINT_TOOLS.load("detector")(
                args.detector,
                args.detector_family,
                None
                if args.detector_size is None
                else picture_size(args.detector_size, option="--detector-size"),
                args.detector_threshold,
                args.detector_overlap,
                args.most,
            )
        report = CHECKPOINT_TOOLS.load("package")(
            args.name,
            args.out.expanduser(),
            args.part,
            num_aug=args.num_aug,
            affine_weights=args.affine_weights,
            detector=detector,
            tell=console.tell,
        )
        return asdict(report)
    if args.out.suffix == ".safetensors":
        compact = CHECKPOINT_TOOLS.load("compact")
        return asdict(
            compact(args.name, args.out.expanduser(), note=args.note, licence=args.licence, settings=settings)
        )
    report = CHECKPOINT_TOOLS.load("export")(
        args.name,
        args.out.expanduser(),
        kind=args.kind,
        settings=settings,
        views=args.views,
        crop=args.crop,
        batch=args.batch,
        tell=console.tell,
    )
    return asdict(report)


def export_summary(result: Mapping[str, Any]) -> str:
    """What was written, what it takes, and how well it agrees."""
    if "largest_relative_difference" in result:
        return (
            f"{result['part']} model in {result['file']} ({result['size_bytes'] / 1e6:.1f} MB), "
            f"{len(result['joints'])} joints; differs from the network by "
            f"{result['largest_relative_difference']:.2g} of the largest coordinate, poses by "
            f"{result['largest_difference_mm']:.2g} mm"
        )
    if "mpjpe_change_mm" in result:
        return (
            f"{result['kind']} in {result['file']} ({result['size_bytes'] / 1e6:.1f} MB): joints move "
            f"{result['mean_shift_mm']:.3f} mm on average, the mean error {result['mpjpe_change_mm']:+.4f} mm"
        )
    inputs = ", ".join(
        f"{name} ({', '.join(str(size) for size in shape)})" for name, shape in result["inputs"].items()
    )
    lines = [f"{result['kind']} in {result['file']} ({result['size_bytes'] / 1e6:.1f} MB) takes {inputs}"]
    if result["part"]:
        lines.append(f"  holds only {result['part']}")
    lines += [
        f"  {name}: largest difference to the network {difference:.3g}, rounding alone may make "
        f"{result['limits'][name]:.3g}"
        for name, difference in result["differences"].items()
    ]
    return "\n".join(lines)
