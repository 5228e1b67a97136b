"""Tables of the report: figures as text, unknown ones as a dash."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsResult
from calibration.report.evidence import Calibrated, Evidence, rms
from calibration.report.verdicts import NORMAL_95
from calibration.report.world import placement


@dataclass(frozen=True)
class Table:
    """Column titles and rows of text."""

    columns: tuple[str, ...]
    rows: list[list[str]]


def number(value: float, decimals: int) -> str:
    """Rounded; a dash where it is not finite."""
    return f"{value:.{decimals}f}" if np.isfinite(value) else "–"


def lens_table(calibration: Calibrated) -> Table:
    """One row per camera: its lens and how that was found."""
    rows = []
    for camera in calibration.rig.cameras:
        result = calibration.intrinsics.get(camera.name)
        row = [camera.name, f"{camera.size[0]} × {camera.size[1]}", camera.model]
        fx, fy = camera.K[0, 0], camera.K[1, 1]
        if result is None:
            rows.append([*row, f"{fx:.1f} / {fy:.1f}", "supplied", "–", "–", "–", "–", "–", "–"])
            continue
        deviations = result.deviations
        focal = (
            f"{fx:.1f} ± {NORMAL_95 * deviations['fx']:.1f} / {fy:.1f} ± {NORMAL_95 * deviations['fy']:.1f}"
        )
        offset = camera.K[:2, 2] - (np.array(camera.size) - 1) / 2
        rows.append(
            [
                *row,
                focal,
                f"{offset[0]:+.1f}, {offset[1]:+.1f}",
                number(result.rms_px, 3),
                number(result.held_out_px, 3),
                str(len(result.views)),
                str(len(result.rejected_views)),
                str(result.unused),
                str(len(result.rejected_corners)),
            ]
        )
    return Table(
        (
            "camera",
            "size",
            "model",
            "focal length fx / fy, px",
            "centre off middle, px",
            "RMSE, px",
            "held-out RMSE, px",
            "views used",
            "rejected",
            "not needed",
            "corners rejected",
        ),
        rows,
    )


def parameter_table(results: Mapping[str, IntrinsicsResult]) -> Table:
    """Every lens parameter with its 95 % interval."""
    rows = []
    for name, result in results.items():
        for key, value in result.parameters.items():
            deviation = result.deviations[key]
            decimals = 2 if key in ("fx", "fy", "cx", "cy") else 5
            interval = f"± {NORMAL_95 * deviation:.{decimals}f}" if deviation > 0 else "held"
            rows.append([name, key, f"{value:.{decimals}f}", interval])
    return Table(("camera", "parameter", "value", "95 % interval"), rows)


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


def place_table(calibration: Calibrated, extrinsics: ExtrinsicsResult, evidence: Evidence) -> Table:
    """One row per camera: where it is, when its pictures are, how sure that is."""
    moved = placement(calibration.rig, extrinsics)
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
            "lag, ms (95 %)",
            "position x y z, mm",
            "95 % interval, mm",
            "rotation about own x y z, ° (95 %)",
        ),
        rows,
    )


def rejection_table(calibration: Calibrated) -> Table:
    """What was left out, by camera and stage, with the reasons."""
    found: defaultdict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    corners: Counter[tuple[str, str, str, str]] = Counter()
    for name, result in calibration.intrinsics.items():
        for view in result.rejected_views:
            found[name, "lens", "views", view.reason].append(view.frame)
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
                key = (one.camera, "rig", "views", one.reason)
            found[key].append(one.frame)
    order = {name: at for at, name in enumerate(calibration.rig.names)}
    rows = []
    for key in sorted(found, key=lambda key: (order.get(key[0], len(order)), key[1], key[2])):
        name, stage, kind, reason = key
        frames = sorted(set(found[key]))
        count = corners[key] if kind == "corners" else len(frames)
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


def time_table(calibration: Calibrated) -> Table:
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
