"""NumPy arrays with everything needed to use them alone: names, bones, seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from models.skeletons import get_skeleton
from pipeline.exporters.base import ExportError
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take


class NpzExporter:
    """Compressed ``.npz`` without pickled objects."""

    suffix = ".npz"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write all arrays at full precision."""
        np.savez_compressed(path, **_arrays(take, poses))

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read the file back; every value agrees exactly."""
        expected = _arrays(take, poses)
        with np.load(path, allow_pickle=False) as written:
            if set(written.files) != set(expected):
                raise ExportError(f"{path}: holds the arrays {', '.join(written.files)}")
            for name, values in expected.items():
                same = np.array_equal(written[name], values, equal_nan=values.dtype.kind == "f")
                if not same or written[name].dtype != values.dtype:
                    raise ExportError(f"{path}: array {name} does not hold what was written")


def _arrays(take: Take, poses: Poses) -> dict[str, Any]:
    skeleton = get_skeleton(poses.skeleton)
    return {
        "time_s": (poses.times_ns - take.header.origin_ns) / 1e9,
        "times_ns": poses.times_ns,
        "person": poses.person,
        "joints": poses.joints,
        "smoothed": poses.smoothed,
        "scores": poses.scores,
        "covariance": poses.covariance,
        "keypoints": poses.keypoints,
        "skeleton": np.array(skeleton.name),
        "joint_names": np.array(skeleton.joints),
        "bones": np.array(skeleton.bones, np.int64).reshape(-1, 2),
        "cameras": np.array(poses.cameras),
        "label": np.array(take.header.label),
    }
