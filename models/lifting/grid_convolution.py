"""Convolutions on a grid of joints whose edges are continued in two ways at once.

Kang et al., AAAI 2023. A layer is the sum of two 3 x 3 convolutions of the same grid, each with its own way
to go beyond the edge. The dynamic one weighs every tap at every cell by an attention map made from the grid
itself, so it belongs to one size of grid.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Padding = Literal["c", "z", "r"]
"""Beyond the edge: c the other side, z zeros, r the nearest cell."""

TAPS: Final = 9
ATTENTION_REDUCTION: Final = 16
ATTENTION_LEAST: Final = 16


def neighbours(shape: tuple[int, int], padding: Padding) -> NDArray[np.int64]:
    """(9, H * W) the cell that each tap sees from each cell, row by row; H * W stands for a zero."""
    height, width = shape
    rows, columns = np.divmod(np.arange(height * width), width)
    offsets = np.array([(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)])
    row, column = rows + offsets[:, :1], columns + offsets[:, 1:]
    if padding == "c":
        return np.asarray(row % height * width + column % width, np.int64)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    nearest = np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)
    return np.asarray(nearest if padding == "r" else np.where(inside, nearest, height * width), np.int64)


class PlainGridConvolution(nn.Module):
    """The static layer: around the torus, and with zeros."""

    def __init__(self, inputs: int, outputs: int, bias: bool) -> None:
        super().__init__()
        self.donut_conv = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="circular", bias=bias)
        self.tablet_conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, H, W) to (B, Cout, H, W)."""
        out: Tensor = self.donut_conv(x) + self.tablet_conv(x)
        return out


class GridAttention(nn.Module):
    """How much each tap counts at each cell, in (0, 1).

    Attributes:
        temperature: Divides the scores; high values make all taps count one half. Weights do not contain it.
    """

    def __init__(self, inputs: int, shape: tuple[int, int], temperature: float) -> None:
        super().__init__()
        hidden = max(inputs // ATTENTION_REDUCTION, ATTENTION_LEAST)
        self.temperature = temperature
        self.fc = nn.Conv2d(inputs, hidden, 1, bias=False)
        self.bn = nn.BatchNorm2d(hidden)
        self.position_fc = nn.Conv2d(hidden, TAPS * shape[0] * shape[1], 1)
        nn.init.kaiming_normal_(self.fc.weight, mode="fan_out", nonlinearity="relu")
        nn.init.kaiming_normal_(self.position_fc.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.position_fc.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, H, W) to (B, 9, H, W)."""
        mean = x.mean(dim=(2, 3), keepdim=True)
        scores = self.position_fc(functional.relu(self.bn(self.fc(mean))))
        return torch.sigmoid(scores / self.temperature).view(len(x), TAPS, *x.shape[2:])


class DynamicGridConvolution(nn.Module):
    """The layer whose taps are weighed by attention.

    Args:
        inputs: Channels.
        outputs: Channels.
        shape: Rows and columns of the grid.
        padding: Of the two branches. Weights do not contain it, and any choice fits them.
        bias: Whether each branch has one.
    """

    def __init__(
        self, inputs: int, outputs: int, shape: tuple[int, int], padding: tuple[Padding, Padding], bias: bool
    ) -> None:
        super().__init__()
        self.shape, self.padding = shape, padding
        self.branch1_weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.branch2_weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        for weight in (self.branch1_weight, self.branch2_weight):
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
        if bias:
            bound = 1.0 / math.sqrt(TAPS * inputs)
            self.branch1_bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))
            self.branch2_bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))
        else:
            self.register_parameter("branch1_bias", None)
            self.register_parameter("branch2_bias", None)
        seen = np.stack([neighbours(shape, each) for each in padding])
        self.register_buffer("seen", torch.from_numpy(seen), persistent=False)
        shared, edges = _who_sees_what(seen, shape[0] * shape[1])
        self.register_buffer("shared", torch.from_numpy(shared), persistent=False)
        self.edges: list[tuple[int, str, str]] = []
        for branch, (cells, sums) in edges.items():
            self.register_buffer(f"edge{branch}_cells", torch.from_numpy(cells), persistent=False)
            self.register_buffer(f"edge{branch}_sums", torch.from_numpy(sums), persistent=False)
            self.edges.append((branch, f"edge{branch}_cells", f"edge{branch}_sums"))

    def forward(self, x: Tensor, attention: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (B, Cin, H, W).
            attention: (B, 9, H, W), the same for both branches and all channels.

        Returns:
            (B, Cout, H, W).
        """
        many = x.shape[1] * 2 >= len(self.branch1_weight)
        out = self._products_first(x, attention) if many else self._gathered_first(x, attention)
        if self.branch1_bias is not None:
            out = out + (self.branch1_bias + self.branch2_bias)[:, None]
        return out.view(*out.shape[:2], *self.shape)

    def _gathered_first(self, x: Tensor, attention: Tensor) -> Tensor:
        """(B, Cout, H * W); nine copies of the features, which is the smaller number where they are few."""
        assert isinstance(self.seen, Tensor)
        cells = functional.pad(x.flatten(2), (0, 1))  # one more cell, which is zero
        weighed = cells[:, :, self.seen] * attention.flatten(2)[:, None, None]  # (B, Cin, 2, 9, H * W)
        # Both branches in one product: their taps side by side.
        taps = torch.stack([self.branch1_weight, self.branch2_weight], dim=2).flatten(1)
        return taps @ weighed.flatten(1, 3)

    def _products_first(self, x: Tensor, attention: Tensor) -> Tensor:
        """The same in a third of the time where features are many.

        Nothing is copied, and branches that see the same cell share one product.
        """
        assert isinstance(self.shared, Tensor)
        cells, weights = x.flatten(2).mT, attention.flatten(2).mT[:, :, None]  # (B, N, Cin), (B, N, 1, 9)
        batch, count, outputs = len(x), cells.shape[1], len(self.branch1_weight)
        branches = [w.flatten(2).permute(2, 1, 0) for w in (self.branch1_weight, self.branch2_weight)]
        both = (branches[0] + branches[1]).transpose(0, 1).flatten(1)  # (Cin, 9 * Cout)
        products = (cells.flatten(0, 1) @ both).view(batch, count * TAPS, outputs)
        out = (weights * self.shared).flatten(2) @ products
        for branch, cells_name, sums_name in self.edges:
            where, sums = getattr(self, cells_name), getattr(self, sums_name)
            beyond = cells[:, where].permute(1, 0, 2, 3).flatten(1, 2)  # (9, B * E, Cin)
            found = torch.bmm(beyond, branches[branch]).view(TAPS, batch, where.shape[1], outputs)
            share = (weights * sums).permute(0, 1, 3, 2).flatten(2)  # (B, N, 9 * E)
            out = out + share @ found.permute(1, 0, 2, 3).flatten(1, 2)
        return out.mT


def _who_sees_what(
    seen: NDArray[np.int64], cells: int
) -> tuple[NDArray[np.float32], dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]]]:
    """Split neighbours (2, 9, N) into those that both branches share and those of one alone.

    Returns:
        (N, N, 9) 1 where an output cell sees a cell by a tap in both branches; and for each branch that has
        others, the cells (9, E) and (N, E, 9) 1 where an output cell sees them.
    """
    shared = np.zeros((cells, cells, TAPS), np.float32)
    alone: dict[int, list[tuple[int, int, int]]] = {0: [], 1: []}
    for tap in range(TAPS):
        for cell in range(cells):
            first, second = int(seen[0, tap, cell]), int(seen[1, tap, cell])
            if first == second and first < cells:
                shared[cell, first, tap] = 1.0
                continue
            for branch, source in enumerate((first, second)):
                if source < cells:
                    alone[branch].append((tap, cell, source))
    edges = {}
    for branch, found in alone.items():
        if not found:
            continue
        by_tap = [[pair[1:] for pair in found if pair[0] == tap] for tap in range(TAPS)]
        most = max(len(pairs) for pairs in by_tap)
        sources, sums = np.zeros((TAPS, most), np.int64), np.zeros((cells, most, TAPS), np.float32)
        for tap, pairs in enumerate(by_tap):
            for at, (cell, source) in enumerate(pairs):
                sources[tap, at], sums[cell, at, tap] = source, 1.0
        edges[branch] = sources, sums
    return shared, edges
