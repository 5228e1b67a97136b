"""``gui``: the desktop."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from app.cli.command import Result
from app.cli.console import Console
from app.cli.values import duration
from app.commands.options import split_overrides
from configs.errors import bad_input


class Command:
    """Open the desktop."""

    description = (
        "Open the desktop: set up and calibrate cameras, watch them live with the skeleton in space, record, "
        "play and export takes. Without --rig it opens the rig of last time; the first time it offers the "
        "simulated studio."
    )
    example = """
        launch.py gui
        launch.py gui --rig my_studio.yaml
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Rig, calibration, pipeline."""
        parser.add_argument("--rig", type=Path, metavar="FILE", help="rig file (the one of last time)")
        parser.add_argument(
            "--calibration", type=Path, metavar="FILE", help="calibration of that rig, in any format"
        )
        parser.add_argument("--pipeline", default="", metavar="NAME", help="pipeline (the one of last time)")
        parser.add_argument(
            "--preferences", type=Path, metavar="FILE", help="where settings are remembered (the user's own)"
        )
        parser.add_argument("--seconds", type=float, metavar="S", help="close by itself after so long")

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Run until the window is closed."""
        duration(args.seconds)
        rig_overrides, overrides = split_overrides(args.set)
        pipeline = str(args.config) if args.config is not None else args.pipeline
        _check(args.rig, pipeline, rig_overrides, overrides)
        try:
            from app.application import run_desktop
        except ModuleNotFoundError as error:
            from configs.errors import MissingExtraError

            raise MissingExtraError(
                f'the desktop needs the package {error.name}; run: pip install -e ".[desktop]"'
            ) from error
        code = run_desktop(
            args.rig,
            rig_overrides=rig_overrides,
            pipeline=pipeline,
            overrides=overrides,
            calibration=args.calibration,
            preferences=args.preferences,
            seconds=args.seconds,
        )
        return {"exit_code": code}

    def summary(self, result: Mapping[str, object]) -> str:
        """Nothing to say."""
        return ""


def _check(
    rig: Path | None, pipeline: str, rig_overrides: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Settings for a rig or pipeline need one that is named, and must fit it."""
    if rig_overrides and rig is None:
        raise bad_input(
            "say which rig these are for", key="--set", value=rig_overrides[0], hint="add --rig FILE"
        )
    if overrides and not pipeline:
        raise bad_input(
            "say which pipeline these are for", key="--set", value=overrides[0], hint="add --pipeline NAME"
        )
    if pipeline not in {"", "auto", "none"}:
        from pipeline.estimation.pipeline_config import load_pipeline

        load_pipeline(pipeline, overrides)
