"""Run a network over a data set, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.batch import Batch, SampleList, batches
from models.datasets.human36m_names import ROOT

Centres = Literal["predicted", "truth"]
"""Where volumetric networks look for a person: at the pelvis of a first stage, or at the true one."""

CLASS_NAMES: Final = {
    "ransac": "RANSACTriangulationNet",
    "algebraic": "AlgebraicTriangulationNet",
    "volumetric": "VolumetricTriangulationNet",
    "contextpose": "VolumetricTriangulationNet",
}
"""What the originals call each network in the names of result folders."""


class MultiviewModel(Protocol):
    """A network that turns pictures of one person into joints."""

    @property
    def needs_centres(self) -> bool:
        """Whether it must be told roughly where the person is."""
        ...

    def predict(self, batch: Batch, centres: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """(B, J, 3) world mm, NaN where a joint has no position.

        Args:
            batch: Pictures and their cameras.
            centres: (B, 3) mm, rough position of each pelvis; None where it is not needed.
        """
        ...


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network said about N samples.

    Attributes:
        keypoints: (N, J, 3) float32, world mm.
        truth: (N, J', 3) float32, world mm.
        indexes: (N,) positions within the data set, in the order of the samples.
        projections: (N, V, 3, 4) float32 of the network input; None where samples have several views.
    """

    keypoints: NDArray[np.float32]
    truth: NDArray[np.float32]
    indexes: NDArray[np.int64]
    projections: NDArray[np.float32] | None


def predict_all(
    model: MultiviewModel,
    samples: SampleList,
    *,
    batch_size: int = 8,
    centres: Centres = "predicted",
    root: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda joints: joints[:, ROOT],
    threads: int = 2,
    progress: Callable[[int], None] = lambda done: None,
) -> Predictions:
    """Predict every sample, in order.

    Args:
        model: The network.
        samples: A data set.
        batch_size: Samples at a time.
        centres: Where the centre comes from if the network needs one.
        root: Takes joints (B, J, 3) to the (B, 3) that the cuboid is centred on.
        threads: Readers.
        progress: Called with the number of samples done.

    Raises:
        BadInputError: The network needs a pelvis and the data set has none.
    """
    if batch_size < 1:
        raise bad_input("must be at least 1", key="batch size", value=batch_size)
    keypoints, truth, indexes, projections = [], [], [], []
    done = 0
    for batch in batches(samples, batch_size, threads):
        centre = None
        if model.needs_centres:
            joints = batch.keypoints if centres == "truth" else batch.predicted
            if joints is None:
                raise bad_input(
                    "this network needs the pelvis of a first stage for every sample",
                    hint="give the results.pkl of an algebraic evaluation, or ask for the true pelvis",
                )
            centre = root(joints)
        keypoints.append(model.predict(batch, centre))
        truth.append(batch.keypoints)
        indexes.append(batch.indexes)
        projections.append(batch.projections)
        done += len(batch)
        progress(done)
    views = {part.shape[1] for part in projections}
    return Predictions(
        np.concatenate(keypoints),
        np.concatenate(truth),
        np.concatenate(indexes),
        np.concatenate(projections) if views == {1} else None,
    )
