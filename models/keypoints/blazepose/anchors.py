"""The cells that the person detector's 2254 output rows belong to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INPUT_SIDE = 224
"""Side of the detector's input, px."""

GRIDS = ((28, 2), (14, 2), (7, 6))
"""Cells per side and rows per cell; the 7 x 7 grid serves three layers of stride 32, two rows each."""


def anchor_centres() -> NDArray[np.float32]:
    """(2254, 2) x, y of the cell centres, in units of the input's side.

    Grid by grid, rows first, then columns, then the (equal) anchors of a cell.
    """
    centres = []
    for cells, per_cell in GRIDS:
        axis = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(axis, axis, indexing="ij")
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(centres).astype(np.float32)
