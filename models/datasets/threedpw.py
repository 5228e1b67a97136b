"""3DPW (von Marcard et al., ECCV 2018): truth in ``sequenceFiles/<split>/<name>.pkl``, and predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.restricted_pickle import read_pickle

Floats = NDArray[np.float64]

JOINTS = 24
MM_PER_M = 1000.0


@dataclass(frozen=True)
class Sequence:
    """One video.

    Attributes:
        name: Of its file.
        joints: (people, frames, 24, 3) mm in the axes of the camera.
        counted: (people, frames) where the camera is known and the person is seen.
    """

    name: str
    joints: Floats
    counted: NDArray[np.bool_]


def sequence_files(root: Path, split: str) -> list[Path]:
    """Files of a split, sorted.

    Raises:
        BadInputError: There are none.
    """
    folder = root / "sequenceFiles" / split
    found = sorted((folder if folder.is_dir() else root / split).glob("*.pkl"))
    if not found:
        raise bad_input("holds no sequences", file=folder, allowed=f"sequenceFiles/{split}/*.pkl")
    return found


def read_sequence(path: Path) -> Sequence:
    """Truth of one video.

    Raises:
        BadInputError: The file is missing, damaged, or its arrays do not fit each other.
    """
    content = _mapping(path)
    try:
        world = np.stack([np.asarray(each, np.float64) for each in content["jointPositions"]])
        cameras = np.asarray(content["cam_poses"], np.float64)
        valid = np.stack([np.asarray(each).ravel().astype(bool) for each in content["campose_valid"]])
        seen = np.stack([np.asarray(each, np.float64) for each in content["poses2d"]])
        people, frames = valid.shape
        joints = world.reshape(people, frames, JOINTS, 3) * MM_PER_M
        rotation, place = cameras[:, :3, :3], cameras[:, :3, 3] * MM_PER_M
        in_camera = np.einsum("fab,pfjb->pfja", rotation, joints) + place[None, :, None]
        known = (seen.reshape(people, frames, -1) != 0.0).any(axis=2)
    except (KeyError, ValueError, TypeError) as error:
        raise bad_input(f"is no sequence of 3DPW ({type(error).__name__}: {error})", file=path) from error
    return Sequence(path.stem, in_camera, valid & known)


def read_predicted(path: Path, shape: tuple[int, int]) -> Floats:
    """(people, frames, 24, 3) mm of a prediction file, ``jointPositions`` in metres.

    Args:
        path: ``.pkl``.
        shape: People and frames of the sequence.

    Raises:
        BadInputError: The file is missing, damaged, or for other people or frames.
    """
    content = _mapping(path)
    if "jointPositions" not in content:
        raise bad_input("holds no predictions", file=path, key="jointPositions")
    try:
        joints = np.asarray(content["jointPositions"], np.float64)
    except (ValueError, TypeError) as error:
        raise bad_input(f"is no array of numbers ({error})", file=path, key="jointPositions") from error
    if joints.size != shape[0] * shape[1] * JOINTS * 3 or joints.shape[:2] != shape:
        raise bad_input(
            f"has the shape {joints.shape}",
            file=path,
            key="jointPositions",
            allowed=str((*shape, JOINTS, 3)),
        )
    if not np.isfinite(joints).all():
        raise bad_input("has joints that are not finite", file=path, key="jointPositions")
    return joints.reshape(*shape, JOINTS, 3) * MM_PER_M


def _mapping(path: Path) -> Mapping[Any, Any]:
    # Written by Python 2, whose text is bytes of this encoding.
    content = read_pickle(path, encoding="latin1")
    if not isinstance(content, Mapping):
        raise bad_input("is no table of arrays", file=path)
    return content
