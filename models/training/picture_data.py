"""Labelled pictures (COCO, MPII) as training data for backbones: one crop of one person per sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from configs.errors import bad_input
from configs.loading import parse_config
from models.datasets.input_picture import read_picture
from models.datasets.picture_labels import PictureSettings, read_labels
from models.datasets.simulated_studio import SimulatedStudio, SimulatedStudioConfig
from models.keypoints.studio_lite.square import MARGIN
from models.simulation.exposure import expose_at_random
from models.skeletons import get_skeleton, joint_map
from models.training.crops_data import warped
from models.training.data import Arrays

Floats = NDArray[np.float64]


class PictureDataConfig(PictureSettings):
    """Which people, and how they are shown."""

    split: Literal["train", "val"] = "train"
    crop_px: int = Field(128, ge=64, le=512, multiple_of=32)
    skeleton: Literal["halpe_26", "human36m_lt17"] = "halpe_26"
    """Whose joints the network says. Those that no label names learn nothing here."""
    vary: bool = True
    """Draw size, place, turn, mirror, light and noise anew in every epoch."""
    size: float = Field(0.15, ge=0.0, le=0.5)
    """Standard deviation of the logarithm of the size, which is cut at twice that."""
    shift: float = Field(0.045, ge=0.0, le=0.5)
    """Standard deviation of the place, of the crop's side."""
    turn_degrees: float = Field(15.0, ge=0.0, le=90.0)
    """Standard deviation."""
    mirrored: float = Field(0.5, ge=0.0, le=1.0)
    """Share of crops with left and right exchanged."""
    simulated: float = Field(0.0, ge=0.0, lt=1.0)
    """Share of samples that are the simulated studio's instead, for the joints that no label names."""
    bodies: int = Field(40, ge=1)
    """Of the simulated studio."""


class PictureData:
    """Samples as ``SimulatedStudio`` makes them, with one view.

    Batches hold ``images`` (B, 1, S, S, 3) uint8 BGR, ``projections`` (B, 1, 3, 4) float32, ``present``
    (B, 1), ``keypoints`` (B, J, 3) float32, ``validity`` (B, J, 1), ``visible`` (B, 1, J), ``turn`` (B,),
    ``index`` (B,) and ``flat`` (B,). Of people in ``flat`` nothing is known in space: their keypoints are
    (x, y, 1) in px of the picture.
    """

    KIND: ClassVar[Literal["coco", "mpii"]]

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        self.config = config = parse_config(PictureDataConfig, settings, source=source)
        self._seed = seed
        self.skeleton = get_skeleton(config.skeleton)
        self._labels = read_labels(self.KIND, config, config.split)
        self._order = joint_map(self._labels.skeleton, self.skeleton)
        self._studio: SimulatedStudio | None = None
        if config.simulated:
            if config.skeleton != "halpe_26":
                raise bad_input(
                    "the simulated studio has another skeleton",
                    file=source,
                    key="simulated",
                    value=config.simulated,
                    allowed="0, or skeleton: halpe_26",
                )
            studio = SimulatedStudioConfig(seed=seed, crop_px=config.crop_px, views=1, bodies=config.bodies)
            self._studio = SimulatedStudio(studio, config.split)

    def __len__(self) -> int:
        return len(self._labels)

    def prepare(self) -> None:
        """Build the simulated bodies, where there are some."""
        if self._studio is not None:
            self._studio.prepare()

    def network_settings(self, kind: str) -> dict[str, Any]:
        """How many joints a backbone says."""
        return {"joints": len(self.skeleton)} if kind in ("studio_lite", "pose_resnet") else {}

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See the class; the same request gives the same batch."""
        samples = [self._sample(int(index), epoch) for index in indexes]
        return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}

    def _sample(self, index: int, epoch: int) -> dict[str, NDArray[Any]]:
        random = np.random.default_rng([self._seed, epoch, index])
        if self._studio is not None and random.random() < self.config.simulated:
            return {**self._studio[int(random.integers(len(self._studio)))], "flat": np.array(False)}
        return self._labelled(index, random)

    def _labelled(self, index: int, random: Generator) -> dict[str, NDArray[Any]]:
        config, labels, order = self.config, self._labels, self._order
        picture = read_picture(labels.pictures[index])
        points, seen = labels.joints[index][order], labels.visible[index][order]
        known = (order >= 0) & np.isfinite(points).all(axis=1)
        warp = self._warp(labels.boxes[index], random)
        image = warped(picture, warp, config.crop_px)
        if config.vary:
            image = expose_at_random(random, image)
        if np.linalg.det(warp[:, :2]) < 0.0:
            points, seen, known = (each[self.skeleton.mirror] for each in (points, seen, known))
        projection = np.zeros((1, 3, 4), np.float32)
        projection[0, :2, :3], projection[0, 2, 2] = warp, 1.0
        keypoints = np.where(known[:, None], np.c_[points, np.ones(len(points))], 0.0)
        return {
            "images": image[None],
            "projections": projection,
            "present": np.ones(1, bool),
            "keypoints": keypoints.astype(np.float32),
            "validity": known[:, None].astype(np.float32),
            "visible": (known & seen)[None],
            "turn": np.array(random.uniform(0.0, 2 * np.pi), np.float32),
            "index": np.array(index),
            "flat": np.array(True),
        }

    def _warp(self, box: Floats, random: Generator) -> Floats:
        """(2, 3) from px of the picture to px of a crop with the whole box in its middle."""
        config, size = self.config, self.config.crop_px
        left, top, width, height = box
        scale, angle, shift, mirror = size / (MARGIN * max(width, height)), 0.0, np.zeros(2), 1.0
        if config.vary:
            scale *= float(np.exp(config.size * np.clip(random.normal(), -2.0, 2.0)))
            angle = float(random.normal(0.0, np.radians(config.turn_degrees)))
            shift = random.normal(0.0, config.shift, 2) * size
            mirror = -1.0 if random.random() < config.mirrored else 1.0
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turn[:, 0] *= mirror
        # (0, 0) is the centre of the first pixel in both
        middle = np.array([left + width / 2.0, top + height / 2.0])
        return np.column_stack([turn, (size - 1) / 2.0 + shift - turn @ middle])


class CocoData(PictureData):
    """See ``read_coco``."""

    KIND = "coco"


class MpiiData(PictureData):
    """See ``read_mpii``."""

    KIND = "mpii"
