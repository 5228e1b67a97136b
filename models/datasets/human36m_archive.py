"""What the archives of Human3.6M hold: boxes, 3D joints and cameras, before they become one label file.

Boxes: MATLAB files (HDF5) of the data set's owner, one per recording and camera. Joints and cameras: the HDF5
conversion that lifting papers use (Martinez et al. 2017). A row-major reader sees MATLAB arrays transposed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py  # type: ignore[import-untyped,unused-ignore]
import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInputError, bad_input
from models.datasets.human36m_labels import CAMERA_DTYPE, JOINTS
from models.datasets.human36m_names import CAMERAS, RAW_JOINTS

_LEAST_SIDE: Final = 2
_RAW_COUNT: Final = 32


def read_boxes(path: Path) -> NDArray[np.int32]:
    """Boxes of all frames of a recording: (frames, 4) top, left, bottom, right; ends are exclusive.

    Raises:
        BadInputError: The file is missing, damaged or empty of a person in some frame.
    """
    with _opened(path) as file:
        if "Masks" not in file:
            raise bad_input("has no data set Masks", file=path)
        references = np.ravel(file["Masks"][()])
        boxes = np.empty((len(references), 4), np.int32)
        for frame, reference in enumerate(references):
            mask = np.asarray(file[reference][()]).T > 0
            boxes[frame] = _extent(mask, path, frame)
    return boxes


def read_joints(path: Path) -> NDArray[np.float32]:
    """Joints of a recording: (frames, 17, 3) world mm in the order ``human36m_lt17``.

    Raises:
        BadInputError: The file is missing, damaged, or has another number of joints.
    """
    with _opened(path) as file:
        if "3D_positions" not in file:
            raise bad_input("has no data set 3D_positions", file=path)
        values = np.asarray(file["3D_positions"][()])
    if values.ndim != 2 or values.shape[0] != 3 * _RAW_COUNT:
        raise bad_input(f"has the shape {values.shape}, expected ({3 * _RAW_COUNT}, frames)", file=path)
    joints: NDArray[np.float32] = values.T.reshape(-1, _RAW_COUNT, 3)[:, RAW_JOINTS].astype(np.float32)
    assert joints.shape[1] == JOINTS
    return joints


def read_subject_cameras(path: Path, subject: str) -> NDArray[np.void]:
    """The four cameras of a subject's session, in the order of ``CAMERAS``: (4,) ``CAMERA_DTYPE``.

    Raises:
        BadInputError: The file is missing or damaged, or a camera is not in it.
    """
    number = subject.removeprefix("S")
    geometry = np.zeros(len(CAMERAS), CAMERA_DTYPE)
    found = set()
    with _opened(path) as file:
        session = file.get(f"subject{number}")
        if session is None:
            raise bad_input(f"has no group subject{number}", file=path)
        for group in session.values():
            name = "".join(chr(int(letter)) for letter in np.ravel(group["Name"][()]))
            if name not in CAMERAS:
                raise bad_input("is no camera of this data set", file=path, key=group.name, value=name)
            geometry[CAMERAS.index(name)] = _camera(group)
            found.add(name)
    if missing := [name for name in CAMERAS if name not in found]:
        raise bad_input(f"lacks the camera {missing[0]} of {subject}", file=path)
    return geometry


def square_boxes(boxes: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Boxes (..., 4) top, left, bottom, right, with the shorter side grown about the centre."""
    top, left, bottom, right = np.moveaxis(boxes.astype(np.int64), -1, 0)
    height, width = bottom - top, right - left
    wide = height < width
    # ``rint`` rounds halves to even, as the published boxes were.
    new_top = np.where(wide, np.rint((top + bottom) / 2 - width / 2), top)
    new_left = np.where(wide, left, np.rint((left + right) / 2 - height / 2))
    side = np.maximum(height, width)
    return np.stack([new_top, new_left, new_top + side, new_left + side], axis=-1).astype(np.int32)


def _camera(group: Any) -> Any:
    R = np.asarray(group["R"][()], np.float64).T
    T = np.asarray(group["T"][()], np.float64).reshape(3, 1)
    f, c, k, p = (np.ravel(group[key][()]).astype(np.float64) for key in ("f", "c", "k", "p"))
    entry = np.zeros((), CAMERA_DTYPE)
    entry["R"], entry["t"] = R, -R @ T
    entry["K"] = [[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]]
    entry["dist"] = (k[0], k[1], p[0], p[1], k[2])
    return entry


def _extent(mask: NDArray[np.bool_], path: Path, frame: int) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0 or rows[-1] - rows[0] + 1 < _LEAST_SIDE or columns[-1] - columns[0] + 1 < _LEAST_SIDE:
        raise bad_input(f"shows nobody in frame {frame}", file=path)
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise bad_input("no such file", file=path)
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> BadInputError:
    return bad_input("is damaged or not HDF5 (MATLAB v7.3)", file=path)
