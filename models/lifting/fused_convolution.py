"""The grid convolutions for inference: each product of a cell with a tap is computed once, then summed.

The two branches of a layer see the same neighbour except beyond the edge, so there one product with the sum
of their weights stands for two: half the arithmetic, and exact. Products come first and are weighed and
gathered afterwards, which spares the ninefold copy of the features. Batch normalisation is part of the
weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.lifting.grid_convolution import (
    TAPS,
    DynamicGridConvolution,
    GridAttention,
    Padding,
    PlainGridConvolution,
    neighbours,
)

Pair = tuple[int, int]
"""A cell, and one to subtract from it (the number of cells stands for a zero)."""

BOTH = 2
"""Stands for the sum of the branches 0 and 1."""

PLAIN_PADDING: tuple[Padding, Padding] = ("c", "z")


@dataclass(frozen=True)
class Products:
    """K taps, of one branch or of both together, with N cells each.

    Attributes:
        weight: (K, Cin, Cout).
        cells: (K, N) that the taps are multiplied with.
        minus: (K, N) whose features are first subtracted from theirs, or None.
    """

    weight: Tensor
    cells: NDArray[np.int64]
    minus: NDArray[np.int64] | None


@dataclass(frozen=True)
class Plan:
    """Where to find everything, for one size of batch.

    Attributes:
        rows: Products in the table.
        sources: For each group of products (K * B * N,) rows of the features, and those to subtract.
        indices: Which products each output cell sums, one after the other.
        offsets: Where the list of each output cell starts.
    """

    rows: int
    sources: list[tuple[Tensor, Tensor | None]]
    indices: Tensor
    offsets: Tensor


class FusedConvolution:
    """One layer with the batch normalisation that follows it.

    Args:
        convolution: In evaluation mode.
        norm: What follows, None after the last layer.
        shape: Rows and columns of the grid.
    """

    def __init__(
        self,
        convolution: DynamicGridConvolution | PlainGridConvolution,
        norm: nn.BatchNorm2d | None,
        shape: tuple[int, int],
    ) -> None:
        if isinstance(convolution, DynamicGridConvolution):
            weights: list[Tensor] = [convolution.branch1_weight, convolution.branch2_weight]
            biases: list[Tensor | None] = [convolution.branch1_bias, convolution.branch2_bias]
            padding = convolution.padding
        else:
            branches = (convolution.donut_conv, convolution.tablet_conv)
            weights = [each.weight for each in branches]
            biases = [each.bias for each in branches]
            padding = PLAIN_PADDING
        self.cells, self.outputs = shape[0] * shape[1], len(weights[0])
        scale, shift = weights[0].new_ones(self.outputs), weights[0].new_zeros(self.outputs)
        if norm is not None:
            scale, shift = folded(norm)
        # (tap, in, out), so that rows of features are multiplied from the left
        taps = [(w.flatten(2) * scale[:, None, None]).permute(2, 1, 0).detach() for w in weights]
        self.bias = (shift + sum(scale * each for each in biases if each is not None)).detach()
        taps.append(taps[0] + taps[1])
        self._layout(taps, [neighbours(shape, each) for each in padding])
        self._plans: dict[int, Plan] = {}

    def _layout(self, taps: list[Tensor], seen: list[NDArray[np.int64]]) -> None:
        """Decide which products there are, and list those of every output cell."""
        zero = self.cells
        entries: list[tuple[int, int, int]] = []  # group, tap and cell in it
        order: list[int] = []
        starts: list[int] = []
        wanted: list[tuple[int, tuple[int, int], Pair]] = []
        for cell in range(self.cells):
            starts.append(len(entries))
            for tap in range(TAPS):
                first, second = int(seen[0][tap, cell]), int(seen[1][tap, cell])
                parts: list[tuple[tuple[int, int], Pair]] = []
                if zero not in (first, second):
                    parts.append(((BOTH, tap), (first, zero)))
                    if first != second:
                        # W1 a + W2 b = (W1 + W2) a + W2 (b - a): the first product fills a gap of its tap.
                        parts.append(((1, tap), (second, first)))
                else:
                    both = ((0, first), (1, second))
                    parts += [((branch, tap), (source, zero)) for branch, source in both if source != zero]
                for key, pair in parts:
                    wanted.append((len(entries), key, pair))
                    entries.append((0, 0, 0))
                    order.append(tap * self.cells + cell)
        needed: dict[tuple[int, int], list[Pair]] = {}
        for _, key, pair in wanted:
            known = needed.setdefault(key, [])
            if pair not in known:
                known.append(pair)
        self.products: list[Products] = []
        group_of: dict[tuple[int, int], tuple[int, int]] = {}
        # Within a group taps have as many cells, and all or none have some to subtract.
        kinds = {key: (len(pairs), pairs[0][1] == zero) for key, pairs in needed.items()}
        for kind in sorted(set(kinds.values())):
            keys = [key for key in needed if kinds[key] == kind]
            group_of |= {key: (len(self.products), at) for at, key in enumerate(keys)}
            sources = np.array([needed[key] for key in keys])  # (K, N, 2)
            self.products.append(
                Products(
                    torch.stack([taps[branch][tap] for branch, tap in keys]).contiguous(),
                    sources[..., 0],
                    None if kind[1] else sources[..., 1],
                )
            )
        for at, key, pair in wanted:
            entries[at] = (*group_of[key], needed[key].index(pair))
        self._entries, self._starts = np.array(entries), np.array(starts)
        self._order = torch.tensor(order)

    def plan(self, batch: int) -> Plan:
        """Made once for each size of batch."""
        if batch not in self._plans:
            group, at, number = self._entries.T
            items = np.arange(batch)[:, None]
            indices = np.zeros((batch, len(group)), np.int64)
            rows = 0
            sources: list[tuple[Tensor, Tensor | None]] = []
            for which, each in enumerate(self.products):
                taps, count = each.cells.shape
                indices += np.where(group == which, rows + (at * batch + items) * count + number, 0)
                rows += taps * batch * count
                minus = None if each.minus is None else self._flat(each.minus, items)
                sources.append((self._flat(each.cells, items), minus))
            offsets = self._starts + items * len(self._entries)
            # 32 bits: the gathering kernel is nearly twice as fast with them.
            self._plans[batch] = Plan(
                rows,
                sources,
                torch.from_numpy(indices.ravel().astype(np.int32)),
                torch.from_numpy(offsets.ravel().astype(np.int32)),
            )
        return self._plans[batch]

    def _flat(self, cells: NDArray[np.int64], items: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy((cells[:, None] + items[None] * self.cells).ravel())

    def __call__(self, x: Tensor, attention: Tensor | None) -> Tensor:
        """Convolve.

        Args:
            x: (B * H * W, Cin) features of the cells.
            attention: (B, 9 * H * W), or None for a plain layer.

        Returns:
            (B * H * W, Cout), normalised.
        """
        batch = len(x) // self.cells
        plan = self.plan(batch)
        table = x.new_empty(plan.rows, self.outputs)
        done = 0
        for each, (cells, minus) in zip(self.products, plan.sources, strict=True):
            block = table[done : done + len(cells)].view(len(each.weight), -1, self.outputs)
            features = x.index_select(0, cells)
            if minus is not None:
                features -= x.index_select(0, minus)
            torch.bmm(features.view(*block.shape[:2], -1), each.weight, out=block)
            done += len(cells)
        weights = None if attention is None else attention.index_select(1, self._order).flatten()
        summed = functional.embedding_bag(
            plan.indices, table, plan.offsets, mode="sum", per_sample_weights=weights
        )
        return summed.add_(self.bias)


class FusedAttention:
    """The attention map with its batch normalisation and temperature in the weights."""

    def __init__(self, attention: GridAttention, cells: int) -> None:
        self.cells = cells
        scale, shift = folded(attention.bn)
        # .flatten(1): convolutions of one cell are linear layers
        self.first = (attention.fc.weight.flatten(1) * scale[:, None]).detach()
        self.first_bias = shift.detach()
        self.second = (attention.position_fc.weight.flatten(1) / attention.temperature).detach()
        bias = attention.position_fc.bias
        assert bias is not None
        self.second_bias = (bias / attention.temperature).detach()

    def __call__(self, x: Tensor) -> Tensor:
        """(B * H * W, Cin) to (B, 9 * H * W)."""
        mean = x.view(-1, self.cells, x.shape[1]).mean(dim=1)
        hidden = functional.linear(mean, self.first, self.first_bias).relu_()
        return functional.linear(hidden, self.second, self.second_bias).sigmoid_()


def folded(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Batch normalisation in evaluation as (channels,) factor and summand."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale
