"""People with known joints, whom a camera of one's choice can look at: what crops for training are made of.

A crop of MeTRAbs is the picture of a camera that is turned to the person. Simulated people are rendered by
that camera; people in recorded pictures are resampled from the picture that there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from models.metrabs.crops import cut_crops
from models.metrabs.train_camera import TrainCamera
from models.metrabs.virtual_camera import VirtualCameras
from models.skeleton import Skeleton

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]


class LabelledPerson(Protocol):
    """One person before one camera."""

    @property
    def camera(self) -> TrainCamera:
        """That took the picture, without a lens."""
        ...

    @property
    def joints(self) -> Floats:
        """(J, 3) mm in the world, NaN where unknown."""
        ...

    @property
    def up(self) -> Floats:
        """(3,) upwards in the world."""
        ...

    @property
    def box(self) -> Floats | None:
        """(4,) left, top, width, height px that an annotator drew; None where the joints say it."""
        ...

    def look(self, camera: TrainCamera, side: int) -> Image:
        """(side, side, 3) RGB as a camera at the same place sees it; black where nothing is known."""
        ...


class PeopleSource(Protocol):
    """Labelled people by number."""

    skeleton: Skeleton

    def __len__(self) -> int: ...

    def prepare(self) -> None:
        """Do once what worker processes can then share."""
        ...

    def person(self, index: int, random: Generator) -> LabelledPerson:
        """The person at a position.

        Args:
            index: From 0.
            random: For what is drawn anew each time.
        """
        ...


@dataclass(frozen=True)
class PicturedPerson:
    """Somebody in a recorded picture.

    Attributes:
        picture: (H, W, 3) RGB.
        camera: That took it; a lens is allowed.
        joints: (J, 3) mm in the world, NaN where unknown.
        up: (3,) upwards in the world.
        box: See ``LabelledPerson``.
    """

    picture: Image
    camera: TrainCamera
    joints: Floats
    up: Floats
    box: Floats | None = None

    def look(self, camera: TrainCamera, side: int) -> Image:
        """See ``LabelledPerson``; resampled in linear light."""
        turn = camera.rotation @ self.camera.rotation.T
        zoom = camera.intrinsics[0, 0] / self.camera.intrinsics[[0, 1], [0, 1]].mean()
        cameras = VirtualCameras(
            torch.tensor(turn)[None, None],
            torch.tensor(camera.intrinsics)[None, None],
            torch.tensor([[zoom]], dtype=torch.float64),
        )
        # Colours first, as torch has them; a gamma of 1 undoes what makes light linear.
        crop = cut_crops(
            torch.from_numpy(np.ascontiguousarray(self.picture)).permute(2, 0, 1),
            cameras,
            torch.tensor(self.camera.intrinsics),
            torch.tensor(self.camera.distortion),
            torch.ones(1, dtype=torch.float64),
            side,
        )[0, 0]
        levels = (crop * 255.0).round().clamp(0, 255).to(torch.uint8)
        return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())
