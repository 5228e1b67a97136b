"""``process``: poses from recorded footage, offline, every frame."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.commands.options import (
    add_calibration_options,
    add_pipeline_option,
    calibration_from,
    pipeline_from,
    split_overrides,
)
from configs.errors import bad_input


class Command:
    """Read footage, estimate, write a take."""

    description = (
        "Estimate 3D poses from a take or from a folder of videos named by camera. Every frame is used; the "
        "result is a new take with videos, ledger, poses, preview, contact sheet and report."
    )
    example = """
        launch.py process recordings/monday --calibration recordings/monday/calibration.toml
        launch.py process takes/walk_01 --pipeline blazepose --out takes/walk_01_again
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Input, calibration, pipeline, output."""
        parser.add_argument(
            "input", metavar="INPUT", type=Path, help="take, or folder of videos named by camera"
        )
        parser.add_argument(
            "--rig", type=Path, metavar="FILE", help="rig file; its calibration is used where none is given"
        )
        add_calibration_options(parser)
        add_pipeline_option(parser)
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="folder of the new take (takes/NAME-PIPELINE)"
        )
        parser.add_argument("--name", metavar="NAME", help="name of the new take inside takes/")
        parser.add_argument(
            "--apply-lags",
            action="store_true",
            help="estimate from the poses of the take INPUT how late each camera's time stamps are, and take "
            "that into account",
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Process and finish the take."""
        from calibration.assumed_camera import assumption, with_place
        from pipeline.estimation.assumed_calibration import assumed_for, can_assume, joined_labels
        from pipeline.estimation.estimator import build_estimator
        from pipeline.estimation.offline import process
        from pipeline.rigs.footage import find_footage, fit_rig_to_devices
        from pipeline.take.finish import finish_take
        from pipeline.take.folder import name_for_take, new_take_folder, not_left_empty
        from pipeline.take.quality import take_quality

        _, overrides = split_overrides(args.set)
        pipeline = pipeline_from(args, overrides)
        if pipeline is None:
            raise bad_input("process needs a pipeline", key="--pipeline", value="none")
        calibration = _calibration(args)
        footage = find_footage(args.input, calibration.names if calibration is not None else None)
        if calibration is None:
            calibration = footage.take.calibration if footage.take is not None else None
        if calibration is None and can_assume(footage.rig, pipeline):
            calibration = assumed_for(footage.rig)
        if calibration is None:
            raise bad_input(
                "these videos have no calibration",
                file=args.input,
                hint="give one with --calibration FILE or --rig FILE; videos of one camera need none with "
                "--pipeline blazepose+simple_baseline",
            )
        rig = with_place(fit_rig_to_devices(footage.rig, calibration))
        if args.apply_lags:
            rig = _corrected(args.input, footage.take, rig)
        label = joined_labels(
            footage.take.header.label
            if footage.take is not None and pipeline.name == "noisy_truth"
            else pipeline.label,
            assumption(rig),
        )
        estimator = build_estimator(pipeline, rig)
        name = args.name or f"{name_for_take(footage.name)}-{name_for_take(pipeline.name)}"
        folder = args.out or new_take_folder(Path("takes"), name)
        started = time.perf_counter()
        with console.progress("estimating poses", None, "instants") as bar:
            try:
                with not_left_empty(folder):
                    result = process(
                        footage,
                        rig,
                        pipeline,
                        folder,
                        estimator=estimator,
                        label=label,
                        progress=bar.update,
                    )
            except KeyboardInterrupt:
                console.tell(f"what was processed so far is in {folder}")
                raise
        for failure in result.failures:
            console.tell(failure)
        with console.progress("drawing preview and report") as bar:
            finished = finish_take(folder, bar)
        quality = take_quality(folder)
        return {
            "take": folder,
            "label": label,
            "instants": result.sets,
            "cameras": {name: totals.to_dict() for name, totals in result.summary.totals.items()},
            "cpu_ms_per_instant": round(result.cpu_ms_per_set, 2),
            "instants_per_s": round(result.sets / result.wall_s, 2),
            "wall_s": round(time.perf_counter() - started, 2),
            "stage_ms": result.stage_ms,
            "quality": quality.to_dict() if quality is not None else None,
            "lags": _lags_of(folder),
            "files": finished.paths,
            "damaged": list(result.failures),
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """What was made, and how good it is."""
        from app.commands.words import label_words, quality_words

        lines = [
            f"{result['instants']} instants from {len(result['cameras'])} cameras at "
            f"{result['instants_per_s']:.1f} per second, {result['cpu_ms_per_instant']:.0f} ms of CPU each",
            *quality_words(result["quality"]),
            *label_words(result),
            *_lag_words(result),
            f"take: {result['take']} (open report.html, preview.mp4 or contact_sheet.png)",
        ]
        return "\n".join(lines)


def _corrected(path: Path, take: Any, rig: Any) -> Any:
    """The rig with the lags that the take's own poses tell."""
    from pipeline.take.clock_lags import lags_from_poses, with_lags

    poses = take.poses() if take is not None else None
    lags = lags_from_poses(rig, poses) if poses is not None else None
    if lags is None:
        raise bad_input(
            "lags cannot be told from this",
            file=path,
            key="--apply-lags",
            allowed="a take with poses, in which at least two cameras see somebody for ten seconds",
            hint="process it without --apply-lags first, then the take that this makes",
        )
    return with_lags(rig, lags)


def _lags_of(folder: Path) -> dict[str, Any] | None:
    from pipeline.take.clock_lags import lags_from_poses, lags_to_dict
    from pipeline.take.take import Take

    take = Take.open(folder)
    poses, rig = take.poses(), take.calibration
    lags = lags_from_poses(rig, poses) if poses is not None and rig is not None else None
    return lags_to_dict(rig, lags) if lags is not None and rig is not None else None


def _lag_words(result: Mapping[str, Any]) -> list[str]:
    """A suggestion where a camera's clock is off by more than is known."""
    lags = result.get("lags")
    if not lags or not lags["worth_applying"]:
        return []
    late = ", ".join(
        f"{name} {lags['cameras'][name]['lag_ms']:+.1f} ± {lags['cameras'][name]['std_ms']:.1f} ms"
        for name in lags["worth_applying"]
    )
    return [
        f"time stamps seem to be late: {late}; to take that into account: "
        f"launch.py process {result['take']} --apply-lags"
    ]


def _calibration(args: argparse.Namespace) -> Any:
    if args.calibration is not None:
        return calibration_from(args.calibration, args.units)
    if args.rig is not None:
        from pipeline.rigs.rig_config import load_rig

        rig = load_rig(args.rig)
        if rig.calibration is not None:
            return calibration_from(Path(rig.calibration), args.units)
        raise bad_input(
            "has no calibration", file=args.rig, key="calibration", hint="add one, or --calibration"
        )
    return None
