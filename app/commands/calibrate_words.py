"""A calibration's figures in words, for people."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from app.cli.output import columns


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
            f"{truth['lag_ms']:.1f} ms at worst; scale {truth['scale_percent']:+.2f} %"
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
    return f"{enough} after {live['seconds']:.0f} s: {kept}"
