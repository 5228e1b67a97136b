"""Annotations of the training set of MPI-INF-3DHP (Mehta et al., 3DV 2017), as published.

Below the data set's folder ``S1/Seq1/annot.mat`` and ``S1/Seq1/camera.calibration`` to ``S8/Seq2``; videos
``S1/Seq1/imageSequence/video_0.avi`` to ``video_13.avi``, and out of these the pictures
``S1/Seq1/imageSequence/video_0/frame_000001.jpg``, numbered from 1, which ``extract_training_frames`` makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from configs.errors import bad_input
from models.metrabs.train_camera import TrainCamera

Floats = NDArray[np.float64]

SUBJECTS: Final = {"train": tuple(f"S{number}" for number in range(1, 8)), "val": ("S8",)}
"""As MeTRAbs' programs part them."""
CAMERAS: Final = (0, 1, 2, 4, 5, 6, 7, 8)
"""At the height of people; the others look down from the ceiling."""
EVERY: Final = 5
MOVED_MM: Final = 100.0
"""Frames without a joint that moved so far since the last one kept are left out."""
ORDER: Final = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)
"""Of the 28 joints those of ``mpi_inf_3dhp_17``, from head top to head centre."""
_ALL: Final = 28
_LENGTHS: Final = {
    ("S1", "Seq1"): 6416,
    ("S1", "Seq2"): 12430,
    ("S2", "Seq1"): 6502,
    ("S2", "Seq2"): 6081,
    ("S3", "Seq1"): 12488,
    ("S3", "Seq2"): 12283,
    ("S4", "Seq1"): 6171,
    ("S4", "Seq2"): 6675,
    ("S5", "Seq1"): 12820,
    ("S5", "Seq2"): 12312,
    ("S6", "Seq1"): 6188,
    ("S6", "Seq2"): 6145,
    ("S7", "Seq1"): 6239,
    ("S7", "Seq2"): 6320,
    ("S8", "Seq1"): 6468,
    ("S8", "Seq2"): 6054,
}
"""Frames that both videos and annotations have."""
_SHORTER: Final = {("S6", "Seq2", 2): 3911}


@dataclass(frozen=True)
class View:
    """One camera of a sequence, T frames from the first.

    Attributes:
        folder: Of the sequence.
        camera: Number.
        seen_by: The camera itself.
        size: Width and height of its pictures, px.
        joints: (T, 17, 3) mm in the axes of the camera.
        universal: (T, 17, 3) the same people, all of one height.
        pixels: (T, 17, 2) px.
    """

    folder: Path
    camera: int
    seen_by: TrainCamera
    size: tuple[int, int]
    joints: Floats
    universal: Floats
    pixels: Floats

    @property
    def video(self) -> Path:
        """The published file."""
        return self.folder / "imageSequence" / f"video_{self.camera}.avi"

    def picture(self, frame: int) -> Path:
        """File of a frame, counted from 0, after extraction."""
        return self.folder / "imageSequence" / f"video_{self.camera}" / f"frame_{frame + 1:06d}.jpg"

    def frames(self, every: int = EVERY, moved_mm: float = MOVED_MM) -> list[int]:
        """Frames to learn from: every so many-th with the whole person in view, who has moved."""
        last = np.array(self.size) - 1.0
        inside = np.asarray(((self.pixels >= 0.0) & (self.pixels <= last)).all(axis=(1, 2)), bool)
        kept: list[int] = []
        for frame in range(0, len(self.joints), every):
            if not inside[frame]:
                continue
            if kept:
                way = np.linalg.norm(self.joints[frame] - self.joints[kept[-1]], axis=1)
                if way.max() < moved_mm:
                    continue
            kept.append(frame)
        return kept


def read_training(root: Path, split: Literal["train", "val"]) -> list[View]:
    """All cameras of all sequences that are there.

    Args:
        root: The data set's folder.
        split: ``train`` (S1 to S7) or ``val`` (S8).

    Raises:
        BadInputError: There is no sequence, or one is damaged.
    """
    views: list[View] = []
    for subject in SUBJECTS[split]:
        for sequence in ("Seq1", "Seq2"):
            if (root / subject / sequence / "annot.mat").is_file():
                views += _read_sequence(root, subject, sequence)
    if not views:
        wanted = " ".join(SUBJECTS[split])
        raise bad_input(f"holds no S.../Seq1/annot.mat of {wanted}", file=root, hint="give settings.root")
    return views


def read_cameras(path: Path) -> dict[int, tuple[TrainCamera, tuple[int, int]]]:
    """Cameras and sizes of pictures, px, by number, from ``camera.calibration``.

    Lines of a word and its values; ``name`` begins a camera. ``intrinsic`` and ``extrinsic`` (world to
    camera, mm) are 4 x 4, row by row. There is no lens.

    Raises:
        BadInputError: The file is missing or of another form.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror}", file=path) from error
    blocks: dict[int, dict[str, list[float]]] = {}
    block: dict[str, list[float]] | None = None
    for number, line in enumerate(lines, start=1):
        word, *values = line.split() or [""]
        if word not in ("name", "size", "intrinsic", "extrinsic"):
            continue
        try:
            numbers = [float(value) for value in values]
        except ValueError as error:
            raise bad_input(f"line {number} is not of numbers", file=path, key=word) from error
        if word == "name":
            if len(numbers) != 1:
                raise bad_input(f"line {number} names no camera", file=path, key=word)
            block = blocks.setdefault(int(numbers[0]), {})
        elif block is not None:
            block[word] = numbers
    cameras = {number: _camera(path, number, block) for number, block in blocks.items()}
    if not cameras:
        raise bad_input("names no camera", file=path)
    return cameras


def _camera(path: Path, number: int, block: dict[str, list[float]]) -> tuple[TrainCamera, tuple[int, int]]:
    for word, count in (("size", 2), ("intrinsic", 16), ("extrinsic", 16)):
        if len(block.get(word, ())) != count or not np.isfinite(block[word]).all():
            raise bad_input(f"has not {count} numbers in camera {number}", file=path, key=word)
    K, E = (np.array(block[word]).reshape(4, 4) for word in ("intrinsic", "extrinsic"))
    # the rows are rounded to seven digits
    if not np.allclose(E[:3, :3] @ E[:3, :3].T, np.eye(3), atol=1e-3) or np.linalg.det(E[:3, :3]) < 0.0:
        raise bad_input(f"is no rotation in camera {number}", file=path, key="extrinsic")
    if not (np.diag(K)[:2] > 0.0).all():
        raise bad_input(f"has no focal length in camera {number}", file=path, key="intrinsic")
    width, height = (int(value) for value in block["size"])
    seen_by = TrainCamera(E[:3, :3], -E[:3, :3].T @ E[:3, 3], K[:3, :3], np.zeros(5))
    return seen_by, (width, height)


def _read_sequence(root: Path, subject: str, sequence: str) -> list[View]:
    folder = root / subject / sequence
    path = folder / "annot.mat"
    cameras = read_cameras(folder / "camera.calibration")
    try:
        stored = loadmat(path, variable_names=["annot2", "annot3", "univ_annot3"])
        tables = [
            _tables(stored[name], size) for name, size in (("annot3", 3), ("univ_annot3", 3), ("annot2", 2))
        ]
    # Damaged Matlab files fail in whatever step their bytes happen to stand for.
    except Exception as error:
        raise bad_input(
            f"is damaged or has no annot2, annot3, univ_annot3 ({type(error).__name__}: {error})", file=path
        ) from error
    views = []
    for camera in CAMERAS:
        if any(camera >= len(table) for table in tables) or camera not in cameras:
            continue
        joints, universal, pixels = (table[camera] for table in tables)
        length = min(len(joints), len(universal), len(pixels))
        length = min(length, _LENGTHS[subject, sequence], _SHORTER.get((subject, sequence, camera), length))
        seen_by, size = cameras[camera]
        views.append(
            View(folder, camera, seen_by, size, joints[:length], universal[:length], pixels[:length])
        )
    if not views:
        raise bad_input("has none of the cameras 0 1 2 4 5 6 7 8", file=path)
    return views


def _tables(cells: Any, size: int) -> list[Floats]:
    """Of each camera (T, 17, ``size``)."""
    tables: list[Floats] = []
    for cell in np.ravel(cells):
        table = np.asarray(cell, np.float64).reshape(-1, _ALL, size)[:, ORDER]
        if not np.isfinite(table).all():
            raise ValueError("there are numbers that are not finite")
        tables.append(table)
    return tables
