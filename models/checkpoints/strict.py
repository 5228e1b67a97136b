"""Weights into a network, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from configs.errors import bad_input

COUNTER = "num_batches_tracked"
"""Counters that old files lack; nothing is computed from them."""
SHOWN = 8
"""Entries of each kind that a message lists before it only counts."""


def load_strict(network: nn.Module, state: Mapping[str, Tensor], *, file: Path | str | None = None) -> None:
    """Fill a network; nothing is changed unless everything fits.

    Missing counters of batch normalisation are allowed if nothing else is missing.

    Args:
        network: In place.
        state: As ``read_state`` gives it.
        file: For messages.

    Raises:
        BadInputError: Lists what is missing, unexpected, or of another shape.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in state and not name.endswith(COUNTER)]
    unexpected = [name for name in state if name not in own]
    misshapen = [
        f"{name} {list(state[name].shape)} instead of {list(value.shape)}"
        for name, value in own.items()
        if name in state and state[name].shape != value.shape
    ]
    problems = [
        f"{len(names)} {kind}: {listed(names)}"
        for kind, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", misshapen))
        if names
    ]
    if problems:
        raise bad_input(
            f"does not fit {type(network).__name__}; " + "; ".join(problems),
            file=file,
            hint="check the kind of model, its depth and its joints",
        )
    network.load_state_dict({name: state.get(name, value) for name, value in own.items()}, strict=True)


def listed(names: list[str]) -> str:
    """The first few names and the number of the others."""
    text = ", ".join(names[:SHOWN])
    return text if len(names) <= SHOWN else f"{text} and {len(names) - SHOWN} more"
