"""``train``: a network from a configuration and data, or the rest of an interrupted run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from configs.errors import bad_input
from configs.loading import load_config


class Command:
    """Trains; under ``torchrun`` as one of several processes."""

    description = (
        "Train a network. Without --config, lists the recipes in configs/train. The folder of a run "
        "(logs/NAME) holds best.safetensors, last.safetensors, figures.jsonl, TensorBoard's files where "
        "tensorboard is installed, and the state from which --resume goes on exactly. On several GPUs: "
        "torchrun --nproc-per-node N launch.py train ..."
    )
    example = """
        launch.py train --config configs/train/studio_lite.yaml --dry-run --pictures batch.png
        launch.py train --config configs/train/studio_lite.yaml --set batch=32 --out logs/lite32
        launch.py train --config configs/train/studio_lite.yaml --resume
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where, and whether for real."""
        parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (logs/NAME)")
        parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
        parser.add_argument(
            "--dry-run", action="store_true", help="check data and memory, time a few steps, keep nothing"
        )

        parser.add_argument(
            "--pictures", type=Path, metavar="FILE", help="with --dry-run: a picture of the first batch"
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Train, rehearse or list."""
        from models.training.registry import TRAINING

        if args.config is None:
            return {"recipes": [str(path) for path in sorted(Path("configs/train").glob("*.yaml"))]}
        if args.dry_run and args.resume:
            raise bad_input("cannot go on with a run", key="--dry-run", hint="leave out --resume")
        if args.pictures is not None and not args.dry_run:
            raise bad_input("goes with --dry-run only", key="--pictures")
        # The functions first: a missing package is then named with the extra that brings it.
        work = TRAINING.load("rehearse" if args.dry_run else "train")
        config = load_config(TRAINING.load("config"), args.config, args.set)
        if args.dry_run:
            return asdict(work(config, source=str(args.config), pictures=args.pictures))
        folder = args.out or Path("logs") / config.name
        if os.environ.get("RANK", "0") != "0":
            return asdict(work(config, folder, resume=args.resume, source=str(args.config)))
        with console.progress("training", config.steps, "steps") as bar:

            def show(done: int, total: int, words: str) -> None:
                bar.update(done, total, words)

            result = work(config, folder, resume=args.resume, source=str(args.config), progress=show)
        return asdict(result)

    def summary(self, result: Mapping[str, Any]) -> str:
        """Figures and where the weights are."""
        if "recipes" in result:
            return "\n".join(["recipes:", *(f"  {path}" for path in result["recipes"])])
        if "step_seconds" in result:
            return _rehearsal(result)
        lines = [f"{result['steps']} steps done in {result['folder']}"]
        if result["figures"]:
            lines.append(columns([(name, f"{value:.4g}") for name, value in result["figures"].items()]))
        if result["best"] is not None:
            lines.append(f"best {result['monitor']}: {result['best']:.4g} (best.safetensors)")
        return "\n".join(lines)


def _rehearsal(result: Mapping[str, Any]) -> str:
    rows = [
        ("device", result["device"]),
        ("trainable parameters", f"{result['parameters']:,}"),
        ("training samples", f"{result['samples']:,}"),
        ("validation samples", f"{result['validation_samples']:,}"),
        *((f"  {name}", " x ".join(map(str, shape))) for name, shape in result["shapes"].items()),
        ("first loss", f"{result['loss']:.4g}"),
        ("a batch is made in", f"{result['data_seconds']:.3f} s"),
        ("a step takes", f"{result['step_seconds']:.3f} s"),
        ("the whole run takes about", f"{result['hours']:.1f} h"),
        ("most memory in use", f"{result['memory_bytes'] / 2**20:.0f} MiB"),
        *((f"untrained {name}", f"{value:.4g}") for name, value in result["figures"].items()),
    ]
    return columns([(str(name), str(value)) for name, value in rows])
