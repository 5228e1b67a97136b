"""Joints as a tree of bones that turn: what animation formats hold instead of positions.

Positions of a moving person become one root position, fixed bone lengths and one rotation per joint and
instant. A joint with one child turns the shortest way that makes the bone point where it was measured; a
joint with several turns as the rigid body that fits all of them best (Kabsch, 1976).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from models.skeleton import Skeleton

Floats = NDArray[np.float64]

_STEADY: Final = 1e-6
"""Weight of staying with the parent beside the weight of a bone: decides only what the bones leave open."""


@dataclass(frozen=True)
class JointTree:
    """Parents before children.

    Attributes:
        names: (K,) of the nodes; the first is the root.
        parents: (K,) places of the parents, -1 for the root.
        sources: For each node the joints of the skeleton whose mean it is.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    sources: tuple[tuple[int, ...], ...]

    def children(self, node: int) -> list[int]:
        """Places of the children of a node."""
        return [child for child, parent in enumerate(self.parents) if parent == node]


@dataclass(frozen=True)
class TreeMotion:
    """One person. T samples, K nodes.

    Attributes:
        tree: The nodes.
        offsets: (K, 3) mm: where each node is from its parent in the rest pose.
        root: (T, 3) mm.
        rotations: (T, K, 3, 3) parent from node; nodes without children do not turn.
    """

    tree: JointTree
    offsets: Floats
    root: Floats
    rotations: Floats

    def positions(self) -> Floats:
        """(T, K, 3) mm, by going through the tree."""
        places = np.empty((len(self.root), len(self.offsets), 3))
        turned = np.empty((len(self.root), len(self.offsets), 3, 3))
        for node, parent in enumerate(self.tree.parents):
            if parent < 0:
                places[:, node], turned[:, node] = self.root, self.rotations[:, node]
                continue
            places[:, node] = places[:, parent] + turned[:, parent] @ self.offsets[node]
            turned[:, node] = turned[:, parent] @ self.rotations[:, node]
        return places


def joint_tree(skeleton: Skeleton) -> JointTree:
    """A tree over all joints from the pelvis outward; what is not connected hangs on the neck.

    Skeletons without pelvis or neck get the middle of hips or shoulders.
    """
    names = list(skeleton.joints)
    sources: list[tuple[int, ...]] = [(at,) for at in range(len(skeleton))]

    def place(name: str, of: str) -> int:
        if name not in names:
            pair = [f"{side}_{of}" for side in ("left", "right") if f"{side}_{of}" in skeleton.joints]
            names.append(name)
            sources.append(tuple(skeleton.index(joint) for joint in pair) or (0,))
        return names.index(name)

    root, neck = place("pelvis", "hip"), place("neck", "shoulder")
    links: dict[int, list[int]] = {at: [] for at in range(len(names))}

    def link(first: int, second: int) -> None:
        links[first].append(second)
        links[second].append(first)

    for side in ("left", "right"):
        for middle, joint in ((root, f"{side}_hip"), (neck, f"{side}_shoulder")):
            if joint in names and names.index(joint) not in links[middle]:
                link(middle, names.index(joint))
    for first, second in skeleton.bones:
        crossing = {names[first], names[second]}
        if crossing not in ({"left_hip", "right_hip"}, {"left_shoulder", "right_shoulder"}):
            link(first, second)
    spine = [
        names.index(name)
        for name in ("spine", "spine1")
        if name in names and names.index(name) in links[root]
    ]
    if not spine and neck not in links[root]:
        links[root].insert(0, neck)
        links[neck].append(root)
    order, parents, seen = [root], {root: -1}, deque([root])
    loose = [names.index("nose")] if "nose" in names else []
    loose += list(range(len(names)))
    while len(order) < len(names):
        while seen:
            node = seen.popleft()
            for other in links[node]:
                if other not in parents:
                    parents[other] = node
                    order.append(other)
                    seen.append(other)
        hanging = next((node for node in loose if node not in parents), None)
        if hanging is not None:
            parents[hanging] = neck
            order.append(hanging)
            seen.append(hanging)
    rank = {node: at for at, node in enumerate(order)}
    return JointTree(
        tuple(names[node] for node in order),
        tuple(rank[parents[node]] if parents[node] >= 0 else -1 for node in order),
        tuple(sources[node] for node in order),
    )


def tree_motion(tree: JointTree, joints: Floats) -> TreeMotion:
    """Turn positions into rotations.

    Args:
        tree: From ``joint_tree`` of the joints' skeleton.
        joints: (T, J, 3) mm, T at least 1. Missing ones are filled in: linearly between the instants where
            they are known, held before and after; a joint that is never known stays at its parent.
    """
    nodes = np.stack([joints[:, list(source)].mean(axis=1) for source in tree.sources], axis=1)
    filled = np.empty_like(nodes)
    for node, parent in enumerate(tree.parents):
        filled[:, node] = _fill(nodes[:, node], filled[:, parent] if parent >= 0 else None)
    rest = filled[int(np.isfinite(nodes).all(axis=-1).sum(axis=1).argmax())]
    offsets = np.zeros_like(rest)
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            length = float(np.median(np.linalg.norm(filled[:, node] - filled[:, parent], axis=-1)))
            offsets[node] = _unit(rest[node] - rest[parent]) * length
    turned = np.empty((len(filled), len(offsets), 3, 3))
    rotations = np.broadcast_to(np.eye(3), turned.shape).copy()
    for node, parent in enumerate(tree.parents):
        carried = turned[:, parent] if parent >= 0 else np.broadcast_to(np.eye(3), (len(filled), 3, 3))
        children = tree.children(node)
        if not children:
            turned[:, node] = carried
            continue
        before = np.stack([_unit(offsets[child]) for child in children])
        after = _unit(filled[:, children] - filled[:, node : node + 1])
        if len(children) == 1:
            turned[:, node] = _swing(carried @ before[0], after[:, 0]) @ carried
        else:
            turned[:, node] = _fit(before, after, carried)
        rotations[:, node] = np.swapaxes(carried, 1, 2) @ turned[:, node]
    return TreeMotion(tree, offsets, filled[:, 0], rotations)


def _fill(track: Floats, otherwise: Floats | None) -> Floats:
    """(T, 3) without gaps."""
    known = np.flatnonzero(np.isfinite(track).all(axis=-1))
    if len(known) == 0:
        return otherwise.copy() if otherwise is not None else np.zeros_like(track)
    times = np.arange(len(track))
    return np.stack([np.interp(times, known, track[known, axis]) for axis in range(3)], axis=-1)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9))


def _swing(first: Floats, second: Floats) -> Floats:
    """(T, 3, 3) the shortest rotations from (T, 3) to (T, 3) unit vectors; none where one has no length."""
    axis = np.cross(first, second)
    sine, cosine = np.linalg.norm(axis, axis=-1), (first * second).sum(axis=-1)
    opposite = (sine < 1e-9) & (cosine < 0)
    # Half a turn: around any axis across.
    across = np.cross(first, np.eye(3)[np.abs(first).argmin(axis=-1)])
    axis = np.where(opposite[:, None], across, axis)
    angle = np.where(opposite, np.pi, np.arctan2(sine, cosine))
    return np.asarray(Rotation.from_rotvec(_unit(axis) * angle[:, None]).as_matrix())


def _fit(before: Floats, after: Floats, carried: Floats) -> Floats:
    """(T, 3, 3) rotations that turn (C, 3) into (T, C, 3) best, and stay with ``carried`` where free."""
    covariance = np.einsum("tci,cj->tij", after, before) + _STEADY * carried
    left, _, right = np.linalg.svd(covariance)
    sign = np.sign(np.linalg.det(left @ right))
    left[..., :, 2] *= sign[:, None]
    return np.asarray(left @ right)
