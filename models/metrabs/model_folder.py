"""Folders of published MeTRAbs models, read without running anything that is in them.

A folder holds ``config.yaml``, ``ckpt.pt`` (or ``ckpt.safetensors``), ``joint_info.npz``, and where there are
several skeletons ``skeleton_infos.pkl`` and ``joint_transform_matrix.npy``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.errors import bad_input
from configs.loading import parse_config, read_yaml
from models.backbones.efficientnet_v2 import STRIDE
from models.checkpoints.reading import read_state
from models.checkpoints.strict import load_strict
from models.datasets.restricted_pickle import read_pickle
from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel, settings_in
from models.metrabs.joint_layout import Edges, JointLayout, JointSelection

_OURS: Final = frozenset(MetrabsConfig.model_fields) - {
    "points",
    "efficientnet_size",
    "joint_names",
    "edges",
}


def read_model_folder(
    folder: Path, *, affine_weights: Path | None = None
) -> tuple[MetrabsCropModel, JointLayout]:
    """The crop network of a folder, in evaluation mode on the CPU, and its joints.

    Args:
        folder: See the module's text.
        affine_weights: ``.npz`` with the decoder ``w2``, for networks that predict latent points.

    Raises:
        BadInputError: A file is missing, damaged, or does not fit the others.
    """
    settings = read_yaml(folder / "config.yaml")
    names, edges = _joints(folder / "joint_info.npz")
    state = read_state(checkpoint_of(folder))
    known = {name: settings[name] for name in _OURS if name in settings}
    known |= settings_in(state)
    _check(settings, known, folder)
    config = parse_config(MetrabsConfig, known, source=str(folder / "config.yaml"))
    decoder = None
    if settings.get("transform_coords") or settings.get("predict_all_and_latents"):
        if affine_weights is None:
            raise bad_input(
                "predicts latent points, and what decodes them is not in the folder",
                file=folder,
                hint="give the file that affine_weights in its config.yaml names",
            )
        decoder = torch.from_numpy(_arrays(affine_weights, "w2")["w2"]).float()
    elif config.points != len(names):
        raise bad_input(
            f"names {len(names)} joints, the weights predict {config.points}", file=folder / "joint_info.npz"
        )
    network = MetrabsCropModel(config, decoder)
    load_strict(network, state, file=folder)
    return network.eval(), JointLayout(names, edges, _transform(folder), _skeletons(folder))


def checkpoint_of(folder: Path) -> Path:
    """The file of weights; there or not."""
    ours = folder / "ckpt.safetensors"
    return ours if ours.is_file() else folder / "ckpt.pt"


def _check(settings: Mapping[str, Any], known: Mapping[str, Any], folder: Path) -> None:
    """What the settings say beyond ours must be what we build."""
    file = folder / "config.yaml"
    for name in ("stride_train", "stride_test"):
        if settings.get(name, STRIDE) != STRIDE:
            raise bad_input(
                "is not supported", file=file, key=name, value=settings[name], allowed=str(STRIDE)
            )
    size = settings.get("efficientnet_size")
    if size is not None and size != known.get("efficientnet_size"):
        raise bad_input(
            f"is not what the weights are: {known.get('efficientnet_size')}",
            file=file,
            key="efficientnet_size",
            value=size,
        )
    for name in ("proc_side", "centered_stride"):
        if name not in settings:
            raise bad_input("is missing, and nothing else tells it", file=file, key=name)


def _joints(file: Path) -> tuple[tuple[str, ...], Edges]:
    arrays = _arrays(file, "joint_names", "joint_edges")
    return tuple(map(str, arrays["joint_names"])), _edges(arrays["joint_edges"])


def _edges(pairs: Any) -> Edges:
    return tuple((int(first), int(second)) for first, second in pairs)


def _arrays(file: Path, *names: str) -> dict[str, NDArray[Any]]:
    if not file.is_file():
        raise bad_input("no such file", file=file)
    try:
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except KeyError as error:
        raise bad_input(f"lacks an array: {error.args[0]}", file=file) from error
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise bad_input(f"is damaged or no file of arrays ({error})", file=file) from error


def _transform(folder: Path) -> Tensor | None:
    file = folder / "joint_transform_matrix.npy"
    if not file.is_file():
        return None
    try:
        return torch.from_numpy(np.load(file, allow_pickle=False)).float()
    except (ValueError, OSError, EOFError) as error:
        raise bad_input(f"is damaged or no array ({error})", file=file) from error


def _skeletons(folder: Path) -> dict[str, JointSelection]:
    file = folder / "skeleton_infos.pkl"
    if not file.is_file():
        return {}
    stored = read_pickle(file)
    try:
        return {
            str(name): JointSelection(
                tuple(int(index) for index in info["indices"]),
                tuple(map(str, info["names"])),
                _edges(info["edges"]),
            )
            for name, info in stored.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise bad_input(
            f"holds no skeletons ({type(error).__name__}: {error})",
            file=file,
            allowed="name to indices, names and edges",
        ) from error
