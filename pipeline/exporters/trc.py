"""TRC (Motion Analysis): the marker file of OpenSim and its relatives; text, one line per instant."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.exporters.base import ExportError
from pipeline.exporters.uniform import UniformTracks, uniform_tracks
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

DECIMALS: Final = 5
TOLERANCE_MM: Final = 0.5 * 10.0**-DECIMALS + 1e-10
"""Half of the last decimal, and what doubles of up to 1e5 mm round."""

_Y_UP: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""File from world: our Z is up, in these files Y is."""


class TrcExporter:
    """Markers in mm, Y up, at an even rate; missing ones are empty."""

    suffix = ".trc"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write one marker per person and joint."""
        tracks = uniform_tracks(take, poses)
        labels, markers = _markers(tracks)
        count, rate = len(labels), f"{tracks.rate_hz:.6g}"
        numbers = [f"{axis}{number}" for number in range(1, count + 1) for axis in "XYZ"]
        head = [
            ["PathFileType", "4", "(X/Y/Z)", path.name.removeprefix(".partial-")],
            [
                "DataRate",
                "CameraRate",
                "NumFrames",
                "NumMarkers",
                "Units",
                "OrigDataRate",
                "OrigDataStartFrame",
                "OrigNumFrames",
            ],
            [rate, rate, str(tracks.samples), str(count), "mm", rate, "1", str(tracks.samples)],
            ["Frame#", "Time", *[cell for label in labels for cell in (label, "", "")]],
            ["", "", *numbers],
            [""],
        ]
        with path.open("w", encoding="utf-8", newline="") as stream:
            for line in head:
                stream.write("\t".join(line) + "\r\n")
            for sample in range(tracks.samples):
                cells = [
                    f"{value:.{DECIMALS}f}" if np.isfinite(value) else "" for value in markers[sample].ravel()
                ]
                time_s = tracks.start_s + sample / tracks.rate_hz
                stream.write("\t".join([str(sample + 1), f"{time_s:.6f}", *cells]) + "\r\n")

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read the text back; names, rate and every coordinate agree."""
        tracks = uniform_tracks(take, poses)
        labels, expected = _markers(tracks)
        lines = path.read_text(encoding="utf-8").split("\n")
        written_labels = [cell for cell in lines[3].rstrip("\r").split("\t")[2:] if cell]
        if written_labels != labels:
            raise ExportError(f"{path}: does not hold the markers that were written")
        rows = [line.rstrip("\r").split("\t") for line in lines[6:] if line.strip()]
        if len(rows) != tracks.samples or any(len(row) != 2 + 3 * len(labels) for row in rows):
            raise ExportError(f"{path}: does not hold {tracks.samples} lines of {len(labels)} markers")
        written = np.array([[float(cell) if cell else np.nan for cell in row[2:]] for row in rows])
        written = written.reshape(expected.shape)
        if not np.array_equal(np.isnan(written), np.isnan(expected)):
            raise ExportError(f"{path}: lost or invented markers")
        difference = np.abs(written - expected)
        worst = float(np.nanmax(difference, initial=0.0)) if np.isfinite(difference).any() else 0.0
        if worst > TOLERANCE_MM:
            raise ExportError(f"{path}: markers are off by up to {worst:g} mm, allowed is {TOLERANCE_MM:g}")


def _markers(tracks: UniformTracks) -> tuple[list[str], NDArray[np.float64]]:
    """Names, and (T, M, 3) mm with Y up."""
    labels = [
        tracks.label(track, joint)
        for track in range(len(tracks.people))
        for joint in range(len(tracks.skeleton))
    ]
    markers = tracks.joints.transpose(1, 0, 2, 3).reshape(tracks.samples, len(labels), 3) @ _Y_UP.T
    there = np.isfinite(markers).all(axis=-1, keepdims=True)
    return labels, np.asarray(np.where(there, markers, np.nan)) + 0.0  # + 0.0: no "-0"
