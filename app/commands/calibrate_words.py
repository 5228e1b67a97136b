"""A calibration's figures in words, for people."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from app.cli.output import columns

if TYPE_CHECKING:
    from pipeline.calibrating.state import CalibrationState


def progress_words(state: CalibrationState) -> list[str]:
    """How far a live calibration is: coverage, the view graph, what is promised, and what is needed."""
    names = list(state.cameras)
    covered = ", ".join(f"{name} {100 * one.covered:.0f} %" for name, one in state.cameras.items())
    lines = [f"after {state.seconds:.0f} s: {state.kept_views} views; covered: {covered}"]
    pairs = [
        f"{one} and {other} {state.shared[i, j]}"
        for i, one in enumerate(names)
        for j, other in enumerate(names)
        if i < j and state.shared[i, j]
    ]
    if len(names) > 1:
        lines.append(f"  together: {', '.join(pairs) or 'none'}")
    if state.trial is not None and (promise := state.trial.words()):
        lines.append(f"  so far: {promise}")
    lines += [f"  needed: {sentence}" for sentence in state.missing[:2]]
    return lines


def calibration_words(result: Mapping[str, Any]) -> list[str]:
    """What was found, how good it is, and everything that was noticed."""
    lines = [f"{result['board']}, {len(result['cameras'])} cameras"]
    if result.get("live"):
        lines.append(_live_words(result["live"]))
    lines += columns(_rows(result["cameras"]), indent="  ").splitlines()
    if "rms_px" in result:
        lines.append(_error_words(result))
    lines += _quality_words(result["quality"])
    if result.get("truth"):
        truth = result["truth"]
        lines.append(
            f"against the simulated cameras: focal length {truth['focal_percent']:.2f} %, rotation "
            f"{truth['rotation_deg']:.3f} deg, place {truth['position_mm']:.1f} mm, lag "
            f"{truth['lag_ms']:.1f} ms at worst; points {truth['volume_mm']:.2f} mm; scale "
            f"{truth['scale_percent']:+.2f} %"
        )
        if (result.get("live") or {}).get("floor"):
            lines.append(
                f"  the world's Z is {truth['up_deg']:.2f} deg from the vertical, its floor "
                f"{truth['floor_mm']:.1f} mm from the studio's"
            )
    for diagnosis in result["diagnoses"]:
        lines.append(f"{diagnosis['severity']}: {diagnosis['sentence']}")
    for path in (result["calibration"], *result["exports"]):
        lines.append(f"calibration: {path}")
    if result.get("report"):
        lines.append(f"report: {result['report']}")
    return lines


def _rows(cameras: Mapping[str, Any]) -> list[list[str]]:
    rows = [["camera", "views", "lens", "focal px", "covered", "error px", "late", "place +-"]]
    for name, figures in cameras.items():
        lens = figures.get("intrinsics")
        lag_95 = figures.get("lag_95_ms", float("inf"))
        place = figures.get("position_95_mm")
        error = figures.get("rms_px", lens["rms_px"] if lens else None)
        rows.append(
            [
                name,
                str(figures["views"]),
                figures["model"] if lens else f"{figures['model']}, given",
                f"{figures['focal_px'][0]:.1f}",
                f"{100 * lens['coverage']:.0f} %" if lens else "",
                f"{error:.2f}" if error is not None else "",
                f"{figures['lag_ms']:+.1f} ms" if isfinite(lag_95) else "",
                f"{max(place):.1f} mm" if place is not None and any(place) else "",
            ]
        )
    return rows


def _error_words(result: Mapping[str, Any]) -> str:
    with_lags, without = result["rms_px"], result["rms_without_lags_px"]
    gain = f" ({without:.2f} px if the time stamps are believed)" if without > 1.1 * with_lags else ""
    return f"error {with_lags:.2f} px{gain} over {result['instants']} instants"


def _quality_words(quality: Mapping[str, Any]) -> list[str]:
    del quality
    return []


def _live_words(live: Mapping[str, Any]) -> str:
    enough = "had enough" if live["enough"] else "ended without having enough"
    kept = f"{live['kept_views']} views of {live['kept_instants']} instants"
    floor = live["floor"]
    if floor is None:
        return f"{enough} after {live['seconds']:.0f} s: {kept}"
    start, end = floor["floor_s"]
    where = f"the board lay on the floor from {start:.1f} to {end:.1f} s, which gives the world"
    return f"{enough} after {live['seconds']:.0f} s: {kept}; {where}"
