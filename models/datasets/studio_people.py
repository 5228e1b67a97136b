"""People of the simulated studio, rendered by whatever camera looks at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.datasets.simulated_studio import (
    SPLITS,
    SimulatedStudio,
    SimulatedStudioConfig,
    Split,
    StudioScene,
)
from models.metrabs.train_camera import TrainCamera
from models.simulation.crop_camera import CropCamera

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

_PERSON = 22
"""What a seed is combined with; the data set of several views uses lower numbers."""
_UP = np.array([0.0, 0.0, 1.0])


class StudioPeople:
    """One view of somebody, by number; see ``SimulatedStudio``, whose settings these are.

    Args:
        config: ``views`` does not matter.
        split: Which bodies, motions and cameras.
    """

    def __init__(self, config: SimulatedStudioConfig, split: Split) -> None:
        self.split: Split = split
        # One view, never a whole picture: how much a crop shows is decided by who looks.
        self._studio = SimulatedStudio(config.model_copy(update={"views": 1, "wide": 0.0}), split)
        self.skeleton = self._studio.skeleton

    def __len__(self) -> int:
        return len(self._studio)

    def prepare(self) -> None:
        """Build all bodies."""
        self._studio.prepare()

    def person(self, index: int, random: Generator) -> StudioPerson:
        """Follows from the seed of the studio and the position alone."""
        del random
        own = np.random.default_rng([self._studio.config.seed, SPLITS[self.split], _PERSON, index])
        scene = self._studio.scene(own)
        crop = scene.studio_cameras()[0] if self.split == "studio" else scene.cameras()[0]
        width = self._studio.config.crop_px
        camera = TrainCamera(crop.R, crop.position, crop.intrinsics(width), np.zeros(5))
        return StudioPerson(camera, scene.joints, _UP, scene, self._studio.thickness)


@dataclass(frozen=True)
class StudioPerson:
    """See ``LabelledPerson``; ``look`` draws what is drawn by picture, so it gives another one each time."""

    camera: TrainCamera
    joints: Floats
    up: Floats
    _scene: StudioScene
    _thickness: Floats
    box: Floats | None = None

    def look(self, camera: TrainCamera, side: int) -> Image:
        """(side, side, 3) RGB, sharp at any size.

        Side must be the studio's ``crop_px``.
        """
        mirrored = np.linalg.det(camera.rotation) < 0.0
        intrinsics = camera.intrinsics
        rotation = camera.rotation
        middle = intrinsics[0, 2]
        if mirrored:
            # The picture of the camera that is not mirrored, seen in a mirror: column x becomes side - 1 - x.
            rotation = rotation * np.array([[-1.0], [1.0], [1.0]])
            middle = side - 1.0 - middle
        focal = intrinsics[0, 0]
        crop = CropCamera(
            rotation,
            -rotation @ camera.centre,
            -(middle + 0.5) / focal,
            -(intrinsics[1, 2] + 0.5) / focal,
            side / focal,
        )
        picture, _ = self._scene.picture(crop, self._thickness)
        rows = picture[:, ::-1] if mirrored else picture
        return np.ascontiguousarray(rows[..., ::-1])
