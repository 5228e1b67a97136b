"""How fast lifting is here; GridConv against the structure that its publication computes with.

That structure pads and unfolds the features twice a layer and multiplies each copy: the same answer, at
twice the arithmetic and several times the memory traffic. Times are those of the processor, so other
programs disturb little.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from models.lifting.fast_gridconv import FastGridConv
from models.lifting.fast_simple_baseline import FastSimpleBaseline
from models.lifting.grid_convolution import TAPS, DynamicGridConvolution, Padding
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.simple_baseline import SimpleBaseline

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
        largest_difference: Between the answers; metres, or normalised numbers of the baseline.
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
    """GridConv with random weights, by one thread.

    Args:
        batch: Poses in a call.
        config: The published size by default.
        calls: In a round; by default so many that a round takes some tenths of a second.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = GridConv(config or GridConvConfig(padding=("c", "z"))).eval()
        keypoints = torch.randn(batch, network.config.joints, 2)
    return _compare(as_published(network), FastGridConv(network), keypoints, calls or max(1, 64 // batch))


def measure_baseline(batch: int, *, calls: int | None = None) -> LiftingSpeed:
    """The Simple Baseline of the published size, against layer after layer as it is trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SimpleBaseline().eval()
        rows = torch.randn(batch, 2 * network.config.joints_in)
    return _compare(network, FastSimpleBaseline(network), rows, calls or max(16, 256 // batch))


def benchmark_lifting(batches: Sequence[int]) -> dict[str, Any]:
    """Both networks at the published sizes.

    Args:
        batches: Poses in a call.

    Returns:
        ``gridconv`` (padding c z), ``gridconv_cr``, ``simple_baseline``; in each, by batch, ``LiftingSpeed``.
    """
    nearest = GridConvConfig(padding=("c", "r"))
    return {
        "gridconv": {str(batch): asdict(measure(batch)) for batch in batches},
        "gridconv_cr": {str(batch): asdict(measure(batch, nearest)) for batch in batches},
        "simple_baseline": {str(batch): asdict(measure_baseline(batch)) for batch in batches},
    }


def _compare(
    published: Callable[[Tensor], Tensor], ours: Callable[[Tensor], Tensor], x: Tensor, calls: int
) -> LiftingSpeed:
    """Time both, turn by turn."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            difference = float((published(x) - ours(x)).abs().max())
            rounds = [
                (_milliseconds(published, x, calls), _milliseconds(ours, x, calls)) for _ in range(ROUNDS)
            ]
    finally:
        torch.set_num_threads(threads)
    return LiftingSpeed(
        len(x),
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
