"""Every view of a multi-view data set as a sample of its own.

Ma et al. 2021, "Context Modeling in 3D Human Pose Estimation": each row is repeated once per camera that
shows the person, row by row, cameras in file order. The pelvis of the first stage is repeated alike, so it
is the one that several views agreed on; figures of this list must say so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.datasets.human36m_multiview import Human36MMultiview, Sample


class SingleViews:
    """Samples with V = 1.

    Args:
        dataset: Where they come from.
        rank: Which of ``world`` processes this is.
        world: Number of processes; each takes a contiguous part, the last one also the rest.
    """

    def __init__(self, dataset: Human36MMultiview, rank: int = 0, world: int = 1) -> None:
        self.dataset = dataset
        samples, views = np.nonzero(dataset.present())
        each = len(samples) // world
        part = slice(each * rank, each * (rank + 1) if rank < world - 1 else None)
        self.samples: NDArray[np.intp] = samples[part]
        """(N,) position in ``dataset``."""
        self.cameras: NDArray[np.intp] = np.array(dataset.views)[views[part]]
        """(N,) camera, counted as in the label file."""

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        """The sample at a position; its ``index`` is that of the multi-view sample."""
        return self.dataset.sample(int(self.samples[index]), (int(self.cameras[index]),))

    @property
    def truth(self) -> NDArray[np.float32]:
        """(N, J, 3) world mm."""
        return self.dataset.truth[self.samples]
