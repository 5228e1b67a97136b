"""``poses.npz``: everything estimated in a complete take, as plain arrays anybody can load."""

from __future__ import annotations

import struct
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from configs.arrays_file import DAMAGED, read_arrays
from configs.errors import bad_input
from models.pose_frame import PoseFrame, single_view


@dataclass(frozen=True)
class Poses:
    """All poses of a take. T instants, P places for people, V views, J joints.

    Where fewer than P people were there, ``person`` is -1, scores are 0 and coordinates NaN.

    Attributes:
        skeleton: Name of the skeleton.
        cameras: View names.
        times_ns: (T,) monotonic ns.
        person: (T, P) identity numbers, -1 for nobody.
        joints: (T, P, J, 3) mm in world, unfiltered.
        scores: (T, P, J) in [0, 1].
        covariance: (T, P, J, 3, 3) mm^2.
        keypoints: (T, P, V, J, 3) u, v (distorted px), score.
        smoothed: (T, P, J, 3) mm after the live filter.
        used: (T, P, V, J) whether the view took part.
        swapped: (T, P, V) whether left and right were exchanged in the view.
        view_times_ns: (T, V) capture time of each view's picture, -1 where there was none.
        stages: (S,) names of the columns of ``stage_ms``.
        stage_ms: (T, S) time spent, NaN where not measured.
    """

    skeleton: str
    cameras: tuple[str, ...]
    times_ns: NDArray[np.int64]
    person: NDArray[np.int64]
    joints: NDArray[np.float64]
    scores: NDArray[np.float64]
    covariance: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    used: NDArray[np.bool_]
    swapped: NDArray[np.bool_]
    view_times_ns: NDArray[np.int64]
    stages: tuple[str, ...]
    stage_ms: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times_ns)

    @property
    def one_camera(self) -> NDArray[np.bool_]:
        """(T, P, J) which joints a single camera saw; also an array of the file."""
        return single_view(self.used, self.joints)

    @property
    def people(self) -> int:
        """Number of places for people, P."""
        return int(self.person.shape[1])


_ARRAYS = (
    "times_ns",
    "person",
    "joints",
    "scores",
    "covariance",
    "keypoints",
    "smoothed",
    "used",
    "swapped",
    "view_times_ns",
    "stage_ms",
)
_SHAPES = {
    "times_ns": ("iu", "T"),
    "person": ("iu", "TP"),
    "joints": ("f", "TPJ3"),
    "scores": ("f", "TPJ"),
    "covariance": ("f", "TPJ33"),
    "keypoints": ("f", "TPVJ3"),
    "smoothed": ("f", "TPJ3"),
    "used": ("b", "TPVJ"),
    "swapped": ("b", "TPV"),
    "view_times_ns": ("iu", "TV"),
    "stage_ms": ("f", "TS"),
}
"""Name to kinds of numbers and sides: instants, people, joints, views, stages, or a number."""
_FILL: dict[str, Any] = {"person": -1, "scores": 0.0, "used": False, "swapped": False}


def read_poses(path: Path) -> Poses:
    """Load a ``poses.npz``.

    Raises:
        BadInputError: The file is missing, damaged, or lacks an array.
    """
    data = read_arrays(path, (*_ARRAYS, "skeleton", "cameras", "stages"))
    return _poses(path, {name: data[name] for name in _ARRAYS}, data)


def _poses(path: Path, arrays: dict[str, Any], words: Mapping[str, NDArray[Any]]) -> Poses:
    """What the arrays of a file make, if they fit each other.

    Raises:
        BadInputError: They do not.
    """
    cameras, stages = words["cameras"], words["stages"]
    if cameras.ndim != 1 or stages.ndim != 1:
        raise bad_input("is damaged: names of cameras and stages must be lists", file=path)
    shape = arrays["joints"].shape
    if len(shape) != 4:
        raise bad_input("joints must be (T, P, J, 3)", file=path)
    sides = {"T": shape[0], "P": shape[1], "J": shape[2], "V": len(cameras), "S": len(stages), "3": 3}
    for name, (kinds, letters) in _SHAPES.items():
        wanted = tuple(sides[letter] for letter in letters)
        if arrays[name].shape != wanted or arrays[name].dtype.kind not in kinds:
            found = f"{arrays[name].dtype} of {arrays[name].shape}"
            raise bad_input(f"is damaged: {name} is {found}, expected {wanted}", file=path)
    return Poses(
        skeleton=str(words["skeleton"]),
        cameras=tuple(str(name) for name in cameras),
        stages=tuple(str(name) for name in stages),
        **arrays,
    )


def map_poses(path: Path) -> Poses:
    """The same without loading: arrays are read from the disk where they are looked at.

    For takes of any length in little memory. Files whose arrays are compressed are loaded.

    Raises:
        BadInputError: The file is missing, damaged, or lacks an array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {item.filename.removesuffix(".npy"): item for item in archive.infolist()}
            if any(members[name].compress_type != zipfile.ZIP_STORED for name in _ARRAYS):
                return read_poses(path)
            arrays: dict[str, Any] = {}
            with path.open("rb") as stream:
                for name in _ARRAYS:
                    arrays[name] = _map_member(path, stream, members[name].header_offset)

            def words(name: str) -> Any:
                with archive.open(f"{name}.npy") as member:
                    return np.lib.format.read_array(member, allow_pickle=False)

            return _poses(path, arrays, {name: words(name) for name in ("skeleton", "cameras", "stages")})
    except FileNotFoundError as error:
        raise bad_input("no such file", file=path) from error
    except KeyError as error:
        raise bad_input(f"has no array {error}", file=path) from error
    except (struct.error, *DAMAGED) as error:
        raise bad_input(f"is damaged: {error}", file=path) from error


_LOCAL_HEADER = struct.Struct("<26xHH")
"""Before each member of a zip file: fixed fields, then the lengths of its name and of its extra field."""


def _map_member(path: Path, stream: BinaryIO, offset: int) -> NDArray[Any]:
    """Map an ``.npy`` member of a zip file that is stored as it is."""
    stream.seek(offset)
    name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    stream.seek(name + extra, 1)
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"arrays of version {version}")
    shape, fortran_order, dtype = read_header(stream)
    if 0 in shape:
        return np.zeros(shape, dtype)
    order: Any = "F" if fortran_order else "C"
    return np.memmap(path, dtype, "r", stream.tell(), shape, order)


def write_poses(path: Path, frames: Iterable[PoseFrame], *, count: int, people: int) -> None:
    """Write a ``poses.npz`` from instants in one pass with little memory.

    The arrays are laid out in temporary files beside ``path``, which appears only when it is whole.

    Args:
        path: File to write.
        frames: At least one instant; all of one skeleton and one list of cameras.
        count: How many instants there are (T).
        people: The most people of one instant (P).

    Raises:
        ValueError: ``frames`` does not hold ``count`` instants.
        OSError: The disk refused.
    """
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        scratch = Path(folder)
        arrays: dict[str, Any] = {}
        stages: dict[str, int] = {}
        stage_ms: list[dict[str, float]] = []
        first: PoseFrame | None = None
        row = -1
        for row, frame in enumerate(frames):
            if first is None:
                first = frame
                arrays = _allocate(scratch, frame, count, people)
            if row >= count:
                break
            for name, array in arrays.items():
                values = getattr(frame, "time_ns" if name == "times_ns" else name)
                if name in ("times_ns", "view_times_ns"):
                    array[row] = values
                else:
                    array[row, : len(frame.person)] = values
            for stage in frame.stage_ms:
                stages.setdefault(stage, len(stages))
            stage_ms.append(frame.stage_ms)
        if first is None or row + 1 != count:
            raise ValueError(f"{path}: {row + 1} instants where {count} were announced")
        for array in arrays.values():
            array.flush()
        table = [[record.get(stage, np.nan) for stage in stages] for record in stage_ms]
        np.save(scratch / "stage_ms.npy", np.array(table, np.float64).reshape(count, len(stages)))
        np.save(scratch / "stages.npy", np.array(list(stages), np.str_))
        np.save(scratch / "skeleton.npy", np.array(first.skeleton.name))
        np.save(scratch / "joint_names.npy", np.array(first.skeleton.joints))
        np.save(scratch / "cameras.npy", np.array(first.cameras))
        whole = scratch / path.name
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for item in sorted(scratch.glob("*.npy")):
                archive.write(item, item.name)
        whole.replace(path)


def _allocate(folder: Path, frame: PoseFrame, count: int, people: int) -> dict[str, Any]:
    V, J = len(frame.cameras), len(frame.skeleton)
    shapes: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
        "times_ns": (np.int64, (count,)),
        "person": (np.int64, (count, people)),
        "joints": (np.float64, (count, people, J, 3)),
        "scores": (np.float64, (count, people, J)),
        "covariance": (np.float64, (count, people, J, 3, 3)),
        "keypoints": (np.float64, (count, people, V, J, 3)),
        "smoothed": (np.float64, (count, people, J, 3)),
        "used": (np.bool_, (count, people, V, J)),
        "swapped": (np.bool_, (count, people, V)),
        "view_times_ns": (np.int64, (count, V)),
        "one_camera": (np.bool_, (count, people, J)),
    }
    arrays = {}
    for name, (dtype, shape) in shapes.items():
        if 0 in shape:  # a file of no bytes cannot be mapped
            np.save(folder / f"{name}.npy", np.zeros(shape, dtype))
            continue
        array = open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
        fill = _FILL.get(name, np.nan if dtype is np.float64 else 0)
        if people > 0 and fill is not False and fill != 0:
            array[...] = fill
        if name == "keypoints":
            array[..., 2] = 0.0
        arrays[name] = array
    return arrays
