"""The simulated studio as a data set: endless labelled crops of one person from several views.

Every sample follows from (seed, split, position) alone, whatever process renders it. The splits share no
body, no motion and no rig: what they draw comes from different seeds. ``studio`` shows people and cameras as
``models.simulation.studio.Studio`` does, which training pictures deliberately do not.
"""

from __future__ import annotations

from dataclasses import replace
from math import cos, pi, sin
from typing import Any, Literal

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config
from models.simulation.anatomy import Anatomy
from models.simulation.appearance import draw_look
from models.simulation.backdrops import draw_clutter, recoloured
from models.simulation.body import build_body
from models.simulation.choreography import compose
from models.simulation.crop_camera import CropCamera, aim, crop_to
from models.simulation.crop_picture import CropPicture, room_behind
from models.simulation.exposure import expose_as_studio, expose_at_random
from models.simulation.lighting import TO_LAMP
from models.simulation.obstacles import draw_obstacle, standing_at
from models.simulation.paint import palette
from models.simulation.performer import BodyPose, Performer, Puppet
from models.simulation.random_people import Figure, draw_clothes, draw_figure, draw_stance
from models.simulation.renderer import Cast, Image
from models.simulation.studio_rig import ring_of_cameras
from models.simulation.visibility import own_thickness
from models.skeleton import Skeleton
from models.skeletons import get_skeleton

Floats = NDArray[np.float64]
Split = Literal["train", "val", "studio"]
SPLITS: dict[str, int] = {"train": 0, "val": 1, "studio": 2}

_SAMPLE, _FIGURE = 20, 21
"""What a seed is combined with; the studio itself uses lower numbers."""
_INSIDE_MM = np.array([5400.0, 5000.0])
"""How far from the middle a camera in the room may stand."""
_ROUND_S = 45.0
_REAL_MARGIN = 1.25
"""As ``models.crops.person_box`` cuts people out of live pictures."""
_WIDE_MARGINS = (1.4, 4.5)
"""Side of a whole picture over the extent of the person in it."""
_ASPECTS = (4 / 3, 3 / 2, 16 / 9)
"""Of whole pictures, which are then square only with black borders above and below."""


class SimulatedStudioConfig(Config):
    """What is shown."""

    seed: int = Field(0, ge=0)
    crop_px: int = Field(224, ge=64, le=512, multiple_of=32)
    views: int = Field(4, ge=1, le=12)
    """Pictures of each instant."""
    least_views: int | None = Field(None, ge=1)
    """Where given, a sample has a random number of views from this to ``views``; others are marked absent."""
    bodies: int = Field(40, ge=1)
    """Different surfaces of a split; colours are new in every sample."""
    second_person: float = Field(0.25, ge=0.0, le=1.0)
    """Share of samples with somebody else in the way."""
    obstacles: float = Field(0.2, ge=0.0, le=1.0)
    """Share of views with something between camera and person."""
    clutter: float = Field(0.4, ge=0.0, le=1.0)
    """Share of pictures before clutter instead of the room."""
    truncation: float = Field(0.12, ge=0.0, le=1.0)
    """Share of pictures that end within the crop."""
    wide: float = Field(0.0, ge=0.0, le=1.0)
    """Share of crops that are whole pictures with somebody in them, to learn to find people."""
    moving: float = Field(0.4, ge=0.0, le=1.0)
    """Share of people out of a choreography; the others stand in random poses. In ``studio`` all are."""
    bumped_deg: float = Field(0.0, ge=0.0, le=45.0)
    """By how much the first camera was turned, about a random axis, since it was calibrated."""
    late_ms: float = Field(0.0, ge=-200.0, le=200.0)
    """By how much the first camera films later than the others; people out of a choreography have moved."""
    samples: int = Field(100_000, ge=1)
    """That make an epoch."""


class SimulatedStudio:
    """Samples of one split, by position.

    A sample is a dictionary of V views of J joints: ``images`` (V, S, S, 3) uint8 BGR, ``projections``
    (V, 3, 4) float32 world mm to homogeneous px of the crop, ``present`` (V,) bool, ``keypoints`` (J, 3)
    float32 world mm, ``validity`` (J, 1) float32, ``visible`` (V, J) bool, ``turn`` () float32 in [0, 2 pi)
    for whoever wants to turn the world about the vertical, and ``index`` ().
    """

    def __init__(self, config: SimulatedStudioConfig, split: Split) -> None:
        self.config, self.split = config, split
        self.skeleton: Skeleton = get_skeleton("halpe_26")
        self._allowed = own_thickness(self.skeleton)
        self._figures: dict[int, Figure] = {}

    def __len__(self) -> int:
        return self.config.samples

    def prepare(self) -> None:
        """Build all bodies now, so that worker processes forked later share them."""
        for number in range(self.config.bodies):
            self.figure(number)
        self[0]  # compiles what is not compiled yet

    def figure(self, number: int) -> Figure:
        """One of the split's bodies; kept."""
        if number not in self._figures:
            seed = [self.config.seed, SPLITS[self.split], _FIGURE, number]
            if self.split == "studio":
                self._figures[number] = _studio_figure(seed)
            else:
                self._figures[number] = draw_figure(seed)
        return self._figures[number]

    def scene(self, random: Generator) -> StudioScene:
        """Somebody in the studio, for those who choose cameras of their own."""
        return StudioScene(self, random)

    @property
    def thickness(self) -> Floats:
        """What ``StudioScene.picture`` wants to know of the body."""
        return self._allowed

    def __getitem__(self, index: int) -> dict[str, NDArray[Any]]:
        """The sample at a position."""
        config = self.config
        random = np.random.default_rng([config.seed, SPLITS[self.split], _SAMPLE, index])
        scene = self.scene(random)
        crops = scene.studio_cameras() if self.split == "studio" else scene.cameras()
        images = np.empty((config.views, config.crop_px, config.crop_px, 3), np.uint8)
        visible = np.empty((config.views, len(self.skeleton)), bool)
        for view, camera in enumerate(crops):
            late = view == 0 and config.late_ms != 0
            images[view], visible[view] = scene.picture(camera, self._allowed, late=late)
            if scene.is_wide(view):
                visible[view] &= ~scene.letterbox(images[view], camera)
        if config.bumped_deg:
            # pictures are of the camera as it stands now, projections of how it stood
            crops = [_turned(random, crops[0], config.bumped_deg), *crops[1:]]
        present = np.ones(config.views, bool)
        if config.least_views is not None and config.least_views < config.views:
            count = int(random.integers(config.least_views, config.views + 1))
            present[random.permutation(config.views)[count:]] = False
        return {
            "images": images,
            "projections": np.stack([c.projection(config.crop_px) for c in crops]).astype(np.float32),
            "present": present,
            "keypoints": scene.joints.astype(np.float32),
            "validity": np.ones((len(scene.joints), 1), np.float32),
            "visible": visible,
            "turn": np.array(random.uniform(0.0, 2 * pi), np.float32),
            "index": np.array(index),
        }


class StudioScene:
    """One instant: people, obstacles and light, and the cameras that look at the first person."""

    def __init__(self, data: SimulatedStudio, random: Generator) -> None:
        self._config, self._random = data.config, random
        self._real = data.split == "studio"
        here = random.uniform(-1500.0, 1500.0, 2)
        people = [self._person(data, (float(here[0]), float(here[1])))]
        self.joints = people[0][3]
        if random.random() < (0.0 if self._real else self._config.second_person):
            angle, away = random.uniform(0, 2 * pi), random.uniform(450.0, 2200.0)
            middle = self.joints.mean(axis=0)
            people.append(self._person(data, (middle[0] + away * cos(angle), middle[1] + away * sin(angle))))
        self._bodies = [figure.body for figure, *_ in people]
        looks = [figure.look if self._real else draw_clothes(random) for figure, *_ in people]
        self._palettes = [palette(look) for look in looks]
        self._poses = [pose for _, pose, _, _ in people]
        self._lamp = TO_LAMP if self._real else _draw_lamp(random)
        self._crowd = self._cast(self._bodies, self._palettes, self._poses)
        self._later = [pose for _, _, pose, _ in people]
        self._wide: list[bool] = []

    def is_wide(self, view: int) -> bool:
        """Whether a view shows a whole picture."""
        return view < len(self._wide) and self._wide[view]

    def _person(
        self, data: SimulatedStudio, place: tuple[float, float]
    ) -> tuple[Figure, BodyPose, BodyPose, Floats]:
        """Somebody, the pose now, the pose that a late camera films, and (J, 3) joints now."""
        random = self._random
        figure = data.figure(int(random.integers(self._config.bodies)))
        puppet: Puppet
        if self._real or random.random() < self._config.moving:
            motion = [self._config.seed, SPLITS[data.split], int(random.integers(1 << 40))]
            choreography = compose(motion, (0.0, 0.0) if self._real else place, 1000.0)
            performer = Performer(figure.anatomy, choreography, data.skeleton)
            now_s = float(random.uniform(0.0, _ROUND_S))
            puppet, pose = performer, performer.pose(now_s)
            later = performer.pose(now_s + self._config.late_ms / 1000)
        else:
            puppet = Puppet(figure.anatomy, data.skeleton)
            later = pose = puppet.pose_in(draw_stance(random, puppet.hip_half_width, place))
        return figure, pose, later, puppet.joints_of(pose)

    def _cast(self, bodies: list[Any], palettes: list[Any], poses: list[BodyPose]) -> Cast:
        cast = Cast(bodies, np.stack(palettes), self._lamp)
        cast.set_poses(poses)
        cast.light_up()
        return cast

    def cameras(self) -> list[CropCamera]:
        """Anywhere around the person, never behind a wall, with crops that are not quite right."""
        random = self._random
        count = self._config.views
        middle = self.joints.mean(axis=0)
        start = random.uniform(0, 2 * pi)
        found = []
        for view in range(count):
            azimuth = start + 2 * pi * (view + random.uniform(-0.35, 0.35)) / count
            distance = random.uniform(2300.0, 6500.0)
            place = middle[:2] + distance * np.array([cos(azimuth), sin(azimuth)])
            place = np.clip(place, -_INSIDE_MM, _INSIDE_MM)
            position = np.array([*place, random.uniform(500.0, 2850.0)])
            # off the axis people look different, and real rigs see them there
            target = middle + random.normal(0.0, 0.16, 3) * np.linalg.norm(position - middle)
            roll = random.normal(0.0, 0.05 if random.random() < 0.8 else 0.3)
            margin = _REAL_MARGIN * float(np.exp(random.normal(0.0, 0.11)))
            shift = random.normal(0.0, 0.045, 2)
            # drawn only where asked for: other settings keep their samples
            wide = self._config.wide > 0 and random.random() < self._config.wide
            if wide:
                margin, shift = _anywhere(random)
            self._wide.append(wide)
            found.append(aim(position, target, roll, self.joints, margin, shift))
        return found

    def studio_cameras(self) -> list[CropCamera]:
        """A rig as the studio draws them, with crops of a person followed from frame to frame."""
        random = self._random
        rig = ring_of_cameras([int(random.integers(1 << 40))], self._config.views, (640, 480))
        return [
            crop_to(
                camera.R,
                camera.t,
                self.joints,
                _REAL_MARGIN * float(np.exp(random.normal(0.0, 0.03))),
                random.normal(0.0, 0.02, 2),
            )
            for camera in rig.cameras
        ]

    def picture(
        self, camera: CropCamera, allowed: Floats, *, late: bool = False
    ) -> tuple[Image, NDArray[np.bool_]]:
        """(S, S, 3) BGR, and (J,) which joints it shows."""
        random, config = self._random, self._config
        # finer than the crop, then averaged: live crops come from larger pictures
        finer = 1.5 if self._real else float(random.choice([1.0, 1.3, 1.7]))
        width = round(config.crop_px * finer)
        cast = self._crowd
        if not self._real and random.random() < config.obstacles:
            cast = self._with_obstacles(camera, late)
        elif late:
            cast = self._cast(self._bodies, self._palettes, self._later)
        crop = CropPicture(camera, cast, width)
        visible = crop.visible(self.joints, allowed)
        if not self._real and random.random() < config.clutter:
            sharp = crop.paint(draw_clutter(random, width), None)
        else:
            room, places = room_behind(camera, width, 1 if self._real else int(random.integers(2, 4)))
            if not self._real and random.random() < 0.75:
                room = recoloured(random, room)
            sharp = crop.paint(room, places)
        size = (config.crop_px, config.crop_px)
        picture = np.asarray(cv2.resize(sharp, size, interpolation=cv2.INTER_AREA), np.uint8)
        if self._real:
            return expose_as_studio(random, picture), visible
        picture = expose_at_random(random, picture)
        if random.random() < config.truncation:
            visible &= ~self._cut_off(picture, camera)
        return picture, visible

    def letterbox(self, picture: Image, camera: CropCamera) -> NDArray[np.bool_]:
        """Make a square a whole picture of a usual shape between black borders; (J,) joints under them."""
        width = self._config.crop_px
        border = round(width * (1.0 - 1.0 / float(self._random.choice(_ASPECTS))) / 2)
        rows = self._pixels(camera)[:, 1]
        picture[:border] = 0
        picture[width - border :] = 0
        return np.asarray((rows < border - 0.5) | (rows > width - border - 0.5))

    def _pixels(self, camera: CropCamera) -> Floats:
        """(J, 2) px of the first person's joints."""
        projection = camera.projection(self._config.crop_px)
        homogeneous = self.joints @ projection[:, :3].T + projection[:, 3]
        return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])

    def _with_obstacles(self, camera: CropCamera, late: bool) -> Cast:
        random = self._random
        bodies, palettes = list(self._bodies), list(self._palettes)
        poses = list(self._later if late else self._poses)
        for _ in range(int(random.integers(1, 3))):
            body, look = draw_obstacle(random)
            target = self.joints[random.integers(len(self.joints))] + random.normal(0.0, 120.0, 3)
            place = camera.position + random.uniform(0.3, 0.85) * (target - camera.position)
            bodies.append(body)
            palettes.append(palette(look))
            poses.append(standing_at(random, place))
        return self._cast(bodies, palettes, poses)

    def _cut_off(self, picture: Image, camera: CropCamera) -> NDArray[np.bool_]:
        """Blacken what lies beyond a border of the full picture, in place; (J,) joints beyond."""
        random, width = self._random, self._config.crop_px
        pixels = self._pixels(camera)
        side, depth = int(random.integers(4)), int(width * random.uniform(0.05, 0.45))
        axis = side % 2
        if side < 2:
            beyond = slice(0, depth)
            lost = pixels[:, axis] < depth - 0.5
        else:
            beyond = slice(width - depth, width)
            lost = pixels[:, axis] > width - depth - 0.5
        picture[(slice(None), beyond) if axis == 0 else (beyond, slice(None))] = 0
        return np.asarray(lost)


def _anywhere(random: Generator) -> tuple[float, Floats]:
    """Margin and shift of a whole picture; the person may reach a border, hardly beyond."""
    least, most = _WIDE_MARGINS
    margin = float(np.exp(random.uniform(np.log(least), np.log(most))))
    # across: to the border; up and down: to where the borders of a wide picture usually begin
    room = max(0.0, 0.5 - 0.5 / margin)
    return margin, np.array([random.uniform(-room, room), random.uniform(-0.6, 0.6) * room])


def _turned(random: Generator, camera: CropCamera, degrees: float) -> CropCamera:
    """The camera turned on the spot about a random axis, with the crop's borders as they were."""
    axis = random.normal(size=3)
    turn = cv2.Rodrigues(np.radians(degrees) * axis / np.linalg.norm(axis))[0]
    R = np.asarray(turn @ camera.R)
    return replace(camera, R=R, t=-R @ camera.position)


def _draw_lamp(random: Generator) -> NDArray[np.float32]:
    """(3,) towards a lamp at least 35 degrees above the horizon."""
    azimuth, slope = random.uniform(0, 2 * pi), random.uniform(0.0, 1.4)
    lamp = np.array([slope * cos(azimuth), slope * sin(azimuth), 1.0])
    return np.asarray(lamp / np.linalg.norm(lamp), np.float32)


def _studio_figure(seed: list[int]) -> Figure:
    random = np.random.default_rng(seed)
    anatomy = Anatomy(
        height=float(random.uniform(1650.0, 1830.0)),
        shoulder_width=float(random.uniform(0.95, 1.04)),
        hip_width=float(random.uniform(0.96, 1.04)),
    )
    look = draw_look([*seed, 1])
    return Figure(anatomy, look, build_body(anatomy, look))
