"""Samples of several views as the arrays that the triangulation tasks take."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import numpy as np
from numpy.typing import NDArray

from models.datasets.batch import ViewChoice, collate
from models.datasets.human36m_multiview import Sample
from models.training.data import Arrays


def multiview_arrays(
    samples: Sequence[Sample], indexes: NDArray[np.int64], choice: ViewChoice | None, seed: int, epoch: int
) -> Arrays:
    """One batch; the same request gives the same arrays.

    Args:
        samples: Read, in order.
        indexes: Their numbers.
        choice: Which views take part; None takes all.
        seed: Of the run.
        epoch: Every one turns the volumes anew.
    """
    batch = collate(samples, choice)
    turns = [np.random.default_rng([seed, epoch, int(i)]).uniform(0.0, 2 * pi) for i in indexes]
    arrays: Arrays = {
        "images": batch.images,
        "projections": batch.projections,
        "present": batch.present,
        "keypoints": batch.keypoints,
        "validity": batch.validity,
        "turn": np.array(turns, np.float32),
        "index": indexes,
    }
    if batch.predicted is not None:
        arrays["predicted"] = batch.predicted
    return arrays
