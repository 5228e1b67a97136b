"""GridConv computed as its publication describes it: the yardstick of ``benchmark inference``.

That structure pads and unfolds the features twice a layer and multiplies each copy: the same answer as ours,
at twice the arithmetic and several times the memory traffic. Source: Kang et al., "3D Human Pose Lifting with
Grid Convolution", AAAI 2023.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor
from torch.nn import functional

from models.lifting.grid_convolution import TAPS, DynamicGridConvolution, Padding
from models.lifting.gridconv import GridConv

PAD_MODES: Final[dict[Padding, str]] = {"c": "circular", "z": "constant", "r": "replicate"}


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
