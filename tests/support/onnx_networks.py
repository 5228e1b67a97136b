"""Small ONNX files with known answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(
    path: Path,
    nodes: list[Any],
    inputs: list[tuple[str, list[Any]]],
    outputs: list[tuple[str, list[Any]]],
    constants: dict[str, Any],
) -> Path:
    """Write a network; ``inputs`` and ``outputs`` are (name, shape) pairs of floats."""
    graph = helper.make_graph(
        nodes,
        "known",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def constant_detector(path: Path, boxes: np.ndarray, side: int = 320) -> Path:
    """Answers ``boxes`` (N, 5), px of its input, to every picture, as MMDeploy lays it out but for labels."""
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[2, 3], keepdims=0),  # (B, 3)
        helper.make_node("ReduceMean", ["mean"], ["one_number"], axes=[1], keepdims=1),
        helper.make_node("Unsqueeze", ["one_number", "axis"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "boxes"], ["dets"]),
    ]
    constants = {
        "axis": np.array([2]),
        "zero": np.float32(0),
        "boxes": np.asarray(boxes, np.float32)[None],
    }
    return save(
        path, nodes, [("input", ["batch", 3, side, side])], [("dets", ["batch", len(boxes), 5])], constants
    )


FIRST_LEVEL, LEVEL_STEP = 40, 8
"""Green of the dot for keypoint 0, and how much each next one has more."""

STEEPNESS = 5.0
"""A dot of the next keypoint, 8 / 57.12 = 0.14 away, answers 1 - 5 * 0.14 = 0.3; black answers below 0."""


def dot_simcc(
    path: Path, joints: int, size: tuple[int, int], *, batch: int | str = "batch", bins_per_px: int = 2
) -> Path:
    """Keypoint k lies where the crop has full red and the green ``FIRST_LEVEL + k * LEVEL_STEP``.

    Per column (row) the best answer 1 - STEEPNESS * (|green - level| + |red - 255|) of its pixels, all
    normalised as networks want them; each pixel's answer fills ``bins_per_px`` bins, so that the first bin of
    the first pixel of that colour wins. Red tells the inside of a dot from its edge, where greens mix.
    """
    width, height = size
    levels = (np.arange(joints) * LEVEL_STEP + FIRST_LEVEL).astype(np.float32)
    normalised = (levels - np.float32(116.28)) / np.float32(57.12)
    full_red = (np.float32(255) - np.float32(123.675)) / np.float32(58.395)
    nodes = [
        helper.make_node("Gather", ["input", "red"], ["reds"], axis=1),  # (N, 1, H, W)
        helper.make_node("Sub", ["reds", "full_red"], ["red_off"]),
        helper.make_node("Abs", ["red_off"], ["red_distance"]),
        helper.make_node("Gather", ["input", "green"], ["plane"], axis=1),  # (N, 1, H, W)
        helper.make_node("Sub", ["plane", "levels"], ["off"]),  # (N, K, H, W)
        helper.make_node("Abs", ["off"], ["green_distance"]),
        helper.make_node("Add", ["green_distance", "red_distance"], ["distance"]),
        helper.make_node("Mul", ["distance", "steepness"], ["loss"]),
        helper.make_node("Sub", ["one", "loss"], ["answer"]),
        helper.make_node("ReduceMax", ["answer"], ["across"], axes=[2], keepdims=0),  # (N, K, W)
        helper.make_node("ReduceMax", ["answer"], ["down"], axes=[3], keepdims=0),
        helper.make_node("Unsqueeze", ["across", "last"], ["across4"]),
        helper.make_node("Unsqueeze", ["down", "last"], ["down4"]),
        helper.make_node("Tile", ["across4", "repeats"], ["across_tiled"]),
        helper.make_node("Tile", ["down4", "repeats"], ["down_tiled"]),
        helper.make_node("Reshape", ["across_tiled", "shape_x"], ["simcc_x"]),
        helper.make_node("Reshape", ["down_tiled", "shape_y"], ["simcc_y"]),
    ]
    constants = {
        "red": np.array([0]),
        "full_red": full_red,
        "green": np.array([1]),
        "levels": normalised[None, :, None, None],
        "steepness": np.float32(STEEPNESS),
        "one": np.float32(1),
        "last": np.array([3]),
        "repeats": np.array([1, 1, 1, bins_per_px]),
        "shape_x": np.array([-1, joints, width * bins_per_px]),
        "shape_y": np.array([-1, joints, height * bins_per_px]),
    }
    outputs = [
        ("simcc_x", [batch, joints, width * bins_per_px]),
        ("simcc_y", [batch, joints, height * bins_per_px]),
    ]
    return save(path, nodes, [("input", [batch, 3, height, width])], outputs, constants)


def bright_cells(path: Path) -> Path:
    """A raw YOLOX of 64 x 64 px: a person of 24 px in each cell of 8 px, as surely as it is bright blue."""
    cells = 8 * 8 + 4 * 4 + 2 * 2
    places = np.zeros((1, cells, 4), np.float32)
    places[..., :2] = 0.5
    places[..., 2:] = np.log(3.0)
    nodes = [
        helper.make_node("Slice", ["images", "first", "second", "axis"], ["blue"]),
        helper.make_node("MaxPool", ["blue"], ["brightest"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Mul", ["brightest", "share"], ["likely"]),
        helper.make_node("Reshape", ["likely", "rows"], ["fine"]),
        helper.make_node("Concat", ["fine", "coarse"], ["objects"], axis=1),
        helper.make_node("Concat", ["places", "objects", "classes"], ["output"], axis=2),
    ]
    constants = {
        "first": np.array([0]),
        "second": np.array([1]),
        "axis": np.array([1]),
        "share": np.float32(1.0 / 255.0),
        "rows": np.array([1, 64, 1]),
        "coarse": np.zeros((1, cells - 64, 1), np.float32),
        "places": places,
        "classes": np.ones((1, cells, 1), np.float32),
    }
    return save(path, nodes, [("images", [1, 3, 64, 64])], [("output", [1, cells, 6])], constants)
