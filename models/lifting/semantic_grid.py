"""Where each joint sits on the grid: the hand-made layout, published layouts, and own ones.

Kang et al., 3D Human Pose Lifting with Grid Convolution, AAAI 2023. Joints are those of ``human36m_17``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from configs.errors import bad_input

Floats = NDArray[np.float64]

JOINTS: Final = 17
HANDCRAFTED: Final = (
    (7, 7, 7, 7, 7),
    (0, 8, 8, 8, 0),
    (1, 14, 8, 11, 4),
    (2, 15, 9, 12, 5),
    (3, 16, 10, 13, 6),
)
"""Columns are chains: right leg, right arm, head, left arm, left leg. The middle cell is special."""
MIDDLE: Final = 12
MIDDLE_JOINTS: Final = (8, 9)
"""The cell in the middle is the mean of neck and nose, and nothing is read back from it."""

INITIAL_LAYOUTS: Final = {
    "standard": ((7, 7, 7, 7, 7), (0, 8, 8, 8, 0), (4, 11, 9, 14, 1), (5, 12, 9, 15, 2), (6, 13, 10, 16, 3)),
    "learnt_type1": (
        (7, 4, 7, 1, 0),
        (0, 8, 8, 8, 0),
        (4, 11, 9, 14, 1),
        (5, 12, 9, 15, 2),
        (6, 13, 10, 16, 3),
    ),
    "learnt_type2": (
        (0, 15, 7, 1, 0),
        (1, 14, 8, 7, 0),
        (4, 0, 9, 13, 1),
        (2, 6, 11, 10, 2),
        (5, 12, 14, 16, 3),
    ),
    "learnt_type3": (
        (9, 7, 7, 10, 7),
        (13, 8, 10, 15, 16),
        (9, 12, 7, 14, 1),
        (4, 5, 7, 3, 11),
        (7, 6, 9, 2, 14),
    ),
}
"""Published layouts that a learnable one may start from: joint of each cell."""


@dataclass(frozen=True)
class GridLayout:
    """Joints to grid and back; both are linear.

    Attributes:
        shape: Rows and columns.
        to_grid: (H * W, J) share of each joint in each cell, cells row by row.
        to_joints: (J, H * W) share of each cell in each joint; a row of zeros for a joint without a cell.
    """

    shape: tuple[int, int]
    to_grid: Floats
    to_joints: Floats

    @classmethod
    def handcrafted(cls) -> GridLayout:
        """The layout that the publication made by hand."""
        cells = np.array(HANDCRAFTED).ravel()
        to_grid = np.eye(JOINTS)[cells]
        to_grid[MIDDLE] = np.eye(JOINTS)[list(MIDDLE_JOINTS)].mean(axis=0)
        owned = np.eye(JOINTS)[cells]
        owned[MIDDLE] = 0.0
        return cls((5, 5), to_grid, (owned / owned.sum(axis=0)).T)

    @classmethod
    def of(cls, assignment: Sequence[Sequence[int]] | ArrayLike, joints: int = JOINTS) -> GridLayout:
        """One joint for each cell.

        Args:
            assignment: (H, W) joint of each cell.
            joints: How many there are.

        Raises:
            BadInputError: No table, or a number that is no joint.
        """
        table = np.asarray(assignment)
        if table.ndim != 2 or not np.issubdtype(table.dtype, np.integer):
            raise bad_input("a layout is a table of joint numbers", value=np.shape(assignment))
        if table.size == 0 or table.min() < 0 or table.max() >= joints:
            raise bad_input("a layout names a joint that does not exist", allowed=f"0 to {joints - 1}")
        to_grid = np.eye(joints)[table.ravel()]
        return cls(
            (table.shape[0], table.shape[1]), to_grid, (to_grid / np.maximum(to_grid.sum(axis=0), 1.0)).T
        )

    @property
    def missing(self) -> tuple[int, ...]:
        """Joints without a cell: nothing can be said about them."""
        return tuple(int(joint) for joint in np.flatnonzero(~self.to_joints.any(axis=1)))

    def grids(self, joints: NDArray[np.floating]) -> Floats:
        """(B, J, C) to (B, C, H, W)."""
        cells = np.swapaxes(self.to_grid @ joints, 1, 2)
        return np.ascontiguousarray(cells.reshape(*cells.shape[:2], *self.shape))

    def joints(self, grids: NDArray[np.floating]) -> Floats:
        """(B, C, H, W) to (B, J, C)."""
        cells = grids.reshape(*grids.shape[:2], -1)
        joints: Floats = self.to_joints @ np.swapaxes(cells, 1, 2)
        return joints
