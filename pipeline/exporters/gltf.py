"""glTF 2.0 (Khronos): a figure of turning bones with its animation, for game engines, web pages and Blender.

Every joint is a node; a skin binds a small solid to each bone, so that viewers show something and programs
that know skins make an armature of it. Metres and Y up, as the specification demands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pygltflib
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from configs.errors import bad_input
from pipeline.exporters.base import ExportError
from pipeline.exporters.gltf_arrays import ARRAY_BUFFER, ELEMENT_BUFFER, SHORT, PackedArrays, read_array
from pipeline.exporters.joint_tree import JointTree, TreeMotion, joint_tree, tree_motion
from pipeline.exporters.uniform import UniformTracks, uniform_tracks
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

TOLERANCE_MM: Final = 2e-3
"""Single precision: quaternions to 6e-8, which is 6e-5 mm at the end of a metre, for some twenty joints in a
row; and metres to 2.4e-4 mm within 8 m."""

_Y_UP: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""File from world: our Z is up."""
_MM: Final = 1000.0
_WIDE: Final = 0.08
"""Half the width of a bone's solid, of its length."""

Floats = NDArray[np.float64]


class GlbExporter:
    """One figure per person, metres, Y up, at an even rate; what is missing is filled in. One binary file."""

    suffix = ".glb"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write nodes, skin, solids and animation."""
        document, data = _document(take, poses)
        document.set_binary_blob(data)
        document.save_binary(str(path))

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read the file back, let the animation move its nodes, compare where every joint is."""
        tracks = uniform_tracks(take, poses)
        expected = _motions(tracks)
        try:
            written = read_gltf(path)
        except Exception as error:  # whatever the library makes of what is no glTF
            raise ExportError(f"{path}: cannot be read back: {error}") from error
        if len(written) != len(expected):
            raise ExportError(f"{path}: holds {len(written)} people instead of {len(expected)}")
        for mine, (names, times_s, places) in zip(expected, written, strict=True):
            if places.shape != (tracks.samples, len(mine.tree.names), 3) or names != mine.tree.names:
                raise ExportError(f"{path}: does not hold the joints and instants that were written")
            wrong_s = float(np.abs(times_s - np.arange(tracks.samples) / tracks.rate_hz).max(initial=0.0))
            if wrong_s > 1e-6 * max(1.0, tracks.samples / tracks.rate_hz):  # single precision
                raise ExportError(f"{path}: times are off by up to {wrong_s:g} s")
            worst = float(np.abs(places - mine.positions() @ _Y_UP.T).max(initial=0.0))
            if worst > TOLERANCE_MM:
                raise ExportError(
                    f"{path}: joints are off by up to {worst:g} mm, allowed is {TOLERANCE_MM:g}"
                )


class GltfExporter(GlbExporter):
    """The same as text, with the numbers in it."""

    suffix = ".gltf"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write nodes, skin, solids and animation."""
        document, data = _document(take, poses)
        document.set_binary_blob(data)
        document.convert_buffers(pygltflib.BufferFormat.DATAURI)
        document.save_json(str(path))


def read_gltf(path: Path) -> list[tuple[tuple[str, ...], Floats, Floats]]:
    """People of a file as this module writes them: names of nodes, times s, (T, K, 3) mm, Y up."""
    document = pygltflib.GLTF2().load(str(path))
    if path.suffix == ".gltf":
        document.convert_buffers(pygltflib.BufferFormat.BINARYBLOB)
    data = document.binary_blob()
    people = []
    for skin, animated in zip(document.skins, _channels(document), strict=True):
        nodes = [document.nodes[at] for at in skin.joints]
        parents = [-1] * len(nodes)
        for place, node in enumerate(nodes):
            for child in node.children or []:
                parents[skin.joints.index(child)] = place
        names = tuple(node.name.rpartition(":")[2] for node in nodes)
        offsets = np.array([node.translation for node in nodes], np.float64) * _MM
        times_s = read_array(document, data, next(iter(animated.values()))[0])
        count = len(times_s)
        turns = np.broadcast_to(np.eye(3), (count, len(nodes), 3, 3)).copy()
        root = np.broadcast_to(offsets[0], (count, 3))
        for (at, what), (when, values) in animated.items():
            moved = read_array(document, data, values)
            if what == "translation":
                root = moved * _MM
            else:
                own_s = read_array(document, data, when)
                turn = Rotation.from_quat(moved)
                turn = Slerp(own_s, turn)(times_s) if len(own_s) > 1 else turn
                turns[:, skin.joints.index(at)] = turn.as_matrix()
        tree = JointTree(names, tuple(parents), tuple(() for _ in names))
        people.append((names, times_s, TreeMotion(tree, offsets, root, turns).positions()))
    return people


def _motions(tracks: UniformTracks) -> list[TreeMotion]:
    if tracks.samples == 0:
        return []
    tree = joint_tree(tracks.skeleton)
    return [tree_motion(tree, joints) for joints in tracks.joints]


def _document(take: Take, poses: Poses) -> tuple[Any, bytes]:
    """The document without its buffer, and the buffer."""
    tracks = uniform_tracks(take, poses)
    motions = _motions(tracks)
    if not motions:
        raise bad_input("nobody was found in this take: there is no skeleton to write", file=take.folder)
    document = pygltflib.GLTF2(asset=pygltflib.Asset(generator="Posestage", version="2.0"))
    document.scene, document.scenes = 0, [pygltflib.Scene(name=take.header.name, nodes=[])]
    document.materials = [
        pygltflib.Material(
            name="bone",
            pbrMetallicRoughness=pygltflib.PbrMetallicRoughness(
                baseColorFactor=[0.55, 0.65, 0.8, 1.0], metallicFactor=0.0, roughnessFactor=0.8
            ),
        )
    ]
    packed = PackedArrays(document)
    times = packed.add(np.arange(tracks.samples) / tracks.rate_hz, bounds=True)
    for track, motion in enumerate(motions):
        who = f"person{tracks.people[track]}"
        _add_person(document, packed, motion, who, times, alone=len(motions) == 1)
    document.buffers = [pygltflib.Buffer(byteLength=len(packed.data))]
    return document, bytes(packed.data)


def _add_person(
    document: Any, packed: PackedArrays, motion: TreeMotion, who: str, times: int, *, alone: bool
) -> None:
    tree, offsets = motion.tree, motion.offsets @ _Y_UP.T / _MM
    root = motion.root @ _Y_UP.T / _MM
    first = len(document.nodes)
    joints = [first + node for node in range(len(tree.names))]
    prefix = "" if alone else f"{who}:"
    for node, name in enumerate(tree.names):
        children = [first + child for child in tree.children(node)]
        place = root[0] if node == 0 else offsets[node]
        document.nodes.append(
            pygltflib.Node(name=f"{prefix}{name}", children=children, translation=[float(v) for v in place])
        )
    rest = _rest(tree, offsets)
    inverse = np.tile(np.eye(4), (len(joints), 1, 1))
    inverse[:, :3, 3] = -rest
    document.skins.append(
        pygltflib.Skin(
            name=who,
            joints=joints,
            skeleton=joints[0],
            # Matrices are stored column by column.
            inverseBindMatrices=packed.add(inverse.transpose(0, 2, 1)),
        )
    )
    document.meshes.append(_solids(packed, tree, rest, who))
    document.nodes.append(
        pygltflib.Node(name=f"{who} bones", mesh=len(document.meshes) - 1, skin=len(document.skins) - 1)
    )
    document.scenes[0].nodes += [joints[0], len(document.nodes) - 1]
    animation = pygltflib.Animation(name=who, samplers=[], channels=[])

    def animate(node: int, what: str, values: Floats) -> None:
        animation.samplers.append(
            pygltflib.AnimationSampler(input=times, interpolation="LINEAR", output=packed.add(values))
        )
        target = pygltflib.AnimationChannelTarget(node=joints[node], path=what)
        animation.channels.append(
            pygltflib.AnimationChannel(sampler=len(animation.samplers) - 1, target=target)
        )

    animate(0, "translation", root)
    turned = _Y_UP @ motion.rotations @ _Y_UP.T
    for node in range(len(joints)):
        if tree.children(node):
            animate(node, "rotation", _steady(Rotation.from_matrix(turned[:, node]).as_quat()))
    document.animations.append(animation)


def _steady(quaternions: Floats) -> Floats:
    """(T, 4): of the two signs for one rotation always the one nearer to the instant before.

    Programs that interpolate components would turn the long way round otherwise.
    """
    flips = (quaternions[1:] * quaternions[:-1]).sum(axis=1) < 0
    signs = np.cumprod(np.concatenate([[1.0], np.where(flips, -1.0, 1.0)]))
    return quaternions * signs[:, None]


def _rest(tree: JointTree, offsets: Floats) -> Floats:
    """(K, 3) m: where nodes are when nothing turns and the root stands at the origin."""
    places = np.zeros_like(offsets)
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            places[node] = places[parent] + offsets[node]
    return places


def _solids(packed: PackedArrays, tree: JointTree, rest: Floats, who: str) -> Any:
    """An octahedron from each node to each child, which moves with the node."""
    corners: list[Floats] = []
    faces: list[NDArray[np.int64]] = []
    owners: list[int] = []
    for node, parent in enumerate(tree.parents):
        if parent < 0 or not np.linalg.norm(rest[node] - rest[parent]) > 0:
            continue
        faces.append(_FACES + 6 * len(corners))
        corners.append(_octahedron(rest[parent], rest[node]))
        owners += [parent] * 6
    joints = np.zeros((len(owners), 4))
    joints[:, 0] = owners
    weights = np.zeros((len(owners), 4))
    weights[:, 0] = 1.0
    attributes = pygltflib.Attributes(
        POSITION=packed.add(np.concatenate(corners), bounds=True, target=ARRAY_BUFFER),
        JOINTS_0=packed.add(joints, kind=SHORT, target=ARRAY_BUFFER),
        WEIGHTS_0=packed.add(weights, target=ARRAY_BUFFER),
    )
    indices = packed.add(np.concatenate(faces).ravel(), kind=SHORT, target=ELEMENT_BUFFER)
    solid = pygltflib.Primitive(attributes=attributes, indices=indices, material=0)
    return pygltflib.Mesh(name=f"{who} bones", primitives=[solid])


_FACES: Final = np.array(
    [[0, 2, 1], [0, 3, 2], [0, 4, 3], [0, 1, 4], [5, 1, 2], [5, 2, 3], [5, 3, 4], [5, 4, 1]]
)
"""Of an octahedron, counter-clockwise from outside: bottom 0, ring 1 to 4, top 5."""


def _octahedron(start: Floats, end: Floats) -> Floats:
    """(6, 3) corners: thickest near the start, as animation programs draw bones."""
    way = end - start
    side = np.cross(way, np.eye(3)[int(np.abs(way).argmin())])
    side *= _WIDE * np.linalg.norm(way) / np.linalg.norm(side)
    other = np.cross(way, side) / np.linalg.norm(way)
    belly = start + 0.2 * way
    return np.stack([start, belly + side, belly + other, belly - side, belly - other, end])


def _channels(document: Any) -> list[dict[tuple[int, str], tuple[int, int]]]:
    """Of each animation: node and what moves, to the accessors of times and values."""
    found = []
    for animation in document.animations:
        samplers: Sequence[Any] = animation.samplers
        found.append(
            {
                (one.target.node, one.target.path): (
                    samplers[one.sampler].input,
                    samplers[one.sampler].output,
                )
                for one in animation.channels
            }
        )
    return found
