"""From recordings to a data set of crops: what a network is trained further on, without any labels.

A teacher has looked at the takes already: its keypoints, triangulated robustly from several views, say where
the joints are more surely than any single view can, because views must agree. Cameras that are held out
take no part in that, so that they can judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.errors import bad_input, did_you_mean
from configs.loading import Config
from models.crops.person_box import MARGIN, box_of_joints
from models.crops.picture_crop import cut_crop
from models.crops.view_crop import crop_projection
from models.datasets.crop_set import ROOM, CropSample, CropSetWriter, Image
from models.skeleton import Skeleton
from models.skeletons import convert_joints, get_skeleton
from models.triangulation.robust import RobustConfig, RobustTriangulator
from pipeline.take.instants import build_timeline, instants
from pipeline.take.take import Take

Floats = NDArray[np.float64]

_FEWEST_JOINTS = 8
"""A third of a body; less is a glimpse."""
_SAME_INSTANT_NS = 1_000_000
"""Within which a hand at 10 m/s moves by a centimetre."""


class CropsConfig(Config):
    """Which crops are made of takes.

    Attributes:
        crop_px: Width of the crops.
        every: Keep every so many-th instant.
        skeleton: Of the network that is to learn.
        held_out: Cameras that take no part in the joints.
        max_uncertainty_mm: Joints less sure than this (1 sigma, all axes together) are left out.
        min_views: Views that must agree about a joint.
        triangulation: Of the teacher's keypoints, where a camera is held out.
    """

    crop_px: int = Field(256, ge=64, le=1024)
    every: int = Field(1, ge=1)
    skeleton: str = "halpe_26"
    held_out: tuple[str, ...] = ()
    max_uncertainty_mm: float = Field(40.0, gt=0.0)
    min_views: int = Field(2, ge=2)
    triangulation: RobustConfig = Field(default_factory=RobustConfig)


@dataclass(frozen=True)
class CropsWritten:
    """What was made.

    Attributes:
        samples: Instants of people.
        pictures: Crops.
        joints_per_sample: Mean number of joints that the teacher is sure of.
    """

    samples: int
    pictures: int
    joints_per_sample: float


def write_crops(
    takes: Sequence[Take],
    folder: Path,
    config: CropsConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CropsWritten:
    """Write a ``models.datasets.crop_set``.

    Args:
        takes: With poses and a calibration, of the same cameras.
        folder: New or empty.
        config: See there.
        progress: Told instants done and all.

    Raises:
        BadInputError: A take lacks something, cameras differ or do not exist, or nothing was left.
    """
    target = get_skeleton(config.skeleton)
    cameras = _cameras(takes, config)
    sources = [_Source(take, config, target) for take in takes]
    total = sum(len(source.numbers) for source in sources)
    done = pictures = sure = 0
    with CropSetWriter(folder, target, cameras, config.held_out, config.crop_px) as writer:
        for source in sources:
            for samples in source.samples():
                for sample in samples:
                    writer.add(sample)
                    pictures += sum(picture is not None for picture in sample.pictures)
                    sure += int(np.isfinite(sample.joints[:, 0]).sum())
                done += 1
                progress(done, total)
        if not len(writer):
            raise bad_input(
                "nobody was seen surely enough in these takes",
                key="max_uncertainty_mm",
                value=config.max_uncertainty_mm,
            )
        count = len(writer)
    return CropsWritten(count, pictures, sure / count)


class _Source:
    """One take."""

    def __init__(self, take: Take, config: CropsConfig, target: Skeleton) -> None:
        poses, rig = take.poses(), take.calibration
        if poses is None or not len(poses):
            raise bad_input("has no poses", file=take.folder, hint=f"run: launch.py process {take.folder}")
        if rig is None:
            raise bad_input("has no calibration", file=take.folder, hint="process it with --calibration FILE")
        self._take, self._config, self._target = take, config, target
        self._poses, self._rig = poses, rig.subset(take.cameras)
        self._source = get_skeleton(poses.skeleton)
        self._truth = take.truth()
        self._timeline = build_timeline(take, poses)
        # keypoints are stored in the order of the poses' cameras, pictures in that of the take's
        self._views = [poses.cameras.index(camera) for camera in take.cameras]
        self.numbers = list(range(0, len(self._timeline), config.every))
        kept = [take.cameras.index(name) for name in take.cameras if name not in config.held_out]
        self._kept = np.array(kept)
        self._triangulate = RobustTriangulator(
            config.triangulation, rig.subset([take.cameras[k] for k in kept])
        )

    def samples(self) -> Iterator[list[CropSample]]:
        """The people of one instant after the other."""
        for instant in instants(self._take, self._poses, self._timeline, self.numbers):
            people = np.flatnonzero(self._poses.person[instant.number] >= 0)
            found = [self._sample(instant.number, int(place), instant.pictures) for place in people]
            yield [sample for sample in found if sample is not None]

    def _sample(self, number: int, place: int, pictures: Sequence[Image | None]) -> CropSample | None:
        poses, config = self._poses, self._config
        seen = poses.keypoints[number, place][self._views]
        joints = self._believed(number, place, seen)
        if np.isfinite(joints[:, 0]).sum() < _FEWEST_JOINTS:
            return None
        truth = self._true(number, place, joints)
        wanted = convert_joints(joints, self._source, self._target)
        views, count = len(pictures), len(self._target)
        crops: list[Image | None] = []
        projections, scale = np.full((views, 3, 4), np.nan), np.full(views, np.nan)
        points = np.full((views, count, 3), np.nan)
        for view, (camera, picture) in enumerate(zip(self._rig.cameras, pictures, strict=True)):
            box = box_of_joints(joints, camera, MARGIN * ROOM) if picture is not None else None
            if box is None or picture is None:
                crops.append(None)
                continue
            crops.append(cut_crop(picture, camera, box, config.crop_px))
            projections[view] = crop_projection(camera, box, config.crop_px, "exact")
            scale[view] = box.side / config.crop_px
            ideal = camera.undistort(seen[view, :, :2])
            there = (ideal - (box.left, box.top)) / scale[view] - 0.5
            points[view] = convert_joints(
                np.concatenate([there, seen[view, :, 2:]], axis=1), self._source, self._target
            )
        if sum(crop is not None for crop in crops) < config.min_views:
            return None
        return CropSample(
            tuple(crops),
            projections,
            scale,
            wanted,
            points,
            truth,
            int(self._timeline.times_ns[number]),
            self._take.header.name,
        )

    def _believed(self, number: int, place: int, seen: Floats) -> Floats:
        """(J, 3) mm, NaN where the views do not agree well enough."""
        poses, config = self._poses, self._config
        if config.held_out:
            points = seen[self._kept]
            found = self._triangulate(points[None, ..., :2], np.nan_to_num(points[None, ..., 2]))
            joints, covariance, used = found.joints[0], found.covariance[0], found.used[0]
        else:
            joints = poses.joints[number, place]
            covariance = poses.covariance[number, place]
            used = poses.used[number, place]
        with np.errstate(invalid="ignore"):
            uncertainty = np.sqrt(np.trace(covariance, axis1=-2, axis2=-1))
            sure = (uncertainty <= config.max_uncertainty_mm) & (used.sum(axis=0) >= config.min_views)
        return np.where(sure[:, None], joints, np.nan)

    def _true(self, number: int, place: int, joints: Floats) -> Floats:
        """(J', 3) mm of the true person nearest to the believed joints, in the skeleton that learns."""
        truth = self._truth
        missing = np.full((len(self._target), 3), np.nan)
        if truth is None or not len(truth.times_ns):
            return missing
        time_ns = self._timeline.times_ns[number]
        at = int(np.argmin(np.abs(truth.times_ns - time_ns)))
        if abs(int(truth.times_ns[at]) - int(time_ns)) > _SAME_INSTANT_NS:
            return missing
        people = convert_joints(truth.joints[at], get_skeleton(truth.skeleton), self._target)
        here = convert_joints(joints, self._source, self._target)
        apart = np.linalg.norm(people - here, axis=-1)
        known = np.isfinite(apart).any(axis=-1)
        if not known.any():
            return missing
        mean = np.where(
            known, np.nansum(apart, axis=-1) / np.maximum(np.isfinite(apart).sum(axis=-1), 1), np.inf
        )
        return np.asarray(people[int(np.argmin(mean))])


def _cameras(takes: Sequence[Take], config: CropsConfig) -> tuple[str, ...]:
    cameras = takes[0].cameras
    for take in takes[1:]:
        if take.cameras != cameras:
            raise bad_input(
                "has other cameras than the first take",
                file=take.folder,
                value=", ".join(take.cameras),
                allowed=", ".join(cameras),
                hint="make one data set for each rig",
            )
    for name in config.held_out:
        if name not in cameras:
            raise bad_input(
                "no such camera",
                key="held_out",
                value=name,
                allowed=", ".join(cameras),
                hint=did_you_mean(name, cameras),
            )
    if len(cameras) - len(set(config.held_out)) < config.min_views:
        raise bad_input(
            f"leaves {len(cameras) - len(set(config.held_out))} cameras, joints need {config.min_views}",
            key="held_out",
            value=", ".join(config.held_out),
        )
    return cameras
