"""People of COCO's keypoint task (Lin et al., Microsoft COCO, ECCV 2014).

``annotations/person_keypoints_train2017.json`` and ``..._val2017.json`` beside the folders ``train2017`` and
``val2017`` of pictures, as published at cocodataset.org. Groups that were marked as one (``iscrowd``) and
people without keypoints are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from configs.errors import bad_input
from models.datasets.picture_labels import PictureLabels, PictureSettings
from models.skeletons import get_skeleton

_YEAR: Final = "2017"
_HIDDEN: Final = 1
"""What COCO writes of a joint that is labelled but cannot be seen; 2 where it can, 0 without label."""


class _Picture(msgspec.Struct):
    id: int
    file_name: str


class _Person(msgspec.Struct):
    image_id: int
    bbox: tuple[float, float, float, float]
    category_id: int = 1
    iscrowd: int = 0
    keypoints: list[float] = []


class _Category(msgspec.Struct):
    id: int
    name: str
    keypoints: list[str] = []


class _File(msgspec.Struct):
    images: list[_Picture]
    annotations: list[_Person]
    categories: list[_Category]


def read_coco(settings: PictureSettings, split: Literal["train", "val"]) -> PictureLabels:
    """People of one part.

    Args:
        settings: Where it lies.
        split: Which part.

    Raises:
        BadInputError: A file is missing, is none of COCO's, or nobody in it is usable.
    """
    path = settings.path(settings.annotations, f"annotations/person_keypoints_{split}{_YEAR}.json")
    folder = settings.path(settings.pictures, f"{split}{_YEAR}")
    skeleton = get_skeleton("coco_17")
    content = _decoded(path)
    if not folder.is_dir():
        raise bad_input("no such folder of pictures", file=folder, hint="or give settings.pictures")
    person = next((each for each in content.categories if each.name == "person"), None)
    if person is None or tuple(person.keypoints) != skeleton.joints:
        raise bad_input(
            "has not the keypoints of COCO's persons",
            file=path,
            key="categories",
            allowed=", ".join(skeleton.joints),
        )
    names = {picture.id: picture.file_name for picture in content.images}
    pictures: list[Path] = []
    points: list[list[float]] = []
    boxes: list[tuple[float, float, float, float]] = []
    for row, each in enumerate(content.annotations):
        if each.iscrowd or each.category_id != person.id or not any(each.keypoints[2::3]):
            continue
        if len(each.keypoints) != 3 * len(skeleton):
            raise bad_input(
                "has not 17 times x, y, v",
                file=path,
                key=f"annotations[{row}].keypoints",
                value=each.keypoints,
            )
        if each.image_id not in names:
            raise bad_input(
                "is none of the images", file=path, key=f"annotations[{row}].image_id", value=each.image_id
            )
        pictures.append(folder / names[each.image_id])
        points.append(each.keypoints)
        boxes.append(each.bbox)
    table = np.array(points, np.float64).reshape(-1, len(skeleton), 3)
    known = table[..., 2] >= _HIDDEN
    labels = PictureLabels(
        skeleton,
        tuple(pictures),
        np.where(known[..., None], table[..., :2], np.nan),
        table[..., 2] > _HIDDEN,
        np.array(boxes, np.float64).reshape(-1, 4),
    )
    return labels.usable(settings, path)


def _decoded(path: Path) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError as error:
        raise bad_input("no such file", file=path, hint="or give settings.annotations") from error
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror}", file=path) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_input(f"is no file of COCO's keypoint task ({error})", file=path) from error
