"""Options that capture, process and demo share, and what they stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.cli.console import Console
    from calibration.rig import Rig
    from pipeline.estimation.pipeline_config import PipelineConfig
    from pipeline.rigs.rig_config import RigConfig
    from pipeline.session.session import Session

RIG_PREFIX = "rig."


def add_pipeline_option(parser: argparse.ArgumentParser, default: str = "blazepose") -> None:
    """``--pipeline``."""
    parser.add_argument(
        "--pipeline", default=default, metavar="NAME", help=f"pipeline or a yaml file of one ({default})"
    )


def add_calibration_options(parser: argparse.ArgumentParser) -> None:
    """``--calibration`` and ``--units``."""
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="calibration, in any supported format"
    )
    parser.add_argument(
        "--units", choices=("mm", "cm", "m"), help="units of a calibration file that does not state them"
    )


def split_overrides(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split ``--set`` into those for the rig (``rig.…``) and those for the pipeline."""
    rig = tuple(word.removeprefix(RIG_PREFIX) for word in words if word.startswith(RIG_PREFIX))
    return rig, tuple(word for word in words if not word.startswith(RIG_PREFIX))


def pipeline_from(args: argparse.Namespace, overrides: tuple[str, ...]) -> PipelineConfig | None:
    """The pipeline that was asked for; ``--config`` takes the place of the named one. None for "none"."""
    from pipeline.estimation.pipeline_config import load_pipeline

    if args.config is not None:
        return load_pipeline(str(args.config), overrides)
    if args.pipeline == "none":
        return None
    return load_pipeline(args.pipeline, overrides)


def calibration_from(path: Path, units: Any) -> Rig:
    """Read a calibration of any supported format."""
    from calibration.rig_file import read_calibration

    return read_calibration(path, units=units)


def session_from(
    args: argparse.Namespace, rig: RigConfig, pipeline: PipelineConfig | None, console: Console
) -> Session:
    """A session on ``rig`` with the calibration that was given, or the rig's own, or the studio's truth."""
    from pipeline.rigs.footage import fit_rig_to_devices
    from pipeline.rigs.studio_rig import studio_calibration, studio_of
    from pipeline.session.session import Session

    calibration = None
    if args.calibration is not None:
        calibration = calibration_from(args.calibration, args.units)
    elif rig.calibration is not None:
        calibration = calibration_from(Path(rig.calibration), args.units)
    elif (studio := studio_of(rig)) is not None:
        console.tell("simulated cameras: using the studio's exact calibration")
        calibration = studio_calibration(rig, studio)
    if calibration is not None:
        calibration = fit_rig_to_devices(rig, calibration)
    return Session(rig, calibration, pipeline, log_level=args.log_level)
