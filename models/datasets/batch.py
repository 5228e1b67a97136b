"""Samples of one data set side by side, with the views that a step is allowed to see."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.human36m_multiview import Sample


@dataclass(frozen=True, eq=False)
class Batch:
    """B samples of V views.

    Attributes:
        images: (B, V, 3, H, W) float32.
        projections: (B, V, 3, 4) float32.
        present: (B, V) whether a view counts.
        keypoints: (B, J, 3) float32, true joints, world mm.
        validity: (B, J, 1) float32.
        boxes: (B, V, 5).
        predicted: (B, J, 3) float32 joints of a first stage, or None.
        indexes: (B,) positions within the data set.
    """

    images: NDArray[np.float32]
    projections: NDArray[np.float32]
    present: NDArray[np.bool_]
    keypoints: NDArray[np.float32]
    validity: NDArray[np.float32]
    boxes: NDArray[np.float64]
    predicted: NDArray[np.float32] | None
    indexes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indexes)


@dataclass(frozen=True)
class ViewChoice:
    """Random views for training.

    The choice depends on seed, epoch and the samples of the batch alone: it differs from epoch to epoch, and
    is the same however many workers load the data.

    Attributes:
        least: Fewest views of a sample.
        most: Most views, or None for all.
        seed: Seed of the run.
        epoch: Set a new one every epoch.
        per_sample: Every sample has its own views; otherwise one set for the whole batch, as published.
    """

    least: int = 1
    most: int | None = None
    seed: int = 0
    epoch: int = 0
    per_sample: bool = False

    def __post_init__(self) -> None:
        if self.least < 1 or (self.most is not None and self.most < self.least):
            raise bad_input(
                "must be at least 1 and at most the largest number",
                key="number of views",
                value=(self.least, self.most),
            )

    def apply(self, present: NDArray[np.bool_], indexes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the present views (B, V) a step sees."""
        generator = np.random.default_rng(
            [self.seed, self.epoch, zlib.crc32(np.ascontiguousarray(indexes).tobytes())]
        )
        seen = np.zeros_like(present)
        if self.per_sample:
            for row, available in enumerate(present):
                seen[row, self._some(np.flatnonzero(available), generator)] = True
            return seen
        shared = np.flatnonzero(present.all(axis=0))
        if not len(shared):
            raise bad_input("no camera shows the person in every sample of a batch; choose views per sample")
        seen[:, self._some(shared, generator)] = True
        return seen

    def _some(self, available: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.intp]:
        most = min(len(available), self.most or len(available))
        count = int(generator.integers(min(self.least, most), most + 1))
        return generator.choice(available, count, replace=False)


def collate(samples: Sequence[Sample], choice: ViewChoice | None = None) -> Batch:
    """Put samples side by side.

    Args:
        samples: B samples of the same cameras.
        choice: Random views; None keeps all that are present. Where one set holds for the whole batch, the
            others are cut off, so that nothing is computed for them.
    """
    present = np.stack([sample.present for sample in samples])
    indexes = np.array([sample.index for sample in samples], np.int64)
    if choice is not None:
        present = choice.apply(present, indexes)
    kept = np.flatnonzero(present.any(axis=0))
    keypoints = np.stack([sample.keypoints for sample in samples])
    predicted = [sample.predicted for sample in samples if sample.predicted is not None]
    return Batch(
        images=np.ascontiguousarray(
            np.stack([sample.images[kept] for sample in samples]).transpose(0, 1, 4, 2, 3)
        ),
        projections=np.stack([sample.projections[kept] for sample in samples]),
        present=present[:, kept],
        keypoints=keypoints[..., :3],
        validity=keypoints[..., 3:],
        boxes=np.stack([sample.boxes[kept] for sample in samples]),
        predicted=np.stack(predicted) if len(predicted) == len(samples) else None,
        indexes=indexes,
    )


class SampleList(Protocol):
    """Samples by position."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def batches(samples: SampleList, size: int, threads: int = 2, ahead: int = 2) -> Iterator[Batch]:
    """All samples in order, read by threads while the network works on earlier ones.

    Decoding and resizing leave Python's lock, so threads suffice and no worker process copies pictures.

    Args:
        samples: What to read.
        size: Samples per batch; the last one may be smaller.
        threads: How many read at once.
        ahead: Batches that may wait, which bounds the memory.
    """
    starts = iter(range(0, len(samples), size))
    waiting: deque[list[Future[Sample]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="samples")
    try:
        while True:
            while len(waiting) <= ahead and (start := next(starts, None)) is not None:
                stop = min(start + size, len(samples))
                waiting.append([pool.submit(samples.__getitem__, at) for at in range(start, stop)])
            if not waiting:
                return
            yield collate([future.result() for future in waiting.popleft()])
    finally:
        pool.shutdown(cancel_futures=True)
