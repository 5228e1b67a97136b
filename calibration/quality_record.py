"""The figures of a calibration as plain numbers, for the calibration file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsResult
from calibration.quality import Quality


def quality_record(
    intrinsics: Mapping[str, IntrinsicsResult],
    extrinsics: ExtrinsicsResult | None,
    quality: Quality | None,
    scale_percent: float | None,
) -> dict[str, Any]:
    """Everything that is known about how good a calibration is; what is not known is left out.

    Args:
        intrinsics: Of the cameras whose lenses were estimated.
        extrinsics: Of the rig.
        quality: Judged on views.
        scale_percent: Signed error against known lengths.

    Returns:
        ``held_out``, ``reprojection_px`` and so on of ``Quality``; ``solve_px`` with and without lags;
        ``scale_error_percent``; and ``cameras``, for each its error, lag and 95 % half widths.
    """
    record: dict[str, Any] = {}
    cameras: dict[str, dict[str, Any]] = {}
    if quality is not None:
        record |= quality.as_dict()
        for name, value in record.pop("camera_reprojection_px").items():
            cameras.setdefault(name, {})["reprojection_px"] = value
    if extrinsics is not None:
        record["solve_px"] = {
            "with_lags": extrinsics.rms_px,
            "constant_lags": extrinsics.rms_constant_lags_px,
            "without_lags": extrinsics.rms_without_lags_px,
        }
        for name in extrinsics.rig.names:
            lag, sure = extrinsics.lags[name], extrinsics.uncertainty[name]
            entry = cameras.setdefault(name, {})
            entry["lag_ms"] = lag.ms
            entry["lag_95_ms"] = lag.interval_ms
            entry["position_95_mm"] = [float(value) for value in sure.position_mm]
            entry["rotation_95_deg"] = [float(value) for value in sure.rotation_deg]
    for name, result in intrinsics.items():
        entry = cameras.setdefault(name, {})
        entry["lens_px"] = result.rms_px
        entry["lens_held_out_px"] = result.held_out_px
        entry["focal_95_px"] = 1.96 * result.deviations["fx"]
    if scale_percent is not None:
        record["scale_error_percent"] = scale_percent
    if cameras:
        record["cameras"] = cameras
    return _finite(record)


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Without NaN and infinity, which have no place in a file, and to four decimals."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            result[key] = _finite(value)
        elif isinstance(value, list):
            result[key] = [round(float(one), 4) for one in value]
        elif isinstance(value, bool | int | str):
            result[key] = value
        elif math.isfinite(value):
            result[key] = round(float(value), 4)
    return result
