"""Human3.6M as training data, composed as Iskakov et al. and Ma et al. composed it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config, parse_config
from models.datasets.batch import ViewChoice
from models.datasets.human36m_labels import read_labels
from models.datasets.human36m_multiview import Human36MMultiview, SampleOptions
from models.datasets.results_file import read_results
from models.training.data import Arrays
from models.training.multiview_arrays import multiview_arrays

LABELS = "human36m-multiview-labels-GTbboxes.npy"


class Human36MSettings(Config):
    """Where it lies and how samples are made."""

    root: str = "data/human36m"
    """Folder with ``processed`` and ``extra``."""
    labels: str | None = None
    """The label file; None takes the one in ``extra``."""
    split: Literal["train", "val"] = "train"
    image: int = Field(384, ge=64, multiple_of=32)
    scale_box: float = Field(1.0, gt=0.0)
    undistort: bool = True
    with_damaged: bool = True
    every: int = Field(1, ge=1)
    """Every so many-th frame of the test split."""
    ignore_cameras: tuple[int, ...] = ()
    predictions: str | None = None
    """``results.pkl`` of a first stage, for networks that look round a pelvis."""
    least_views: int | None = Field(None, ge=1)
    """Where given, a batch has a random number of views from this to ``most_views``."""
    most_views: int | None = Field(None, ge=1)


class Human36MData:
    """Batches of ``images``, ``projections``, ``present``, ``keypoints``, ``validity``, ``turn``, ``index``.

    ``predicted`` joints are there where a results file is given.
    """

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        self._settings = chosen = parse_config(Human36MSettings, settings, source=source)
        self._seed = seed
        root = Path(chosen.root)
        labels = read_labels(Path(chosen.labels) if chosen.labels else root / "extra" / LABELS)
        options = SampleOptions(
            image_shape=(chosen.image, chosen.image),
            scale_box=chosen.scale_box,
            undistort=chosen.undistort,
            ignore_cameras=chosen.ignore_cameras,
            every=chosen.every,
            with_damaged=chosen.with_damaged,
        )
        predictions = None if chosen.predictions is None else read_results(Path(chosen.predictions))
        self._samples = Human36MMultiview(root / "processed", labels, chosen.split, options, predictions)

    def __len__(self) -> int:
        return len(self._samples)

    def prepare(self) -> None:
        """Nothing: pictures are read one by one."""

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See ``TrainingData``."""
        chosen = self._settings
        choice = None
        if chosen.least_views is not None:
            choice = ViewChoice(chosen.least_views, chosen.most_views, self._seed, epoch)
        samples = [self._samples[int(index)] for index in indexes]
        return multiview_arrays(samples, indexes, choice, self._seed, epoch)
