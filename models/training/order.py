"""Which samples make which batch: decided by the seed alone, so that a run can go on anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input


@dataclass(frozen=True)
class Request:
    """A batch to make: positions within the data, and the epoch they belong to."""

    indexes: NDArray[np.int64]
    epoch: int


@dataclass(frozen=True)
class BatchOrder:
    """Batches in the order of training.

    A batch of all processes together is one stretch of the epoch's order; each process takes its share of it.
    Two processes therefore see together what one with twice the batch sees.

    Attributes:
        samples: Of the data.
        batch: Samples of a process.
        seed: Of the shuffling.
        shuffle: Anew in every epoch; otherwise in the order of the data.
        per_epoch: Samples taken from each shuffling; None for all. An incomplete last batch is left out.
        rank: Of this process.
        processes: Number of processes.
        keep_incomplete: Do not leave it out. Each process needs two samples of it.
    """

    samples: int
    batch: int
    seed: int
    shuffle: bool = True
    per_epoch: int | None = None
    rank: int = 0
    processes: int = 1
    keep_incomplete: bool = False

    def __post_init__(self) -> None:
        if self.batches_per_epoch < 1:
            raise bad_input(
                "there are fewer samples than one batch needs",
                key="batch",
                value=self.batch * self.processes,
                allowed=f"at most {self._taken} in all processes",
            )

    @property
    def batches_per_epoch(self) -> int:
        """Of each process."""
        full, rest = divmod(self._taken, self.batch * self.processes)
        # batch normalisation cannot learn from a single sample
        return full + (self.keep_incomplete and rest >= 2 * self.processes)

    @property
    def _taken(self) -> int:
        return min(self.samples, self.per_epoch or self.samples)

    def request(self, number: int) -> Request:
        """The ``number``-th batch since the start of training."""
        epoch, within = divmod(number, self.batches_per_epoch)
        first = (within * self.processes + self.rank) * self.batch
        count = self.batch
        rest = self._taken - within * self.processes * self.batch
        if rest < self.batch * self.processes:
            # the same for every process, so that none of them waits for the others for ever
            count = rest // self.processes
            first = within * self.processes * self.batch + self.rank * count
        positions = np.arange(first, first + count)
        if self.shuffle:
            positions = _shuffled(self.samples, self.seed, epoch)[positions]
        return Request(np.asarray(positions, np.int64), epoch)

    def requests(self, start: int, end: int) -> Iterator[Request]:
        """Batches ``start`` to ``end`` (not included)."""
        for number in range(start, end):
            yield self.request(number)


@lru_cache(maxsize=2)
def _shuffled(samples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(samples)
