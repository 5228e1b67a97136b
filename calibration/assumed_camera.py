"""A camera that nobody calibrated, as most cameras are: for poses whose place and size are rough."""

from __future__ import annotations

from dataclasses import replace
from math import radians, tan
from typing import Final

import numpy as np

from calibration.camera import Camera
from calibration.rig import Rig

FIELD_OF_VIEW_DEG: Final = 55.0
"""Of the longer side; a webcam or the main camera of a phone (and what MeTRAbs assumes)."""
HEIGHT_MM: Final = 1500.0
"""Of the camera above the floor; it looks horizontally along +Y of the world."""

LEVEL: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""cam_from_world of a camera that looks along +Y: its x is the world's, its y points down."""

ASSUMED: Final = "assumed"
"""Key of a calibration's ``quality`` that says what nobody measured."""

_STAND: Final = f"the camera stands {HEIGHT_MM / 1000:g} m above the floor and looks horizontally"
NO_CALIBRATION: Final = (
    f"Nobody calibrated this camera: assumed are a field of view of {FIELD_OF_VIEW_DEG:g} degrees and that "
    f"{_STAND}; sizes and distances are rough"
)
NO_PLACE: Final = f"Only the lens of this camera is calibrated: assumed is that {_STAND}"


def assumed_camera(name: str, size: tuple[int, int]) -> Camera:
    """A camera without distortion, its optical centre in the middle of the picture.

    Args:
        name: Of the camera.
        size: (width, height) px.
    """
    focal_px = 0.5 * max(size) / tan(radians(FIELD_OF_VIEW_DEG) / 2.0)
    K = np.array(
        [[focal_px, 0.0, (size[0] - 1) / 2.0], [0.0, focal_px, (size[1] - 1) / 2.0], [0.0, 0.0, 1.0]]
    )
    return Camera(name, size, "pinhole", K, np.zeros(5), LEVEL, _stand())


def assumed_calibration(camera: str, size: tuple[int, int]) -> Rig:
    """A calibration of the only camera that says what it assumes.

    Args:
        camera: Its name.
        size: (width, height) px of its pictures.
    """
    return Rig((assumed_camera(camera, size),), quality={ASSUMED: NO_CALIBRATION})


def with_place(calibration: Rig) -> Rig:
    """A single camera whose place nobody measured, put where one is assumed; other rigs as they are."""
    if not _is_its_own_world(calibration):
        return calibration
    camera = replace(calibration.cameras[0], R=LEVEL, t=_stand())
    return replace(calibration, cameras=(camera,), quality={**calibration.quality, ASSUMED: NO_PLACE})


def assumption(calibration: Rig | None) -> str:
    """What a viewer must be told about a calibration; empty where everything was measured."""
    return str(calibration.quality.get(ASSUMED, "")) if calibration is not None else ""


def _is_its_own_world(rig: Rig) -> bool:
    """Whether a rig is a single camera of which only the lens is known."""
    camera = rig.cameras[0]
    return len(rig) == 1 and not camera.t.any() and bool((np.eye(3) == camera.R).all())


def _stand() -> np.ndarray:
    return -LEVEL @ (0.0, 0.0, HEIGHT_MM)
