"""How long limbs are: the prior of the limb-aware attention, and the error of predicted lengths.

Source: Ma et al., "Context Modeling in 3D Human Pose Estimation", CVPR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from configs.errors import bad_input
from models.skeletons import get_skeleton

LIMBS: tuple[tuple[int, int], ...] = (
    (0, 1), (1, 2), (2, 6), (5, 4), (4, 3), (3, 6), (6, 7), (7, 8),
    (8, 16), (9, 16), (8, 12), (11, 12), (10, 11), (8, 13), (13, 14), (14, 15),
)  # fmt: skip
"""Pairs of joints in the order ``human36m_lt17``; the order of the limbs is that of the prior's file."""


def limbs_of(joints: int) -> tuple[tuple[int, int], ...]:
    """Pairs of joints for a skeleton of so many: 17 is the published one, 26 are those of ``halpe_26``.

    Raises:
        BadInputError: No skeleton of so many joints is known.
    """
    if joints == 17:
        return LIMBS
    if joints == 26:
        skeleton = get_skeleton("halpe_26")
        # Otherwise nothing would hold the face to the rest.
        return (*skeleton.bones, (skeleton.index("nose"), skeleton.index("neck")))
    raise bad_input(
        "the limbs of such a skeleton are not known", key="joints", value=joints, allowed="17, 26"
    )


def limb_lengths(joints: Tensor, limbs: tuple[tuple[int, int], ...] = LIMBS) -> Tensor:
    """Lengths of L limbs: (..., J, 3) mm to (..., L) mm."""
    ends = torch.tensor(limbs, device=joints.device)
    lengths: Tensor = (joints[..., ends[:, 0], :] - joints[..., ends[:, 1], :]).norm(dim=-1)
    return lengths


def limb_length_error(joints: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute error of limb lengths: two of (B, 17, 3) mm to a scalar in mm."""
    return (limb_lengths(joints) - limb_lengths(truth)).abs().mean()


@dataclass(frozen=True)
class LimbPrior:
    """Mean and standard deviation of each limb's length.

    Attributes:
        mean: (L,) mm.
        deviation: (L,) mm, not negative.
        joints: Of the skeleton, which says what the limbs are.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    joints: int = 17

    def __post_init__(self) -> None:
        count = len(self.limbs)
        for name in ("mean", "deviation"):
            values: NDArray[np.float64] = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != (count,) or not np.isfinite(values).all() or (values < 0).any():
                raise bad_input(
                    f"limbs of {self.joints} joints have {count} lengths in mm, finite and not negative",
                    key=name,
                    value=values.tolist(),
                )
            object.__setattr__(self, name, values)

    @property
    def limbs(self) -> tuple[tuple[int, int], ...]:
        """See ``limbs_of``."""
        return limbs_of(self.joints)

    @classmethod
    def from_joints(cls, joints: ArrayLike) -> LimbPrior:
        """The statistic of poses: (N, J, 3) mm; the deviation is that of the population."""
        poses = torch.from_numpy(np.asarray(joints, dtype=np.float64))
        count = poses.shape[-2]
        lengths = limb_lengths(poses, limbs_of(count)).numpy()
        return cls(lengths.mean(axis=0), lengths.std(axis=0), count)

    @classmethod
    def read(cls, path: Path) -> LimbPrior:
        """Read ``mean_and_std_limb_length.h5``; values after the first 16 are not used.

        Raises:
            BadInputError: No such file, not HDF5, or without the data sets ``mean`` and ``std``.
        """
        import h5py  # type: ignore[import-untyped,unused-ignore]

        if not path.is_file():
            raise bad_input(
                "the file with the limb lengths is missing",
                file=path,
                hint="ContextPose needs it, because checkpoints do not contain it",
            )
        try:
            with h5py.File(path, "r") as file:
                mean, deviation = file["mean"][: len(LIMBS)], file["std"][: len(LIMBS)]
        except (OSError, KeyError) as error:
            raise bad_input(f"is no file with limb lengths: {error}", file=path) from error
        return cls(mean, deviation)
