"""A data set of one's own, made of recordings: crops of a person with a pose that somebody believes in.

A folder with ``samples.npz`` and ``pictures/000012_cam1.jpg``. The arrays, for N samples, V views, J joints:

- ``projections`` (N, V, 3, 4) float64: world mm to homogeneous px of the crop, without lens distortion
- ``scale`` (N, V) float64: px of the camera's picture in one px of the crop
- ``present`` (N, V) bool: whether the view has a picture of the instant
- ``joints`` (N, J, 3) float64: world mm, NaN where the teacher is not sure
- ``points`` (N, V, J, 3) float64: what the teacher saw in each view: u, v in px of the crop, score
- ``truth`` (N, J, 3) float64: where the joints really were, mm; NaN where nobody knows
- ``times_ns`` (N,) int64, ``takes`` (N,) str
- ``cameras`` (V,) str, ``held_out`` (V,) bool: views that took no part in ``joints``
- ``skeleton`` str, ``crop_px`` int
"""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from models.skeleton import Skeleton
from models.skeletons import get_skeleton

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

SAMPLES: Final = "samples.npz"
PICTURES: Final = "pictures"
ROOM: Final = 1.3
"""Side of a stored crop over the square that a network sees live, so that training can move and turn it."""
_QUALITY: Final = 95
"""Of the JPEGs: below the noise of a camera, a tenth of the size of lossless ones."""
_SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "projections": ("N", "V", "3", "4"),
    "scale": ("N", "V"),
    "present": ("N", "V"),
    "joints": ("N", "J", "3"),
    "points": ("N", "V", "J", "3"),
    "truth": ("N", "J", "3"),
    "times_ns": ("N",),
    "takes": ("N",),
    "cameras": ("V",),
    "held_out": ("V",),
    "skeleton": (),
    "crop_px": (),
}


@dataclass(frozen=True)
class CropSample:
    """One instant; arrays as in the file, without their first axis.

    Attributes:
        pictures: One (S, S, 3) BGR crop per view, None where there is none.
    """

    pictures: tuple[Image | None, ...]
    projections: Floats
    scale: Floats
    joints: Floats
    points: Floats
    truth: Floats
    time_ns: int
    take: str


class CropSet:
    """Samples of a folder, by position.

    Raises:
        BadInputError: The folder holds no such data, or it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / SAMPLES
        if not path.is_file():
            raise bad_input(
                f"no {SAMPLES} in this folder",
                file=folder,
                hint="make one: launch.py prepare takes TAKE --out",
            )
        try:
            with np.load(path, allow_pickle=False) as data:
                arrays = {name: data[name] for name in _SHAPES}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise bad_input(f"is damaged: {error}", file=path, hint="make it again") from error
        self.skeleton: Skeleton = get_skeleton(str(arrays["skeleton"]))
        self._check(arrays, path)
        self.projections: Floats = arrays["projections"]
        self.scale: Floats = arrays["scale"]
        self.present: NDArray[np.bool_] = arrays["present"]
        self.joints: Floats = arrays["joints"]
        self.points: Floats = arrays["points"]
        self.truth: Floats = arrays["truth"]
        self.times_ns: NDArray[np.int64] = arrays["times_ns"]
        self.takes: tuple[str, ...] = tuple(map(str, arrays["takes"]))
        self.cameras: tuple[str, ...] = tuple(map(str, arrays["cameras"]))
        self.held_out: NDArray[np.bool_] = arrays["held_out"]
        self.crop_px = int(arrays["crop_px"])

    def __len__(self) -> int:
        return len(self.times_ns)

    def __getitem__(self, index: int) -> CropSample:
        """The sample at a position.

        Raises:
            BadInputError: A picture is missing or damaged.
        """
        pictures = tuple(
            self._picture(index, camera) if there else None
            for camera, there in zip(self.cameras, self.present[index], strict=True)
        )
        return CropSample(
            pictures,
            self.projections[index],
            self.scale[index],
            self.joints[index],
            self.points[index],
            self.truth[index],
            int(self.times_ns[index]),
            self.takes[index],
        )

    def _picture(self, index: int, camera: str) -> Image:
        path = self.folder / PICTURES / picture_name(index, camera)
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
        if picture is None or picture.shape != (self.crop_px, self.crop_px, 3):
            raise bad_input("is missing, or no picture of this set", file=path, hint="make the set again")
        return np.asarray(picture, np.uint8)

    def _check(self, arrays: dict[str, NDArray[Any]], path: Path) -> None:
        sizes = {"N": len(np.atleast_1d(arrays["times_ns"])), "V": np.size(arrays["cameras"])}
        sizes |= {"J": len(self.skeleton), "3": 3, "4": 4}
        for name, axes in _SHAPES.items():
            expected = tuple(sizes[axis] for axis in axes)
            if arrays[name].shape != expected:
                raise bad_input(
                    f"is damaged: {name} has the shape {arrays[name].shape}, not {expected}", file=path
                )


class CropSetWriter:
    """Writes a new set; nothing counts until the end of the ``with`` block.

    Args:
        folder: New, or empty.
        skeleton: Of the joints.
        cameras: Names of the views.
        held_out: Those that took no part in the joints.
        crop_px: Width of the crops.

    Raises:
        BadInputError: There is something in the folder already.
    """

    def __init__(
        self,
        folder: Path,
        skeleton: Skeleton,
        cameras: tuple[str, ...],
        held_out: tuple[str, ...],
        crop_px: int,
    ) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise bad_input("is there already and not empty", file=folder, hint="choose another --out")
        self._folder, self._skeleton, self._crop_px = folder, skeleton, crop_px
        self._cameras, self._held_out = cameras, held_out
        self._rows: list[CropSample] = []
        (folder / PICTURES).mkdir(parents=True)

    def add(self, sample: CropSample) -> None:
        """Write one sample; its pictures may be thrown away afterwards."""
        for camera, picture in zip(self._cameras, sample.pictures, strict=True):
            if picture is None:
                continue
            path = self._folder / PICTURES / picture_name(len(self._rows), camera)
            if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
                raise bad_input("cannot be written", file=path)
        # pictures are on disk; what remains says only whether there was one
        kept = tuple(None if picture is None else picture[:0] for picture in sample.pictures)
        self._rows.append(replace(sample, pictures=kept))

    def __len__(self) -> int:
        return len(self._rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()

    def _finish(self) -> None:
        rows, views, joints = self._rows, len(self._cameras), len(self._skeleton)

        def stacked(name: str, *shape: int) -> Floats:
            return np.array([getattr(row, name) for row in rows], np.float64).reshape(len(rows), *shape)

        arrays: dict[str, Any] = {
            "projections": stacked("projections", views, 3, 4),
            "scale": stacked("scale", views),
            "present": np.array(
                [[picture is not None for picture in row.pictures] for row in rows], bool
            ).reshape(len(rows), views),
            "joints": stacked("joints", joints, 3),
            "points": stacked("points", views, joints, 3),
            "truth": stacked("truth", joints, 3),
            "times_ns": np.array([row.time_ns for row in rows], np.int64),
            "takes": np.array([row.take for row in rows], np.str_),
            "cameras": np.array(self._cameras, np.str_),
            "held_out": np.isin(self._cameras, self._held_out),
            "skeleton": np.array(self._skeleton.name),
            "crop_px": np.array(self._crop_px),
        }
        with tempfile.TemporaryFile() as stream:
            np.savez_compressed(stream, **arrays)
            stream.seek(0)
            write_atomic(self._folder / SAMPLES, stream.read())


def picture_name(index: int, camera: str) -> str:
    """File of one view of a sample."""
    return f"{index:06d}_{camera}.jpg"
