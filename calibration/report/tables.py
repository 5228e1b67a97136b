"""Tables of the report: figures as text, unknown ones as a dash."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibration.bundle_covariance import NORMAL_95
from calibration.calibrator import Calibration
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsResult
from calibration.quality import Quality
from calibration.report.evidence import Evidence, rms
from calibration.report.lenses import LensParameters, lens_parameters
from calibration.report.world import placement

_95 = "(95\N{NO-BREAK SPACE}%)"


@dataclass(frozen=True)
class Table:
    """Column titles and rows of text."""

    columns: tuple[str, ...]
    rows: list[list[str]]


def number(value: float, decimals: int) -> str:
    """Rounded; a dash where it is not finite."""
    return f"{value:.{decimals}f}" if np.isfinite(value) else "–"


def lens_table(calibration: Calibration) -> Table:
    """One row per camera: its lens, and how that was found where it was not supplied."""
    general = ("camera", "size", "model", "lens", f"focal length fx / fy, px {_95}", "centre off middle, px")
    estimated = ("RMSE, px", "held-out RMSE, px", "views used", "views / corners rejected", "not needed")
    rows = []
    for camera in calibration.rig.cameras:
        lens = lens_parameters(calibration, camera.name)
        offset = camera.K[:2, 2] - (np.array(camera.size) - 1) / 2
        row = [
            camera.name,
            f"{camera.size[0]} × {camera.size[1]}",
            camera.model,
            lens.source,
            " / ".join(_with_interval(lens, key, 1) for key in ("fx", "fy")),
            f"{offset[0]:+.1f}, {offset[1]:+.1f}",
        ]
        result = calibration.intrinsics.get(camera.name)
        if result is not None:
            row += [
                number(result.rms_px, 3),
                number(result.held_out_px, 3),
                str(len(result.views)),
                f"{len(result.rejected_views)} / {len(result.rejected_corners)}",
                str(result.unused),
            ]
        elif calibration.intrinsics:
            row += ["–"] * len(estimated)
        rows.append(row)
    return Table((*general, *estimated) if calibration.intrinsics else general, rows)


def parameter_table(calibration: Calibration) -> Table:
    """Every lens parameter with its 95 % interval."""
    rows = []
    for name in calibration.rig.names:
        lens = lens_parameters(calibration, name)
        for key, value in lens.values.items():
            decimals = 2 if key in ("fx", "fy", "cx", "cy") else 5
            width = lens.half_widths.get(key, 0.0)
            interval = f"± {width:.{decimals}f}" if width > 0 else "held" if lens.half_widths else "supplied"
            rows.append([name, key, f"{value:.{decimals}f}", interval])
    return Table(("camera", "parameter", "value", "95 % interval"), rows)


def _with_interval(lens: LensParameters, key: str, decimals: int) -> str:
    value = f"{lens.values[key]:.{decimals}f}"
    return f"{value} ± {lens.half_widths[key]:.{decimals}f}" if lens.half_widths else value


def candidate_table(results: Mapping[str, IntrinsicsResult]) -> Table:
    """Lens models that were tried."""
    rows = [
        [
            name,
            ("✓ " if candidate.chosen else "") + candidate.name,
            number(candidate.held_out_px, 3),
            candidate.reason,
        ]
        for name, result in results.items()
        for candidate in result.candidates
    ]
    return Table(("camera", "lens model", "error on other views, px", "why"), rows)


def place_table(calibration: Calibration, extrinsics: ExtrinsicsResult, evidence: Evidence) -> Table:
    """One row per camera: where it is, when its pictures are, how sure that is."""
    moved = placement(calibration.rig, extrinsics)
    quality = calibration.quality
    others: Mapping[str, float] = quality.camera_reprojection_px if quality is not None else {}
    rows = []
    for camera in calibration.rig.cameras:
        own = extrinsics.uncertainty[camera.name]
        lag = extrinsics.lags[camera.name]
        views = evidence.views[camera.name]
        used = [view for view in views if view.good.any()]
        whole = len(
            {one.frame for one in extrinsics.rejected if one.camera == camera.name and not one.corners}
        )
        reference = camera.name == extrinsics.reference
        position = ",  ".join(f"{value:.0f}" for value in camera.position)
        interval = NORMAL_95 * moved.intervals(own.position_covariance)
        time = (
            "reference"
            if reference
            else f"{lag.ms:+.1f} ± {lag.interval_ms:.1f}"
            if lag.known
            else "not known"
        )
        if np.isfinite(lag.drift_interval_ppm) and not reference:
            time += f", drift {lag.drift_ppm:+.0f} ± {lag.drift_interval_ppm:.0f} ppm"
        rows.append(
            [
                camera.name,
                str(len(used)),
                str(whole),
                number(rms(evidence.residuals(camera.name)), 3),
                number(others.get(camera.name, float("nan")), 3),
                time,
                position,
                "reference" if reference else "± " + ", ".join(f"{value:.1f}" for value in interval),
                "reference" if reference else "± " + ", ".join(f"{value:.3f}" for value in own.rotation_deg),
            ]
        )
    return Table(
        (
            "camera",
            "views used",
            "rejected",
            "RMSE, px",
            "held-out RMSE, px" if quality is None or quality.held_out else "RMSE of moments, px",
            f"lag, ms {_95}",
            "position x y z, mm",
            f"position, mm {_95}",
            f"rotation about own axes, ° {_95}",
        ),
        rows,
    )


def quality_table(quality: Quality) -> Table:
    """Figures in px and mm, on views that were kept out of the solve or not."""
    views = "kept out of the solve" if quality.held_out else "of the solve"
    scale = f"{quality.scale_percent:+.3f} %"
    if np.isfinite(quality.scale_interval_percent):
        scale += f" ± {quality.scale_interval_percent:.3f}"
    rows = [
        ["views", f"{views}, {quality.moments} moments, {quality.corners} triangulated corners"],
        ["distance of corners to the board's best pose", f"{number(quality.reprojection_px, 3)} px"],
        ["distance of triangulated corners to their pictures", f"{number(quality.triangulated_px, 3)} px"],
        ["triangulated corners to the rigid board", f"{number(quality.rigid_mm, 3)} mm"],
        ["distances of neighbouring corners", f"{number(quality.spacing_mm, 3)} mm"],
        ["scale of the board (95 %)", scale],
    ]
    return Table(("root mean squares", ""), rows)


def rejection_table(calibration: Calibration) -> Table:
    """What was left out, by camera and stage, with the reasons."""
    found: defaultdict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    examples: dict[tuple[str, str, str], str] = {}

    def alike(name: str, stage: str, reason: str) -> str:
        # Reasons that differ in their figures only are one row, with the first as the example.
        return examples.setdefault((name, stage, re.sub(r"\d+(\.\d+)?", "0", reason)), reason)

    corners: Counter[tuple[str, str, str, str]] = Counter()
    for name, result in calibration.intrinsics.items():
        for view in result.rejected_views:
            found[name, "lens", "views", alike(name, "lens", view.reason)].append(view.frame)
        for corner in result.rejected_corners:
            key = (name, "lens", "corners", "far from where the lens and the other corners put them")
            found[key].append(corner.frame)
            corners[key] += 1
    if calibration.extrinsics is not None:
        for one in calibration.extrinsics.rejected:
            if one.corners:
                key = (one.camera, "rig", "corners", "further off than the limit")
                corners[key] += len(one.corners)
            else:
                key = (one.camera, "rig", "views", alike(one.camera, "rig", one.reason))
            found[key].append(one.frame)
    order = {name: at for at, name in enumerate(calibration.rig.names)}
    rows = []
    for key in sorted(found, key=lambda key: (order.get(key[0], len(order)), key[1], key[2])):
        name, stage, kind, reason = key
        frames = sorted(set(found[key]))
        count = corners[key] if kind == "corners" else len(frames)
        if kind == "views" and len(frames) > 1 and re.search(r"\d", reason):
            reason = f"{reason} (so the first; the others alike)"
        rows.append([name, stage, f"{count} {kind if count > 1 else kind[:-1]}", reason, _frames(frames)])
    return Table(("camera", "in the solve for", "left out", "reason", "pictures"), rows)


def loop_table(extrinsics: ExtrinsicsResult) -> Table:
    """Pairs outside the tree, the worst first."""
    loops = sorted(extrinsics.graph.loops, key=lambda loop: -loop.mm)
    rows = [
        [f"{loop.cameras[0]} – {loop.cameras[1]}", f"{loop.mm:.1f}", f"{loop.deg:.2f}"] for loop in loops[:20]
    ]
    return Table(("pair", "disagreement, mm", "°"), rows)


def lag_table(extrinsics: ExtrinsicsResult) -> Table:
    """Error with and without lags."""
    without, with_lags = extrinsics.rms_without_lags_px, extrinsics.rms_px
    change = 100.0 * (with_lags / without - 1.0) if without > 0 else float("nan")
    return Table(
        ("", "RMSE, px", "change"),
        [
            ["with the time stamps as they are", number(without, 3), ""],
            [
                "with lags (and the time errors of single pictures)",
                number(with_lags, 3),
                f"{number(change, 0)} %",
            ],
        ],
    )


def time_table(calibration: Calibration) -> Table:
    """Where the time went."""
    rows = [[stage, f"{seconds:.2f}"] for stage, seconds in calibration.seconds.items()]
    if calibration.extrinsics is not None:
        rows += [
            [f"extrinsics: {stage}", f"{seconds:.2f}"]
            for stage, seconds in calibration.extrinsics.seconds.items()
        ]
    return Table(("stage", "seconds"), rows)


def _frames(frames: list[int]) -> str:
    shown = ", ".join(str(frame) for frame in frames[:12])
    return shown if len(frames) <= 12 else f"{shown} and {len(frames) - 12} more"
