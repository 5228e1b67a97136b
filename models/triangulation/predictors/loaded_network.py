"""A triangulation network with its weights, on its device, run by its runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.errors import bad_input
from models.checkpoints.opening import open_network, untrained_network
from models.crops.cropper import Crops
from models.skeletons import get_skeleton
from models.triangulation.predictors.base import UNTRAINED, NetworkConfig
from models.triangulation.predictors.device import PRECISIONS, choose_device

DEFAULT_SKELETON = "human36m_lt17"
PRESET = ("limb_mean", "limb_deviation")
"""Settings that ``configs/pipelines`` holds for untrained weights; imported ones bring their own."""


class LoadedNetwork:
    """What the predictors have in common.

    Args:
        config: Settings.
        kind: Name of the architecture.
        source: Of the settings, for messages.

    Raises:
        BadInputError: No such weights, they do not fit, no such device, or a precision the device lacks.
        MissingExtraError: The runtime is not installed.
    """

    def __init__(self, config: NetworkConfig, kind: str, *, source: str) -> None:
        self.device = choose_device(config.device, source=source)
        if config.precision == "float16" and self.device == "cpu":
            raise bad_input("needs a GPU", file=source, key="precision", value="float16", allowed="bfloat16")
        if config.runtime == "openvino" and (self.device != "cpu" or config.precision != "float32"):
            raise bad_input(
                "OpenVINO runs in float32 on the CPU", file=source, key="runtime", hint="set device: cpu"
            )
        if config.weights == UNTRAINED:
            opened = untrained_network(kind, config.settings, source=source)
        else:
            opened = open_network(config.weights, kind, config.settings, overruled=PRESET)
        self.skeleton = get_skeleton(opened.skeleton or DEFAULT_SKELETON)
        self.name = f"{kind} ({UNTRAINED if opened.path is None else opened.path.stem})"
        self.hashes = opened.hashes()
        self._dtype = PRECISIONS[config.precision]
        network = opened.network
        if config.runtime == "openvino":
            from models.runtimes.fast_parts import run_with_openvino

            run_with_openvino(network)
        elif self.device != "cpu":
            network = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network

    def run(self, call: Callable[..., Any], *tensors: Tensor) -> Any:
        """Call the network on the device in the chosen precision, without gradients."""
        mixed = self._dtype != torch.float32
        with torch.inference_mode(), torch.autocast(self.device, self._dtype, enabled=mixed):
            return call(*(tensor.to(self.device, non_blocking=True) for tensor in tensors))


def batched(crops: Crops, present: NDArray[np.bool_]) -> tuple[Tensor, Tensor, Tensor]:
    """Crops as a batch in which missing views are black and stand before a camera like the others.

    Args:
        crops: N crops, people first, views in order.
        present: (P, V), N of them true.

    Returns:
        Pictures (P, V, 3, S, S) float32, projections (P, V, 3, 4) float64, presence (P, V).
    """
    shown = torch.from_numpy(np.ascontiguousarray(present)).to(crops.images.device)
    projections = np.zeros((*present.shape, 3, 4))
    projections[..., :, :3] = np.eye(3)  # any camera will do: nothing it sees is used
    projections[..., 2, 3] = 1.0
    projections[present] = crops.projections
    if present.all():
        images = crops.images.reshape(*present.shape, *crops.images.shape[1:])
    else:
        images = crops.images.new_zeros(*present.shape, *crops.images.shape[1:])
        images[shown] = crops.images
    return images, torch.from_numpy(projections), shown
