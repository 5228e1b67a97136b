"""``report.html``: the quality of a take, stage by stage, in one file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from pipeline.take.contact_sheet import CONTACT_SHEET_FILE
from pipeline.take.marks import settled_events
from pipeline.take.preview import PREVIEW_FILE
from pipeline.take.report import figures
from pipeline.take.report.capture_measures import CameraMeasures, measure_cameras, measure_skew
from pipeline.take.report.pose_measures import (
    PoseMeasures,
    TruthMeasures,
    mean,
    measure_poses,
    measure_truth,
    swapped_ranges,
)
from pipeline.take.report.verdicts import AMBER_PERCENT, judge
from pipeline.take.scene import TakeScene, time_code

REPORT_FILE = "report.html"
_SHEET_WIDTH = 1500  # px of the contact sheet inside the page
_MOST_EVENTS = 200

Table = list[list[str]]


def write_report(scene: TakeScene, path: Path) -> None:
    """Write the report of a take.

    Args:
        scene: The take; its contact sheet is shown when it lies in the folder.
        path: File to write.
    """
    environment = Environment(
        loader=PackageLoader("pipeline.take.report", "."),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    write_atomic(path, environment.get_template("report.html").render(_content(scene)))


def _content(scene: TakeScene) -> dict[str, Any]:
    take, header = scene.take, scene.take.header
    cameras = measure_cameras(take)
    skew = measure_skew(take, scene.timeline)
    origin_ns = header.origin_ns
    poses = measure_poses(scene.poses, take.calibration, origin_ns) if scene.poses is not None else None
    real = take.truth()
    truth = measure_truth(scene.poses, real) if scene.poses is not None and real is not None else None
    widths = tuple(
        size[0]
        for size, name in zip(scene.sizes, take.cameras, strict=True)
        if poses and name in poses.cameras
    )
    seconds = max((float(camera.times_s[-1]) for camera in cameras if len(camera.times_s)), default=0.0)
    people = int(poses.people.max()) if poses is not None else 0
    events = settled_events(take.events())
    return {
        "header": header,
        "facts": [
            ("recorded", header.wall_time[:19].replace("T", " ")),
            ("length", f"{seconds:.2f} s"),
            ("cameras", str(len(take.cameras))),
            ("instants with poses", str(len(scene.poses)) if scene.poses is not None else "none"),
            ("people", str(people) if scene.poses is not None else "–"),
            ("skeleton", header.skeleton or "–"),
            ("pipeline", header.pipeline or "–"),
            ("calibrated", "yes" if take.calibration is not None else "no"),
            ("state", header.state),
        ],
        "verdicts": judge(cameras, skew, poses, truth, widths),
        "sheet": _picture(take.folder / CONTACT_SHEET_FILE),
        "preview": PREVIEW_FILE if (take.folder / PREVIEW_FILE).is_file() else None,
        "capture": _capture(scene, cameras, skew),
        "stages": _stages(scene),
        "poses": _poses(poses, widths) if poses is not None else None,
        "why_no_poses": _why_no_poses(scene),
        "truth": _truth(poses, truth) if poses is not None and truth is not None else None,
        "events": [
            (time_code(scene.seconds(event.t_ns)), event.kind, event.message, _details(event.details))
            for event in events[:_MOST_EVENTS]
        ],
        "more_events": max(0, len(events) - _MOST_EVENTS),
        "software": dict(header.software),
        "models": {name: dict(files) for name, files in header.models.items()},
        "config": _yaml(header.config),
        "rig": _yaml(header.rig),
    }


def _why_no_poses(scene: TakeScene) -> str:
    if scene.poses is None:
        return "No poses were estimated in this take."
    return "Poses were estimated, but nobody was found."


def _capture(scene: TakeScene, cameras: list[CameraMeasures], skew: NDArray[np.float64]) -> dict[str, Any]:
    table: Table = []
    for at, camera in enumerate(cameras):
        causes = ", ".join(
            f"{count} {cause.replace('_', ' ')}" for cause, count in camera.totals.dropped.items()
        )
        own = np.abs(skew[np.isfinite(skew[:, at]), at])
        table.append(
            [
                camera.name,
                f"{scene.sizes[at][0]} × {scene.sizes[at][1]}",
                str(camera.totals.captured),
                str(camera.totals.recorded),
                causes or "none",
                str(camera.lost) if camera.lost else "none",
                _number(camera.measured_hz, 2) + (f" / {camera.nominal_hz:g}" if camera.nominal_hz else ""),
                *(_number(camera.interval_percentile(percent), 1) for percent in (50, 95, 100)),
                _number(camera.jitter_ms, 2),
                *(
                    _number(float(np.percentile(own, percent)) if len(own) else np.nan, 2)
                    for percent in (50, 95)
                ),
            ]
        )
    has_intervals = any(len(camera.intervals_ms) for camera in cameras)
    times_s = (scene.timeline.times_ns - scene.take.header.origin_ns) / 1e9
    return {
        "columns": [
            "camera",
            "size",
            "captured",
            "recorded",
            "dropped",
            "lost by source",
            "fps measured / asked",
            "interval p50, ms",
            "p95",
            "max",
            "jitter p50, ms",
            "skew p50, ms",
            "p95",
        ],
        "table": table,
        "intervals": _svg(figures.capture_intervals(cameras)) if has_intervals else None,
        "skew": _svg(figures.skew_over_time(scene.take.cameras, times_s, skew))
        if np.isfinite(skew).any()
        else None,
    }


def _stages(scene: TakeScene) -> dict[str, Any] | None:
    poses = scene.poses
    if poses is None or not np.isfinite(poses.stage_ms).any():
        return None
    table: Table = []
    for at, stage in enumerate(poses.stages):
        values = poses.stage_ms[np.isfinite(poses.stage_ms[:, at]), at]
        if len(values):
            figures_ms = (*np.percentile(values, [50, 95, 99]), values.max())
            table.append([stage.replace("_", " "), *(_number(float(value), 2) for value in figures_ms)])
    total = np.nansum(poses.stage_ms, axis=1)
    sums = (*np.percentile(total, [50, 95, 99]), total.max())
    table.append(["all stages", *(_number(float(value), 2) for value in sums)])
    return {
        "columns": ["stage", "p50, ms", "p95", "p99", "max"],
        "table": table,
        "plot": _svg(figures.stage_times(poses.stages, poses.stage_ms)),
    }


def _poses(measures: PoseMeasures, widths: tuple[int, ...]) -> dict[str, Any]:
    table: Table = []
    error = measures.error_px
    for joint, name in enumerate(measures.skeleton.joints):
        own = error[..., joint] if error is not None else np.zeros(0)
        own = own[np.isfinite(own)]
        table.append(
            [
                name.replace("_", " "),
                _number(100 * float(measures.found[joint]), 1),
                _number(float(measures.joint_score[joint]), 2),
                _number(float(measures.deviation_mm[joint]), 1),
                *(_number(value, 2) for value in _mean_median_p95(own)),
            ]
        )
    views: Table = []
    body = list(measures.skeleton.body)
    for view, name in enumerate(measures.cameras):
        own = error[:, :, view][..., body] if error is not None else np.zeros(0)
        own = own[np.isfinite(own)]
        views.append(
            [
                name,
                _number(float(measures.view_score[view]), 2),
                *(_number(value, 2) for value in _mean_median_p95(own)),
                str(int(measures.swapped[:, view].sum())),
            ]
        )
    limit_px = 0.01 * AMBER_PERCENT * float(np.mean(widths)) if widths else 10.0
    has_errors = error is not None and bool(np.isfinite(error).any())
    return {
        "joint_columns": [
            "joint",
            "found, %",
            "score",
            "deviation, mm",
            "error mean, px",
            "median",
            "p95",
        ],
        "joints": table,
        "view_columns": ["camera", "2D score", "body error mean, px", "median", "p95", "L/R repairs"],
        "views": views,
        "heat": _svg(figures.error_heat(measures, limit_px)) if has_errors else None,
        "errors": _svg(figures.error_over_time(measures)) if has_errors else None,
        "scores": _svg(figures.scores_over_time(measures)),
        "found": _svg(figures.joint_bars(measures)),
        "bones": _svg(figures.bone_bars(measures)) if measures.bones else None,
        "bone_table": [
            [
                bone.name.replace("_", " "),
                _number(bone.mean_mm, 1),
                _number(bone.variation_percent, 2),
                _number(bone.mean_mm * bone.variation_percent / 100, 1),
            ]
            for bone in measures.bones
        ],
        "bone_columns": ["bone", "mean length, mm", "variation, %", "standard deviation, mm"],
        "swaps": [
            (name, swapped_ranges(measures.swapped[:, view]))
            for view, name in enumerate(measures.cameras)
            if measures.swapped[:, view].any()
        ],
    }


def _truth(poses: PoseMeasures, measures: TruthMeasures) -> dict[str, Any] | None:
    errors = measures.body_errors()
    if not len(errors):
        return None
    table: Table = []
    for at, name in enumerate(measures.joints):
        own = measures.error_mm[..., at]
        values = _mean_median_p95(own[np.isfinite(own)])
        table.append([name.replace("_", " "), *(_number(value, 1) for value in values)])
    table.append(["body joints together", *(_number(value, 1) for value in _mean_median_p95(errors))])
    per_instant = mean(measures.error_mm[..., measures.body], (1, 2))
    return {
        "columns": ["joint", "mean, mm", "median", "p95"],
        "table": table,
        "bars": _svg(figures.truth_bars(measures)),
        "over_time": _svg(figures.truth_over_time(poses.times_s, measures))
        if np.isfinite(per_instant).any()
        else None,
    }


def _mean_median_p95(values: NDArray[np.float64]) -> tuple[float, float, float]:
    if not len(values):
        return (np.nan, np.nan, np.nan)
    return float(values.mean()), float(np.median(values)), float(np.percentile(values, 95))


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else "–"


def _svg(text: str) -> Markup:
    # Made by matplotlib, which escapes the names it writes.
    return Markup(text)


def _picture(path: Path) -> str | None:
    """A picture as a data URL of bounded size, None when it is not there."""
    image = cv2.imread(str(path)) if path.is_file() else None
    if image is None:
        return None
    if image.shape[1] > _SHEET_WIDTH:
        height = round(image.shape[0] * _SHEET_WIDTH / image.shape[1])
        image = cv2.resize(image, (_SHEET_WIDTH, height), interpolation=cv2.INTER_AREA)
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 82])
    assert encoded
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _details(details: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in details.items())


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True) if data else ""
