"""The multi-view label file of Human3.6M: poses, boxes and cameras of every kept frame.

Layout of Learnable Triangulation (Iskakov et al. 2019), ``human36m-multiview-labels-GTbboxes.npy``: one
stored dictionary with names, a structured array of cameras and a structured table with one row per instant.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from configs.errors import BadInputError, bad_input
from models.datasets.human36m_names import DAMAGED, TEST_SUBJECTS, TRAIN_SUBJECTS
from models.datasets.network_camera import NetworkCamera
from models.datasets.restricted_pickle import read_object_array

Split = Literal["train", "val"]
JOINTS: Final = 17

CAMERA_DTYPE: Final = np.dtype(
    [("R", np.float32, (3, 3)), ("t", np.float32, (3, 1)), ("K", np.float32, (3, 3)), ("dist", np.float32, 5)]
)


def table_dtype(cameras: int) -> np.dtype[np.void]:
    """One row of the table for so many cameras; boxes are top, left, bottom, right."""
    return np.dtype(
        [
            ("subject_idx", np.int8),
            ("action_idx", np.int8),
            ("frame_idx", np.int16),
            ("keypoints", np.float32, (JOINTS, 3)),
            ("bbox_by_camera_tlbr", np.int16, (cameras, 4)),
        ]
    )


@dataclass(frozen=True, eq=False)
class Labels:
    """What the label file holds.

    Attributes:
        subjects: Subject names; ``subject_idx`` of a row counts in them.
        cameras: Camera names, V of them.
        actions: ``<action>-<trial>``; ``action_idx`` of a row counts in them.
        geometry: (subjects, V) structured ``CAMERA_DTYPE``, mm and px of the full picture.
        table: (N,) structured ``table_dtype(V)``, ordered by subject, action, frame; world mm.
        file: Where it was read, for messages.
    """

    subjects: tuple[str, ...]
    cameras: tuple[str, ...]
    actions: tuple[str, ...]
    geometry: NDArray[np.void]
    table: NDArray[np.void]
    file: Path | None = None

    def __len__(self) -> int:
        return len(self.table)

    def camera(self, subject_idx: int, view: int) -> NetworkCamera:
        """Camera of a subject's session, for its full picture."""
        entry = self.geometry[subject_idx, view]
        return NetworkCamera.of(entry["R"], entry["t"], entry["K"], entry["dist"], self.cameras[view])

    def split_rows(self, split: Split) -> NDArray[np.intp]:
        """Table rows of a split, all of them, in file order; results files count in these."""
        wanted = TRAIN_SUBJECTS if split == "train" else TEST_SUBJECTS
        indices = [at for at, name in enumerate(self.subjects) if name in wanted]
        return np.flatnonzero(np.isin(self.table["subject_idx"], indices))

    def selected_rows(self, split: Split, *, with_damaged: bool = True, every: int = 1) -> NDArray[np.intp]:
        """Table rows that a protocol uses.

        Args:
            split: ``train`` (S1 S5 S6 S7 S8) or ``val`` (S9 S11).
            with_damaged: Keep the three test recordings whose truth is displaced.
            every: Keep every so many-th row of ``val``; ``train`` is never thinned.

        Raises:
            BadInputError: ``every`` is not positive, or nothing is left.
        """
        if every < 1:
            raise bad_input("must be at least 1", key="every", value=every)
        rows = self.split_rows(split)
        if split == "val":
            if not with_damaged:
                rows = rows[~self.damaged[rows]]
            rows = rows[::every]
        if not len(rows):
            raise bad_input(f"has no rows of the split {split}", file=self.file)
        return rows

    @cached_property
    def damaged(self) -> NDArray[np.bool_]:
        """(N,) whether a row's truth is known to be displaced."""
        result = np.zeros(len(self.table), bool)
        for subject, action in DAMAGED:
            if subject in self.subjects and action in self.actions:
                result |= (self.table["subject_idx"] == self.subjects.index(subject)) & (
                    self.table["action_idx"] == self.actions.index(action)
                )
        return result


def read_labels(path: Path) -> Labels:
    """Read and check a label file.

    Raises:
        BadInputError: Says which key is missing or has another shape or type than documented.
    """
    content = read_object_array(path)
    if not isinstance(content, Mapping):
        raise bad_input(f"holds a {type(content).__name__}, expected a dictionary of labels", file=path)
    subjects, cameras, actions = (
        _names(content, key, path) for key in ("subject_names", "camera_names", "action_names")
    )
    geometry = _structured(content, "cameras", CAMERA_DTYPE, (len(subjects), len(cameras)), path)
    table = _structured(content, "table", table_dtype(len(cameras)), None, path)
    for key, names in (("subject_idx", subjects), ("action_idx", actions)):
        values = table[key]
        if len(values) and (values.min() < 0 or values.max() >= len(names)):
            raise bad_input(
                f"counts to {values.max()}, but there are only {len(names)} names",
                file=path,
                key=f"table.{key}",
            )
    return Labels(subjects, cameras, actions, geometry, table, path)


def write_labels(path: Path, labels: Labels) -> None:
    """Write the documented layout, which the originals' programs read, too."""
    content = {
        "subject_names": list(labels.subjects),
        "camera_names": list(labels.cameras),
        "action_names": list(labels.actions),
        "cameras": labels.geometry,
        "table": labels.table,
    }
    stored = np.empty((), object)
    stored[()] = content
    buffer = io.BytesIO()
    np.save(buffer, stored, allow_pickle=True)
    write_atomic(path, buffer.getvalue())


def _entry(content: Mapping[Any, Any], key: str, path: Path) -> Any:
    if key not in content:
        raise bad_input(
            "is missing in the label file", file=path, key=key, hint=f"it has {', '.join(map(str, content))}"
        )
    return content[key]


def _names(content: Mapping[Any, Any], key: str, path: Path) -> tuple[str, ...]:
    value = _entry(content, key, path)
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or not len(value):
        raise bad_input("must be a list of names", file=path, key=key, value=value)
    return tuple(str(name) for name in value)


def _structured(
    content: Mapping[Any, Any], key: str, dtype: np.dtype[np.void], shape: tuple[int, ...] | None, path: Path
) -> NDArray[np.void]:
    """The array with exactly the fields we need, whatever their order or integer width in the file."""
    value = _entry(content, key, path)
    if not isinstance(value, np.ndarray) or value.dtype.names is None:
        raise bad_input("must be a structured array", file=path, key=key)
    if (shape is not None and value.shape != shape) or (shape is None and value.ndim != 1):
        wanted = f"{shape}" if shape is not None else "one row per instant"
        raise bad_input(f"has the shape {value.shape}, expected {wanted}", file=path, key=key)
    assert dtype.names is not None
    result = np.empty(value.shape, dtype)
    for name in dtype.names:
        if name not in value.dtype.names:
            raise bad_input(
                "is missing", file=path, key=f"{key}.{name}", hint=f"it has {', '.join(value.dtype.names)}"
            )
        result[name] = _converted(value[name], result[name], f"{key}.{name}", path)
    return result


def _converted(values: NDArray[Any], like: NDArray[Any], key: str, path: Path) -> NDArray[Any]:
    if values.shape != like.shape:
        raise bad_input(f"has the shape {values.shape}, expected {like.shape}", file=path, key=key)
    if values.dtype.kind not in ("f", "i", "u"):
        raise bad_input(f"has the type {values.dtype}, expected numbers", file=path, key=key)
    if like.dtype.kind == "i":
        converted = values.astype(like.dtype)
        if not np.array_equal(converted, values):
            raise bad_input(f"has the type {values.dtype} and does not fit {like.dtype}", file=path, key=key)
        return converted
    if not np.isfinite(values).all():
        raise _not_finite(key, path)
    return values.astype(like.dtype)


def _not_finite(key: str, path: Path) -> BadInputError:
    return bad_input("contains a number that is not finite", file=path, key=key)
