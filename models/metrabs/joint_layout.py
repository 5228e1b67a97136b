"""Which joints a MeTRAbs network speaks of, and the selections of them that users name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from configs.errors import bad_input, did_you_mean

Edges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JointSelection:
    """A named choice of joints.

    Attributes:
        indices: Into all joints.
        names: Of the chosen ones.
        edges: Bones, indices into the chosen ones.
    """

    indices: tuple[int, ...]
    names: tuple[str, ...]
    edges: Edges

    def __post_init__(self) -> None:
        if len(self.indices) != len(self.names):
            raise bad_input(f"a skeleton has {len(self.indices)} joints but {len(self.names)} names")


@dataclass(frozen=True)
class JointLayout:
    """Joints of a network and skeletons made of them.

    Attributes:
        names: (J,) joints of the network; ``lX`` and ``rX`` are a pair.
        edges: Bones between them.
        transform: (J, N) joints of the network to all joints, as weighted sums; None where they are the same.
        skeletons: By the names users pass; ``""`` is all joints, and is added where it is not there.
    """

    names: tuple[str, ...]
    edges: Edges = ()
    transform: Tensor | None = None
    skeletons: Mapping[str, JointSelection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.transform is not None and self.transform.shape[0] != len(self.names):
            raise bad_input(
                f"the joint transform starts from {self.transform.shape[0]} joints, the network has "
                f"{len(self.names)}"
            )
        if "" not in self.skeletons:
            if self.transform is not None:
                raise bad_input('with a joint transform the skeleton "" must name all joints')
            everything = JointSelection(tuple(range(len(self.names))), self.names, self.edges)
            object.__setattr__(self, "skeletons", {"": everything, **self.skeletons})
        for name, skeleton in self.skeletons.items():
            if skeleton.indices and not 0 <= min(skeleton.indices) <= max(skeleton.indices) < self.count:
                raise bad_input(
                    f"selects joints that the network has not; it has {self.count}", key=f"skeleton {name!r}"
                )

    @property
    def count(self) -> int:
        """N, all joints."""
        return len(self.names) if self.transform is None else self.transform.shape[1]

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """(J,) where the joint on the other side is."""
        return mirrored(self.names)

    def select(self, skeleton: str) -> JointSelection:
        """The skeleton of that name.

        Raises:
            BadInputError: There is none.
        """
        if skeleton not in self.skeletons:
            raise bad_input(
                "unknown skeleton",
                value=skeleton,
                allowed=", ".join(repr(name) for name in self.skeletons),
                hint=did_you_mean(skeleton, self.skeletons),
            )
        return self.skeletons[skeleton]

    def transformed(self, poses: Tensor) -> Tensor:
        """(..., J, C) of the network's joints to (..., N, C) of all joints."""
        if self.transform is None:
            return poses
        return torch.einsum("...jc,jn->...nc", poses, self.transform.to(poses))


def mirrored(names: Sequence[str]) -> tuple[int, ...]:
    """For each joint the index of the one that a mirror shows in its place, by the first letter l or r.

    Raises:
        BadInputError: A joint of one side has no partner.
    """
    other = {"l": "r", "r": "l"}
    result = []
    for name in names:
        partner = other.get(name[:1], name[:1]) + name[1:]
        if partner not in names:
            raise bad_input(f"there is no joint {partner!r} that mirrors {name!r}", key="joint_names")
        result.append(names.index(partner))
    return tuple(result)
