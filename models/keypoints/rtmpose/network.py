"""The keypoint network on the crops of several people at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.detectors.base import Image
from models.keypoints.rtmpose.crop import crop, picture_from_crop, to_picture
from models.keypoints.rtmpose.simcc import decode_simcc
from models.runtimes.onnx_network import Device, OnnxNetwork, Shape
from models.skeleton import Skeleton

Floats = NDArray[np.float64]


class SimccNetwork:
    """A network with a SimCC head, one answer along x and one along y per keypoint.

    Args:
        path: The ONNX file.
        skeleton: What its keypoints are called; their number must be the file's.
        device: See ``OnnxNetwork``.
        threads: See ``OnnxNetwork``.
        most: How many people there may be at once; a graphics card is made ready for that.

    Raises:
        BadInputError: The file is no such network, or has another number of keypoints.
    """

    def __init__(
        self,
        path: Path,
        skeleton: Skeleton,
        *,
        device: Device = "auto",
        threads: int | None = None,
        most: int = 1,
    ) -> None:
        self._network = OnnxNetwork(path, device, threads)
        self.device = self._network.device
        self.skeleton = skeleton
        self.size, self._batch = _crop_size(self._network.input_shape, path)
        self._across, self._down = _axes(self._network.outputs, path)
        self._check(path)
        if not self._batch and self.device != "cpu":
            for count in sorted({_power_of_two(people) for people in range(1, most + 1)}):
                self._run(np.zeros((count, 3, self.size[1], self.size[0]), np.float32))

    def keypoints(self, people: Sequence[tuple[Image, Floats]]) -> tuple[Floats, Floats]:
        """Keypoints of people in boxes.

        Args:
            people: A (H, W, 3) BGR picture and a (4+,) box in it for each.

        Returns:
            (N, K, 2) px of each one's picture, NaN where not found, and (N, K) scores in [0, 1].
        """
        joints = len(self.skeleton)
        if not people:
            return np.zeros((0, joints, 2)), np.zeros((0, joints))
        matrices = [picture_from_crop(box, self.size) for _, box in people]
        crops = np.stack(
            [crop(image, matrix, self.size) for (image, _), matrix in zip(people, matrices, strict=True)]
        )
        step = self._batch or len(crops)
        answers = [self._run(crops[start : start + step]) for start in range(0, len(crops), step)]
        points = np.concatenate([part for part, _ in answers])
        for place, matrix in enumerate(matrices):
            points[place] = to_picture(points[place], matrix)
        return points, np.concatenate([part for _, part in answers])

    def _run(self, crops: NDArray[np.float32]) -> tuple[Floats, Floats]:
        count = len(crops)
        wanted = self._batch or (count if self.device == "cpu" else _power_of_two(count))
        if count < wanted:
            crops = np.concatenate([crops, np.zeros((wanted - count, *crops.shape[1:]), np.float32)])
        found = self._network.run(crops)
        return decode_simcc(found[self._across][:count], found[self._down][:count], self.size)

    def _check(self, path: Path) -> None:
        """Run once, which also keeps the first person from waiting, and look at what comes out."""
        answers = self._network.run(np.zeros((self._batch or 1, 3, self.size[1], self.size[0]), np.float32))
        across, down = answers[self._across].shape, answers[self._down].shape
        if across[1] != len(self.skeleton) or down[1] != len(self.skeleton):
            raise bad_input(
                f"the network has {across[1]} keypoints, {self.skeleton.name} has {len(self.skeleton)}",
                file=path,
                hint="say another skeleton",
            )
        if across[2] * self.size[1] != down[2] * self.size[0] or across[2] < self.size[0]:
            raise bad_input(
                f"the network answers in {across[2]} x {down[2]} bins for crops of "
                f"{self.size[0]}x{self.size[1]} px",
                file=path,
                allowed="the same number of bins per px in both directions, one at least",
            )


def _power_of_two(count: int) -> int:
    """The smallest that is not less.

    On a graphics card every new number of crops means another search for the fastest kernels, or even another
    engine, in the middle of a take; few numbers are quickly all known.
    """
    return 1 << (count - 1).bit_length()


def _crop_size(shape: Shape, path: Path) -> tuple[tuple[int, int], int | None]:
    if len(shape) != 4 or shape[1] != 3 or shape[2] is None or shape[3] is None:
        raise bad_input(f"the network takes {shape}", file=path, allowed="crops, (batch, 3, height, width)")
    return (shape[3], shape[2]), shape[0]


def _axes(outputs: dict[str, Shape], path: Path) -> tuple[str, str]:
    """Names of the answers along x and along y."""
    if {"simcc_x", "simcc_y"} <= outputs.keys():
        return "simcc_x", "simcc_y"
    if len(outputs) == 2 and all(len(shape) == 3 for shape in outputs.values()):
        first, second = outputs
        return first, second
    found = ", ".join(f"{name} {shape}" for name, shape in outputs.items())
    raise bad_input(
        f"the outputs are {found}",
        file=path,
        allowed="simcc_x (batch, keypoints, bins) and simcc_y (batch, keypoints, bins)",
    )
