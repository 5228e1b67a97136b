"""What the joints of a pose are called and how they hang together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Skeleton:
    """Joint names, bones and left/right pairs of one convention.

    Attributes:
        name: Identifier, for example ``blazepose_33``. Every pose names its skeleton.
        joints: Joint names in array order.
        bones: Pairs of joint indices to draw and measure.
        pairs: (left, right) joint indices that swap when a person is mirrored.
        body: Indices of the joints that quality figures are computed on (limbs and trunk).
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]
    body: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Array index of a joint name; raises ValueError for an unknown one."""
        return self.joints.index(joint)

    @cached_property
    def mirror(self) -> NDArray[np.intp]:
        """(J,) permutation that exchanges left and right."""
        order = np.arange(len(self.joints))
        for left, right in self.pairs:
            order[left], order[right] = right, left
        return order
