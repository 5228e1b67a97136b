"""``results.pkl``: predicted joints of a whole split, in the layout that the published models exchange.

A pickled dictionary with ``keypoints_3d`` (N, 17, 3) mm and ``indexes`` (N,), the row number within the
split. Ours also say ``subject``, ``action`` and ``frame`` of every row, so that no other selection of frames
is taken for the same.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from models.datasets.human36m_labels import Labels, Split
from models.datasets.human36m_names import ROOT
from models.datasets.restricted_pickle import read_pickle

_LOG = logging.getLogger(__name__)

_FAR_MM: Final = 500.0
"""A median pelvis further off than this comes from other frames, or from no trained network: half a metre is
twenty times the published error."""


@dataclass(frozen=True, eq=False)
class Results:
    """Predictions of N rows.

    Attributes:
        keypoints: (N, J, 3) float32, world mm.
        indexes: (N,) what the file counts its rows by.
        recordings: Subject, action-trial and frame of every row, where the file says so.
        file: Where it was read, for messages.
    """

    keypoints: NDArray[np.float32]
    indexes: NDArray[np.int64]
    recordings: tuple[tuple[str, str, int], ...] | None = None
    file: Path | None = None

    def __len__(self) -> int:
        return len(self.keypoints)


def read_results(path: Path) -> Results:
    """Read a results file.

    Raises:
        BadInputError: Missing keys, other shapes, or content other than arrays.
    """
    content = read_pickle(path)
    if not isinstance(content, Mapping):
        raise bad_input(f"holds a {type(content).__name__}, expected a dictionary", file=path)
    keypoints = _array(content, "keypoints_3d", path)
    indexes = _array(content, "indexes", path)
    if keypoints.ndim != 3 or keypoints.shape[2] != 3 or keypoints.dtype.kind != "f":
        raise bad_input(
            f"has the shape {keypoints.shape} and type {keypoints.dtype}, expected (N, J, 3) decimal numbers",
            file=path,
            key="keypoints_3d",
        )
    if indexes.shape != (len(keypoints),) or indexes.dtype.kind not in "iu":
        raise bad_input(
            f"has the shape {indexes.shape} and type {indexes.dtype}, expected {(len(keypoints),)} "
            "whole numbers",
            file=path,
            key="indexes",
        )
    return Results(keypoints.astype(np.float32), indexes.astype(np.int64), _recordings(content, path), path)


def write_results(path: Path, results: Results, extra: Mapping[str, NDArray[Any]] | None = None) -> None:
    """Write the published layout; ``extra`` adds arrays under their own keys."""
    content: dict[str, Any] = {"keypoints_3d": results.keypoints, "indexes": results.indexes, **(extra or {})}
    if results.recordings is not None:
        subjects, actions, frames = (
            zip(*results.recordings, strict=True) if results.recordings else ((), (), ())
        )
        content |= {"subject": list(subjects), "action": list(actions), "frame": list(frames)}
    write_atomic(path, pickle.dumps(content, protocol=4))


def recordings_of(labels: Labels, rows: NDArray[np.intp]) -> tuple[tuple[str, str, int], ...]:
    """Subject, action-trial and frame of table rows."""
    table = labels.table[rows]
    return tuple(
        (labels.subjects[subject], labels.actions[action], int(frame))
        for subject, action, frame in zip(
            table["subject_idx"], table["action_idx"], table["frame_idx"], strict=True
        )
    )


def match_rows(results: Results, labels: Labels, split: Split, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Predictions for ``rows`` of the table, whatever selection of frames the file was made with.

    A file that names its recordings is matched by them. Otherwise its ``indexes`` count either in the whole
    split (the published files) or in ``rows`` themselves.

    Returns:
        (len(rows), J, 3) float32 mm; the first of several predictions of one row (one per camera) counts.

    Raises:
        BadInputError: Rows have no prediction, or the numbers of rows fit neither way of counting.
    """
    if results.recordings is not None:
        order = {key: at for at, key in reversed(list(enumerate(results.recordings)))}
        at = np.array([order.get(key, -1) for key in recordings_of(labels, rows)], np.int64)
    else:
        at = _by_index(results, labels, split, rows)
    if (at < 0).any():
        missing = recordings_of(labels, rows[at < 0][:1])[0]
        raise bad_input(
            f"has no prediction for {(at < 0).sum()} of {len(rows)} rows, the first of them "
            f"{missing[0]} {missing[1]} frame {missing[2]}",
            file=results.file,
        )
    matched = results.keypoints[at]
    if matched.shape[1] > ROOT:
        off = np.linalg.norm(matched[:, ROOT] - labels.table["keypoints"][rows][:, ROOT], axis=1)
        if (median := float(np.median(off))) > _FAR_MM:
            _LOG.warning(
                "%s: its pelvis is off by %.0f mm in the median; it was made with other frames, another "
                "world or untrained weights",
                results.file,
                median,
            )
    return matched


def _by_index(results: Results, labels: Labels, split: Split, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """(len(rows),) positions in the file, -1 where there is none."""
    whole = labels.split_rows(split)
    count = len(np.unique(results.indexes))
    if count == len(whole):
        wanted = np.searchsorted(whole, rows)
    elif count == len(rows):
        wanted = np.arange(len(rows))
    else:
        raise bad_input(
            f"has predictions of {count} instants; the split {split} has {len(whole)} and {len(rows)} of "
            "them are selected, so it was made with another selection of frames",
            file=results.file,
        )
    values, first = np.unique(results.indexes, return_index=True)
    at = np.searchsorted(values, wanted)
    found = values[np.minimum(at, len(values) - 1)] == wanted
    return np.where(found, first[np.minimum(at, len(first) - 1)], -1)


def _array(content: Mapping[Any, Any], key: str, path: Path) -> NDArray[Any]:
    if key not in content:
        raise bad_input(
            "is missing in the results file",
            file=path,
            key=key,
            hint=f"it has {', '.join(map(str, content))}",
        )
    value = content[key]
    if isinstance(value, list):
        value = np.array(value)
    if not isinstance(value, np.ndarray):
        raise bad_input(f"is a {type(value).__name__}, expected an array", file=path, key=key)
    return value


def _recordings(content: Mapping[Any, Any], path: Path) -> tuple[tuple[str, str, int], ...] | None:
    keys = ("subject", "action", "frame")
    if not all(key in content for key in keys):
        return None
    columns = [list(content[key]) for key in keys]
    count = len(content["keypoints_3d"])
    if any(len(column) != count for column in columns):
        raise bad_input(f"must have {count} entries each, one per prediction", file=path, key=", ".join(keys))
    return tuple((str(s), str(a), int(f)) for s, a, f in zip(*columns, strict=True))
