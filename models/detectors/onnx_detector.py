"""What all person detectors in ONNX files share: fit the picture in, run, scale boxes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.detectors.base import NOBODY, Boxes, Image, checked_picture
from models.detectors.letterbox import letterbox
from models.detectors.overlap import suppress
from models.runtimes.onnx_network import Device, OnnxNetwork, Shape

PERSON = 0
"""The class of people, in COCO and where it is the only one."""

Outputs = dict[str, NDArray[Any]]


class OnnxDetector(ABC):
    """A person detector in an ONNX file.

    Understood here are boxes with suppression inside the file, ``dets`` (1, N, 5) and ``labels`` (1, N), as
    MMDeploy writes them; a family may know another layout.

    Args:
        path: The file.
        size: Width and height of the input; the file's own where it says.
        device: See ``OnnxNetwork``.
        threads: See ``OnnxNetwork``.
        name: For takes and messages; the file's name by default.
        hashes: SHA-256 of the file by its name.

    Raises:
        BadInputError: The file is no such network, or ``size`` is not the file's.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int] | None = None,
        *,
        device: Device = "auto",
        threads: int | None = None,
        name: str = "",
        hashes: dict[str, str] | None = None,
    ) -> None:
        self._network = OnnxNetwork(path, device, threads)
        self.name = name or path.stem
        self.device = self._network.device
        self.hashes = dict(hashes or {})
        self.size = _input_size(self._network.input_shape, size, path)
        self._boxes, self._labels = _mmdeploy_outputs(self._network.outputs)
        if not self._boxes:
            self.check_other_layout(self._network.outputs, path)

    def find(self, image: Image, *, min_score: float = 0.3, nms_iou: float = 0.45) -> Boxes:
        """People in a picture; see ``PersonDetector.find``.

        Raises:
            BadInputError: ``image`` is no (H, W, 3) uint8 picture.
        """
        height, width = checked_picture(image).shape[:2]
        canvas, factor = letterbox(image, self.size)
        values = self.normalised(canvas).transpose(2, 0, 1)[None]
        outputs = self._network.run(np.ascontiguousarray(values, np.float32))
        boxes = self.boxes_of(outputs, min_score)
        with np.errstate(invalid="ignore"):
            boxes = boxes[np.isfinite(boxes).all(axis=1) & (boxes[:, 4] >= min_score)]
        boxes[:, :4] /= factor
        boxes[:, [0, 2]] = np.clip(boxes[:, [0, 2]], 0, width)
        boxes[:, [1, 3]] = np.clip(boxes[:, [1, 3]], 0, height)
        boxes[:, 4] = np.clip(boxes[:, 4], 0, 1)
        # A box that lies outside or is thinner than a pixel shows nobody.
        boxes = boxes[(boxes[:, 2:4] - boxes[:, :2] >= 1).all(axis=1)]
        return suppress(boxes, nms_iou) if len(boxes) else NOBODY.copy()

    @abstractmethod
    def normalised(self, canvas: Image) -> NDArray[np.float32]:
        """(h, w, 3) BGR px as the network wants its numbers."""

    @property
    def finished(self) -> bool:
        """Whether boxes come out of the file after suppression."""
        return bool(self._boxes)

    def boxes_of(self, outputs: Outputs, min_score: float) -> Boxes:
        """(N, 5) boxes in px of the input, in any order; those below ``min_score`` may be left out."""
        boxes: Boxes = outputs[self._boxes][0].astype(np.float64)
        if self._labels:
            boxes = boxes[outputs[self._labels][0] == PERSON]
        return boxes

    def check_other_layout(self, outputs: dict[str, Shape], path: Path) -> None:
        """Raise BadInputError unless ``boxes_of`` understands outputs of these shapes all the same."""
        raise bad_input(
            f"the outputs are {', '.join(outputs)}",
            file=path,
            allowed="dets (batch, n, 5) and labels (batch, n)",
            hint="export the network with its suppression inside",
        )


def _input_size(shape: Shape, size: tuple[int, int] | None, path: Path) -> tuple[int, int]:
    if len(shape) != 4 or shape[1] not in (3, None):
        raise bad_input(
            f"the network takes {shape}", file=path, allowed="pictures, (batch, 3, height, width)"
        )
    height, width = shape[2], shape[3]
    if height is None or width is None:
        if size is None:
            raise bad_input("the network takes pictures of any size; say which it was made for", file=path)
        return size
    if size is not None and size != (width, height):
        raise bad_input(f"the network takes {width}x{height} px", file=path, value=f"{size[0]}x{size[1]}")
    return width, height


def _mmdeploy_outputs(outputs: dict[str, Shape]) -> tuple[str, str]:
    """Names of boxes and labels, "" where there are none."""
    if "dets" in outputs:
        return "dets", "labels" if "labels" in outputs else ""
    five = [name for name, shape in outputs.items() if len(shape) == 3 and shape[-1] == 5]
    flat = [name for name, shape in outputs.items() if len(shape) == 2]
    return (five[0], flat[0] if flat else "") if len(five) == 1 else ("", "")
