"""The network in an ONNX file as a torch module, so that it can become part of a larger exported program.

Only what person detectors are made of is understood, at one fixed input size: everything that depends on
sizes alone is computed beforehand, by ONNX Runtime's own simplification.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from configs.errors import MissingExtraError, bad_input

Attributes = dict[str, Any]

_SIZES_FOLLOW: Final = ("Reshape", "Resize", "Slice", "TopK", "Unsqueeze")
"""Layers whose inputs behind the first are sizes and places."""


class OnnxGraph(nn.Module):
    """Pictures in, raw tensors out.

    Args:
        path: The file.
        size: Width and height of its input.

    Raises:
        BadInputError: The file is no network, or has a layer that is not understood.
        MissingExtraError: The packages that read it are not installed.
    """

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        super().__init__()
        graph, constants, helper = _simplified(path, size)
        self.input = graph.input[0].name
        self.outputs, self.suppression = _ends(graph, constants)
        """``outputs``: names of what comes out; ``suppression``: overlap and score that the file uses."""
        needed = _needed(graph, self.outputs)
        unknown = sorted({node.op_type for node in needed} - _LAYERS.keys())
        if unknown:
            raise bad_input(
                f"has layers that cannot be exported: {', '.join(unknown)}",
                file=path,
                allowed=", ".join(sorted(_LAYERS)),
            )
        self._steps = [
            (
                node.op_type,
                tuple(node.input),
                tuple(node.output),
                {each.name: helper(each) for each in node.attribute},
            )
            for node in needed
        ]
        used = {
            name
            for kind, inputs, _, _ in self._steps
            for name in (inputs[:1] if kind in _SIZES_FOLLOW else inputs)
        } & constants.keys()
        self._constants = {name: f"constant_{number}" for number, name in enumerate(sorted(used))}
        for name, place in self._constants.items():
            self.register_buffer(place, constants[name])
        self._known = {
            name: constants[name].flatten().tolist()
            for kind, inputs, _, _ in self._steps
            if kind in _SIZES_FOLLOW
            for name in inputs[1:]
            if name in constants
        }

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(1, 3, height, width), normalised as the network wants it, to its outputs."""
        values: dict[str, Tensor] = {self.input: images}
        for name, place in self._constants.items():
            values[name] = self.get_buffer(place)
        for kind, inputs, outputs, attributes in self._steps:
            # Sizes and the like are numbers, not tensors, to whoever traces this.
            numbers = [self._known.get(name) for name in inputs]
            found = _LAYERS[kind]([values.get(name) for name in inputs], attributes, numbers)
            for name, value in zip(outputs, found, strict=False):
                values[name] = value
        return tuple(values[name] for name in self.outputs)


def _simplified(path: Path, size: tuple[int, int]) -> tuple[Any, dict[str, Tensor], Callable[[Any], Any]]:
    """Graph with constants folded, the constants, and what reads an attribute."""
    try:
        import onnx
        import onnxruntime
        from onnx import numpy_helper
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'needs the package {error.name}; run: pip install -e ".[export]"') from error
    try:
        model = onnx.load(str(path))
        shape = model.graph.input[0].type.tensor_type.shape
        for axis, count in zip(shape.dim, (1, 3, size[1], size[0]), strict=True):
            axis.dim_value = count
        # Written shapes of what lies between may say otherwise, where the file takes any size.
        del model.graph.value_info[:]
        with tempfile.TemporaryDirectory() as folder:
            options = onnxruntime.SessionOptions()
            options.optimized_model_filepath = str(Path(folder) / "simplified.onnx")
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
            options.log_severity_level = 4
            onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
            graph = onnx.load(options.optimized_model_filepath).graph
    except Exception as error:
        # Whatever a damaged file makes these libraries raise, it is the file's fault.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise bad_input(f"is no network that can be read ({first[:200]})", file=path) from error
    constants = {
        each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer
    }
    for node in graph.node:
        if node.op_type == "Constant":
            value = onnx.helper.get_attribute_value(node.attribute[0])
            if isinstance(value, onnx.TensorProto):
                constants[node.output[0]] = torch.from_numpy(numpy_helper.to_array(value).copy())
    return graph, constants, onnx.helper.get_attribute_value


def _ends(graph: Any, constants: dict[str, Tensor]) -> tuple[tuple[str, ...], tuple[float, float] | None]:
    """Outputs; of a file with suppression inside what goes into it, boxes and scores, and its limits."""
    for node in graph.node:
        if node.op_type == "NonMaxSuppression":
            limits = [
                float(constants[name].flatten()[0]) if name in constants else default
                for name, default in zip(node.input[3:5], (0.0, 0.0), strict=True)
            ]
            return (node.input[0], node.input[1]), (limits[0], limits[1])
    return tuple(output.name for output in graph.output), None


def _needed(graph: Any, outputs: Sequence[str]) -> list[Any]:
    """Nodes that the outputs depend on, in order."""
    wanted, chosen = set(outputs), []
    for node in reversed(graph.node):
        if node.op_type != "Constant" and wanted & set(node.output):
            wanted |= set(node.input)
            chosen.append(node)
    return chosen[::-1]


Layer = Callable[[list[Any], Attributes, list[Any]], tuple[Tensor, ...]]


def _convolution(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    image = functional.pad(values[0], _padding(attributes))
    bias = values[2] if len(values) > 2 else None
    return (
        functional.conv2d(
            image,
            values[1],
            bias,
            attributes.get("strides", (1, 1)),
            0,
            attributes.get("dilations", (1, 1)),
            attributes.get("group", 1),
        ),
    )


def _largest(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    image = functional.pad(values[0], _padding(attributes), value=-torch.inf)
    return (functional.max_pool2d(image, attributes["kernel_shape"], attributes.get("strides", (1, 1))),)


def _padding(attributes: Attributes) -> tuple[int, int, int, int]:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    return left, right, top, bottom


def _resized(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    height, width = values[0].shape[2:]
    if len(numbers) > 3 and numbers[3]:
        factors = numbers[3][2] / height, numbers[3][3] / width
    else:
        factors = numbers[2][2], numbers[2][3]
    if attributes.get("mode", b"nearest") != b"nearest" or any(f != int(f) for f in factors):
        raise bad_input("resizes by other than whole factors to the nearest pixel", key="Resize")
    return (values[0].repeat_interleave(int(factors[0]), 2).repeat_interleave(int(factors[1]), 3),)


def _sliced(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    starts, ends = numbers[1], numbers[2]
    axes = numbers[3] if len(numbers) > 3 and numbers[3] is not None else range(len(starts))
    steps = numbers[4] if len(numbers) > 4 and numbers[4] is not None else [1] * len(starts)
    part = values[0]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places = [slice(None)] * part.ndim
        places[int(axis)] = slice(int(start), min(int(end), int(part.shape[int(axis)])), int(step))
        part = part[tuple(places)]
    return (part,)


def _reshaped(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    shape = [values[0].shape[axis] if size == 0 else int(size) for axis, size in enumerate(numbers[1])]
    return (values[0].reshape(shape),)


def _best(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    found = values[0].topk(int(numbers[1][0]), attributes.get("axis", -1), bool(attributes.get("largest", 1)))
    return found.values, found.indices


def _gathered(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    axis, index = attributes.get("axis", 0), values[1]
    found = values[0].index_select(axis, index.long().flatten())
    before, after = values[0].shape[:axis], values[0].shape[axis + 1 :]
    return (found.reshape(*before, *index.shape, *after),)


def _reduced(values: list[Any], attributes: Attributes, numbers: list[Any]) -> tuple[Tensor, ...]:
    return (values[0].amax(tuple(attributes["axes"]), bool(attributes.get("keepdims", 1))),)


def _one(function: Callable[..., Tensor]) -> Layer:
    return lambda values, attributes, numbers: (function(*values),)


_LAYERS: Final[dict[str, Layer]] = {
    "Conv": _convolution,
    "MaxPool": _largest,
    "Resize": _resized,
    "Slice": _sliced,
    "Reshape": _reshaped,
    "TopK": _best,
    "Gather": _gathered,
    "ReduceMax": _reduced,
    "Sigmoid": _one(torch.sigmoid),
    "Relu": _one(torch.relu),
    "Exp": _one(torch.exp),
    "Add": _one(torch.add),
    "Sub": _one(torch.sub),
    "Mul": _one(torch.mul),
    "Div": _one(torch.div),
    "Concat": lambda values, attributes, numbers: (torch.cat(values, attributes["axis"]),),
    "Transpose": lambda values, attributes, numbers: (values[0].permute(*attributes["perm"]),),
    "Flatten": lambda values, attributes, numbers: (
        values[0].flatten(0, attributes.get("axis", 1) - 1).flatten(1),
    ),
    "Unsqueeze": lambda values, attributes, numbers: (
        values[0].unsqueeze(int((attributes.get("axes") or numbers[1])[0])),
    ),
    "GlobalAveragePool": lambda values, attributes, numbers: (values[0].mean((2, 3), keepdim=True),),
    "HardSigmoid": lambda values, attributes, numbers: (
        (values[0] * attributes.get("alpha", 0.2) + attributes.get("beta", 0.5)).clamp(0.0, 1.0),
    ),
}
