"""C3D (c3d.org): the file that motion analysis programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import ezc3d
import numpy as np

from pipeline.exporters.base import ExportError
from pipeline.exporters.uniform import UniformTracks, uniform_tracks
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

TOLERANCE_MM: Final = 2e-3
"""C3D stores 32-bit floats: at 32 m, farther than any capture volume, their steps are 0.002 mm."""

MISSING: Final = -1.0
"""Residual of a point that is not there, as the format says."""


class C3dExporter:
    """Points in mm, Z up, at an even rate; the residual is the standard deviation in whole mm."""

    suffix = ".c3d"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write one point per person and joint."""
        tracks = uniform_tracks(take, poses)
        points, residuals = _points(tracks)
        count = points.shape[1]
        file = ezc3d.c3d()
        labels = _labels(tracks)
        parameters: Any = file["parameters"]["POINT"]
        parameters["RATE"]["value"] = np.array([tracks.rate_hz])
        parameters["UNITS"]["value"] = ["mm"]
        parameters["LABELS"]["value"] = labels
        parameters["DESCRIPTIONS"]["value"] = [label.replace("_", " ") for label in labels]
        file.add_parameter("POINT", "X_SCREEN", ["+X"])
        file.add_parameter("POINT", "Y_SCREEN", ["+Z"])
        for key, value in _about(take, poses, tracks).items():
            file.add_parameter("POSESTAGE", key, [value])
        file["data"]["points"] = np.concatenate([points, np.ones((1, count, tracks.samples))])
        file["data"]["meta_points"]["residuals"] = residuals[None]
        file["data"]["meta_points"]["camera_masks"] = np.zeros((7, count, tracks.samples), bool)
        file.write(str(path))

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read the file back with the format's own library and compare names, rate and every coordinate."""
        tracks = uniform_tracks(take, poses)
        expected, _ = _points(tracks)
        file = ezc3d.c3d(str(path))
        parameters: Any = file["parameters"]["POINT"]
        if list(parameters["LABELS"]["value"])[: expected.shape[1]] != _labels(tracks):
            raise ExportError(f"{path}: does not hold the points that were written")
        rate = float(parameters["RATE"]["value"][0])
        if abs(rate - tracks.rate_hz) > 1e-6 * tracks.rate_hz:
            raise ExportError(f"{path}: says {rate:g} Hz instead of {tracks.rate_hz:g}")
        written = np.asarray(file["data"]["points"], np.float64)[:3]
        if written.shape != expected.shape:
            raise ExportError(
                f"{path}: holds {written.shape[1]} points at {written.shape[2]} times instead of "
                f"{expected.shape[1]} at {expected.shape[2]}"
            )
        changed = np.isnan(written) != np.isnan(expected)
        if changed.any():
            raise ExportError(f"{path}: lost or invented {int(changed.any(axis=0).sum())} points")
        difference = np.abs(written - expected)
        worst = float(np.nanmax(difference, initial=0.0)) if np.isfinite(difference).any() else 0.0
        if worst > TOLERANCE_MM:
            raise ExportError(f"{path}: points are off by up to {worst:g} mm, allowed is {TOLERANCE_MM:g}")


def _points(tracks: UniformTracks) -> tuple[Any, Any]:
    """(3, N J, T) mm with NaN where missing, and (N J, T) residuals."""
    count = len(tracks.people) * len(tracks.skeleton)
    points = tracks.joints.transpose(3, 0, 2, 1).reshape(3, count, tracks.samples)
    there = np.isfinite(points).all(axis=0)
    points = np.where(there, points, np.nan)
    std_mm = tracks.std_mm.transpose(0, 2, 1).reshape(count, tracks.samples)
    residuals = np.where(np.isfinite(std_mm), std_mm, 0.0)
    return points, np.where(there, residuals, MISSING)


def _labels(tracks: UniformTracks) -> list[str]:
    return [
        tracks.label(track, joint)
        for track in range(len(tracks.people))
        for joint in range(len(tracks.skeleton))
    ]


def _about(take: Take, poses: Poses, tracks: UniformTracks) -> dict[str, str]:
    return {
        "TAKE": take.header.name,
        "SKELETON": poses.skeleton,
        "LABEL": take.header.label,
        "WALL_TIME": take.header.wall_time,
        "START_S": f"{tracks.start_s:.6f}",
    }
