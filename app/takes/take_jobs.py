"""What is done with takes in processes of their own; each function is the body of a ``BackgroundJob``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from app.background_job import Report


@dataclass(frozen=True)
class Repaired:
    """Result of a repair.

    Attributes:
        folder: The take.
        missing: What could not be saved, one sentence each.
        poses: Instants with poses.
    """

    folder: Path
    missing: tuple[str, ...]
    poses: int


@dataclass(frozen=True)
class Processed:
    """Result of processing a take again.

    Attributes:
        folder: The new take.
        instants: How many were processed.
        cancelled: Whether it was called off; the take holds what was done until then.
        notes: What was wrong with the videos.
    """

    folder: Path
    instants: int
    cancelled: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written, read back and found right.

    Attributes:
        path: Where it is.
        size_bytes: Its size.
    """

    path: Path
    size_bytes: int


def _be_nice() -> None:
    """Cameras that film meanwhile come first."""
    if hasattr(os, "nice"):
        os.nice(5)


def repair(report: Report, folder: Path) -> Repaired:
    """Complete an interrupted take and draw its preview and report."""
    from pipeline.take.finish import finish_take
    from pipeline.take.repair import repair_take

    report(-1.0, "Saving what was recorded")
    repaired = repair_take(folder)
    finish_take(folder, lambda done, total: report(done / total, "Drawing preview and report"))
    return Repaired(folder, repaired.missing, repaired.poses)


def make_report(report: Report, folder: Path) -> Path:
    """Draw preview, contact sheet and report of a take; returns the report."""
    from pipeline.take.finish import finish_take
    from pipeline.take.report.page import REPORT_FILE

    _be_nice()
    finish_take(folder, lambda done, total: report(done / total, "Drawing preview and report"))
    return folder / REPORT_FILE


def process_again(report: Report, folder: Path, pipeline_name: str, parent: Path) -> Processed:
    """Make the poses of a take anew with another pipeline, into a new take in ``parent``.

    Called off, the new take is closed with what was done until then; without a single instant there is none.
    """
    from calibration.assumed_camera import assumption, with_place
    from configs.errors import bad_input
    from pipeline.estimation.assumed_calibration import assumed_for, can_assume, joined_labels
    from pipeline.estimation.estimator import build_estimator
    from pipeline.estimation.offline import process
    from pipeline.estimation.pipeline_config import load_pipeline
    from pipeline.rigs.footage import find_footage, fit_rig_to_devices
    from pipeline.take.finish import finish_take
    from pipeline.take.folder import name_for_take, new_take_folder, not_left_empty

    _be_nice()
    report(-1.0, "Loading the models")
    footage = find_footage(folder)
    assert footage.take is not None
    header = footage.take.header
    calibration = footage.take.calibration
    pipeline = load_pipeline(pipeline_name)
    if calibration is None and can_assume(footage.rig, pipeline):
        calibration = assumed_for(footage.rig)
    if calibration is None:
        raise bad_input(
            "the cameras of this take were not calibrated", file=folder, hint="poses need a calibration"
        )
    rig = with_place(fit_rig_to_devices(footage.rig, calibration))
    total = max((len(footage.take.ledger(camera).recorded) for camera in footage.take.cameras), default=0)
    estimator = build_estimator(pipeline, rig)
    target = new_take_folder(parent, f"{name_for_take(header.name)}-{name_for_take(pipeline.name)}")
    done = 0

    def tell(instants: int, _: int | None) -> None:
        nonlocal done
        done = instants
        report(min(1.0, 0.9 * instants / max(1, total)), f"{instants} of about {total} instants")

    try:
        with not_left_empty(target):
            label = joined_labels(pipeline.label, assumption(rig))
            result = process(footage, rig, pipeline, target, estimator=estimator, label=label, progress=tell)
    except KeyboardInterrupt:
        if not target.exists():
            raise
        return Processed(target, done, cancelled=True)
    finish_take(target, lambda part, whole: report(0.9 + 0.1 * part / whole, "Drawing preview and report"))
    return Processed(target, result.sets, cancelled=False, notes=result.failures)


def export(
    report: Report, folder: Path, formats: list[str], out: Path, *, overwrite: bool, smoothed: bool
) -> list[ExportedFile]:
    """Write a take in other formats; every file is read back before it counts."""
    from pipeline.exporters.export import export_take

    _be_nice()
    paths = export_take(
        folder,
        formats,
        out,
        overwrite=overwrite,
        smoothed=smoothed,
        progress=lambda what, part: report(part, f"Writing and reading back {what}" if part < 1 else "Done"),
    )
    return [ExportedFile(path, path.stat().st_size) for path in paths]
