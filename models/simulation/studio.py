"""The virtual studio: cameras with known calibration film people with known joints."""

from __future__ import annotations

from functools import cached_property
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from calibration.rig import Rig
from configs.errors import bad_input
from configs.loading import Config
from models.simulation.anatomy import Anatomy
from models.simulation.appearance import draw_look
from models.simulation.body import build_body
from models.simulation.choreography import compose
from models.simulation.paint import palette
from models.simulation.performer import BodyPose, Performer
from models.simulation.renderer import Cast, Image, Sensor, View
from models.simulation.studio_rig import ring_of_cameras
from models.simulation.visibility import own_thickness, seen_in
from models.skeleton import Skeleton
from models.skeletons import get_skeleton

_RIG, _CAST, _MOTION, _LOOK, _NOISE = range(5)
"""What a seed is combined with, so that another number of cameras does not change the people."""


class StudioConfig(Config):
    """What is filmed and how.

    Attributes:
        seed: Decides on people, motion, cameras and noise.
        cameras: How many stand on the ring.
        size: (width, height) px of every camera.
        people: How many perform.
        noise: Standard deviation of the sensor noise, grey levels.
        blur_px: Standard deviation of the lens blur, px.
    """

    seed: int = Field(default=0, ge=0, lt=2**63)
    cameras: int = Field(default=4, ge=1, le=16)
    size: tuple[int, int] = (640, 480)
    people: int = Field(default=1, ge=1, le=3)
    noise: float = Field(default=2.0, ge=0, le=50)
    blur_px: float = Field(default=0.55, ge=0, le=2)

    @field_validator("size")
    @classmethod
    def _size_is_sensible(cls, size: tuple[int, int]) -> tuple[int, int]:
        if not all(64 <= side <= 4096 for side in size):
            raise ValueError("width and height must lie in 64..4096 px")
        return size


class Studio:
    """People who move and cameras that film them. Everything follows from the configuration and the time.

    Not for several threads at once: pictures share buffers.
    """

    def __init__(self, config: StudioConfig) -> None:
        self.config = config
        self.skeleton: Skeleton = get_skeleton("halpe_26")
        self.rig: Rig = ring_of_cameras([config.seed, _RIG], config.cameras, config.size)
        self._performers = [self._performer(person) for person in range(config.people)]
        self._views: dict[str, View] = {}
        self._sensors: dict[str, Sensor] = {}
        self._posed: float | None = None
        self._lit: float | None = None
        self._allowed = own_thickness(self.skeleton)

    def truth(self, t_s: float) -> NDArray[np.float64]:
        """(P, J, 3) joints at scene time ``t_s``, mm in world."""
        return np.stack([performer.joints(t_s) for performer in self._performers])

    def visibility(self, camera: str, t_s: float) -> NDArray[np.bool_]:
        """(P, J) whether the camera sees the joint: inside the picture, with only its own surface in front.

        Raises:
            BadInputError: There is no such camera.
        """
        view = self._view(camera)
        self._set_time(t_s)
        depth, _ = view.find_people()
        joints = self.truth(t_s)
        geometry = view.camera
        pixels = geometry.project(joints)
        distances = joints @ geometry.R[2] + geometry.t[2]
        return seen_in(depth, pixels, distances, self._allowed)

    def depth(self, camera: str, t_s: float) -> NDArray[np.float32]:
        """(H, W) mm along the optical axis to people, ``rasterizer.NOBODY_MM`` where nobody is.

        Overwritten by the next call for this camera.

        Raises:
            BadInputError: There is no such camera.
        """
        view = self._view(camera)
        self._set_time(t_s)
        return view.find_people()[0]

    def render(self, camera: str, t_s: float, out: Image | None = None) -> Image:
        """Take a picture; the same for the same configuration, camera and time.

        Args:
            camera: Name in ``rig``.
            t_s: Scene time, s.
            out: (H, W, 3) uint8, C-contiguous, filled and returned; None allocates one.

        Returns:
            (H, W, 3) BGR.

        Raises:
            BadInputError: There is no such camera.
        """
        view = self._view(camera)
        width, height = view.camera.size
        if out is None:
            out = np.empty((height, width, 3), np.uint8)
        assert out.shape == (height, width, 3)
        assert out.dtype == np.uint8
        self._set_time(t_s)
        if self._lit != t_s:
            self._cast.light_up()
            self._lit = t_s
        # a microsecond tells frames apart at any rate a camera reaches
        self._sensors[camera].expose(view.picture(), round(t_s * 1e6), out)
        return out

    def _performer(self, person: int) -> Performer:
        config = self.config
        random = np.random.default_rng([config.seed, _CAST, person])
        anatomy = Anatomy(
            height=float(random.uniform(1650.0, 1830.0)),
            shoulder_width=float(random.uniform(0.95, 1.04)),
            hip_width=float(random.uniform(0.96, 1.04)),
        )
        centre, radius = (0.0, 0.0), 1000.0
        if config.people > 1:
            # each on a loop of their own, far enough apart for outstretched arms
            angle = 2 * pi * person / config.people + 0.4
            centre, radius = (780.0 * cos(angle), 780.0 * sin(angle)), 330.0
        choreography = compose([config.seed, _MOTION, person], centre, radius)
        return Performer(anatomy, choreography, self.skeleton)

    @cached_property
    def _cast(self) -> Cast:
        """The surfaces; built only when somebody looks, because truth alone does not need them."""
        looks = [draw_look([self.config.seed, _LOOK, person]) for person in range(self.config.people)]
        bodies = [
            build_body(performer.anatomy, look)
            for performer, look in zip(self._performers, looks, strict=True)
        ]
        return Cast(bodies, np.stack([palette(look) for look in looks]))

    def _view(self, camera: str) -> View:
        if camera not in self._views:
            if camera not in self.rig.names:
                raise bad_input(
                    "the studio has no such camera", value=camera, allowed=", ".join(self.rig.names)
                )
            geometry = self.rig.camera(camera)
            number = self.rig.names.index(camera)
            config = self.config
            self._views[camera] = View(geometry, self._cast, config.blur_px)
            self._sensors[camera] = Sensor(geometry.size, config.noise, [config.seed, _NOISE, number])
        return self._views[camera]

    def _set_time(self, t_s: float) -> None:
        if self._posed != t_s:
            poses: list[BodyPose] = [performer.pose(t_s) for performer in self._performers]
            self._cast.set_poses(poses)
            self._posed, self._lit = t_s, None


def warm_up() -> None:
    """Compile what a picture needs and keep it on disk, so that processes started later begin at once."""
    studio = Studio(StudioConfig(cameras=1, size=(64, 64)))
    studio.render("cam1", 0.0)
    studio.visibility("cam1", 0.0)
