"""Pictures rendered as crops: only what a network will see is computed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.simulation.crop_camera import CropCamera
from models.simulation.lighting import shade_floor
from models.simulation.paint import paint_winners
from models.simulation.rasterizer import NOBODY_MM, find_nearest, project
from models.simulation.renderer import RAY_STEP_PX, Cast, Image
from models.simulation.room import NOWHERE_MM, room_picture
from models.simulation.visibility import seen_in

Floats = NDArray[np.float64]


class CropPicture:
    """One camera's crop of a cast that is posed already.

    Args:
        camera: Where it is taken from.
        cast: Whom it shows; posed, and lit before ``paint``.
        width: px of the square picture.
    """

    def __init__(self, camera: CropCamera, cast: Cast, width: int) -> None:
        self.camera, self.cast, self.width = camera, cast, width
        self._depth = np.full((width, width), NOBODY_MM, np.float32)
        self._winner = np.full((width, width), -1, np.int32)
        self._screen = np.full((len(cast.points), 3), -1.0, np.float32)
        left, top, right, bottom = map(float, project(cast.points, camera.lens(width), self._screen))
        self._box = (
            min(width, max(0, int(top))),
            min(width, max(0, int(left))),
            max(0, min(width, int(bottom) + 2)),
            max(0, min(width, int(right) + 2)),
        )
        find_nearest(self._screen, cast.faces, self._depth, self._winner)

    def visible(self, joints: Floats, allowed: Floats) -> NDArray[np.bool_]:
        """(J,) whether joints (J, 3), mm in world, can be seen; ``allowed`` is ``own_thickness``."""
        homogeneous = joints @ self.camera.projection(self.width)[:, :3].T
        homogeneous += self.camera.projection(self.width)[:, 3]
        distances = homogeneous[:, 2]
        pixels = homogeneous[:, :2] / np.where(distances > 1.0, distances, np.nan)[:, None]
        return seen_in(self._depth, pixels, distances, allowed)

    def paint(self, background: Image, floor_places: NDArray[np.float32] | None) -> Image:
        """People, obstacles and their shadow over a background; fills and returns ``background``.

        Args:
            background: (width, width, 3) BGR.
            floor_places: (width, width, 2) x, y mm of the floor under each pixel, None where there is no
                floor to cast a shadow on.
        """
        if floor_places is not None:
            whole = (0, 0, self.width, self.width)
            shade_floor(floor_places, self._winner, self.cast.shadow.shade, whole, background)
        paint_winners(
            self._winner,
            self._screen,
            self.cast.faces,
            self.cast.paint,
            self.cast.texture,
            self.cast.light,
            self.cast.palettes,
            self._box,
            background,
        )
        return background


def room_behind(camera: CropCamera, width: int, reduction: int) -> tuple[Image, NDArray[np.float32]]:
    """The empty room as a camera inside it sees it.

    Args:
        camera: Inside the room.
        width: px of the square picture.
        reduction: One ray per so many squared pixels; more gives a softer picture in less time.

    Returns:
        (width, width, 3) BGR, and (width, width, 2) x, y mm on the floor, far outside where there is none.
    """
    small = -(-width // reduction)
    colours = np.zeros((small, small, 3), np.float32)
    places = np.zeros((small, small, 2), np.float32)
    room_picture(camera.position, camera.rays(small, RAY_STEP_PX), RAY_STEP_PX, 1, colours, places)
    levels = np.rint(255.0 * np.sqrt(np.clip(colours[..., ::-1], 0.0, 1.0))).astype(np.uint8)
    if small == width:
        return np.ascontiguousarray(levels), places
    size = (width, width)
    picture = cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR)
    # places must not be blended across the edge of the floor
    near = cv2.resize(places, size, interpolation=cv2.INTER_NEAREST)
    smooth = cv2.resize(places, size, interpolation=cv2.INTER_LINEAR)
    off = cv2.resize((places[..., 0] >= NOWHERE_MM).astype(np.float32), size) > 0
    return np.asarray(picture, np.uint8), np.where(off[..., None], near, smooth).astype(np.float32)
