"""Truth of MuPoTS-3D (Mehta et al., 3DV 2018): ``TS1/annot.mat`` to ``TS20/annot.mat``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from configs.errors import bad_input
from models.evaluation.mupots import Frame

Floats = NDArray[np.float64]

SEQUENCES: Final = tuple(range(1, 21))
_PATH: Final = re.compile(r"TS(\d+)/img_(\d+)\.\w+$")


@dataclass(frozen=True)
class Person:
    """One annotated person of a picture: (17, 2) px, (17, 3) mm, (17, 3) mm at the universal height."""

    annot2: Floats
    annot3: Floats
    univ_annot3: Floats


@dataclass(frozen=True)
class Sequence:
    """One of the twenty.

    Attributes:
        number: From 1.
        frames: People of each picture; those marked invalid are left out.
        K: (3, 3) px, fitted to all annotations: the data set does not say it.
    """

    number: int
    frames: tuple[tuple[Person, ...], ...]
    K: Floats


def read_sequences(root: Path) -> list[Sequence]:
    """All sequences that are there.

    Raises:
        BadInputError: There is none, or one is damaged.
    """
    found = [
        _read(number, path) for number in SEQUENCES if (path := root / f"TS{number}/annot.mat").is_file()
    ]
    if not found:
        raise bad_input("holds no TS1/annot.mat ... TS20/annot.mat", file=root)
    return found


def frames_with(sequences: list[Sequence], image: NDArray[np.str_], poses: Floats, file: Path) -> list[Frame]:
    """Put predictions beside the truth of every annotated picture.

    Args:
        sequences: Truth.
        image: (N,) paths such as ``mupots/TS3/img_000012.jpg``; pictures count from 0.
        poses: (N, 17, 3) mm in the axes of the camera, in the order of the annotations.
        file: Of the predictions, for messages.

    Raises:
        BadInputError: A path is of another form, or names a picture that does not exist.
    """
    lengths = {each.number: len(each.frames) for each in sequences}
    at: dict[tuple[int, int], list[int]] = {}
    for row, path in enumerate(image):
        match = _PATH.search(str(path))
        if match is None:
            raise bad_input("is no picture of MuPoTS", file=file, key="image_path", value=str(path))
        number, frame = int(match[1]), int(match[2])
        if number in lengths and frame >= lengths[number]:
            raise bad_input("there is no such picture", file=file, key="image_path", value=str(path))
        at.setdefault((number, frame), []).append(row)
    frames = []
    for sequence in sequences:
        fx, fy, cx, cy = sequence.K[0, 0], sequence.K[1, 1], sequence.K[0, 2], sequence.K[1, 2]
        for index, people in enumerate(sequence.frames):
            if not people:
                continue
            mine = poses[at.get((sequence.number, index), [])]
            # Depths below a millimetre are no predictions; they only must not divide by zero.
            ahead = np.maximum(mine[..., 2:], 1.0)
            pixels = mine[..., :2] / ahead * (fx, fy) + (cx, cy)
            frames.append(
                Frame(
                    sequence.number,
                    np.stack([person.annot2 for person in people]),
                    np.stack([person.annot3 for person in people]),
                    np.stack([person.univ_annot3 for person in people]),
                    pixels,
                    mine,
                )
            )
    return frames


def fitted_intrinsics(pixels: Floats, joints: Floats) -> Floats:
    """(3, 3) that explains (N, 2) px of (N, 3) mm best, least squares for each axis."""
    K = np.eye(3)
    for axis in range(2):
        rows = np.stack([joints[:, axis] / joints[:, 2], np.ones(len(joints))], axis=1)
        K[axis, axis], K[axis, 2] = np.linalg.lstsq(rows, pixels[:, axis], rcond=None)[0]
    return K


def _read(number: int, path: Path) -> Sequence:
    try:
        table = loadmat(path, struct_as_record=False, squeeze_me=False)["annotations"]
        frames = tuple(
            tuple(person for cell in row if (person := _person(cell)) is not None)
            for row in np.atleast_2d(table)
        )
    # Damaged Matlab files fail in whatever step their bytes happen to stand for.
    except Exception as error:
        raise bad_input(f"is damaged or has no annotations ({type(error).__name__})", file=path) from error
    people = [person for frame in frames for person in frame]
    if not people:
        raise bad_input("has no valid annotation", file=path)
    K = fitted_intrinsics(
        np.concatenate([each.annot2 for each in people]), np.concatenate([each.annot3 for each in people])
    )
    return Sequence(number, frames, K)


def _person(cell: Any) -> Person | None:
    while isinstance(cell, np.ndarray):
        if not cell.size:
            return None
        cell = cell.flat[0]
    if not int(np.ravel(cell.isValidFrame)[0]):
        return None
    return Person(_columns(cell.annot2, 2), _columns(cell.annot3, 3), _columns(cell.univ_annot3, 3))


def _columns(values: Any, size: int) -> Floats:
    table = np.asarray(values, np.float64)
    if table.shape != (size, 17):
        raise ValueError(f"an annotation has the shape {table.shape}")
    columns: Floats = table.T
    return columns
