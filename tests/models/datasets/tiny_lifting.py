"""Human3.6M poses for lifting in the published layouts, made from poses of the simulated performer."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import torch

from models.datasets.simulated_motion import SimulatedMotion, SimulatedMotionConfig
from models.lifting.statistics import (
    DIM_USE_2D,
    DIM_USE_3D,
    MOVING,
    RAW_JOINTS,
    RowStatistics,
)

CLEAN = {"noise": 0.0, "outliers": 0.0, "missing": 0.0, "made_by_rule": 0.0}
TAKES = (("Directions", "Directions 1"), ("SittingDown", "SittingDown"), ("Walking", "Walking 1"))
CAMERA = "60457274"


def poses(count: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (N, 17, 2) px and joints (N, 17, 3) mm from the pelvis, exactly seen."""
    config = SimulatedMotionConfig(poses=2 * count, bodies=2, samples=count, **CLEAN)
    found = SimulatedMotion(config, split).views(np.arange(count), 0)  # type: ignore[arg-type]
    return found.keypoints, found.joints


def saved(content: object, path: Path) -> None:
    """As ``torch.save`` of 2018 wrote it, by Python 2: one pickle after the other, no zip file."""
    torch.save(content, path, pickle_protocol=2, _use_new_zipfile_serialization=False)


def pixel_files(folder: Path, frames: int = 8) -> Path:
    """GridConv's folder: three takes of a training and a test person, ``frames`` each."""
    folder.mkdir(parents=True)
    for split, subject in (("train", "S1"), ("test", "S9")):
        keypoints, joints = poses(frames * len(TAKES), "train" if split == "train" else "val")
        table_2d, table_3d = {}, {}
        for number, (action, take) in enumerate(TAKES):
            rows = slice(number * frames, (number + 1) * frames)
            key = (subject, action, f"{take}.{CAMERA}")
            table_2d[key] = keypoints[rows].reshape(frames, 34)
            table_3d[key] = {
                "joint_3d": joints[rows].reshape(frames, 51),
                "pelvis": np.zeros((frames, 3)),
                "camera": np.array([1145.0, 1145.0, 512.0, 512.0]),
            }
        saved(table_2d, folder / f"{split}_custom_2d_unnorm.pth.tar")
        saved(table_3d, folder / f"{split}_custom_3d_unnorm.pth.tar")
    return folder


def normalised_files(folder: Path, frames: int = 8) -> Path:
    """The Simple Baseline's folder, with true keypoints and ones of an hourglass, and statistics of both."""
    folder.mkdir(parents=True)
    statistics: dict[int, RowStatistics] = {}
    for split, subject in (("train", 1), ("test", 9)):
        keypoints, joints = poses(frames * len(TAKES), "train" if split == "train" else "val")
        rows = {2: raw_rows(keypoints), 3: raw_rows(joints)}
        for size, used in ((2, DIM_USE_2D), (3, DIM_USE_3D)):
            if split == "train":
                statistics[size] = RowStatistics.of(rows[size], used)
            normal = statistics[size].normalise(rows[size]).astype(np.float32)
            for ending, mark in (("", ""), ("_ft", "-sh")) if size == 2 else (("", ""),):
                table = {
                    (subject, action, f"{take}.{CAMERA}.h5{mark}"): normal[number * frames :][:frames]
                    for number, (action, take) in enumerate(TAKES)
                }
                saved(table, folder / f"{split}_{size}d{ending}.pth.tar")
    third = statistics[3]
    saved({"mean": third.mean, "std": third.std, "dim_use": third.dim_use}, folder / "stat_3d.pth.tar")
    np.savez(folder / "stat_2d.npz", mean=statistics[2].mean, std=statistics[2].std)
    return folder


def raw_rows(points: np.ndarray) -> np.ndarray:
    """(N, 17, C) as rows of all 32 joints; those that do not move are zero."""
    rows = np.zeros((len(points), RAW_JOINTS, points.shape[2]))
    rows[:, list(MOVING)] = points
    return rows.reshape(len(points), -1)


def hostile(path: Path) -> None:
    """A pickle that wants to run a program."""

    class Evil:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (path.with_suffix(".ran"),))

    path.write_bytes(pickle.dumps({("S1", "a", "b"): Evil()}))
