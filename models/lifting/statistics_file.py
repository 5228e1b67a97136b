"""Mean and deviation of training poses from files: what nobody stored in the weights they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from configs.arrays_file import read_arrays
from configs.errors import bad_input
from models.checkpoints.inert_pickle import read_inert
from models.lifting.statistics import DIM_USE_2D, DIM_USE_3D, RAW_JOINTS, PoseStatistics, RowStatistics


def read_statistics(paths: Sequence[Path]) -> dict[str, Any]:
    """Settings ``statistics`` of ``SimpleBaselineConfig``.

    Args:
        paths: One file for 2D (rows of 64 px) and one for 3D (rows of 96 mm), in any order: ``.npz``, or what
            ``torch.save`` wrote (``stat_3d.pth.tar``), with ``mean``, ``std`` and perhaps ``dim_use``.

    Raises:
        BadInputError: A file is missing or damaged, or one kind is not among them.
    """
    found: dict[int, RowStatistics] = {}
    for path in paths:
        content = _content(path)
        if not {"mean", "std"} <= set(content):
            raise bad_input("has no mean and standard deviation", file=path, allowed="mean, std, dim_use")
        try:
            mean, std = (np.ravel(np.asarray(content[key], np.float64)) for key in ("mean", "std"))
        except (ValueError, TypeError) as error:
            raise bad_input("mean and standard deviation must be numbers", file=path) from error
        if len(mean) not in (2 * RAW_JOINTS, 3 * RAW_JOINTS):
            raise bad_input(f"has rows of {len(mean)} numbers", file=path, allowed="64 for 2D, 96 for 3D")
        coordinates = len(mean) // RAW_JOINTS
        used = content.get("dim_use", DIM_USE_2D if coordinates == 2 else DIM_USE_3D)
        found[coordinates] = RowStatistics(mean, std, np.asarray(used, np.int64))
    for coordinates, length in ((2, 64), (3, 96)):
        if coordinates not in found:
            raise bad_input(
                f"statistics of {coordinates}D poses are missing",
                hint=f"give a file with rows of {length} numbers",
            )
    return PoseStatistics.of(found[2], found[3]).model_dump(mode="json")


def _content(path: Path) -> Mapping[str, Any]:
    if path.suffix != ".npz":
        content = read_inert(path)
        if not isinstance(content, Mapping):
            raise bad_input("holds no table of statistics", file=path)
        return content
    return read_arrays(path, what="is damaged or no .npz file")
