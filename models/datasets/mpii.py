"""People of MPII Human Pose (Andriluka et al., CVPR 2014), from either form of its annotations.

``images`` beside ``annot/train.json`` and ``annot/valid.json``, the form in which programs hand on the parts
of Tompson et al. (CVPR 2015): ``image``, ``center``, ``scale``, ``joints`` (16 times x, y) and ``joints_vis``
of each person. Or beside the published ``mpii_human_pose_v1_u12_1.mat``, which has no part for validation:
there every tenth video is one, so that no two parts show the same scene. Both count pixels from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from configs.errors import bad_input
from models.datasets.picture_labels import PictureLabels, PictureSettings
from models.skeletons import get_skeleton

PUBLISHED: Final = "mpii_human_pose_v1_u12_1.mat"
_PARTS: Final = {"train": "train.json", "val": "valid.json"}
_EVERY: Final = 10
"""Of the videos one is for validation."""
_JOINTS: Final = 16
_SIZE: Final = 200.0
"""Height in px of a person of scale 1."""
_LOWER: Final = 0.075
"""Of the box's side: published programs move it down, since the centre is that of the trunk."""

_Person = tuple[str, NDArray[np.float64], NDArray[np.bool_], float, float, float]
"""Name of the picture, joints (16, 2), visible (16,), centre x and y, scale; px from 1, NaN without label."""


class _Row(msgspec.Struct):
    image: str
    center: tuple[float, float]
    scale: float
    joints: list[tuple[float, float]]
    joints_vis: list[float]


def read_mpii(settings: PictureSettings, split: Literal["train", "val"]) -> PictureLabels:
    """People of one part.

    Args:
        settings: Where it lies; ``annotations`` may name a file of either form.
        split: Which part.

    Raises:
        BadInputError: A file is missing or damaged, or nobody in it is usable.
    """
    path = settings.path(settings.annotations, f"annot/{_PARTS[split]}")
    matlab = settings.path(None, PUBLISHED)
    if settings.annotations is None and not path.is_file() and matlab.is_file():
        path = matlab
    folder = settings.path(settings.pictures, "images")
    if not path.is_file():
        raise bad_input(
            "no such file", file=path, allowed=f"annot/{_PARTS[split]} or {PUBLISHED} below settings.root"
        )
    if not folder.is_dir():
        raise bad_input("no such folder of pictures", file=folder, hint="or give settings.pictures")
    people = list(_of_matlab(path, split) if path.suffix == ".mat" else _of_json(path))
    scales = np.array([scale for *_, scale in people], np.float64)
    centres = np.array([(x, y) for *_, x, y, _ in people], np.float64).reshape(-1, 2)
    side = _SIZE * scales[:, None]
    # centre and joints count from 1
    corner = centres - 1.0 + side * (0.0, _LOWER) - side / 2.0
    # (-1, -1) stands for a centre that nobody gave
    boxes = np.where((centres > 0.0).all(axis=1, keepdims=True), np.hstack([corner, side, side]), 0.0)
    labels = PictureLabels(
        get_skeleton("mpii_16"),
        tuple(folder / person[0] for person in people),
        np.array([person[1] for person in people], np.float64).reshape(-1, _JOINTS, 2) - 1.0,
        np.array([person[2] for person in people], bool).reshape(-1, _JOINTS),
        boxes,
    )
    return labels.usable(settings, path)


def _of_json(path: Path) -> Iterator[_Person]:
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=list[_Row])
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror}", file=path) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_input(f"has not MPII's annotations as json ({error})", file=path) from error
    for row, each in enumerate(rows):
        if len(each.joints) != _JOINTS or len(each.joints_vis) != _JOINTS:
            raise bad_input("has not 16 joints", file=path, key=f"[{row}].joints", value=len(each.joints))
        joints = np.array(each.joints, np.float64)
        # This form keeps no hidden joints apart: one that is not "visible" has no place.
        known = (np.array(each.joints_vis) > 0) & (joints > 0.0).all(axis=1)
        yield (each.image, np.where(known[:, None], joints, np.nan), known, *each.center, each.scale)


def _of_matlab(path: Path, split: str) -> Iterator[_Person]:
    try:
        release = _only(loadmat(path, variable_names=["RELEASE"], struct_as_record=False)["RELEASE"])
        pictures, learn = np.ravel(release.annolist), np.ravel(release.img_train)
        for picture, for_training in zip(pictures, learn, strict=True):
            if not for_training:  # joints of the test part are not public
                continue
            people = list(_people(picture))
            if people and (_video(picture) % _EVERY == 0) == (split == "val"):
                yield from people
    # Damaged Matlab files fail in whatever step their bytes happen to stand for.
    except Exception as error:
        raise bad_input(
            f"is damaged or none of MPII's ({type(error).__name__}: {error})", file=path, allowed=PUBLISHED
        ) from error


def _people(picture: Any) -> Iterator[_Person]:
    name = str(_only(_only(picture.image).name))
    for person in np.ravel(picture.annorect):
        points = _field(person, "annopoints")
        place, scale = _field(person, "objpos"), _field(person, "scale")
        if points is None or place is None or scale is None:
            continue
        joints, visible = np.full((_JOINTS, 2), np.nan), np.zeros(_JOINTS, bool)
        for point in np.ravel(points.point):
            at = int(_only(point.id))
            joints[at] = float(_only(point.x)), float(_only(point.y))
            # left out for joints of the head; a number or a letter elsewhere
            seen = _field(point, "is_visible")
            visible[at] = seen is None or int(seen) == 1
        yield name, joints, visible, float(_only(place.x)), float(_only(place.y)), float(scale)


def _video(picture: Any) -> int:
    """Number of the video; -1, which is for training, where nobody says it."""
    number = _field(picture, "vididx")
    return -1 if number is None else int(number)


def _field(owner: Any, name: str) -> Any:
    """The only value of a field, None where it is missing or empty."""
    value = getattr(owner, name, None)
    return None if value is None or np.size(value) == 0 else _only(value)


def _only(value: Any) -> Any:
    """What Matlab wraps into tables of one cell."""
    while isinstance(value, np.ndarray):
        value = value.flat[0]
    return value
