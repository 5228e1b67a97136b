"""How fast GridConv lifts here, against the structure that its publication computes with.

That structure pads and unfolds the features twice a layer and multiplies each copy: the same answer, at
twice the arithmetic and several times the memory traffic. Times are those of the processor, so other
programs disturb little.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from models.lifting.fast_gridconv import FastGridConv
from models.lifting.grid_convolution import TAPS, DynamicGridConvolution, Padding
from models.lifting.gridconv import GridConv, GridConvConfig

PAD_MODES: Final[dict[Padding, str]] = {"c": "circular", "z": "constant", "r": "replicate"}
ROUNDS: Final = 9


@dataclass(frozen=True)
class LiftingSpeed:
    """Processor time of one call, ms, by one thread.

    Attributes:
        batch: Poses in a call.
        published_ms: With the published structure, median of the rounds.
        ours_ms: The fast form.
        ratio: Median over rounds, in each of which both ran, of published over ours.
        largest_difference: Between the answers, metres.
    """

    batch: int
    published_ms: float
    ours_ms: float
    ratio: float
    largest_difference: float


class UnfoldedConvolution(DynamicGridConvolution):
    """The dynamic layer as published: unfold, weigh, multiply, for each branch."""

    def forward(self, x: Tensor, attention: Tensor) -> Tensor:
        """See ``DynamicGridConvolution``."""
        batch, channels, height, width = x.shape
        weights = attention.view(batch, 1, TAPS, height * width)
        out = x.new_zeros(())
        for weight, bias, mode in (
            (self.branch1_weight, self.branch1_bias, self.padding[0]),
            (self.branch2_weight, self.branch2_bias, self.padding[1]),
        ):
            padded = functional.pad(x, (1, 1, 1, 1), mode=PAD_MODES[mode])
            taps = functional.unfold(padded, 3).view(batch, channels, TAPS, height * width) * weights
            branch = weight.flatten(1) @ taps.view(batch, channels * TAPS, height * width)
            if bias is not None:
                branch = branch + bias[:, None]
            out = out + branch
        return out.view(batch, -1, height, width)


def as_published(network: GridConv) -> GridConv:
    """A copy of a network that computes with the published structure."""
    copy = GridConv(network.config)
    copy.load_state_dict(network.state_dict())
    for module in copy.modules():
        if isinstance(module, DynamicGridConvolution):
            module.__class__ = UnfoldedConvolution
    return copy.eval()


def measure(batch: int, config: GridConvConfig | None = None, *, calls: int | None = None) -> LiftingSpeed:
    """Time both, turn by turn, with random weights and one thread.

    Args:
        batch: Poses in a call.
        config: The published size by default.
        calls: In a round; by default so many that a round takes some tenths of a second.
    """
    config = config or GridConvConfig(padding=("c", "z"))
    calls = calls or max(1, 64 // batch)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(0)
            network = GridConv(config).eval()
            published, ours = as_published(network), FastGridConv(network)
            keypoints = torch.randn(batch, config.joints, 2)
            difference = float((published(keypoints) - ours(keypoints)).abs().max())
            rounds = [
                (_milliseconds(published, keypoints, calls), _milliseconds(ours, keypoints, calls))
                for _ in range(ROUNDS)
            ]
    finally:
        torch.set_num_threads(threads)
    return LiftingSpeed(
        batch,
        statistics.median(theirs for theirs, _ in rounds),
        statistics.median(mine for _, mine in rounds),
        statistics.median(theirs / mine for theirs, mine in rounds),
        difference,
    )


def _milliseconds(network: Callable[[Tensor], Tensor], keypoints: Tensor, calls: int) -> float:
    network(keypoints)
    start = time.process_time()
    for _ in range(calls):
        network(keypoints)
    return (time.process_time() - start) / calls * 1e3
