"""Starting a backbone from somebody else's weights: what fits is copied, everything else is reported.

Unlike the loading of a whole model this is lenient on purpose: a pose network for 16 joints may start one for
17, and an image classifier lends its trunk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

FINAL_WEIGHT, FINAL_BIAS = "final_layer.weight", "final_layer.bias"


@dataclass(frozen=True)
class InitialisationReport:
    """What became of every entry.

    Attributes:
        copied: Entries taken as they are.
        partly: Entry to number of filters taken; the others start anew.
        dropped: Entry of the file to the reason it was not used.
        untouched: Entries of the network that the file says nothing usable about.
    """

    copied: tuple[str, ...]
    partly: dict[str, int]
    dropped: dict[str, str]
    untouched: tuple[str, ...]

    def summary(self) -> str:
        """One sentence."""
        words = [f"{len(self.copied)} entries copied"]
        if self.partly:
            words.append("partly: " + ", ".join(f"{name} ({count})" for name, count in self.partly.items()))
        if self.dropped:
            words.append("dropped: " + ", ".join(f"{name} ({why})" for name, why in self.dropped.items()))
        if self.untouched:
            words.append(f"{len(self.untouched)} entries keep their random start")
        return "; ".join(words)


def initialise_backbone(network: nn.Module, state: Mapping[str, Tensor]) -> InitialisationReport:
    """Copy what fits into a backbone, in place.

    1. A known name with the same shape is copied.
    2. The last layer with another number of joints: as many filters as both have are copied, in order; others
       start as Xavier uniform weights and zero biases.
    3. Everything else is dropped.

    Args:
        network: The backbone.
        state: Its future weights as ``models.checkpoints.reading.read_state`` gives them.
    """
    own = network.state_dict()
    copied: list[str] = []
    partly: dict[str, int] = {}
    dropped: dict[str, str] = {}
    with torch.no_grad():
        for name, value in state.items():
            if name not in own:
                dropped[name] = "unknown name"
            elif own[name].shape == value.shape:
                own[name].copy_(value)
                copied.append(name)
            elif name in {FINAL_WEIGHT, FINAL_BIAS} and own[name].shape[1:] == value.shape[1:]:
                partly[name] = copy_filters(own[name], value)
            else:
                dropped[name] = f"shape {list(value.shape)}, expected {list(own[name].shape)}"
    touched = {*copied, *partly}
    return InitialisationReport(
        tuple(copied), partly, dropped, tuple(name for name in own if name not in touched)
    )


def copy_filters(target: Tensor, source: Tensor) -> int:
    """Start ``target`` anew and overwrite the filters that ``source`` has; returns how many."""
    if target.dim() > 1:
        nn.init.xavier_uniform_(target)
    else:
        nn.init.zeros_(target)
    count = min(len(target), len(source))
    target[:count].copy_(source[:count])
    return count
