"""Mean and deviation of poses, with which the Simple 3D Pose Baseline normalises what goes in and comes out.

Human3.6M stores 32 joints, of which 17 move; rows of coordinates run over all 32, and ``dim_use`` says which
numbers of a row the network sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from configs.errors import bad_input
from configs.loading import Config

Floats = NDArray[np.float64]

RAW_JOINTS: Final = 32
MOVING: Final = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Raw index of each joint of ``human36m_17``."""
WITHOUT_NOSE: Final = tuple(joint for joint in range(17) if joint != 9)
"""Joints of ``human36m_17`` that the network is given."""
WITHOUT_PELVIS: Final = tuple(range(1, 17))
"""Joints of ``human36m_17`` that the network says; the pelvis is the origin."""
WITHOUT_TRUNK: Final = tuple(joint for joint in range(17) if joint not in (0, 7, 9))
"""The fourteen joints of the authors' option ``predict_14``."""


def raw_dimensions(joints: tuple[int, ...], coordinates: int) -> NDArray[np.int64]:
    """Places in a row of 32 raw joints of some joints of ``human36m_17``, ascending."""
    raw = np.array([MOVING[joint] for joint in joints], np.int64)
    return np.sort((raw[:, None] * coordinates + np.arange(coordinates)).ravel())


DIM_USE_2D: Final = raw_dimensions(WITHOUT_NOSE, 2)
DIM_USE_3D: Final = raw_dimensions(WITHOUT_PELVIS, 3)


@dataclass(frozen=True)
class RowStatistics:
    """Of one kind of row.

    Attributes:
        mean: (D,) over the training set, px or mm.
        std: (D,) population deviation; may be zero where a dimension is not used.
        dim_use: (d,) dimensions that the network sees.
    """

    mean: Floats
    std: Floats
    dim_use: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.mean.shape != self.std.shape:
            raise bad_input(
                f"mean and standard deviation have the shapes {self.mean.shape} and {self.std.shape}",
                allowed="two vectors of the same length",
            )
        if self.dim_use.size and not 0 <= self.dim_use.min() <= self.dim_use.max() < len(self.mean):
            raise bad_input(f"dim_use names dimensions outside a row of {len(self.mean)} numbers")
        used = self.std[self.dim_use]
        if not (
            np.isfinite(self.mean[self.dim_use]).all() and (used > 0.0).all() and np.isfinite(used).all()
        ):
            raise bad_input("mean or standard deviation of a used dimension is not finite, or zero")

    @classmethod
    def of(cls, rows: Floats, dim_use: NDArray[np.int64]) -> RowStatistics:
        """Of a training set (N, D)."""
        rows = np.asarray(rows, np.float64)
        return cls(rows.mean(axis=0), rows.std(axis=0), dim_use)

    def normalise(self, rows: Floats) -> Floats:
        """(N, D) to (N, d), mean 0 and deviation 1 over the training set.

        Raises:
            BadInputError: A coordinate in use is missing: the network has no way to leave out a joint.
        """
        used = np.asarray(rows, np.float64)[..., self.dim_use]
        normalised: Floats = (used - self.mean[self.dim_use]) / self.std[self.dim_use]
        if not np.isfinite(normalised).all():
            raise bad_input("a pose to be normalised has missing coordinates")
        return normalised

    def unnormalise(self, values: Floats) -> Floats:
        """(N, d) to (N, D); dimensions that are not used come out as their mean."""
        values = np.asarray(values)
        rows = np.zeros((*values.shape[:-1], len(self.mean)), np.float32)
        rows[..., self.dim_use] = values
        restored: Floats = rows * self.std + self.mean
        return restored


class PoseStatistics(Config):
    """Of the coordinates a network sees, as its card carries them; joints in its own order."""

    mean_2d: tuple[float, ...]
    """px of a 1000 x 1000 picture; two for each joint."""
    std_2d: tuple[float, ...]
    mean_3d: tuple[float, ...]
    """mm in the camera's axes, from the pelvis; three for each joint."""
    std_3d: tuple[float, ...]

    @model_validator(mode="after")
    def _fits(self) -> PoseStatistics:
        for name in ("2d", "3d"):
            mean, std = getattr(self, f"mean_{name}"), getattr(self, f"std_{name}")
            if len(mean) != len(std):
                raise ValueError(f"mean_{name} has {len(mean)} numbers, std_{name} {len(std)}")
            if min(std, default=0.0) <= 0.0:
                raise ValueError(f"std_{name} must be above zero everywhere")
        return self

    @classmethod
    def of(cls, keypoints: RowStatistics, joints: RowStatistics) -> PoseStatistics:
        """From statistics of raw rows."""
        return cls(
            mean_2d=tuple(keypoints.mean[keypoints.dim_use].tolist()),
            std_2d=tuple(keypoints.std[keypoints.dim_use].tolist()),
            mean_3d=tuple(joints.mean[joints.dim_use].tolist()),
            std_3d=tuple(joints.std[joints.dim_use].tolist()),
        )
