"""Figures in words, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def live_words(result: Mapping[str, Any]) -> list[str]:
    """What a live session recorded and how fast it was."""
    lines = []
    for name, totals in result["cameras"].items():
        dropped = ", ".join(f"{count} {cause}" for cause, count in totals["dropped"].items())
        rate = result["capture"].get(name, {}).get("fps_overall") or 0
        lines.append(
            f"{name}: {totals['captured']} captured = {totals['recorded']} recorded"
            + (f" + dropped ({dropped})" if dropped else " + 0 dropped")
            + f", {rate:.1f} fps"
        )
    poses = result["poses"]
    if poses["published"]:
        latency = poses["latency_ms"]
        lines.append(
            f"poses: {poses['published']} at {poses['fps']:.1f} fps, capture to skeleton "
            f"p50 {latency['p50']:.0f} / p95 {latency['p95']:.0f} / p99 {latency['p99']:.0f} ms"
        )
        if poses["address"]:
            lines.append(f"poses were published on {poses['address']}")
    lines.extend(result["events"])
    return lines


def quality_words(quality: Mapping[str, Any] | None) -> list[str]:
    """How good the poses are."""
    if not quality:
        return []
    lines = []
    reprojection = quality.get("body_reprojection_px") or {}
    if reprojection.get("mean") is not None:
        lines.append(
            f"body reprojection error mean {reprojection['mean']:.1f} px, "
            f"median {reprojection['median']:.1f} px"
        )
    if quality.get("bone_variation_percent") is not None:
        lines.append(f"bone length variation {quality['bone_variation_percent']:.1f} %")
    if quality.get("body_joints_found_percent") is not None:
        lines.append(f"body joints found {quality['body_joints_found_percent']:.1f} %")
    swapped = {name: frames for name, frames in (quality.get("swapped_frames") or {}).items() if frames}
    for name, frames in swapped.items():
        lines.append(f"left and right exchanged back in {len(frames)} frames of {name}")
    return lines


def label_words(result: Mapping[str, Any]) -> list[str]:
    """What must be said before the poses are believed."""
    return [f"NOTE: {result['label']}."] if result.get("label") else []
