"""How the user says where the world is."""

from __future__ import annotations

from pydantic import Field, model_validator

from calibration.world_axes import Direction
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
