"""Files of Human3.6M poses that lifting networks are trained and judged on, as published.

Two layouts. The Simple Baseline's holds poses that are normalised already; GridConv's holds pixels and
millimetres. Both are pickles of dictionaries with one array for every take and camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.checkpoints.inert_pickle import read_inert
from models.datasets.lifting_samples import Key, LiftingSamples, Split, select_samples
from models.lifting.statistics import DIM_USE_3D, RAW_JOINTS, RowStatistics

Layout = Literal["normalised", "pixels"]

STATISTICS_3D: Final = "stat_3d.pth.tar"
HOURGLASS: Final = "-sh"
"""End of the file part of a key whose keypoints an hourglass network found."""


@dataclass(frozen=True)
class NormalisedPoses:
    """N poses of the Simple Baseline's files.

    Attributes:
        given: (N, 32) float32, normalised keypoints of 16 joints.
        wanted: (N, 48) float32, normalised joints without the pelvis.
        statistics: Of what is wanted, for rows of 96 mm.
        action: (N,) names.
    """

    given: NDArray[np.float32]
    wanted: NDArray[np.float32]
    statistics: RowStatistics
    action: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.given)


def layout_of(folder: Path) -> Layout:
    """Which of the two a folder holds.

    Raises:
        BadInputError: Neither.
    """
    if not folder.is_dir():
        raise bad_input("no such folder", file=folder)
    if (folder / STATISTICS_3D).is_file():
        return "normalised"
    if any(folder.glob("*_custom_2d_unnorm.pth.tar")):
        return "pixels"
    raise bad_input(
        "holds no poses for lifting",
        file=folder,
        allowed=f"{STATISTICS_3D} with train_2d.pth.tar ..., or test_custom_2d_unnorm.pth.tar ...",
    )


def read_normalised(
    folder: Path, split: Split, *, detected: bool = False, action: str | None = None
) -> NormalisedPoses:
    """The Simple Baseline's files: ``train_2d.pth.tar``, ``train_3d.pth.tar``, ``stat_3d.pth.tar`` and so on.

    Args:
        folder: That holds them.
        split: Whose.
        detected: Keypoints that a fine-tuned hourglass network found (``train_2d_ft.pth.tar``), not the true
            ones.
        action: Only this one of the fifteen.

    Raises:
        BadInputError: A file is missing or damaged, arrays do not fit each other, or nothing is left.
    """
    source = folder / (f"{split}_2d_ft.pth.tar" if detected else f"{split}_2d.pth.tar")
    keypoints, poses = _table(source), _table(folder / f"{split}_3d.pth.tar")
    given, wanted, actions = [], [], []
    for key, rows in keypoints.items():
        if action is not None and str(key[1]).lower() != action.lower():
            continue
        other = (key[0], key[1], str(key[2]).removesuffix(HOURGLASS))
        if other not in poses:
            raise bad_input("has keypoints but no 3D pose", file=source, key="|".join(map(str, key)))
        pair = np.asarray(rows, np.float32), np.asarray(poses[other], np.float32)
        if pair[0].shape[1:] != (32,) or pair[1].shape != (len(pair[0]), 48):
            raise bad_input(
                f"keypoints and joints have the shapes {pair[0].shape} and {pair[1].shape}",
                file=source,
                key="|".join(map(str, key)),
                allowed="(n, 32) and (n, 48)",
            )
        given.append(pair[0])
        wanted.append(pair[1])
        actions += [str(key[1])] * len(pair[0])
    if not given:
        raise bad_input("holds no pose" if action is None else f"holds no pose of {action}", file=source)
    found = NormalisedPoses(
        np.concatenate(given), np.concatenate(wanted), _statistics(folder), np.array(actions)
    )
    for name, values in (("keypoints", found.given), ("joints", found.wanted)):
        if not np.isfinite(values).all():
            raise bad_input(f"{name} are not finite", file=source)
    return found


def read_pixels(folder: Path, split: Split, *, drop_drifted: bool) -> LiftingSamples:
    """GridConv's files: ``train_custom_2d_unnorm.pth.tar``, ``train_custom_3d_unnorm.pth.tar`` and so on.

    Args:
        folder: That holds them; called after the source of the keypoints, such as ``gt`` or ``hrnet``.
        split: Whose.
        drop_drifted: See ``select_samples``; published with detected keypoints only.

    Raises:
        BadInputError: A file is missing or damaged, or arrays do not fit each other.
    """
    tables = [_table(folder / f"{split}_custom_{kind}_unnorm.pth.tar") for kind in ("2d", "3d")]
    try:
        return select_samples(tables[0], tables[1], split, drop_drifted=drop_drifted)
    except (TypeError, AttributeError, ValueError) as error:
        raise bad_input(f"has keys or values of another kind ({error})", file=folder) from error


def _table(path: Path) -> Mapping[Key, Any]:
    content = read_inert(path)
    if not isinstance(content, Mapping) or not all(isinstance(k, tuple) and len(k) == 3 for k in content):
        raise bad_input("is no table of poses", file=path, allowed="keys (subject, action, file)")
    return content


def _statistics(folder: Path) -> RowStatistics:
    path = folder / STATISTICS_3D
    content = read_inert(path)
    if not isinstance(content, Mapping) or not {"mean", "std"} <= set(content):
        raise bad_input("has no mean and standard deviation", file=path, allowed="mean, std, dim_use")
    mean, std = (np.ravel(np.asarray(content[key], np.float64)) for key in ("mean", "std"))
    if len(mean) != 3 * RAW_JOINTS:
        raise bad_input(f"has rows of {len(mean)} numbers", file=path, allowed=str(3 * RAW_JOINTS))
    used = np.asarray(content.get("dim_use", DIM_USE_3D), np.int64)
    if len(used) != 48:
        raise bad_input(f"uses {len(used)} dimensions", file=path, allowed="48")
    return RowStatistics(mean, std, used)
