"""EasyMocap: a folder with ``intri.yml`` and ``extri.yml`` in OpenCV's FileStorage yaml.

``names`` lists the cameras; ``K_NAME``, ``dist_NAME``, and where known ``H_NAME``, ``W_NAME`` lie in
``intri.yml``; ``R_NAME`` (Rodrigues vector), ``Rot_NAME`` (matrix) and ``T_NAME``, camera from world, in
``extri.yml``. Camera axes are OpenCV's. Lengths are metres by convention, because boards are entered in
metres; we write a key ``units`` into ``extri.yml`` and believe it when reading. Picture sizes are often not
stored: then the first picture or video of the camera in the folder tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.formats.base import (
    CalibrationFormat,
    ReadOptions,
    build_camera,
    build_rig,
    drop_zero_tail,
    tidy_rotation,
)
from calibration.formats.opencv_storage import OpenCvStorage
from calibration.rig import Rig
from calibration.units import MM_PER, Units, agreed_units
from configs.atomic_file import write_atomic
from configs.errors import bad_input

Floats = NDArray[np.float64]

_INTRINSICS, _EXTRINSICS = "intri.yml", "extri.yml"
# Both spellings come from one rotation with 16 digits; more apart than this, and they are of two cameras.
_ROTATIONS_AGREE = 1e-3


class EasyMocapFormat(CalibrationFormat):
    """Calibrations of EasyMocap."""

    title = "EasyMocap folder (intri.yml, extri.yml)"
    default_units = "m"

    def recognises(self, path: Path, text: str) -> bool:
        """A folder with both files, or one of the two files."""
        if path.is_dir():
            return (path / _INTRINSICS).is_file() or (path / _EXTRINSICS).is_file()
        return text.startswith("%YAML") and "!!opencv-matrix" in text

    def read(self, path: Path, options: ReadOptions) -> Rig:
        """See the base class; lengths are metres unless told otherwise."""
        folder = path if path.is_dir() else path.parent
        intrinsics, extrinsics = OpenCvStorage(folder / _INTRINSICS), OpenCvStorage(folder / _EXTRINSICS)
        names = intrinsics.texts("names")
        unposed = [name for name in names if name not in extrinsics.texts("names")]
        if unposed:
            raise bad_input(f"does not list {', '.join(unposed)}", file=extrinsics.path, key="names")
        units = (
            agreed_units(options.units, extrinsics.text("units"), file=extrinsics.path, key="units") or "m"
        )
        cameras = [
            _camera(name, intrinsics, extrinsics, size=options.size, mm=MM_PER[units]) for name in names
        ]
        return build_rig(folder, cameras, created=intrinsics.text("created") or f"from {folder.name}")

    def write(self, path: Path, rig: Rig, units: Units) -> None:
        """See the base class; ``path`` is the folder. Board, quality and ``lag_ms`` are not stored."""
        for camera in rig.cameras:
            if camera.model == "fisheye":
                raise bad_input(f"EasyMocap knows no fisheye lens, which {camera.name} has", file=path)
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise bad_input(f"cannot be made a folder: {error.strerror}", file=path) from error
        intrinsics, extrinsics = _NewStorage(path / _INTRINSICS), _NewStorage(path / _EXTRINSICS)
        for storage in (intrinsics, extrinsics):
            storage.put_texts("names", rig.names)
        intrinsics.put("created", rig.created)
        extrinsics.put("units", units)
        for camera in rig.cameras:
            name, coefficients = camera.name, camera.distortion.tolist()
            if camera.model == "pinhole":
                coefficients += [0.0] * (5 - len(coefficients))
            intrinsics.put(f"K_{name}", camera.K)
            intrinsics.put(f"dist_{name}", np.array([coefficients]))
            intrinsics.put(f"H_{name}", camera.size[1])
            intrinsics.put(f"W_{name}", camera.size[0])
            extrinsics.put(f"R_{name}", np.asarray(cv2.Rodrigues(camera.R)[0], dtype=np.float64))
            extrinsics.put(f"Rot_{name}", camera.R)
            extrinsics.put(f"T_{name}", camera.t[:, None] / MM_PER[units])
        intrinsics.save()
        extrinsics.save()


class _NewStorage:
    """A FileStorage file in memory, so that it can be written atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._storage = cv2.FileStorage(path.name, cv2.FILE_STORAGE_WRITE | cv2.FILE_STORAGE_MEMORY)

    def put(self, key: str, value: Floats | float | str) -> None:
        try:
            self._storage.write(key, value)
        except cv2.error as error:
            raise bad_input(
                "this format's keys cannot hold that camera name",
                file=self._path,
                key=key,
                allowed="letters a to z, digits, - and _",
            ) from error

    def put_texts(self, key: str, values: Sequence[str]) -> None:
        self._storage.startWriteStruct(key, cv2.FileNode_SEQ)
        for value in values:
            self._storage.write("", value)
        self._storage.endWriteStruct()

    def save(self) -> None:
        write_atomic(self._path, self._storage.releaseAndGetString())


def _camera(
    name: str,
    intrinsics: OpenCvStorage,
    extrinsics: OpenCvStorage,
    *,
    size: tuple[int, int] | None,
    mm: float,
) -> Camera:
    folder = intrinsics.path.parent
    coefficients = drop_zero_tail(intrinsics.matrix(f"dist_{name}").tolist(), (5, 8))
    K = intrinsics.matrix(f"K_{name}", (3, 3))
    fields = {
        "name": name,
        "size": _picture_size(folder, name, intrinsics, size),
        "model": "rational" if len(coefficients) == 8 else "pinhole",
        "K": K,
        "distortion": coefficients,
        "R": _rotation(name, extrinsics),
        "t": extrinsics.matrix(f"T_{name}", (3, 1)).ravel() * mm,
    }
    keys = {"K": f"K_{name}", "distortion": f"dist_{name}", "R": f"Rot_{name}", "t": f"T_{name}"}
    return build_camera(folder, name, fields, keys=keys)


def _rotation(name: str, extrinsics: OpenCvStorage) -> Floats:
    vector_key, matrix_key = f"R_{name}", f"Rot_{name}"
    if not extrinsics.has(vector_key) and not extrinsics.has(matrix_key):
        raise extrinsics.missing(matrix_key)
    rotations: list[Floats] = []
    if extrinsics.has(matrix_key):
        rotations.append(tidy_rotation(extrinsics.matrix(matrix_key, (3, 3))))
    if extrinsics.has(vector_key):
        vector = extrinsics.matrix(vector_key, (3, 1))
        rotations.append(np.asarray(cv2.Rodrigues(vector)[0], dtype=np.float64))
    if np.abs(rotations[0] - rotations[-1]).max() > _ROTATIONS_AGREE:
        raise bad_input(f"is another rotation than {matrix_key}", file=extrinsics.path, key=vector_key)
    return rotations[0]


def _picture_size(
    folder: Path, name: str, intrinsics: OpenCvStorage, stated: tuple[int, int] | None
) -> tuple[float, float]:
    width, height = intrinsics.number(f"W_{name}"), intrinsics.number(f"H_{name}")
    if width is not None and height is not None:
        return width, height
    if stated is not None:
        return stated
    for picture in sorted((folder / "images" / name).glob("*")):
        image = cv2.imread(str(picture))
        if image is not None:
            return image.shape[1], image.shape[0]
    for video in sorted((folder / "videos").glob(f"{name}.*")):
        capture = cv2.VideoCapture(str(video))
        shape = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        capture.release()
        if min(shape) > 0:
            return shape
    raise bad_input(
        f"the picture size of {name} is not stored",
        file=intrinsics.path,
        key=f"W_{name}",
        hint=f"add W_{name} and H_{name} in px, or put its pictures into images/{name}/ or videos/{name}.mp4",
    )
