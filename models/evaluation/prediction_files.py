"""Predictions of single-camera systems in files, as MeTRAbs' programs write and judge them.

One ``.npz`` with a row for every predicted person; paths name the picture. Programs of 2020 call the arrays
``coords3d_pred`` and ``coords3d_true`` (axes of the camera), those of 2023 ``coords3d_pred_cam`` and
``coords3d_true_cam``; ``..._world`` are the same in the world. mm.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input

Floats = NDArray[np.float64]
Rows = dict[str, float]

_NAMES: Final = {
    "camera": ("coords3d_pred_cam", "coords3d_pred"),
    "world": ("coords3d_pred_world",),
    "true_camera": ("coords3d_true_cam", "coords3d_true"),
    "true_world": ("coords3d_true_world",),
}
_FIRST_SEED: Final = "seed1"


@dataclass(frozen=True)
class Predictions:
    """N predicted people.

    Attributes:
        file: Where they come from.
        image: (N,) paths of pictures.
        poses: By ``camera``, ``world``, ``true_camera`` and ``true_world`` what the file has, (N, J, 3) mm.
        activity: (N,) names, empty where the file has none.
        scene: (N,) names, empty where the file has none.
    """

    file: Path
    image: NDArray[np.str_]
    poses: dict[str, Floats]
    activity: NDArray[np.str_]
    scene: NDArray[np.str_]

    def in_camera(self) -> Floats:
        """(N, J, 3) in the axes of the camera.

        Raises:
            BadInputError: The file has none.
        """
        return self.of("camera", "coords3d_pred_cam")

    def of(self, kind: str, name: str) -> Floats:
        """One kind of pose, or a sentence that names the array that is missing."""
        if kind not in self.poses:
            raise bad_input("has no poses of the kind that is needed", file=self.file, key=name)
        return self.poses[kind]


def read_predictions(path: Path, joints: int) -> Predictions:
    """Read and check a file of predictions.

    Args:
        path: ``.npz``.
        joints: Of each pose.

    Raises:
        BadInputError: It is missing, damaged, has no predictions, or arrays do not fit each other.
    """
    if not path.is_file():
        raise bad_input("no such file", file=path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            content = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise bad_input(f"is damaged or no file of plain arrays ({error})", file=path) from error
    if "image_path" not in content:
        raise bad_input("does not say which pictures", file=path, key="image_path")
    image = _text(content["image_path"])
    poses = {}
    for kind, names in _NAMES.items():
        for name in names:
            if name in content:
                poses[kind] = _poses(content[name], len(image), joints, path, name)
                break
    if "camera" not in poses and "world" not in poses:
        raise bad_input("holds no predictions", file=path, allowed="coords3d_pred_cam, coords3d_pred_world")
    labels = {}
    for name in ("activity_name", "scene_name"):
        labels[name] = _text(content.get(name, np.array([], str)))
        if len(labels[name]) not in (0, len(image)):
            raise bad_input(f"has {len(labels[name])} names for {len(image)} pictures", file=path, key=name)
    return Predictions(path, image, poses, labels["activity_name"], labels["scene_name"])


def over_seeds(path: Path, seeds: int, evaluate: Callable[[Path], Rows]) -> tuple[Rows, Rows]:
    """Scores of one run, or their mean and deviation over several.

    Args:
        path: Of the first run; with several, it contains ``seed1``.
        seeds: Of runs.
        evaluate: From a file to its scores.

    Returns:
        Means, and population deviations (none for a single run).

    Raises:
        BadInputError: The path does not say which part is the number of the run.
    """
    if seeds == 1:
        return evaluate(path), {}
    if _FIRST_SEED not in str(path):
        raise bad_input("does not say where the number of the run is", file=path, allowed=f"*{_FIRST_SEED}*")
    rows = [
        evaluate(Path(re.sub(rf"{_FIRST_SEED}(?!\d)", f"seed{number}", str(path))))
        for number in range(1, seeds + 1)
    ]
    names = list(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    means, spread = table.mean(axis=0).tolist(), table.std(axis=0).tolist()
    return dict(zip(names, means, strict=True)), dict(zip(names, spread, strict=True))


def _poses(values: NDArray[np.generic], count: int, joints: int, path: Path, name: str) -> Floats:
    if values.shape != (count, joints, 3) or not np.issubdtype(values.dtype, np.number):
        raise bad_input(
            f"has the shape {values.shape}", file=path, key=name, allowed=f"({count}, {joints}, 3)"
        )
    poses = np.asarray(values, np.float64)
    if not np.isfinite(poses).all():
        raise bad_input("has joints that are not finite", file=path, key=name)
    return poses


def _text(values: NDArray[np.generic]) -> NDArray[np.str_]:
    """Text of files of 2020 is bytes."""
    if values.dtype.kind == "S":
        return np.char.decode(np.asarray(values, np.bytes_), "utf-8")
    return np.asarray(values, np.str_)
