"""What several cameras said about a person a moment ago: lengths of bones, and where single cameras err."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.skeleton import Skeleton

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Image = NDArray[np.uint8]

_INSTANTS: Final = 15
"""Half a second: the part of a camera's error that is new in every picture averages out."""
_BONE_INSTANTS: Final = 90
"""That the lengths of bones are the medians of."""


@dataclass
class Moment:
    """An instant at which several cameras saw the person. V views, J joints.

    Attributes:
        time_ns: The instant.
        joints: (J, 3) mm in world, NaN where missing.
        keypoints: (V, J, 2) px.
        scores: (V, J).
        images: Of the views, where the model looks at them.
        depths: By view, what that camera alone says: (J,) mm.
    """

    time_ns: int
    joints: Floats
    keypoints: Floats
    scores: Floats
    images: tuple[Image | None, ...]
    depths: dict[int, Floats] = field(default_factory=dict)


class PersonMemory:
    """The last moments.

    Args:
        skeleton: Of the joints.
        bones: (B, 2) joints whose distances are remembered.
        with_images: Keep the picture of the last moment, and no other moment.
    """

    def __init__(self, skeleton: Skeleton, bones: NDArray[np.intp], *, with_images: bool) -> None:
        self._body = list(skeleton.body)
        self._bones = bones
        self._with_images = with_images
        self._lengths: deque[Floats] = deque(maxlen=_BONE_INSTANTS)
        self.moments: deque[Moment] = deque(maxlen=1 if with_images else _INSTANTS)

    def reset(self) -> None:
        """Forget the person."""
        self._lengths.clear()
        self.moments.clear()

    def learn(
        self, joints: Floats, keypoints: Floats, scores: Floats, images: Sequence[Image | None], time_ns: int
    ) -> None:
        """Take in an instant as triangulated; one at which half of the body is missing is left out."""
        if 2 * np.isfinite(joints[self._body, 0]).sum() < len(self._body):
            return
        self._lengths.append(np.linalg.norm(joints[self._bones[:, 0]] - joints[self._bones[:, 1]], axis=1))
        kept: tuple[Image | None, ...] = (None,) * len(images)
        if self._with_images:  # the buffers of live pictures are used again
            kept = tuple(None if image is None else image.copy() for image in images)
        self.moments.append(Moment(time_ns, joints.copy(), keypoints.copy(), scores.copy(), kept))

    @property
    def time_ns(self) -> int | None:
        """Of the last moment."""
        return self.moments[-1].time_ns if self.moments else None

    def bone_lengths(self) -> Floats:
        """(B,) mm, NaN where a bone was never seen."""
        lengths = np.array(self._lengths).reshape(-1, len(self._bones))
        there = np.isfinite(lengths).any(axis=0)
        result = np.full(len(self._bones), np.nan)
        result[there] = np.nanmedian(lengths[:, there], axis=0)
        return result
