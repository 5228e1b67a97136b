"""A picture network run by OpenVINO from 8-bit pictures, normalised inside, to arrays."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.crops.network_input import MEAN, STD
from models.runtimes.openvino_module import import_openvino, translated

log = logging.getLogger(__name__)


class OpenVinoPictures:
    """Compiled once for each shape of its input, of which there should be few.

    Args:
        module: In evaluation mode, on the CPU; (N, 3, H, W) normalised pictures in, a tuple of tensors out.
        threads: CPU threads; OpenVINO's choice by default.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """

    def __init__(self, module: nn.Module, threads: int | None = None) -> None:
        self._ov = import_openvino()
        self._module = module
        self._settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        self._core = self._ov.Core()
        self._models: dict[tuple[int, ...], Any] = {}
        """By the shape of one picture."""
        self._requests: dict[tuple[int, ...], Any] = {}

    def __call__(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Run the network.

        Args:
            pictures: (N, H, W, 3) BGR.

        Returns:
            What the network gives; overwritten by the next call for pictures of this shape.
        """
        if pictures.shape not in self._requests:
            self._requests[pictures.shape] = self._compile(pictures.shape)
        found = self._requests[pictures.shape].infer([pictures], share_inputs=True, share_outputs=True)
        return tuple(found[index] for index in range(len(found)))

    def _compile(self, shape: tuple[int, ...]) -> Any:
        log.info("compiling a network for %d pictures of %d x %d", shape[0], shape[2], shape[1])
        if shape[1:] not in self._models:
            self._models[shape[1:]] = self._from_pictures(shape[1], shape[2])
        model = self._models[shape[1:]].clone()
        # A fixed shape runs faster than one that is left open.
        model.reshape(list(shape))
        return self._core.compile_model(model, "CPU", self._settings).create_infer_request()

    def _from_pictures(self, height: int, width: int) -> Any:
        """The translated network with ``network_input.normalised`` before it."""
        example = torch.zeros((2, 3, height, width))
        wrapped = self._ov.preprocess.PrePostProcessor(translated(self._module, example, self._ov))
        taken = wrapped.input()
        taken.tensor().set_element_type(self._ov.Type.u8).set_layout(self._ov.Layout("NHWC"))
        taken.model().set_layout(self._ov.Layout("NCHW"))
        steps = taken.preprocess().convert_element_type(self._ov.Type.f32)
        steps.mean([255.0 * value for value in MEAN]).scale([255.0 * value for value in STD])
        return wrapped.build()
