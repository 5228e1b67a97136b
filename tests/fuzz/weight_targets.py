"""Readers of weights, their cards, recipes, and of the files that published experiments wrote.

Apart from the others because torch takes seconds to load.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from configs.loading import load_config
from models.checkpoints.inert_pickle import read_inert
from models.checkpoints.reading import read_state
from models.checkpoints.writing import ModelCard, read_card, write_checkpoint
from models.datasets.human36m_labels import read_labels
from models.datasets.panoptic import read_bodies, read_cameras
from models.datasets.restricted_pickle import read_object_array, read_pickle
from models.datasets.results_file import read_results
from models.evaluation.human36m import read_metric
from models.lifting.statistics_file import read_statistics
from models.training.config import TrainConfig
from models.training.run_log import read_figures
from tests.fuzz.mutations import damaged_bytes, damaged_json, damaged_json_lines, damaged_npz, damaged_tree
from tests.fuzz.targets import REPOSITORY, TEXT, YAML, Target, _copy


def safetensors_with_header(data: bytes, dice: Random) -> bytes:
    """The same bytes of tensors under another header."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.get("__metadata__")
    if metadata and dice.random() < 0.6:  # the card is json within json
        card = next(iter(metadata))
        metadata[card] = json.dumps(damaged_tree(json.loads(metadata[card]), dice))
    else:
        header = damaged_tree(header, dice)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _checkpoint(folder: Path) -> Path:
    card = ModelCard(architecture="simple_baseline", settings={"width": 8}, source="here", licence="MIT")
    write_checkpoint(folder / "a.safetensors", {"a.weight": torch.ones(2, 3), "b": torch.zeros(4)}, card)
    return folder / "a.safetensors"


def _torch_file(name: str, *, old: bool) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        content = {"state_dict": {"module.a": torch.ones(2, 3), "module.b": torch.zeros(4)}, "epoch": 3}
        torch.save(content, folder / name, _use_new_zipfile_serialization=not old)
        return folder / name

    return make


def _results(folder: Path) -> Path:
    content = {
        "keypoints_3d": np.zeros((3, 17, 3), np.float32),
        "indexes": np.arange(3),
        "subject": ["S9"] * 3,
        "action": ["Walking"] * 3,
        "frame": [1, 2, 3],
    }
    (folder / "results.pkl").write_bytes(pickle.dumps(content, protocol=4))
    return folder / "results.pkl"


def _stored_object(folder: Path) -> Path:
    stored = np.empty((), object)
    stored[()] = {"subject_names": ["S1"], "camera_names": ["54138969"], "action_names": ["Walking"]}
    buffer = io.BytesIO()
    np.save(buffer, stored, allow_pickle=True)
    (folder / "labels.npy").write_bytes(buffer.getvalue())
    return folder / "labels.npy"


def _json(name: str, content: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(json.dumps(content))
        return folder / name

    return make


def _statistics(folder: Path) -> Path:
    dice = np.random.default_rng(1)
    for name, length in (("2d.npz", 64), ("3d.npz", 96)):
        np.savez(folder / name, mean=dice.normal(size=length), std=1 + dice.random(length))
    return folder / "3d.npz"


_CAMERA = {
    "name": "00_00",
    "type": "hd",
    "resolution": [1920, 1080],
    "K": [[1400.0, 0, 950], [0, 1400, 530], [0, 0, 1]],
    "distCoef": [-0.2, 0.1, 0, 0, 0.01],
    "R": np.eye(3).tolist(),
    "t": [[0.0], [100.0], [300.0]],
}

WEIGHT_TARGETS: dict[str, Target] = {
    "card": Target(_checkpoint, read_card, (damaged_bytes, safetensors_with_header, safetensors_with_header)),
    "safetensors": Target(_checkpoint, read_state, (damaged_bytes, safetensors_with_header)),
    "torch_zip": Target(_torch_file("a.pth", old=False), read_state, (damaged_bytes,)),
    "torch_old": Target(_torch_file("a.pth", old=True), read_state, (damaged_bytes,)),
    "inert": Target(_torch_file("a.pth", old=False), read_inert, (damaged_bytes,)),
    "recipe": Target(
        _copy(REPOSITORY / "configs/train/studio_lite.yaml"),
        lambda file: load_config(TrainConfig, file),
        YAML,
    ),
    "figures": Target(
        _json("figures.jsonl", {"kind": "train", "step": 1, "loss": 0.5}),
        lambda file: read_figures(file.parent),
        (*TEXT, damaged_json_lines),
    ),
    "pickle": Target(_results, read_pickle, (damaged_bytes,)),
    "results": Target(_results, read_results, (damaged_bytes,)),
    "object_array": Target(_stored_object, read_object_array, (damaged_bytes,)),
    "statistics": Target(
        _statistics,
        lambda file: read_statistics([file.parent / "2d.npz", file]),
        (damaged_bytes, damaged_npz, damaged_npz),
    ),
    "metric": Target(_json("metric.json", {"a": {"b": 1.5}}), read_metric, (*TEXT, damaged_json)),
    "panoptic_cameras": Target(
        _json("calibration_x.json", {"cameras": [_CAMERA]}), read_cameras, (*TEXT, damaged_json, damaged_json)
    ),
    "panoptic_bodies": Target(
        _json("body3DScene_00000001.json", {"bodies": [{"id": 0, "joints19": [1.5] * 76}]}),
        read_bodies,
        (*TEXT, damaged_json, damaged_json),
    ),
}
"""``read_labels`` needs a whole table and is tried on damaged files of another layout in its own tests."""

del read_labels
