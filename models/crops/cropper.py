"""From full pictures of a rig to normalised network input, undistorted, with the cameras in step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from models.crops.person_box import PersonBox
from models.crops.view_crop import NODE_STEP, Alignment, crop_projection, sampling_nodes

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

RGB_MEAN: Final = np.array([0.485, 0.456, 0.406])
RGB_STD: Final = np.array([0.229, 0.224, 0.225])
OUTSIDE: Final = -1e6
"""Where the lens model reaches no picture: far outside, which counts as black."""

ChannelStatistics = Literal["bgr", "published"]
"""``published``: red's statistics on the blue channel and the reverse, as the released weights learnt it."""


@dataclass(frozen=True)
class Crops:
    """Network input of one instant.

    Attributes:
        images: (N, 3, S, S) float32, BGR, normalised.
        projections: (N, 3, 4) float64, world mm to homogeneous crop px.
    """

    images: torch.Tensor
    projections: Floats


class Cropper:
    """Cuts people out of pictures: undistortion, crop, resize and normalisation in one sampling step.

    Args:
        size: Width and height of a crop in px.
        device: Where the networks run; on ``cuda`` the pictures are uploaded as they are and sampled there.
        alignment: See ``models.crops.view_crop``.
        statistics: Which mean and deviation belongs to which channel.
    """

    def __init__(
        self,
        size: int,
        device: str = "cpu",
        alignment: Alignment = "exact",
        statistics: ChannelStatistics = "published",
    ) -> None:
        self.size = size
        self.alignment: Alignment = alignment
        self._device = device
        mean, std = (RGB_MEAN, RGB_STD) if statistics == "published" else (RGB_MEAN[::-1], RGB_STD[::-1])
        self._gain = (1.0 / (255.0 * std)).astype(np.float32)
        self._offset = (-mean / std).astype(np.float32)

    def __call__(
        self, images: Sequence[Image], cameras: Sequence[Camera], boxes: Sequence[PersonBox]
    ) -> Crops:
        """Cut one crop from each picture.

        Args:
            images: N pictures (H, W, 3) BGR, distorted; the same picture may come several times.
            cameras: Their cameras.
            boxes: The region of each.
        """
        import torch

        projections = np.stack(
            [
                crop_projection(camera, box, self.size, self.alignment)
                for camera, box in zip(cameras, boxes, strict=True)
            ]
        )
        if self._device == "cpu":
            crops = np.empty((len(images), 3, self.size, self.size), np.float32)
            for image, camera, box, out in zip(images, cameras, boxes, crops, strict=True):
                self._sample(image, camera, box, out)
            return Crops(torch.from_numpy(crops), projections)
        from models.crops.sampling_torch import sample_on_device

        parts = [
            reduce_picture(image, self._nodes(camera, box), box.side / self.size)
            for image, camera, box in zip(images, cameras, boxes, strict=True)
        ]
        gain, offset = torch.from_numpy(self._gain), torch.from_numpy(self._offset)
        return Crops(sample_on_device(parts, self.size, gain, offset, self._device), projections)

    def _nodes(self, camera: Camera, box: PersonBox) -> Floats:
        return np.nan_to_num(sampling_nodes(camera, box, self.size), nan=OUTSIDE)

    def _sample(self, image: Image, camera: Camera, box: PersonBox, out: NDArray[np.float32]) -> None:
        part, nodes = reduce_picture(image, self._nodes(camera, box), box.side / self.size)
        from models.crops.sampling_kernel import sample_normalised  # compiled: only for who cuts

        sample_normalised(part, nodes, NODE_STEP, self._gain, self._offset, out)


def reduce_picture(image: Image, nodes: Floats, scale: float) -> tuple[Image, NDArray[np.float32]]:
    """The part of a picture that a crop reads, averaged down so that no pixel is skipped.

    Args:
        image: (H, W, 3).
        nodes: (N, N, 2) px of ``image`` that are read.
        scale: Pixels of ``image`` per pixel of the crop.

    Returns:
        The part, reduced by a whole factor where the crop is coarser by at least that, and the nodes in its
        pixels.
    """
    height, width = image.shape[:2]
    factor = max(int(scale), 1)
    inside = (nodes > -1).all(axis=-1) & (nodes[..., 0] < width) & (nodes[..., 1] < height)
    if not inside.any():
        return np.zeros((1, 1, 3), np.uint8), np.full(nodes.shape, OUTSIDE, np.float32)
    # Between two nodes inside and outside the picture is still seen: one node more on each side.
    reach = NODE_STEP * scale + 2 * factor
    # Blocks that are averaged start with the crop's first pixel; without a lens it is an area average.
    first = np.maximum(np.rint(nodes[inside].min(axis=0) - (factor - 1) / 2), 0).astype(int)
    low = first - np.minimum(first, int(reach)) // factor * factor
    high = np.minimum(nodes[inside].max(axis=0) + reach + 1, (width, height)).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    if factor > 1:
        rows, columns = part.shape[0] // factor, part.shape[1] // factor
        if rows and columns:
            whole = part[: rows * factor, : columns * factor]
            part = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA).astype(
                np.uint8, copy=False
            )
        else:
            factor = 1
    moved = (nodes - low + 0.5) / factor - 0.5
    return np.ascontiguousarray(part), moved.astype(np.float32)
