"""``evaluate 3dhp|mupots|3dpw``: files of predictions of single-camera systems."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.output import columns
from configs.errors import bad_input

PROTOCOLS = {
    "3dhp": "MPI-INF-3DHP: PCK and AUC on 14 joints and the mean error, by activity and scene.",
    "mupots": "MuPoTS-3D: PCK, AUC and mean errors, matched or of all people, relative or absolute, "
    "metric or universal skeletons, with true or own bone lengths.",
    "3dpw": "3DPW: 24 joints; PCK, AUC, mean errors, poses whose worst joint is near enough.",
}
SMOOTHINGS = ("none", "causal", "causal-2020", "causal-2023", "short", "long")


def add_arguments(protocols: Any) -> None:
    """The three sub-commands."""
    for name, description in PROTOCOLS.items():
        parser = protocols.add_parser(name, description=description)
        parser.add_argument(
            "--pred-path",
            type=Path,
            required=True,
            metavar="FILE|DIR",
            help="predictions_....npz, or for 3dpw the folder of <split>/<sequence>.pkl",
        )
        parser.add_argument(
            "--data", type=Path, required=name != "3dhp", metavar="DIR", help="the data set's annotations"
        )
        parser.add_argument(
            "--seeds",
            type=int,
            default=1,
            metavar="N",
            help="mean and deviation over N runs: the path has seed1",
        )
        if name != "mupots":
            parser.add_argument("--procrustes", action="store_true", help="align every pose first")
    chosen = protocols.choices
    chosen["3dhp"].add_argument(
        "--universal-skeleton", action="store_true", help="against people at one height"
    )
    chosen["3dhp"].add_argument(
        "--legacy-2020",
        action="store_true",
        help="joints and root of the programs of 2020, to compare numbers",
    )
    chosen["mupots"].add_argument(
        "--pelvis-last", action="store_true", help="joints are in the order of the models of 2020"
    )
    chosen["3dpw"].add_argument("--split", choices=("train", "validation", "test"), default="test")
    chosen["3dpw"].add_argument(
        "--smooth",
        choices=SMOOTHINGS,
        default="none",
        help="weights along frames; causal-2023 is the published filter that comes one frame early",
    )


def evaluate(args: argparse.Namespace) -> Result:
    """Scores of all variants.

    Raises:
        BadInputError: Files are missing or damaged, or predictions do not fit the annotations.
    """
    from models.evaluation.prediction_files import Rows, over_seeds
    from models.evaluation.single_camera_run import evaluate_3dhp, evaluate_3dpw, evaluate_mupots

    if args.seeds < 1:
        raise bad_input("must be at least 1", key="--seeds", value=args.seeds)

    def scores(path: Path) -> Rows:
        if args.protocol == "3dhp":
            return evaluate_3dhp(
                path,
                data=args.data,
                universal=args.universal_skeleton,
                procrustes=args.procrustes,
                legacy_2020=args.legacy_2020,
            )
        if args.protocol == "mupots":
            return evaluate_mupots(path, args.data, pelvis_last=args.pelvis_last)
        return evaluate_3dpw(
            path, args.data, split=args.split, smoothing=args.smooth, procrustes=args.procrustes
        )

    begun = time.monotonic()
    means, deviations = over_seeds(args.pred_path, args.seeds, scores)
    return {
        "protocol": args.protocol,
        "predictions": str(args.pred_path),
        "seeds": args.seeds,
        "scores": means,
        "deviations": deviations,
        "seconds": time.monotonic() - begun,
    }


def words(result: Mapping[str, Any]) -> str:
    """One score a line."""
    deviations = result["deviations"]
    rows = [
        (name.replace("|", " "), f"{value:.2f}" + (f" ± {deviations[name]:.2f}" if deviations else ""))
        for name, value in result["scores"].items()
    ]
    head = f"{result['protocol']}: {result['predictions']}, {result['seconds']:.1f} s"
    return "\n".join([head, columns(rows, indent="  ")])
