"""Pictures and boxes as users hand them in: numpy or torch, rows first or colours first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.errors import bad_input


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        pixels: (3, H, W) uint8 RGB.
        from_numpy: Its results are wanted as numpy arrays.
    """

    pixels: Tensor
    from_numpy: bool

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def rows_first(self) -> NDArray[np.uint8]:
        """(H, W, 3) in host memory."""
        rows: NDArray[np.uint8] = np.ascontiguousarray(self.pixels.permute(1, 2, 0).cpu().numpy())
        return rows

    def like_given(self, values: Tensor) -> Any:
        """A result in the kind of array that the picture came in."""
        return values.cpu().numpy() if self.from_numpy else values


def as_picture(image: Any) -> Picture:
    """A picture from uint8 RGB, (H, W, 3) or (3, H, W).

    Where both readings are possible (three rows or columns), numpy arrays are rows first, tensors colours
    first.

    Raises:
        BadInputError: Anything else.
    """
    if not isinstance(image, (np.ndarray, Tensor)):
        raise bad_input(f"a picture is an array, not {type(image).__name__}")
    from_numpy = isinstance(image, np.ndarray)
    shape = tuple(image.shape)
    if image.dtype not in (np.uint8, torch.uint8):
        raise bad_input(f"a picture holds {image.dtype}", allowed="uint8, 0 to 255")
    if len(shape) != 3 or 3 not in (shape[0], shape[2]) or 0 in shape:
        raise bad_input(f"a picture has the shape {shape}", allowed="(H, W, 3) or (3, H, W), red first")
    rows_first = shape[2] == 3 and (shape[0] != 3 or from_numpy)
    pixels = torch.from_numpy(np.ascontiguousarray(image)) if isinstance(image, np.ndarray) else image
    return Picture(pixels.permute(2, 0, 1) if rows_first else pixels, from_numpy)


def as_boxes(boxes: Any) -> Tensor:
    """(n, 4 or 5) float64 on the CPU: left, top, width, height, px (, score); an empty list is no box.

    Raises:
        BadInputError: Another shape, numbers that are not finite, or boxes without a size.
    """
    try:
        array = (
            boxes.detach().cpu().double() if isinstance(boxes, Tensor) else torch.from_numpy(_numbers(boxes))
        )
    except (ValueError, TypeError) as error:
        raise bad_input(f"boxes are no array of numbers ({error})") from error
    if array.numel() == 0:
        return array.new_zeros(0, array.shape[1] if array.dim() == 2 and array.shape[1] == 5 else 4)
    if array.dim() != 2 or array.shape[1] not in (4, 5):
        raise bad_input(
            f"boxes have the shape {tuple(array.shape)}", allowed="(n, 4) or (n, 5): left, top, width, height"
        )
    wrong = ~(array.isfinite().all(dim=1) & (array[:, 2:4] > 0.0).all(dim=1))
    if wrong.any():
        raise bad_input(
            "a box has no size", value=array[wrong][0].tolist(), allowed="left, top, width > 0, height > 0"
        )
    return array


def _numbers(values: Any) -> NDArray[np.float64]:
    return np.array(values, np.float64)
