"""How the user says where the world is, and putting the rig there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field, model_validator

from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.world_axes import Direction, world_from_board, world_from_cameras
from calibration.world_frame import find_floor_board, world_from_points
from configs.errors import BadInputError, bad_input
from configs.loading import Config


class KnownPointsConfig(Config):
    """Points with known coordinates, marked in pictures.

    Attributes:
        mm: (N, 3) coordinates in the world, Z up.
        pixels: Camera to its (N, 2) px, null where it does not see a point.
        rescale: Take the scale from the points instead of the board's squares.
    """

    mm: tuple[tuple[float, float, float], ...] = Field(min_length=3)
    pixels: dict[str, tuple[tuple[float, float] | None, ...]] = Field(min_length=2)
    rescale: bool = False


class WorldConfig(Config):
    """Origin and axes; at most one of ``floor_s``, ``camera`` and ``points``.

    Without any, the reference camera is the origin, y is where it looks, and up is the mean of what is up for
    all cameras.

    Attributes:
        floor_s: From and to which second (counted from the first view) the board lay on the floor.
        forward: What the x axis of that board becomes in the world.
        camera: Its centre is the origin, or the point of the floor below.
        level: Cameras that stand upright; none: ``camera``.
        height_mm: Of that camera above the floor.
        points: Known points.
    """

    floor_s: tuple[float, float] | None = None
    forward: Direction = "y"
    camera: str | None = None
    level: tuple[str, ...] = ()
    height_mm: float | None = None
    points: KnownPointsConfig | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing says where the world is."""
        return self.floor_s is None and self.camera is None and self.points is None

    @model_validator(mode="after")
    def _one_way(self) -> WorldConfig:
        if sum(way is not None for way in (self.floor_s, self.camera, self.points)) > 1:
            raise ValueError("give one of floor_s, camera and points")
        return self


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
