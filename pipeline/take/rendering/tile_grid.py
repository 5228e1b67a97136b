"""Where the cameras' tiles go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.take.rendering.camera_tile import fitted_size

Size = tuple[int, int]


@dataclass(frozen=True)
class TileGrid:
    """Tiles of equal cells, each picture centred in its cell.

    Attributes:
        size: (width, height) px of the whole grid.
        tiles: Left, top, width, height of each picture.
    """

    size: Size
    tiles: tuple[tuple[int, int, int, int], ...]


def arrange(sizes: Sequence[Size], area: Size, gap: int = 6) -> TileGrid:
    """Arrange pictures of several sizes so that they cover as much of ``area`` as possible.

    Args:
        sizes: (width, height) of each picture, at least one.
        area: (width, height) px available.
        gap: px between cells.
    """
    best: tuple[int, int, Size] | None = None
    for columns in range(1, len(sizes) + 1):
        rows = -(-len(sizes) // columns)
        cell = ((area[0] - gap * (columns - 1)) // columns, (area[1] - gap * (rows - 1)) // rows)
        if min(cell) < 1:
            continue
        covered = sum(width * height for width, height in (fitted_size(size, cell) for size in sizes))
        if best is None or covered > best[0]:
            best = (covered, columns, cell)
    if best is None:
        raise ValueError(f"{len(sizes)} tiles do not fit into {area[0]} x {area[1]} px")
    _, columns, cell = best
    fitted = [fitted_size(size, cell) for size in sizes]
    # No cell larger than its largest picture: no needless black between rows.
    cell = (max(width for width, _ in fitted), max(height for _, height in fitted))
    tiles = []
    for at, (width, height) in enumerate(fitted):
        left = (at % columns) * (cell[0] + gap) + (cell[0] - width) // 2
        top = (at // columns) * (cell[1] + gap) + (cell[1] - height) // 2
        tiles.append((left, top, width, height))
    rows = -(-len(sizes) // columns)
    used_columns = min(columns, len(sizes))
    return TileGrid(
        (used_columns * (cell[0] + gap) - gap, rows * (cell[1] + gap) - gap),
        tuple(tiles),
    )
