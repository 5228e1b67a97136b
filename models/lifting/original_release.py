"""Weights of the authors' own release of the Simple 3D Pose Baseline, which names variables otherwise.

That program limits every weight matrix to the norm 1 whenever it uses it; here that is done once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.errors import bad_input
from models.lifting.simple_baseline import ORIGINAL_EPSILON

SCOPE = "linear_model/"
NORMALISATION = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def settings_of_original(variables: Mapping[str, NDArray[np.floating]]) -> dict[str, Any]:
    """Settings of ``SimpleBaselineConfig`` for variables by name.

    Raises:
        BadInputError: The first or last layer is not there.
    """
    first, last = (_variable(variables, name) for name in ("w1", "w4"))
    return {
        "width": first.shape[1],
        "stages": _stages(variables),
        "joints_in": first.shape[0] // 2,
        "joints_out": last.shape[1] // 3,
        "norm_epsilon": ORIGINAL_EPSILON,
    }


def state_of_original(variables: Mapping[str, NDArray[np.floating]], *, max_norm: bool) -> dict[str, Tensor]:
    """Weights for ``SimpleBaseline``.

    Args:
        variables: By name, matrices (inputs, outputs).
        max_norm: Whether they were trained with the option of that name.

    Raises:
        BadInputError: A variable is missing.
    """
    state: dict[str, Tensor] = {}

    def layer(target: str, matrix: str, bias: str) -> None:
        weight = _variable(variables, matrix).T
        if max_norm:
            weight = weight / max(1.0, float(np.linalg.norm(weight)))
        state[f"{target}.weight"] = torch.from_numpy(np.ascontiguousarray(weight, np.float32))
        state[f"{target}.bias"] = torch.from_numpy(_variable(variables, bias).astype(np.float32))

    def normalisation(target: str, source: str) -> None:
        for ours, theirs in NORMALISATION.items():
            values = _variable(variables, f"{source}/{theirs}")
            state[f"{target}.{ours}"] = torch.from_numpy(values.astype(np.float32))
        state[f"{target}.num_batches_tracked"] = torch.tensor(0)

    layer("w1", "w1", "b1")
    normalisation("batch_norm1", "batch_normalization")
    for at in range(_stages(variables)):
        for number in (1, 2):
            scope, target = f"two_linear_{at}", f"linear_stages.{at}"
            layer(f"{target}.w{number}", f"{scope}/w{number + 1}_{at}", f"{scope}/b{number + 1}_{at}")
            normalisation(f"{target}.batch_norm{number}", f"{scope}/batch_normalization{number}{at}")
    layer("w2", "w4", "b4")
    return state


def _stages(variables: Mapping[str, Any]) -> int:
    start = f"{SCOPE}two_linear_"
    return len({name.split("/")[1] for name in variables if name.startswith(start)})


def _variable(variables: Mapping[str, NDArray[np.floating]], name: str) -> NDArray[np.floating]:
    if SCOPE + name not in variables:
        raise bad_input(
            f"the variable {SCOPE}{name} is missing", hint="only networks with batch normalisation are read"
        )
    return variables[SCOPE + name]
