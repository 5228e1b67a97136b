"""People of the simulated studio as keypoints and joints, without pictures: endless poses to lift.

Bodies and motions are drawn once; every epoch sees them through new cameras, with new errors of a detector.
Splits share no body, no motion and no camera, because what they draw comes from different seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config
from models.datasets.lifting_samples import MM_PER_M, PICTURE_HALF_PX
from models.lifting.keypoint_order import TARGET, to_human36m
from models.lifting.missing_keypoints import filled
from models.lifting.virtual_camera import CENTRE_PX, FOCAL_PX
from models.simulation.anatomy import Anatomy
from models.simulation.choreography import compose
from models.simulation.performer import Performer, Puppet
from models.simulation.random_people import draw_stance
from models.simulation.studio_rig import ring_of_cameras
from models.skeletons import get_skeleton

Floats = NDArray[np.float64]
Split = Literal["train", "val", "studio"]
SPLITS: Final[dict[str, int]] = {"train": 0, "val": 1, "studio": 2}

_BODY, _MOTION, _STANCE, _CAMERA, _RIG, _ORDER = 30, 31, 32, 33, 34, 35
"""What a seed is combined with; pictures of the studio use lower numbers."""
_FRAMES_OF_MOTION: Final = 200
_ROUND_S: Final = 45.0
_BODY_PX_MM: Final = 1700.0
"""Errors of keypoints are shares of the height of an adult in the picture."""
_MADE_BY_RULE: Final = ("neck", "pelvis", "head_top")
"""What many detectors lack and ``keypoint_order`` puts together."""

HALPE: Final = get_skeleton("halpe_26")


class SimulatedMotionConfig(Config):
    """What is seen."""

    seed: int = Field(0, ge=0)
    bodies: int = Field(400, ge=1)
    poses: int = Field(200_000, ge=2)
    """Of the split, before cameras; half from motions, half single stances. ``studio`` has motions only."""
    samples: int = Field(200_000, ge=1)
    """That make an epoch."""
    noise: float = Field(0.006, ge=0.0)
    """Middle of the keypoints' standard deviation, a share of an adult's height in the picture; each sample
    has its own, from a third to three times as much."""
    outliers: float = Field(0.015, ge=0.0, le=1.0)
    """Share of keypoints that are off by ten times as much."""
    missing: float = Field(0.3, ge=0.0, le=1.0)
    """Share of samples that lack one to four keypoints, which are then put between their neighbours."""
    made_by_rule: float = Field(0.5, ge=0.0, le=1.0)
    """Share of samples whose neck, pelvis and top of the head come from other keypoints."""


@dataclass(frozen=True)
class MotionViews:
    """N poses, each seen by a camera of its own.

    Attributes:
        keypoints: (N, 17, 2) px of the virtual camera of ``models.lifting.virtual_camera``.
        joints: (N, 17, 3) mm in the camera's axes, from the pelvis.
        moving: (N,) whether the pose is part of a motion, not a single stance.
    """

    keypoints: Floats
    joints: Floats
    moving: NDArray[np.bool_]


class SimulatedMotion:
    """Samples of one split; joints are those of ``human36m_17``."""

    def __init__(self, config: SimulatedMotionConfig, split: Split) -> None:
        self.config, self.split = config, split
        self._seed = [config.seed, SPLITS[split]]
        self._poses: NDArray[np.float32] | None = None
        self._motions = config.poses if split == "studio" else config.poses // 2
        self._order = np.random.default_rng([*self._seed, _ORDER]).permutation(config.poses)

    def __len__(self) -> int:
        return self.config.samples

    def prepare(self) -> None:
        """Draw all bodies and poses now, so that worker processes forked later share them."""
        if self._poses is None:
            self._poses = self._drawn_poses()

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> dict[str, NDArray[np.float32]]:
        """``keypoints`` (B, 17, 2) halves of a picture from its middle, ``joints`` (B, 17, 3) m."""
        found = self.views(indexes, epoch)
        return {
            "keypoints": ((found.keypoints - PICTURE_HALF_PX) / PICTURE_HALF_PX).astype(np.float32),
            "joints": (found.joints / MM_PER_M).astype(np.float32),
        }

    def views(self, indexes: NDArray[np.int64], epoch: int) -> MotionViews:
        """The same request gives the same answer, whatever was asked before."""
        self.prepare()
        poses = self._poses
        assert poses is not None
        random = np.random.default_rng([*self._seed, _CAMERA, epoch, *indexes.tolist()])
        row = self._order[(indexes + epoch * self.config.samples) % len(self._order)]
        world = poses[row].astype(np.float64)
        mirrored = random.random(len(row)) < 0.5
        world[mirrored] = world[mirrored][:, HALPE.mirror] * (1.0, -1.0, 1.0)
        seen = self._ring(world, random) if self.split == "studio" else _anywhere(world, random)
        joints = to_joints(seen)
        return MotionViews(self._detected(seen, random), joints - joints[:, :1], row < self._motions)

    def _detected(self, seen: Floats, random: Generator) -> Floats:
        """(B, 17, 2) what a detector would say about joints (B, 26, 3) in the camera's axes."""
        config, shape = self.config, seen.shape[:2]
        exact = seen[..., :2] / seen[..., 2:] * FOCAL_PX + CENTRE_PX
        height = FOCAL_PX * _BODY_PX_MM / seen[..., 2].mean(axis=1)
        spread = config.noise * height * np.exp(np.clip(random.normal(0.0, 0.5, len(seen)), -1.1, 1.1))
        wild = random.random(shape) < config.outliers
        error = random.normal(size=(*shape, 2)) * (spread[:, None] * np.where(wild, 10.0, 1.0))[..., None]
        found = exact + error
        by_rule = random.random(shape[0]) < config.made_by_rule
        for joint in _MADE_BY_RULE:
            found[by_rule, HALPE.index(joint)] = np.nan
        ordered, _ = to_human36m(found, np.ones(shape), HALPE)
        lost = np.asarray(random.random((shape[0], 1)) < config.missing)
        count = np.asarray(random.integers(1, 5, (shape[0], 1)))
        rank = random.random(ordered.shape[:2]).argsort(axis=1).argsort(axis=1)
        ordered[lost & (rank < count)] = np.nan
        return filled(ordered, TARGET)

    def _ring(self, world: Floats, random: Generator) -> Floats:
        """Joints in the axes of the cameras of rigs as the studio has them."""
        seen = np.empty_like(world)
        rig = ring_of_cameras([*self._seed, _RIG, int(random.integers(1 << 40))], 4, (640, 480))
        which = random.integers(4, size=len(world))
        for number, camera in enumerate(rig.cameras):
            seen[which == number] = world[which == number] @ camera.R.T + camera.t
        return seen

    def _drawn_poses(self) -> NDArray[np.float32]:
        """(M, 26, 3) mm; z is up, the pelvis above the origin except for the studio."""
        config = self.config
        random = np.random.default_rng([*self._seed, _BODY])
        bodies = [
            Anatomy(
                height=float(random.uniform(1500.0, 2000.0)),
                shoulder_width=float(random.uniform(0.90, 1.10)),
                hip_width=float(random.uniform(0.92, 1.10)),
            )
            for _ in range(config.bodies)
        ]
        poses = np.empty((config.poses, len(HALPE), 3))
        for start in range(0, self._motions, _FRAMES_OF_MOTION):
            number = start // _FRAMES_OF_MOTION
            choreography = compose([*self._seed, _MOTION, number], (0.0, 0.0), 1000.0)
            performer = Performer(bodies[number % len(bodies)], choreography, HALPE)
            for row in range(start, min(start + _FRAMES_OF_MOTION, self._motions)):
                poses[row] = performer.joints(float(random.uniform(0.0, _ROUND_S)))
        puppets = [Puppet(body, HALPE) for body in bodies]
        stances = np.random.default_rng([*self._seed, _STANCE])
        for row in range(self._motions, config.poses):
            puppet = puppets[row % len(puppets)]
            stance = draw_stance(stances, puppet.hip_half_width, (0.0, 0.0))
            poses[row] = puppet.joints_of(puppet.pose_in(stance))
        if self.split != "studio":
            poses[..., :2] -= poses[:, HALPE.index("pelvis"), None, :2]
        return poses.astype(np.float32)


def _anywhere(world: Floats, random: Generator) -> Floats:
    """Joints in the axes of cameras all around, near and far, that do not look straight at the person."""
    count = len(world)
    azimuth = random.uniform(0.0, 2 * pi, count)
    distance = np.exp(random.uniform(np.log(1900.0), np.log(7500.0), count))
    place = np.stack(
        [distance * np.cos(azimuth), distance * np.sin(azimuth), random.uniform(300.0, 2900.0, count)], axis=1
    )
    forward = np.array([0.0, 0.0, 950.0]) - place
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    level = np.stack([right, np.cross(forward, right), forward], axis=1)
    away = np.clip(random.normal(0.0, 0.17, (count, 2)), -0.5, 0.5)
    roll = random.normal(0.0, np.where(random.random(count) < 0.8, 0.04, 0.25))
    turn = _about(1, away[:, 0]) @ _about(0, away[:, 1]) @ _about(2, roll) @ level
    seen: Floats = (world - place[:, None]) @ np.swapaxes(turn, 1, 2)
    return seen


def _about(axis: int, angle: Floats) -> Floats:
    """(N, 3, 3) rotations about one axis."""
    matrix = np.zeros((len(angle), 3, 3))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[:, axis, axis] = 1.0
    matrix[:, first, first] = matrix[:, second, second] = np.cos(angle)
    matrix[:, second, first] = np.sin(angle)
    matrix[:, first, second] = -matrix[:, second, first]
    return matrix


def to_joints(halpe: Floats) -> Floats:
    """(N, 26, 3) to (N, 17, 3) of ``human36m_17``; the spine is the middle of pelvis and neck."""
    names = ["pelvis" if joint == "spine" else joint for joint in TARGET.joints]
    joints = halpe[:, [HALPE.index(name) for name in names]].copy()
    middle = [TARGET.index("pelvis"), TARGET.index("neck")]
    joints[:, TARGET.index("spine")] = joints[:, middle].mean(axis=1)
    return joints
