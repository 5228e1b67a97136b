"""Crops of a user's own takes as training data, if wanted together with the simulated studio's.

What a network already knows is kept by what it learnt it from: a share of each batch may come from the
simulated studio.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config, parse_config
from models.datasets.crop_set import ROOM, CropSet, Image
from models.datasets.simulated_studio import SimulatedStudio, SimulatedStudioConfig
from models.simulation.exposure import expose_at_random
from models.training.data import Arrays

Floats = NDArray[np.float64]
Part = Literal["train", "val", "all"]

_SIZE, _SHIFT, _TURN = 0.11, 0.045, 0.08
"""Standard deviations of what is drawn at random: logarithm of the size, share of the side, rad. The first
two are those of the simulated studio's crops, which live boxes stay within."""


class CropsDataConfig(Config):
    """Which samples, and how they are shown."""

    folder: str
    part: Part = "train"
    val_share: float = Field(0.3, ge=0.0, lt=1.0)
    """The last instants of each take, which ``train`` never sees: neighbouring frames are nearly the same."""
    crop_px: int = Field(128, ge=64, le=512, multiple_of=32)
    views: int | None = Field(None, ge=2)
    """Drawn from those a sample has; None takes all that are not held out."""
    held_out: bool = False
    """Also show the views that took no part in the joints; for judging only."""
    vary: bool = True
    """Draw size, place, turn, light and noise anew in every epoch."""
    simulated: float = Field(0.0, ge=0.0, lt=1.0)
    """Share of samples that are the simulated studio's instead."""
    bodies: int = Field(40, ge=1)
    """Of the simulated studio."""


class CropsData:
    """Samples as ``SimulatedStudio`` makes them, of recordings.

    Batches hold ``images`` (B, V, S, S, 3) uint8 BGR, ``projections`` (B, V, 3, 4) float32, ``present``
    (B, V), ``keypoints`` (B, J, 3) float32 world mm, ``validity`` (B, J, 1), ``visible`` (B, V, J), ``turn``
    (B,) and ``index`` (B,).
    """

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        self.config = config = parse_config(CropsDataConfig, settings, source=source)
        self._seed = seed
        self.crops = CropSet(Path(config.folder).expanduser())
        self.numbers = part_of(self.crops, config.part, config.val_share)
        if not len(self.numbers):
            raise bad_input(
                f"no samples are left for {config.part}", file=source, key="val_share", value=config.val_share
            )
        views = np.flatnonzero(~self.crops.held_out | config.held_out)
        if config.views is not None and config.views > len(views):
            raise bad_input(
                "more than there are",
                file=source,
                key="views",
                value=config.views,
                allowed=f"2..{len(views)}",
            )
        self._views = views
        self._studio: SimulatedStudio | None = None
        if config.simulated:
            if self.crops.skeleton.name != "halpe_26":
                raise bad_input(
                    "the simulated studio has another skeleton",
                    file=source,
                    key="simulated",
                    value=config.simulated,
                    hint="make the crops with --skeleton halpe_26",
                )
            self._studio = SimulatedStudio(
                SimulatedStudioConfig(
                    seed=seed, crop_px=config.crop_px, views=self._shown, bodies=config.bodies
                ),
                "train",
            )

    @property
    def _shown(self) -> int:
        return self.config.views or len(self._views)

    def __len__(self) -> int:
        return len(self.numbers)

    def prepare(self) -> None:
        """Build the simulated bodies, where there are some."""
        if self._studio is not None:
            self._studio.prepare()

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See the class; the same request gives the same batch."""
        samples = [self._sample(int(index), epoch) for index in indexes]
        return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}

    def _sample(self, index: int, epoch: int) -> dict[str, NDArray[Any]]:
        random = np.random.default_rng([self._seed, epoch, index])
        if self._studio is not None and random.random() < self.config.simulated:
            return self._studio[int(random.integers(len(self._studio)))]
        return self._recorded(index, random)

    def _recorded(self, index: int, random: Generator) -> dict[str, NDArray[Any]]:
        config, sample = self.config, self.crops[int(self.numbers[index])]
        there = [view for view in self._views if sample.pictures[view] is not None]
        if config.views is not None and len(there) > config.views:
            there = sorted(random.choice(there, config.views, replace=False).tolist())
        size, count = config.crop_px, self._shown
        images = np.zeros((count, size, size, 3), np.uint8)
        projections = np.zeros((count, 3, 4), np.float32)
        # any camera will do where there is none: nothing it sees is used
        projections[:, :, :3], projections[:, 2, 3] = np.eye(3), 1.0
        present = np.zeros(count, bool)
        for place, view in enumerate(there):
            picture = sample.pictures[view]
            assert picture is not None
            warp = crop_warp(self.crops.crop_px, size, random if config.vary else None)
            images[place] = warped(picture, warp, size)
            if config.vary:
                images[place] = expose_at_random(random, images[place])
            projections[place] = np.vstack([warp, (0.0, 0.0, 1.0)]) @ sample.projections[view]
            present[place] = True
        known = np.isfinite(sample.joints[:, 0])
        return {
            "images": images,
            "projections": projections,
            "present": present,
            "keypoints": np.nan_to_num(sample.joints).astype(np.float32),
            "validity": known[:, None].astype(np.float32),
            # nobody says which joints are hidden; a joint that several views agree about mostly is not
            "visible": np.broadcast_to(present[:, None], (count, len(known))).copy(),
            "turn": np.array(random.uniform(0.0, 2 * np.pi), np.float32),
            "index": np.array(index),
        }


def part_of(crops: CropSet, part: Part, val_share: float) -> NDArray[np.int64]:
    """Positions of a part's samples: the last instants of every take are ``val``, all others ``train``."""
    chosen: list[int] = []
    for take in dict.fromkeys(crops.takes):
        rows = np.flatnonzero(np.array(crops.takes) == take)
        times = crops.times_ns[rows]
        instants = np.unique(times)
        first = instants[min(round(len(instants) * (1.0 - val_share)), len(instants) - 1)]
        late = times >= first if val_share > 0 else np.zeros(len(rows), bool)
        chosen += rows[{"train": ~late, "val": late, "all": np.ones(len(rows), bool)}[part]].tolist()
    return np.array(sorted(chosen), np.int64)


def crop_warp(stored: int, size: int, random: Generator | None) -> Floats:
    """(2, 3) from px of a stored crop to px of what is shown; without ``random`` exactly its middle."""
    scale = ROOM * size / stored
    angle, shift = 0.0, np.zeros(2)
    if random is not None:
        scale *= float(np.exp(random.normal(0.0, _SIZE)))
        angle = float(random.normal(0.0, _TURN))
        shift = random.normal(0.0, _SHIFT, 2) * size
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # (0, 0) is the centre of the first pixel in both
    middle, goal = (stored - 1) / 2.0, (size - 1) / 2.0 + shift
    return np.column_stack([turn, goal - turn @ (middle, middle)])


def warped(picture: Image, warp: Floats, size: int) -> Image:
    """(size, size, 3) under an affine map (2, 3), averaged first where it becomes much smaller."""
    scale = float(np.sqrt(abs(np.linalg.det(warp[:, :2]))))
    while scale < 0.7:
        # half the width: px p lies at (p - 0.5) / 2
        picture = np.asarray(
            cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
        )
        warp = np.column_stack([warp[:, :2] * 2.0, warp[:, 2] + warp[:, :2] @ (0.5, 0.5)])
        scale *= 2.0
    return np.asarray(cv2.warpAffine(picture, warp, (size, size), flags=cv2.INTER_LINEAR), np.uint8)
