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


def has_no_place(rig: Rig) -> bool:
    """Whether a rig is a single camera of which only the lens is known: it is its own world."""
    camera = rig.cameras[0]
    return len(rig) == 1 and not camera.t.any() and bool((np.eye(3) == camera.R).all())


def placed(rig: Rig) -> Rig:
    """The single camera of a rig where ``assumed_camera`` stands, with its own lens."""
    return replace(rig, cameras=(replace(rig.cameras[0], R=LEVEL, t=_stand()),))


def _stand() -> np.ndarray:
    return -LEVEL @ (0.0, 0.0, HEIGHT_MM)
