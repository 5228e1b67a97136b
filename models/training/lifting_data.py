"""Poses as training data for lifting networks: of the simulated studio, or of files as published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from configs.loading import Config, parse_config
from models.datasets.lifting_files import STATISTICS_3D, read_normalised, read_pixels
from models.datasets.lifting_samples import MM_PER_M, PICTURE_HALF_PX
from models.datasets.lifting_samples import Split as LiftingSplit
from models.datasets.simulated_motion import SimulatedMotion, SimulatedMotionConfig, Split
from models.lifting.statistics import WITHOUT_NOSE, WITHOUT_PELVIS, PoseStatistics
from models.lifting.statistics_file import read_statistics
from models.training.data import Arrays

Floats = NDArray[np.float64]

STATISTICS_POSES: Final = 20_000
"""Of the first epoch, which mean and deviation are taken from: they are then known to 1 %."""


class SimulatedMotionData:
    """Batches of ``keypoints`` and ``joints``; settings of ``SimulatedMotionConfig`` and ``split``."""

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        fields = dict(settings)
        split: Split = fields.pop("split", "train")
        config = parse_config(_MotionSettings, {"split": split, **fields}, source=source)
        del seed  # what is drawn has a seed of its own, so that runs can differ on the same data
        plain = SimulatedMotionConfig.model_validate(config.model_dump(exclude={"split"}))
        self._motion = SimulatedMotion(plain, config.split)

    def __len__(self) -> int:
        return len(self._motion)

    def prepare(self) -> None:
        """Draw all bodies and poses."""
        self._motion.prepare()

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See ``SimulatedMotion``."""
        return dict(self._motion.batch(indexes, epoch))

    def network_settings(self, kind: str) -> dict[str, Any]:
        """How poses are normalised, and that missing keypoints were filled."""
        if kind != "simple_baseline":
            return {"fills_missing": True}
        found = self._motion.batch(np.arange(min(len(self), STATISTICS_POSES)), 0)
        return {"fills_missing": True, "statistics": pose_statistics(found["keypoints"], found["joints"])}


class FilesSettings(Config):
    """Which published files."""

    root: str = "data"
    """Folder of the files."""
    split: LiftingSplit = "train"
    detected: bool = False
    """``human36m_normalised``: keypoints of the hourglass network."""
    drop_drifted: bool = False
    """``human36m_pixels``: leave out test takes with displaced ground truth, as published for detections."""
    action: str | None = None
    """``human36m_normalised``: only this one of the fifteen actions."""
    statistics_2d: str | None = None
    """``human36m_normalised``: file with mean and deviation of keypoints. The published folder has none, and
    without it the trained network cannot be used on own keypoints."""


class NormalisedData:
    """Batches of ``rows_2d``, ``rows_3d``, ``mean_3d``, ``std_3d`` from the Simple Baseline's files."""

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        del seed
        self._settings = chosen = parse_config(FilesSettings, settings, source=source)
        self._poses = read_normalised(
            Path(chosen.root), chosen.split, detected=chosen.detected, action=chosen.action
        )
        used = self._poses.statistics.dim_use
        self._mean = self._poses.statistics.mean[used].astype(np.float32)
        self._std = self._poses.statistics.std[used].astype(np.float32)

    def __len__(self) -> int:
        return len(self._poses)

    def prepare(self) -> None:
        """Nothing: all poses are in memory."""

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See ``TrainingData``."""
        del epoch
        wanted = self._poses.wanted[indexes]
        return {
            "rows_2d": self._poses.given[indexes],
            "rows_3d": wanted,
            "mean_3d": np.broadcast_to(self._mean, wanted.shape),
            "std_3d": np.broadcast_to(self._std, wanted.shape),
        }

    def network_settings(self, kind: str) -> dict[str, Any]:
        """How poses are normalised, where a file tells that of the keypoints."""
        if kind != "simple_baseline" or self._settings.statistics_2d is None:
            return {}
        paths = [Path(self._settings.statistics_2d), Path(self._settings.root) / STATISTICS_3D]
        return {"statistics": read_statistics(paths)}


class PixelsData:
    """Batches of ``keypoints`` and ``joints`` from GridConv's files."""

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        del seed
        chosen = parse_config(FilesSettings, settings, source=source)
        self._samples = read_pixels(Path(chosen.root), chosen.split, drop_drifted=chosen.drop_drifted)

    def __len__(self) -> int:
        return len(self._samples)

    def prepare(self) -> None:
        """Nothing: all poses are in memory."""

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See ``TrainingData``."""
        del epoch
        return {"keypoints": self._samples.keypoints[indexes], "joints": self._samples.joints[indexes]}

    def network_settings(self, kind: str) -> dict[str, Any]:
        """How a Simple Baseline normalises poses."""
        if kind != "simple_baseline":
            return {}
        return {"statistics": pose_statistics(self._samples.keypoints, self._samples.joints)}


class _MotionSettings(SimulatedMotionConfig):
    split: Split


def pose_statistics(keypoints: NDArray[np.floating], joints: NDArray[np.floating]) -> dict[str, Any]:
    """Setting ``statistics`` of the Simple Baseline for poses (N, 17, ...) in the units of GridConv."""
    pixels = (keypoints[:, list(WITHOUT_NOSE)] * PICTURE_HALF_PX + PICTURE_HALF_PX).reshape(
        len(keypoints), -1
    )
    mm = (joints[:, list(WITHOUT_PELVIS)] * MM_PER_M).reshape(len(joints), -1)
    return PoseStatistics(
        mean_2d=_plain(pixels.mean(axis=0, dtype=np.float64)),
        std_2d=_plain(pixels.std(axis=0, dtype=np.float64)),
        mean_3d=_plain(mm.mean(axis=0, dtype=np.float64)),
        std_3d=_plain(mm.std(axis=0, dtype=np.float64)),
    ).model_dump(mode="json")


def _plain(values: Floats) -> tuple[float, ...]:
    # seven digits are more than single precision holds, and keep a card readable
    return tuple(float(f"{value:.7g}") for value in values)
