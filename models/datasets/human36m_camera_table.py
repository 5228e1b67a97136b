"""Cameras of Human3.6M as its own metadata file stores them: 300 numbers for eleven people and four cameras.

The layout is that of the data set's release; Martinez et al. 2017 read it for lifting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from configs.errors import bad_input
from models.datasets.human36m_lens import distort
from models.datasets.human36m_names import CAMERAS

Floats = NDArray[np.float64]

PEOPLE: Final = 11
NUMBERS: Final = 300
_EXTRINSIC, _INTRINSIC = 6, 9


@dataclass(frozen=True)
class StudioCamera:
    """A camera of the data set's studio; its lens is that of ``human36m_lens``.

    Attributes:
        name: One of ``CAMERAS``.
        rotation: (3, 3) camera from world.
        centre: (3,) mm in world.
        focal: (2,) px.
        middle: (2,) px.
        radial: (3,) coefficients.
        tangential: (2,) coefficients.
    """

    name: str
    rotation: Floats
    centre: Floats
    focal: Floats
    middle: Floats
    radial: Floats
    tangential: Floats

    def to_camera(self, world: Floats) -> Floats:
        """(..., 3) mm in world to the camera's axes."""
        points: Floats = (np.asarray(world, np.float64) - self.centre) @ self.rotation.T
        return points

    def to_world(self, points: Floats) -> Floats:
        """(..., 3) mm in the camera's axes to world."""
        world: Floats = np.asarray(points, np.float64) @ self.rotation + self.centre
        return world

    def project(self, world: Floats) -> tuple[Floats, Floats]:
        """(..., 3) mm in world to distorted px (..., 2) and depth (...) mm."""
        points = self.to_camera(world)
        k1, k2, k3 = self.radial
        ideal = points[..., :2] / points[..., 2:]
        seen = distort(ideal, np.array([k1, k2, *self.tangential, k3]))
        return seen * self.focal + self.middle, points[..., 2]


def studio_camera(numbers: Floats, subject: int, camera: str) -> StudioCamera:
    """The camera as it stood for a person.

    Args:
        numbers: (300,) the element ``w0`` of the metadata file.
        subject: 1 to 11.
        camera: One of ``CAMERAS``.

    Raises:
        BadInputError: Another number of numbers, or no such person or camera.
    """
    if np.shape(numbers) != (NUMBERS,):
        raise bad_input(f"the table of cameras has the shape {np.shape(numbers)}, expected ({NUMBERS},)")
    if not 1 <= subject <= PEOPLE or camera not in CAMERAS:
        raise bad_input(
            "no such person or camera",
            value=f"S{subject}, {camera}",
            allowed="S1 to S11, " + ", ".join(CAMERAS),
        )
    which = CAMERAS.index(camera)
    at = _EXTRINSIC * (which * PEOPLE + subject - 1)
    angles, centre = numbers[at : at + 3], numbers[at + 3 : at + 6]
    at = _EXTRINSIC * PEOPLE * len(CAMERAS) + _INTRINSIC * which
    lens = numbers[at : at + _INTRINSIC]
    rotation = Rotation.from_euler("XYZ", angles).as_matrix()  # Rx Ry Rz
    return StudioCamera(camera, rotation, np.array(centre), *np.split(lens, [2, 4, 7]))
