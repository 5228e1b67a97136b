"""Data sets as training sees them: batches of arrays by position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from configs.loading import parse_config
from configs.registry import Registry
from models.datasets.simulated_studio import SimulatedStudio, SimulatedStudioConfig, Split

Arrays = dict[str, NDArray[Any]]


class TrainingData(Protocol):
    """What a run needs of its data. The same request gives the same batch in every process."""

    def __len__(self) -> int: ...

    def prepare(self) -> None:
        """Do once what worker processes can then share."""
        ...

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """Arrays whose first axis is the sample; what they are called is between data and task."""
        ...


@runtime_checkable
class DescribesNetwork(Protocol):
    """Data that a network must know something of, such as what poses are normalised with."""

    def network_settings(self, kind: str) -> dict[str, Any]:
        """Settings for a network of that kind; those of the configuration go before them."""
        ...


TRAINING_DATA = Registry(
    "training data",
    {
        "simulated_studio": "models.training.data:StudioData",
        "crops": "models.training.crops_data:CropsData",
        "human36m": "models.training.human36m_data:Human36MData",
        "human36m_normalised": "models.training.lifting_data:NormalisedData",
        "human36m_pixels": "models.training.lifting_data:PixelsData",
        "coco": "models.training.picture_data:CocoData",
        "metrabs": "models.training.metrabs_data:MetrabsData",
        "mpii": "models.training.picture_data:MpiiData",
        "panoptic": "models.training.panoptic_data:PanopticData",
        "simulated_motion": "models.training.lifting_data:SimulatedMotionData",
    },
)


class StudioData:
    """The simulated studio; settings are those of ``SimulatedStudioConfig`` and ``split``."""

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        fields = dict(settings)
        split: Split = fields.pop("split", "train")
        config = parse_config(_StudioSettings, {"split": split, **fields}, source=source)
        plain = SimulatedStudioConfig.model_validate(config.model_dump(exclude={"split"}))
        del seed  # what is rendered has a seed of its own, so that runs can differ on the same data
        self._studio = SimulatedStudio(plain, config.split)

    def __len__(self) -> int:
        return len(self._studio)

    def prepare(self) -> None:
        """Build all bodies."""
        self._studio.prepare()

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See ``SimulatedStudio``; each key with one more axis in front."""
        del epoch
        samples = [self._studio[int(index)] for index in indexes]
        return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


class _StudioSettings(SimulatedStudioConfig):
    split: Split
