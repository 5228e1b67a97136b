"""Putting a rig where the user says that the world is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.world_axes import world_from_board, world_from_cameras
from calibration.world_config import WorldConfig
from calibration.world_frame import find_floor_board, world_from_points
from configs.errors import BadInputError, bad_input


@dataclass(frozen=True, eq=False)
class PlacedRig:
    """A rig in its world.

    Attributes:
        rig: There.
        scale_percent: How much larger it is than known points say; None without such.
    """

    rig: Rig
    scale_percent: float | None = None


def place_world(rig: Rig, reference: str, observations: BoardObservations, config: WorldConfig) -> PlacedRig:
    """Put the rig where the config says.

    Raises:
        BadInputError: The board does not lie still then, a camera is unknown, or points are too few.
    """
    if config.floor_s is not None:
        start = min(view.time_ns for view in observations.views)
        low, high = (start + round(1e9 * second) for second in config.floor_s)
        lying = observations.chosen(view for view in observations.views if low <= view.time_ns <= high)
        if not lying.views:
            raise bad_input("no camera saw the board in that time", key="world.floor_s", value=config.floor_s)
        return PlacedRig(world_from_board(rig, find_floor_board(rig, lying), forward=config.forward))
    if config.points is not None:
        pixels = {
            name: np.array([(np.nan, np.nan) if pixel is None else pixel for pixel in marked])
            for name, marked in config.points.pixels.items()
        }
        known = world_from_points(rig, config.points.mm, pixels, rescale=config.points.rescale)
        return PlacedRig(known.rig, known.scale_percent)
    if config.camera is not None:
        level, height = config.level, config.height_mm
        return PlacedRig(world_from_cameras(rig, config.camera, level=level, height_mm=height))
    try:
        return PlacedRig(world_from_cameras(rig, reference, level=rig.names))
    except BadInputError:
        # Cameras that hang upside down or look straight down: any world is as good as another.
        return PlacedRig(rig)
