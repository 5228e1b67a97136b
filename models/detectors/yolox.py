"""YOLOX: Ge et al., YOLOX: Exceeding YOLO Series in 2021, arXiv 2107.08430."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.detectors.base import Boxes, Image
from models.detectors.onnx_detector import PERSON, OnnxDetector, Outputs
from models.runtimes.onnx_network import Shape

STRIDES: Final = (8, 16, 32)


class Yolox(OnnxDetector):
    """Files of both kinds: with suppression inside (MMDeploy), and raw as its makers release them.

    A raw row belongs to a cell of one of three grids, finest first: x and y from the cell's corner and the
    logarithm of width and height, in strides; then the scores of an object and of each class, person first.
    """

    def normalised(self, canvas: Image) -> NDArray[np.float32]:
        """0 to 255 as they are; see ``OnnxDetector.normalised``."""
        return canvas.astype(np.float32)

    def boxes_of(self, outputs: Outputs, min_score: float) -> Boxes:
        """See ``OnnxDetector.boxes_of``."""
        if self.finished:
            return super().boxes_of(outputs, min_score)
        rows = next(iter(outputs.values()))[0].astype(np.float64)
        scores = rows[:, 4] * rows[:, 5 + PERSON]
        keep = scores >= min_score
        corners, strides = grid_cells(self.size)
        centre = (rows[keep, :2] + corners[keep]) * strides[keep, None]
        half = np.exp(rows[keep, 2:4]) * strides[keep, None] / 2
        return np.column_stack([centre - half, centre + half, scores[keep]])

    def check_other_layout(self, outputs: dict[str, Shape], path: Path) -> None:
        """Raw rows are understood."""
        shape = next(iter(outputs.values()))
        wrong_stride = any(side % STRIDES[-1] for side in self.size)
        rows = sum((self.size[0] // stride) * (self.size[1] // stride) for stride in STRIDES)
        fits = len(outputs) == 1 and len(shape) == 3 and shape[1] in (rows, None) and (shape[2] or 6) >= 6
        if not fits or wrong_stride:
            found = ", ".join(f"{name} {own}" for name, own in outputs.items())
            raise bad_input(
                f"the outputs are {found}",
                file=path,
                allowed=f"dets (1, n, 5) and labels (1, n), or raw rows (1, {rows}, 5 + classes)",
            )


def grid_cells(size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 2) column and row of every cell and (N,) its stride in px, grid by grid, row by row."""
    cells, strides = [], []
    for stride in STRIDES:
        columns, rows = size[0] // stride, size[1] // stride
        y, x = np.mgrid[:rows, :columns]
        cells.append(np.column_stack([x.ravel(), y.ravel()]))
        strides.append(np.full(rows * columns, float(stride)))
    return np.concatenate(cells).astype(np.float64), np.concatenate(strides)
