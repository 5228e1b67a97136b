"""What stays as it is while the rest of a network learns."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from configs.errors import bad_input


def freeze_batch_norm(network: nn.Module) -> None:
    """Let batch normalisation use its running statistics, and leave them alone."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def frozen_parts(network: nn.Module, names: Iterable[str]) -> list[nn.Module]:
    """The named parts, whose parameters are excluded from training.

    Raises:
        BadInputError: The network has no part of that name.
    """
    parts = dict(network.named_modules())
    for name in names:
        if name not in parts or not name:
            raise bad_input(
                "is no part of the network",
                key="frozen",
                value=name,
                allowed=", ".join(name for name, _ in network.named_children()),
            )
        parts[name].requires_grad_(False)
    return [parts[name] for name in names]
