"""``report.html`` of a calibration: what is good, what is not and why, in one file that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from numpy.typing import NDArray

from calibration.board import Board
from calibration.calibrator import Calibration
from calibration.coverage import Coverage, measure_coverage
from calibration.extrinsics import ExtrinsicsConfig
from calibration.report import figures, picture_figures, tables
from calibration.report.board_figure import board_figure, board_shape
from calibration.report.evidence import Evidence, gather
from calibration.report.layout_figure import camera_layout
from calibration.report.verdicts import headline, judge
from calibration.report.world import board_outlines, placement
from configs.atomic_file import write_atomic
from configs.errors import bad_input

REPORT_FILE = "report.html"


def write_report(calibration: Calibration, folder: Path) -> Path:
    """Write the report of a calibration.

    Args:
        calibration: With estimated or supplied lenses, of one camera or many.
        folder: Where ``report.html`` goes; it is created if needed.

    Returns:
        The file.

    Raises:
        BadInputError: The place cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("calibration.report", "."),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    path = Path(folder) / REPORT_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise bad_input(f"cannot be created: {error.strerror}", file=path.parent) from error
    write_atomic(path, environment.get_template("report.html").render(_content(calibration)))
    return path


def _content(calibration: Calibration) -> dict[str, Any]:
    evidence = gather(calibration)
    rig, extrinsics = calibration.rig, calibration.extrinsics
    verdicts = judge(calibration, evidence)
    has_views = any(evidence.views.values())
    return {
        "title": f"Calibration of {len(rig)} cameras" if len(rig) > 1 else f"Calibration of {rig.names[0]}",
        "headline": headline(verdicts, calibration.diagnoses),
        "facts": _facts(calibration, evidence),
        "verdicts": verdicts,
        "diagnoses": calibration.diagnoses,
        "lenses": _lenses(calibration, evidence),
        "rig": _rig(calibration, evidence) if extrinsics is not None else None,
        "quality": tables.quality_table(calibration.quality) if calibration.quality is not None else None,
        "errors": _errors(calibration, evidence) if has_views else None,
        "rejections": tables.rejection_table(calibration),
        "times": tables.time_table(calibration),
        "remarks": _remarks(calibration),
    }


def _facts(calibration: Calibration, evidence: Evidence) -> list[tuple[str, str]]:
    rig, extrinsics = calibration.rig, calibration.extrinsics
    views = sum(len(own) for own in evidence.views.values())
    corners = sum(int(view.good.sum()) for own in evidence.views.values() for view in own)
    facts = [
        ("made", rig.created[:19].replace("T", " ")),
        ("cameras", str(len(rig))),
        ("board", calibration.board.words()),
        ("views", str(views)),
        ("corners used", str(corners)),
    ]
    if extrinsics is not None:
        facts.append(("moments", str(len(extrinsics.board))))
        facts.append(("reference", extrinsics.reference))
    supplied = len(rig) - len(calibration.intrinsics)
    facts.append(("lenses", "supplied" if supplied == len(rig) else "estimated" if not supplied else "mixed"))
    seconds = sum(calibration.seconds.values())
    if seconds:
        facts.append(("solved in", f"{seconds:.1f} s"))
    return facts


def _lenses(calibration: Calibration, evidence: Evidence) -> dict[str, Any]:
    cameras, results = calibration.rig.cameras, calibration.intrinsics
    coverage = {camera.name: _coverage(calibration, evidence, camera.name, camera.size) for camera in cameras}
    seen = [camera for camera in cameras if coverage[camera.name].counts.any()]
    return {
        "table": tables.lens_table(calibration),
        "parameters": tables.parameter_table(calibration),
        "candidates": tables.candidate_table(results) if results else None,
        "coverage": _svg(picture_figures.coverage_maps(cameras, coverage, evidence)) if seen else None,
        "uncertainty": _svg(picture_figures.uncertainty_maps(cameras, results)) if results else None,
        "supplied": [camera.name for camera in cameras if camera.name not in results],
    }


def _coverage(calibration: Calibration, evidence: Evidence, name: str, size: tuple[int, int]) -> Coverage:
    """Of the views behind the lens; of those of the rig where the lens was supplied."""
    if name in calibration.intrinsics:
        return calibration.intrinsics[name].coverage
    return measure_coverage([evidence.pixels(name)], size)


def _rig(calibration: Calibration, evidence: Evidence) -> dict[str, Any]:
    rig, extrinsics = calibration.rig, calibration.extrinsics
    assert extrinsics is not None
    moved = placement(rig, extrinsics)
    outlines = board_outlines(calibration.board, rig, extrinsics)
    fewest = int(ExtrinsicsConfig().min_shared_views)
    return {
        "table": tables.place_table(calibration, extrinsics, evidence),
        "layout": _svg(camera_layout(rig.cameras, outlines, placed=moved.placed)),
        "placed": moved.placed,
        "reference": extrinsics.reference,
        "graph": _svg(figures.view_graph(extrinsics, rig.cameras, fewest)),
        "fewest": fewest,
        "loops": tables.loop_table(extrinsics) if extrinsics.graph.loops else None,
        "lags": _svg(figures.lag_intervals(rig.cameras, extrinsics.lags, extrinsics.reference)),
        "lag_table": tables.lag_table(extrinsics),
    }


def _errors(calibration: Calibration, evidence: Evidence) -> dict[str, Any]:
    cameras = calibration.rig.cameras
    vectors, single, together = picture_figures.residual_vectors(cameras, evidence)
    shape = board_shape(calibration.board, cameras, evidence)
    board, magnified = board_figure(calibration.board, shape)
    alone = calibration.extrinsics is None
    return {
        "histogram": _svg(figures.residual_histogram(cameras, evidence)),
        "over_time": _svg(figures.error_over_time(cameras, evidence)),
        "vectors": _svg(vectors),
        "single": f"{single:g}",
        "together": f"{together:g}",
        "board": _svg(board),
        "magnified": f"{magnified:g}",
        "bend": f"{shape.bend_mm:.2f}" if np.isfinite(shape.bend_mm) else None,
        "layout": _svg(camera_layout(cameras, _own_outlines(calibration.board, evidence), placed=False))
        if alone and len(cameras) == 1
        else None,
    }


def _own_outlines(board: Board, evidence: Evidence) -> NDArray[np.float64]:
    """(M, 4, 3) corners of the sheet in the frame of the only camera, mm."""
    width, height = board.size_mm
    sheet = np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]], np.float64)
    views = [view for own in evidence.views.values() for view in own]
    return np.array([sheet @ view.R.T + view.t for view in views]).reshape(-1, 4, 3)


def _remarks(calibration: Calibration) -> dict[str, list[str]]:
    """What the solves themselves remarked and no diagnosis says already."""
    said = " ".join(finding.sentence for finding in calibration.diagnoses)
    found = [(name, text) for name, result in calibration.intrinsics.items() for text in result.warnings]
    if calibration.extrinsics is not None:
        found += [("rig", text) for text in calibration.extrinsics.warnings]
    remarks: dict[str, list[str]] = {}
    for name, text in found:
        if not _contains(said, text):
            remarks.setdefault(name, []).append(text)
    return remarks


def _contains(said: str, text: str) -> bool:
    # A diagnosis may have capitalised the first letter or put a camera's name in front.
    return text[1:].rstrip(".") in said


def _svg(text: str) -> Markup | None:
    # Made by matplotlib, which escapes the names it writes.
    return Markup(text) if text else None
