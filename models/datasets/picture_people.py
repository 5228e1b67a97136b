"""People labelled in single pictures, as training crops want them.

Nobody knows these cameras. Joints are put on a plane before one with a very long lens, which gives their
places in any crop and nothing else: only ``labels: picture`` may use them.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.datasets.input_picture import Picture, crop, read_picture
from models.datasets.labelled_people import PicturedPerson
from models.datasets.picture_labels import PictureLabels
from models.metrabs.train_camera import TrainCamera

Floats = NDArray[np.float64]

FOV_DEGREES: Final = 8.0
"""Over the longer side of the picture (Sarandi et al. 2023): nearly no perspective."""
_AWAY_MM: Final = 10_000.0
"""Of the plane; any will do."""
_LOWEST: Final = 0.95
"""Of the picture's height: labels below are dropped, as the published programs do; people who are cut off
there have been given joints at the border."""
ROOM: Final = 2.2
"""Side of what is cut out of a picture over the longer side of the box: crops are moved by a tenth, show up
to a third more and may be turned."""
_UP: Final = np.array([0.0, -1.0, 0.0])


class PicturePeople:
    """Everybody in labelled pictures."""

    def __init__(self, labels: PictureLabels) -> None:
        self._labels = labels
        self.skeleton = labels.skeleton

    def __len__(self) -> int:
        return len(self._labels)

    def prepare(self) -> None:
        """Nothing: pictures are read one by one."""

    def person(self, index: int, random: Generator) -> PicturedPerson:
        """See ``PeopleSource``.

        Raises:
            BadInputError: The picture is missing or damaged.
        """
        del random
        labels = self._labels
        picture = read_picture(labels.pictures[index])
        camera = flat_camera(picture)
        pixels = labels.joints[index]
        pixels = np.where(pixels[:, 1:] < _LOWEST * len(picture), pixels, np.nan)
        joints = _AWAY_MM * np.c_[pixels, np.ones(len(pixels))] @ np.linalg.inv(camera.intrinsics).T
        return pictured(picture, camera, joints, _UP, labels.boxes[index])


def flat_camera(picture: Picture) -> TrainCamera:
    """The assumed camera of a picture, at the origin."""
    height, width = picture.shape[:2]
    focal = max(height, width) / (2.0 * math.tan(math.radians(FOV_DEGREES) / 2.0))
    middle = ((width - 1) / 2.0, (height - 1) / 2.0)
    intrinsics = np.array([[focal, 0.0, middle[0]], [0.0, focal, middle[1]], [0.0, 0.0, 1.0]])
    return TrainCamera(np.eye(3), np.zeros(3), intrinsics, np.zeros(5))


def pictured(
    picture: Picture, camera: TrainCamera, joints: Floats, up: Floats, box: Floats
) -> PicturedPerson:
    """A person with as much of the picture as crops may show.

    Args:
        picture: (H, W, 3) BGR.
        camera: That took it.
        joints: (J, 3) mm in the world.
        up: (3,) upwards in the world.
        box: (4,) left, top, width, height px.
    """
    left, top, width, height = box
    half = ROOM * max(width, height) / 2.0
    x, y = left + width / 2.0, top + height / 2.0
    rows, columns = picture.shape[:2]
    # at least a pixel, also of a box beside the picture
    first_x, first_y = (
        int(np.clip(math.floor(at - half), 0, most - 1)) for at, most in ((x, columns), (y, rows))
    )
    end_x = int(np.clip(math.ceil(x + half) + 1, first_x + 1, columns))
    end_y = int(np.clip(math.ceil(y + half) + 1, first_y + 1, rows))
    part = crop(picture, (first_x, first_y, end_x, end_y))
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2, 2] -= (first_x, first_y)
    seen_by = TrainCamera(camera.rotation, camera.centre, intrinsics, camera.distortion)
    moved = np.array([left - first_x, top - first_y, width, height])
    return PicturedPerson(np.ascontiguousarray(part[..., ::-1]), seen_by, joints, up, moved)
