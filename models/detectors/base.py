"""What a person detector promises."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input

Image = NDArray[np.uint8]
Boxes = NDArray[np.float64]
"""(N, 5) left, top, right, bottom, px of the picture, counted from the outer corner of its first pixel, and a
score in [0, 1]; best first, inside the picture."""

NOBODY: Boxes = np.zeros((0, 5))


class PersonDetector(Protocol):
    """Finds people in single pictures; remembers nothing."""

    name: str
    device: str
    """Where it runs, such as ``cpu``."""
    hashes: dict[str, str]
    """SHA-256 of the weights, by file name."""

    def find(self, image: Image, *, min_score: float = 0.3, nms_iou: float = 0.45) -> Boxes:
        """People in a (H, W, 3) BGR picture.

        Args:
            image: The picture.
            min_score: Boxes below are left out. Some files leave out weak boxes themselves.
            nms_iou: Of two boxes that share more than this of their union, the better one stays.
        """
        ...


def checked_picture(image: object) -> Image:
    """The picture, when it is one: (H, W, 3) uint8.

    Raises:
        BadInputError: Anything else; says what it is and what is wanted.
    """
    allowed = "(height, width, 3) uint8, blue first"
    if not isinstance(image, np.ndarray):
        raise bad_input(f"a picture is a numpy array, not {type(image).__name__}", allowed=allowed)
    if image.dtype != np.uint8:
        hint = "multiply by 255 and round" if image.dtype.kind == "f" else None
        raise bad_input(f"a picture of {image.dtype}", allowed=allowed, hint=hint)
    if image.ndim != 3 or image.shape[2] != 3:
        hint = None
        if image.ndim == 3 and image.shape[0] == 3:
            hint = "colours come last: numpy.moveaxis(picture, 0, -1)"
        elif image.ndim == 4:
            hint = "give one picture at a time"
        elif image.ndim == 2 or image.shape[-1] == 1:
            hint = "repeat a grey picture three times"
        elif image.shape[-1] == 4:
            hint = "leave the fourth channel out"
        raise bad_input(f"a picture of shape {image.shape}", allowed=allowed, hint=hint)
    if 0 in image.shape:
        raise bad_input(f"an empty picture, shape {image.shape}", allowed=allowed)
    return image
