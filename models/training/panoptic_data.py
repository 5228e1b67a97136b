"""CMU Panoptic as training data of several views, beside Human3.6M (Iskakov et al. 2019 used both)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config, parse_config
from models.datasets.batch import ViewChoice
from models.datasets.human36m_multiview import Sample
from models.datasets.panoptic import Panoptic, PanopticOptions
from models.skeletons import get_skeleton, joint_map
from models.training.data import Arrays
from models.training.multiview_arrays import multiview_arrays


class PanopticSettings(Config):
    """Where sequences lie and how samples are made."""

    root: str = "data/panoptic"
    """Folder of sequences, see ``Panoptic``."""
    split: Literal["train", "val"] = "train"
    train: tuple[str, ...] = ()
    """Names of sequences to learn from; none takes all that ``val`` does not name."""
    val: tuple[str, ...] = Field(min_length=1)
    """Names of sequences to judge by."""
    cameras: tuple[str, ...] = Field(("00_03", "00_06", "00_12", "00_13"), min_length=2)
    """HD cameras, the same of every sequence."""
    skeleton: str = "human36m_lt17"
    """Of the network; joints that the data set does not have count as unknown."""
    image: int = Field(384, ge=64, multiple_of=32)
    every: int = Field(1, ge=1)
    """Every so many-th frame."""
    min_confidence: float = Field(0.1, ge=0.0)
    z_up: bool = True
    """Turn the world: z vertical, as in Human3.6M."""
    least_views: int | None = Field(None, ge=1)
    """Where given, a sample has a random number of views from this to ``most_views``."""
    most_views: int | None = Field(None, ge=1)


class PanopticData:
    """Batches as ``Human36MData`` makes them, without ``predicted``."""

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        self._settings = chosen = parse_config(PanopticSettings, settings, source=source)
        self._seed = seed
        skeleton = get_skeleton(chosen.skeleton)
        self._order = joint_map(get_skeleton(Panoptic.skeleton), skeleton)
        if not (self._order >= 0).any():
            raise bad_input("has none of the joints", file=source, key="skeleton", value=chosen.skeleton)
        options = PanopticOptions(
            cameras=chosen.cameras,
            image_shape=(chosen.image, chosen.image),
            every=chosen.every,
            min_confidence=chosen.min_confidence,
            z_up=chosen.z_up,
        )
        root = Path(chosen.root).expanduser()
        self._sequences = [Panoptic(root / name, options) for name in self._names(root, source)]
        self._starts = np.cumsum([0, *map(len, self._sequences)]).tolist()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def prepare(self) -> None:
        """Nothing: pictures are read one by one."""

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See ``TrainingData``."""
        chosen = self._settings
        choice = None
        if chosen.least_views is not None:
            # people walk out of single pictures, so no set of views would do for all
            choice = ViewChoice(chosen.least_views, chosen.most_views, self._seed, epoch, per_sample=True)
        samples = [self._sample(int(index)) for index in indexes]
        return multiview_arrays(samples, indexes, choice, self._seed, epoch)

    def _sample(self, index: int) -> Sample:
        at = bisect_right(self._starts, index) - 1
        sample = self._sequences[at][index - self._starts[at]]
        found = sample.keypoints[self._order]
        known = (self._order >= 0) & (found[:, 3] > 0)
        return replace(sample, keypoints=np.where(known[:, None], found, np.float32(0.0)), index=index)

    def _names(self, root: Path, source: str) -> tuple[str, ...]:
        chosen = self._settings
        both = set(chosen.train) & set(chosen.val)
        if both:
            raise bad_input("is named for both parts", file=source, key="train", value=sorted(both)[0])
        if chosen.split == "val" or chosen.train:
            return chosen.val if chosen.split == "val" else chosen.train
        if not root.is_dir():
            raise bad_input("no such folder", file=root)
        found = sorted(path.parent.name for path in root.glob("*/calibration_*.json"))
        names = tuple(name for name in found if name not in chosen.val)
        if not names:
            raise bad_input(
                "holds no other sequence than those of val", file=root, key="val", value=list(chosen.val)
            )
        return names
