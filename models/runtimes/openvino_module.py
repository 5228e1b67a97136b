"""Part of a network run by OpenVINO on the CPU: same inputs, same outputs, no gradients."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from configs.errors import MissingExtraError

log = logging.getLogger(__name__)


class OpenVinoModule(nn.Module):
    """Stands in for a module in evaluation.

    It is compiled once for each shape of its input, of which there should be few. What takes seconds, its
    translation, is done once for all numbers of samples.

    Args:
        module: In evaluation mode, on the CPU; one tensor in, tensors (or None) out.
        outputs: Makes a flat tuple of tensors from what ``module`` returns.
        restore: Makes what ``module`` returns from those tensors.
        threads: CPU threads; OpenVINO's choice by default.
        precision: ``f32`` or ``bf16``; by default what OpenVINO finds fastest on this processor.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """

    def __init__(
        self,
        module: nn.Module,
        outputs: Callable[[Any], tuple[Tensor, ...]],
        restore: Callable[[Sequence[Tensor]], Any],
        threads: int | None = None,
        precision: str | None = None,
    ) -> None:
        super().__init__()
        self._ov = import_openvino()
        self._flat = _Flat(module, outputs).eval()
        self._restore = restore
        self._settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        if precision is not None:
            self._settings["INFERENCE_PRECISION_HINT"] = precision
        self._core = self._ov.Core()
        self._models: dict[tuple[int, ...], Any] = {}
        """By the shape of one sample."""
        self._requests: dict[tuple[int, ...], Any] = {}
        self.eval()

    def forward(self, inputs: Tensor) -> Any:
        """Run the module on one tensor.

        Raises:
            RuntimeError: Gradients are wanted, which this runtime cannot give.
        """
        if torch.is_grad_enabled() and inputs.requires_grad:
            raise RuntimeError("OpenVINO gives no gradients; train with the torch runtime")
        shape = tuple(inputs.shape)
        if shape not in self._requests:
            self._requests[shape] = self._compile(inputs)
        found = self._requests[shape].infer([np.ascontiguousarray(inputs.detach().numpy())])
        # Results live in the request's own memory, which the next call overwrites.
        return self._restore([torch.from_numpy(np.array(found[index])) for index in range(len(found))])

    def _compile(self, inputs: Tensor) -> Any:
        log.info("compiling a network for input %s", tuple(inputs.shape))
        sample = tuple(inputs.shape[1:])
        if sample not in self._models:
            self._models[sample] = self._translated(sample)
        model = self._models[sample].clone()
        # A fixed shape runs faster than one that is left open.
        model.reshape(list(inputs.shape))
        return self._core.compile_model(model, "CPU", self._settings).create_infer_request()

    def _translated(self, sample: tuple[int, ...]) -> Any:
        # Two samples: with a single one, tracing would take its number for a constant.
        return translated(self._flat, torch.zeros((2, *sample)), self._ov)


def import_openvino() -> Any:
    """The package.

    Raises:
        MissingExtraError: It is not installed.
    """
    # Its converter would report each use to its makers; without this package it cannot.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
        import openvino.preprocess
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            'runtime "openvino" needs the package openvino; run: pip install -e ".[openvino]"'
        ) from error
    return openvino


def translated(module: nn.Module, example: Tensor, openvino: Any) -> Any:
    """A module for OpenVINO, for any number of samples of the size of ``example``, which has at least two."""
    with torch.no_grad(), warnings.catch_warnings():
        # Tracing warns about sizes that become constants; those of one sample are fixed here on purpose.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        return openvino.convert_model(traced, example_input=example, input=[[-1, *example.shape[1:]]])


class _Flat(nn.Module):
    """Returns a tuple of tensors, which is all that a converter understands."""

    def __init__(self, module: nn.Module, outputs: Callable[[Any], tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.module = module
        self._outputs = outputs

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return self._outputs(self.module(inputs))
