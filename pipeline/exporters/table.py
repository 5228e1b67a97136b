"""Poses as a tidy table: one row per instant, person and joint."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from models.skeletons import get_skeleton
from pipeline.exporters.base import ExportError
from pipeline.take.poses_file import Poses

COLUMNS: dict[str, tuple[Any, str, str]] = {
    "time_s": (pa.float64(), "s", "time since the start of the take"),
    "time_ns": (pa.int64(), "ns", "the same instant on the take's monotonic clock"),
    "person": (pa.int64(), "", "identity number of the person"),
    "joint": (pa.string(), "", "name of the joint"),
    "x_mm": (pa.float64(), "mm", "world x, right-handed, Z up; empty where missing"),
    "y_mm": (pa.float64(), "mm", "world y"),
    "z_mm": (pa.float64(), "mm", "world z, floor at 0"),
    "score": (pa.float64(), "", "confidence in [0, 1], 0 where missing"),
    "x_std_mm": (pa.float64(), "mm", "standard deviation of x; empty where not known"),
    "y_std_mm": (pa.float64(), "mm", "standard deviation of y"),
    "z_std_mm": (pa.float64(), "mm", "standard deviation of z"),
}
"""Type, unit and meaning of every column."""


def joint_table(poses: Poses, origin_ns: int) -> Any:
    """The table of all people that were there.

    Args:
        poses: Poses of a take.
        origin_ns: Time that becomes 0 s.

    Returns:
        pyarrow Table with the columns of ``COLUMNS``; missing numbers are nulls.
    """
    joints = np.array(get_skeleton(poses.skeleton).joints)
    instant, place = np.nonzero(poses.person >= 0)
    J = len(joints)
    positions = poses.joints[instant, place].reshape(-1, 3)
    variances = np.diagonal(poses.covariance[instant, place], axis1=-2, axis2=-1).reshape(-1, 3)
    times_ns = np.repeat(poses.times_ns[instant], J)
    columns: dict[str, Any] = {
        "time_s": (times_ns - origin_ns) / 1e9,
        "time_ns": times_ns,
        "person": np.repeat(poses.person[instant, place], J),
        "joint": np.tile(joints, len(instant)),
        "score": poses.scores[instant, place].reshape(-1),
    }
    with np.errstate(invalid="ignore"):
        deviations = np.sqrt(variances)
    for axis, letter in enumerate("xyz"):
        columns[f"{letter}_mm"] = positions[:, axis]
        columns[f"{letter}_std_mm"] = deviations[:, axis]
    # from_pandas makes NaN a null, which every format has a notation for.
    arrays = [pa.array(columns[name], kind, from_pandas=True) for name, (kind, _, _) in COLUMNS.items()]
    return pa.table(arrays, schema=schema())


def schema() -> Any:
    """Pyarrow schema whose fields carry unit and meaning."""
    return pa.schema(
        [
            pa.field(name, kind, metadata={"unit": unit, "description": description})
            for name, (kind, unit, description) in COLUMNS.items()
        ]
    )


def compare_tables(written: Any, expected: Any, tolerance: float, file: object) -> None:
    """Raise ExportError unless both tables agree.

    Args:
        written: What was read back.
        expected: What was to be written.
        tolerance: Largest allowed difference of a floating-point value.
        file: For the message.
    """
    if written.column_names != expected.column_names:
        raise ExportError(f"{file}: has the columns {', '.join(written.column_names)}")
    if written.num_rows != expected.num_rows:
        raise ExportError(f"{file}: holds {written.num_rows} rows instead of {expected.num_rows}")
    for name, (kind, _, _) in COLUMNS.items():
        found, wanted = (table.column(name).to_numpy() for table in (written, expected))
        if pa.types.is_floating(kind):
            difference = np.abs(np.asarray(found, np.float64) - np.asarray(wanted, np.float64))
            missing = np.isnan(np.asarray(found, np.float64)) != np.isnan(np.asarray(wanted, np.float64))
            if missing.any():
                raise ExportError(f"{file}: column {name} lost or invented {missing.sum()} values")
            worst = float(np.nanmax(difference, initial=0.0)) if np.isfinite(difference).any() else 0.0
            if worst > tolerance:
                raise ExportError(
                    f"{file}: column {name} is off by up to {worst:g}, allowed is {tolerance:g}"
                )
        elif not np.array_equal(found, wanted):
            raise ExportError(f"{file}: column {name} does not hold what was written")
