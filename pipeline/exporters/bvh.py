"""BVH (Biovision): a skeleton of turning bones for animation programs; text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from configs.errors import bad_input
from pipeline.exporters.base import ExportError
from pipeline.exporters.joint_tree import JointTree, TreeMotion, joint_tree, tree_motion
from pipeline.exporters.uniform import UniformTracks, uniform_tracks
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

TOLERANCE_MM: Final = 2e-3
"""Six decimals of a degree turn a chain of 2 m by 0.00004 mm per joint, and of a centimetre are 0.00001 mm;
some twenty joints in a row stay below."""

_EULER: Final = "ZXY"
_Y_UP: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""File from world: our Z is up, in animation programs Y is."""

_MM_PER_UNIT: Final = 10.0
"""Files are in centimetres, as animation programs expect."""


class BvhExporter:
    """One skeleton per person, centimetres, Y up, at an even rate; what is missing is filled in."""

    suffix = ".bvh"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write hierarchy and motion."""
        tracks = uniform_tracks(take, poses)
        motions = _motions(tracks)
        if not motions:
            raise bad_input("nobody was found in this take: there is no skeleton to write", file=take.folder)
        lines = ["HIERARCHY"]
        columns: list[NDArray[np.float64]] = []
        for track, motion in enumerate(motions):
            prefix = f"person{tracks.people[track]}_" if len(motions) > 1 else ""
            lines += _hierarchy(motion, 0, prefix, 0)
            columns.append(_channels(motion))
        lines += ["MOTION", f"Frames: {tracks.samples}", f"Frame Time: {1.0 / tracks.rate_hz:.8f}"]
        table = np.concatenate(columns, axis=1)
        lines += [" ".join(f"{value:.6f}" for value in row) for row in table + 0.0]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read the text back, go through its tree, and compare where every joint is at every instant."""
        tracks = uniform_tracks(take, poses)
        motions = _motions(tracks)
        text = path.read_text(encoding="utf-8")
        frames = f"Frames: {tracks.samples}\n"
        if frames not in text:
            raise ExportError(f"{path}: does not hold {tracks.samples} instants")
        written = read_bvh(text)
        if len(written) != len(motions):
            raise ExportError(f"{path}: holds {len(written)} people instead of {len(motions)}")
        for expected, found in zip(motions, written, strict=True):
            if len(found.offsets) != len(expected.offsets) or len(found.root) != len(expected.root):
                raise ExportError(f"{path}: does not hold the joints that were written")
            difference = np.abs(found.positions() - expected.positions() @ _Y_UP.T)
            worst = float(difference.max(initial=0.0))
            if worst > TOLERANCE_MM:
                raise ExportError(
                    f"{path}: joints are off by up to {worst:g} mm, allowed is {TOLERANCE_MM:g}"
                )


def read_bvh(text: str) -> list[TreeMotion]:
    """The people of a file as this module writes them: mm, Y up."""
    words = iter(text.split())
    people: list[tuple[list[str], list[int], list[list[float]]]] = []
    stack: list[int] = []
    node, is_end = -1, False
    for word in words:
        if word in {"ROOT", "JOINT"}:
            if word == "ROOT":
                people.append(([], [], []))
            names, parents, offsets = people[-1]
            names.append(next(words))
            parents.append(stack[-1] if word == "JOINT" else -1)
            node, is_end = len(names) - 1, False
        elif word == "End":
            is_end = True
        elif word == "{":
            stack.append(-1 if is_end else node)
        elif word == "}":
            stack.pop()
            is_end = False
        elif word == "OFFSET":
            offset = [float(next(words)) * _MM_PER_UNIT for _ in range(3)]
            if not is_end:
                people[-1][2].append(offset)
        elif word == "Frames:":
            count = int(next(words))
            break
    assert next(words) == "Frame"
    assert next(words) == "Time:"
    next(words)
    table = np.array([float(word) for word in words]).reshape(count, -1)
    motions, at = [], 0
    for names, parents, offsets in people:
        width = 3 + 3 * len(names)
        mine, at = table[:, at : at + width], at + width
        angles = mine[:, 3:].reshape(count * len(names), 3)
        turns = Rotation.from_euler(_EULER, angles, degrees=True).as_matrix()
        tree = JointTree(tuple(names), tuple(parents), tuple(() for _ in names))
        root = mine[:, :3] * _MM_PER_UNIT
        motions.append(TreeMotion(tree, np.array(offsets), root, turns.reshape(count, len(names), 3, 3)))
    return motions


def _motions(tracks: UniformTracks) -> list[TreeMotion]:
    if tracks.samples == 0:
        return []
    tree = _depth_first(joint_tree(tracks.skeleton))
    return [tree_motion(tree, joints) for joints in tracks.joints]


def _depth_first(tree: JointTree) -> JointTree:
    """The same nodes in the order in which the file's hierarchy, and so its columns, name them."""
    order: list[int] = []

    def visit(node: int) -> None:
        order.append(node)
        for child in tree.children(node):
            visit(child)

    visit(0)
    rank = {node: at for at, node in enumerate(order)}
    return JointTree(
        tuple(tree.names[node] for node in order),
        tuple(rank[tree.parents[node]] if tree.parents[node] >= 0 else -1 for node in order),
        tuple(tree.sources[node] for node in order),
    )


def _hierarchy(motion: TreeMotion, node: int, prefix: str, depth: int) -> list[str]:
    indent, tree = "  " * depth, motion.tree
    offset = _words(motion.offsets[node] @ _Y_UP.T / _MM_PER_UNIT)
    position = "6 Xposition Yposition Zposition" if node == 0 else "3"
    lines = [
        f"{indent}{'ROOT' if node == 0 else 'JOINT'} {prefix}{tree.names[node]}",
        f"{indent}{{",
        f"{indent}  OFFSET {offset}",
        f"{indent}  CHANNELS {position} Zrotation Xrotation Yrotation",
    ]
    children = tree.children(node)
    for child in children:
        lines += _hierarchy(motion, child, prefix, depth + 1)
    if not children:
        inner = f"{indent}  "
        # Programs draw a bone to here; a tip of 2 cm shows that something ends.
        lines += [
            f"{inner}End Site",
            f"{inner}{{",
            f"{inner}  OFFSET 0.000000 2.000000 0.000000",
            f"{inner}}}",
        ]
    return [*lines, f"{indent}}}"]


def _channels(motion: TreeMotion) -> NDArray[np.float64]:
    """(T, 3 + 3 K) cm and degrees: the root's place, then every node's turn."""
    count, nodes = motion.rotations.shape[:2]
    turned = _Y_UP @ motion.rotations @ _Y_UP.T
    angles = Rotation.from_matrix(turned.reshape(-1, 3, 3)).as_euler(_EULER, degrees=True)
    place = motion.root @ _Y_UP.T / _MM_PER_UNIT
    return np.concatenate([place, angles.reshape(count, 3 * nodes)], axis=1)


def _words(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.6f}" for value in values + 0.0)
