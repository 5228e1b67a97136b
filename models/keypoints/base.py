"""What a 2D keypoint model promises to the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.detections import Detections
from models.skeleton import Skeleton

Image = NDArray[np.uint8]


class KeypointModel(Protocol):
    """Finds and follows people in the pictures of several views. Stateful: one instance per rig.

    Built as ``Model(config, cameras)`` with its own config class (attribute ``Config``) and the view names.
    """

    skeleton: Skeleton
    name: str
    """What is written into the take."""

    hashes: dict[str, str]
    """SHA-256 of every weights file in use, by file name; empty when there are none."""

    def detect(self, images: Sequence[Image | None], times_ns: Sequence[int]) -> list[Detections]:
        """Find people.

        Args:
            images: One (H, W, 3) BGR picture per view, None where the view has none at this instant.
            times_ns: Capture time of each picture since the session's start (ignored where it is None).

        Returns:
            One Detections per view, in the same order; empty where the picture is None.
        """
        ...

    def reset(self) -> None:
        """Forget all tracks, as after a cut."""
        ...

    def close(self) -> None:
        """Free threads and memory; the model cannot be used afterwards."""
        ...
