"""Mean and spread of limb lengths over the training poses, which ContextPose takes as its prior."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from models.datasets.human36m_labels import Labels

LIMB_FILE: Final = "mean_and_std_limb_length.h5"

LIMBS: Final = (
    (0, 1), (1, 2), (2, 6), (5, 4), (4, 3), (3, 6), (6, 7), (7, 8),
    (8, 16), (9, 16), (8, 12), (11, 12), (10, 11), (8, 13), (13, 14), (14, 15),
)  # fmt: skip
"""Pairs of joints of ``human36m_lt17`` in the order of the file."""


def limb_statistics(joints: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (of the population) of each limb, two of (16,) mm.

    Args:
        joints: (N, 17, 3) mm.
    """
    ends = np.array(LIMBS)
    lengths = np.linalg.norm(joints[:, ends[:, 0]].astype(np.float64) - joints[:, ends[:, 1]], axis=2)
    return lengths.mean(axis=0), lengths.std(axis=0)


def write_limb_lengths(path: Path, labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Write ``mean_and_std_limb_length.h5`` of the training split of a label file.

    Raises:
        BadInputError: The labels hold no training subject.
    """
    import h5py  # type: ignore[import-untyped,unused-ignore]

    mean, deviation = limb_statistics(labels.table["keypoints"][labels.selected_rows("train")])
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["mean"], file["std"] = mean, deviation
    write_atomic(path, buffer.getvalue())
    return mean, deviation
