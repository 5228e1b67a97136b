"""A person's square cut out of a picture as a picture: without the lens, for people and for data sets."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from models.crops.cropper import OUTSIDE, reduce_picture
from models.crops.person_box import PersonBox

Image = NDArray[np.uint8]


def cut_crop(image: Image, camera: Camera, box: PersonBox, size: int) -> Image:
    """(size, size, 3): the square as the camera would show it without distortion, black outside the picture.

    The camera of the crop is ``view_crop.crop_projection`` with the alignment ``exact``.

    Args:
        image: (H, W, 3), distorted.
        camera: Of the picture.
        box: The square, ideal px.
        size: Width of the crop, px.
    """
    along = (np.arange(size) + 0.5) * (box.side / size)
    ideal = np.stack(np.meshgrid(box.left + along, box.top + along), axis=-1)
    places = np.nan_to_num(camera.distort(ideal), nan=OUTSIDE)
    part, moved = reduce_picture(image, places, box.side / size)
    across, down = moved[..., 0], moved[..., 1]
    crop = cv2.remap(part, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(crop, np.uint8)
