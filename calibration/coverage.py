"""How much of a camera's picture the board has visited, as a map, as a number, and in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELLS_LONG = 9
"""Cells along the longer side of the picture. A board that fills a third of it then leaves no gaps."""
RINGS = 8
SECTORS = 12

_EMPTY_SHARE = 1.0 / 3.0
"""A ninth of the picture with corners in fewer of its cells counts as not visited."""

_ROWS, _COLUMNS = ("upper", "", "lower"), ("left", "", "right")


@dataclass(frozen=True, eq=False)
class Coverage:
    """Where in the picture corners were seen.

    Attributes:
        size: (width, height) px.
        counts: (rows, columns) how many corners fell into each cell of a grid over the picture.
        rings: (RINGS,) for rings of equal width around the middle, the outermost ending in the picture's
            corners: which part of the ring's sectors inside the picture has corners, 0 to 1.
        reach: How far out corners go, in all directions: the radius px that 95 of 100 corners do not exceed,
            over the distance from the middle to the picture's corner.
    """

    size: tuple[int, int]
    counts: NDArray[np.int64]
    rings: NDArray[np.float64]
    reach: float

    @property
    def share(self) -> float:
        """The number: which part of the picture's cells has corners, 0 to 1."""
        return float((self.counts > 0).mean())

    def gaps(self) -> tuple[str, ...]:
        """Names of the ninths of the picture that the board hardly visited, such as ``upper left corner``."""
        return empty_ninths(self.counts)

    def words(self) -> str:
        """One sentence: how much is covered and what is missing."""
        gaps = self.gaps()
        start = f"the board was seen in {100 * self.share:.0f} % of the picture"
        if len(gaps) > 5:
            return f"{start}; most of it is missing"
        if gaps:
            return f"{start}; missing: {', '.join(gaps)}"
        return start


def grid_shape(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of nearly square cells."""
    width, height = size
    cell = max(width, height) / CELLS_LONG
    return max(3, round(height / cell)), max(3, round(width / cell))


def cells_of(pixels: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.intp]:
    """(N,) number of the cell each of the pixels (N, 2) is in, row by row."""
    rows, columns = grid_shape(size)
    column = np.clip(((pixels[:, 0] + 0.5) * columns / size[0]).astype(np.intp), 0, columns - 1)
    row = np.clip(((pixels[:, 1] + 0.5) * rows / size[1]).astype(np.intp), 0, rows - 1)
    return np.asarray(row * columns + column, np.intp)


def measure_coverage(corners: Iterable[NDArray[np.float64]], size: tuple[int, int]) -> Coverage:
    """Look where the corners are.

    Args:
        corners: (N, 2) distorted px of each view.
        size: (width, height) px of the picture.
    """
    pixels = np.concatenate([np.zeros((0, 2)), *corners])
    rows, columns = grid_shape(size)
    counts = np.bincount(cells_of(pixels, size), minlength=rows * columns).reshape(rows, columns)
    ring, sector, radius = _polar(pixels, size)
    seen = np.zeros((RINGS, SECTORS), np.bool_)
    seen[ring, sector] = True
    grid = np.stack(np.meshgrid(np.linspace(0, size[0] - 1, 97), np.linspace(0, size[1] - 1, 97)), axis=-1)
    possible = np.zeros((RINGS, SECTORS), np.bool_)
    all_rings, all_sectors, _ = _polar(grid.reshape(-1, 2), size)
    possible[all_rings, all_sectors] = True
    rings = (seen & possible).sum(axis=1) / np.maximum(possible.sum(axis=1), 1)
    reach = float(np.quantile(radius, 0.95)) if len(radius) else 0.0
    return Coverage(size, counts.astype(np.int64), rings.astype(np.float64), reach)


def empty_ninths(counts: NDArray[np.int64]) -> tuple[str, ...]:
    """Names of the ninths of a picture with (rows, columns) counts that hardly have any."""
    covered = counts > 0
    rows = np.array_split(np.arange(covered.shape[0]), 3)
    columns = np.array_split(np.arange(covered.shape[1]), 3)
    return tuple(
        _name(i, j)
        for i in range(3)
        for j in range(3)
        if covered[np.ix_(rows[i], columns[j])].mean() < _EMPTY_SHARE
    )


def _polar(
    pixels: NDArray[np.float64], size: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    centre = (np.array(size) - 1.0) / 2.0
    offset = pixels - centre
    radius = np.linalg.norm(offset, axis=1) / np.linalg.norm(centre)
    angle = np.arctan2(offset[:, 1], offset[:, 0]) / (2 * np.pi) % 1.0
    ring = np.clip((radius * RINGS).astype(np.intp), 0, RINGS - 1)
    sector = np.clip((angle * SECTORS).astype(np.intp), 0, SECTORS - 1)
    return ring, sector, radius


def _name(row: int, column: int) -> str:
    if row == 1 and column == 1:
        return "middle"
    if row == 1 or column == 1:
        return f"{_ROWS[row] or _COLUMNS[column]} edge"
    return f"{_ROWS[row]} {_COLUMNS[column]} corner"
