"""What a run needs to go on as if nothing had happened, in one file that is complete or not there.

Random numbers need no state: every step seeds them from the run's seed and its own number.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import torch

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from models.training.config import TrainConfig, differences

FORMAT = 1


@dataclass
class RunState:
    """After a number of steps.

    Attributes:
        step: Steps done.
        network: Weights.
        average: Weights of the moving average, None without one.
        optimiser: Its state.
        scaler: State of the loss scaler.
        best: Smallest monitored figure so far, None before the first validation.
        config: The run's configuration.
    """

    step: int
    network: dict[str, Any]
    average: dict[str, Any] | None
    optimiser: dict[str, Any]
    scaler: dict[str, Any]
    best: float | None
    config: dict[str, Any]

    def write(self, path: Path) -> None:
        """Replace ``path``."""
        content = io.BytesIO()
        torch.save({"format": FORMAT, **vars(self)}, content)
        write_atomic(path, content.getvalue())


def read_run_state(path: Path, config: TrainConfig) -> RunState:
    """The state of a run, for the same run.

    Raises:
        BadInputError: There is none, it is damaged, or it belongs to another configuration.
    """
    if not path.is_file():
        raise bad_input("there is no interrupted run here", file=path.parent, hint="leave out --resume")
    if not is_zipfile(path):
        raise bad_input("is damaged or no state of a run", file=path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, BadZipFile, ValueError) as error:
        raise bad_input(f"is damaged or no state of a run ({error})", file=path) from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise bad_input("is no state of a run of this version", file=path)
    state = RunState(**content)
    if changed := differences(state.config, config.model_dump(mode="json")):
        raise bad_input(
            f"the run was started with other settings ({', '.join(changed)})",
            file=path.parent,
            hint="resume it with its own configuration, or choose another folder with --out",
        )
    return state
