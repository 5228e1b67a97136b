"""Work in processes of its own for the live page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from app.background_job import Report


def fetch_models(report: Report, names: tuple[str, ...]) -> None:
    """Fetch models of the zoo; their licences were accepted.

    Raises:
        FetchError: No source delivered.
    """
    from models import zoo

    for place, name in enumerate(names):

        def tell(file: str, done: int, total: int, place: int = place, name: str = name) -> None:
            share = (place + done / total) / len(names) if total else -1.0
            whole = f" of {total / 1e6:.1f}" if total else ""
            report(share, f"{name}: {file}, {done / 1e6:.1f}{whole} MB")

        report(-1.0, f"{name}: asking for it")
        zoo.fetch(name, accept_licence=True, progress=tell)


def finish_recording(report: Report, folder: Path, origin_ns: int) -> dict[str, Any]:
    """Make a closed take presentable: the studio's truth where it is known, preview, contact sheet, report.

    Args:
        report: Told how far it is.
        folder: The take.
        origin_ns: Start of the session's clock, at which the simulated scene was at 0 s.

    Returns:
        ``paths`` that were written, and against the truth ``mpjpe_mm`` where it is known.
    """
    from app.session.pipelines import films_simulated_people
    from pipeline.rigs.rig_config import RigConfig
    from pipeline.take.finish import finish_take
    from pipeline.take.take import Take

    if hasattr(os, "nice"):
        os.nice(10)  # filming goes first
    result: dict[str, Any] = {}
    take = Take.open(folder)
    rig = RigConfig.model_validate(take.header.rig)
    if take.header.skeleton is not None and films_simulated_people(rig):
        from pipeline.rigs.studio_rig import compare_with_truth, studio_of, write_truth

        report(-1.0, "comparing with the studio's truth")
        studio = studio_of(rig)
        assert studio is not None
        write_truth(folder, studio, origin_ns)
        result["mpjpe_mm"] = compare_with_truth(folder).get("mpjpe_mm")
    finished = finish_take(folder, lambda done, total: report(done / total, "drawing preview and report"))
    return {**result, "paths": [str(path) for path in finished.paths]}


def repair(report: Report, folder: Path) -> tuple[str, ...]:
    """Complete a take whose recorder died.

    Returns:
        What could not be saved, one sentence each.
    """
    from pipeline.take.repair import repair_take

    report(-1.0, "repairing")
    return repair_take(folder).missing
