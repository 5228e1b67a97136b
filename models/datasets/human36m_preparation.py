"""From the downloads of Human3.6M to what evaluations and training read.

Below one folder: pictures ``processed/<S>/<action>/imageSequence/<camera>/img_%06d.jpg``, box archives
``processed/<S>/MySegmentsMat/ground_truth_bb``, joints and cameras ``extra/una-dinosauria-data/h36m``.
Boxes and pictures that are done are kept, so an interrupted run is taken up where it ended.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from models.datasets.human36m_archive import read_boxes, read_joints, read_subject_cameras, square_boxes
from models.datasets.human36m_labels import CAMERA_DTYPE, Labels, table_dtype, write_labels
from models.datasets.human36m_lens import undistorted_part
from models.datasets.human36m_multiview import ORIGINAL, UNDISTORTED
from models.datasets.human36m_names import ACTION_TRIALS, BOX_STEMS, CAMERAS, POSE_STEMS, SUBJECTS
from models.datasets.input_picture import read_picture

LABEL_FILE: Final = "human36m-multiview-labels-GTbboxes.npy"
BOX_FILE: Final = "bboxes-Human36M-GT.npy"
_CACHE: Final = ".boxes"
_JPEG_QUALITY: Final = 95

Progress = Callable[[int, int, str], None]
"""Done, total, what is worked on."""


@dataclass(frozen=True)
class Recording:
    """One subject's action-trial with its pictures.

    Attributes:
        subject: S1 ...
        action: ``<action>-<trial>``.
        frames: (N,) kept frames, from 0.
        cameras: Cameras whose pictures are here.
    """

    subject: str
    action: str
    frames: NDArray[np.int64]
    cameras: tuple[str, ...]


def recordings(root: Path) -> list[Recording]:
    """Recordings whose pictures are below ``processed``, in the order of the label file.

    Raises:
        BadInputError: There are none.
    """
    found = []
    for subject in SUBJECTS:
        for action in ACTION_TRIALS:
            folder = root / "processed" / subject / action / ORIGINAL
            cameras = tuple(name for name in CAMERAS if (folder / name).is_dir())
            if cameras:
                found.append(Recording(subject, action, _frames(folder / cameras[0]), cameras))
    if not found:
        raise bad_input(
            "holds no pictures such as S9/Directions-1/imageSequence/54138969/img_000001.jpg",
            file=root / "processed",
        )
    return found


def extract_boxes(root: Path, progress: Progress) -> Path:
    """Read the boxes of all recordings and cameras from the archives into one file.

    One small file per recording and camera remembers what is done.

    Returns:
        ``extra/bboxes-Human36M-GT.npy``: subject, action, camera to int32 (frames, 4) top left bottom right.
    """
    jobs = [(recording, camera) for recording in recordings(root) for camera in recording.cameras]
    boxes: dict[str, dict[str, dict[str, NDArray[np.int32]]]] = {}
    for done, (recording, camera) in enumerate(jobs):
        progress(done, len(jobs), f"{recording.subject} {recording.action}")
        cache = root / "extra" / _CACHE / recording.subject / f"{recording.action}.{camera}.npy"
        if cache.is_file():
            values = np.load(cache, allow_pickle=False)
        else:
            values = read_boxes(_box_archive(root, recording, camera))
            cache.parent.mkdir(parents=True, exist_ok=True)
            _save(cache, values)
        boxes.setdefault(recording.subject, {}).setdefault(recording.action, {})[camera] = values
    stored = np.empty((), object)
    stored[()] = boxes
    path = root / "extra" / BOX_FILE
    buffer = io.BytesIO()
    np.save(buffer, stored, allow_pickle=True)
    write_atomic(path, buffer.getvalue())
    progress(len(jobs), len(jobs), "")
    return path


def build_labels(root: Path, progress: Progress) -> Path:
    """Write the label file of all recordings; needs the boxes of ``extract_boxes``.

    Raises:
        BadInputError: A file is missing, or pictures, joints and boxes do not belong together.
    """
    path = root / "extra" / LABEL_FILE
    archive = root / "extra" / "una-dinosauria-data" / "h36m"
    found = recordings(root)
    geometry = np.zeros((len(SUBJECTS), len(CAMERAS)), CAMERA_DTYPE)
    for subject in {recording.subject for recording in found}:
        geometry[SUBJECTS.index(subject)] = read_subject_cameras(archive / "cameras.h5", subject)
    parts = []
    for done, recording in enumerate(found):
        progress(done, len(found), f"{recording.subject} {recording.action}")
        parts.append(_rows(root, archive, recording))
    table = np.concatenate(parts)
    write_labels(path, Labels(SUBJECTS, CAMERAS, ACTION_TRIALS, geometry, table))
    progress(len(found), len(found), "")
    return path


def undistort_pictures(root: Path, labels: Labels, progress: Progress) -> int:
    """Write pictures without lens distortion beside the original ones; those that exist are kept.

    Evaluation undistorts while reading where these are absent; they save time where an epoch is read often.

    Returns:
        How many pictures were written.
    """
    jobs = list(_pictures(root, labels))
    written = 0
    for done, (subject, view, source, target) in enumerate(jobs):
        if done % 16 == 0:
            progress(done, len(jobs), source.parent.parent.parent.name)
        if target.is_file():
            continue
        picture = read_picture(source)
        camera = labels.camera(subject, view)
        box = (0, 0, picture.shape[1], picture.shape[0])
        straight = undistorted_part(picture, camera.K, camera.dist, box)
        target.parent.mkdir(parents=True, exist_ok=True)
        encoded = cv2.imencode(".jpg", straight, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        write_atomic(target, encoded.tobytes())
        written += 1
    progress(len(jobs), len(jobs), "")
    return written


def _rows(root: Path, archive: Path, recording: Recording) -> NDArray[np.void]:
    stem = POSE_STEMS[recording.subject, recording.action]
    source = archive / recording.subject / "MyPoses" / "3D_positions" / f"{stem}.h5"
    joints = read_joints(source)
    frames = recording.frames
    if frames.max() >= len(joints):
        raise bad_input(
            f"has {len(joints)} frames, but there is a picture of frame {frames.max()} "
            f"({recording.subject} {recording.action}, img_{frames.max() + 1:06d}.jpg)",
            file=source,
        )
    rows = np.zeros(len(frames), table_dtype(len(CAMERAS)))
    rows["subject_idx"] = SUBJECTS.index(recording.subject)
    rows["action_idx"] = ACTION_TRIALS.index(recording.action)
    rows["frame_idx"], rows["keypoints"] = frames, joints[frames]
    for camera in recording.cameras:
        cache = root / "extra" / _CACHE / recording.subject / f"{recording.action}.{camera}.npy"
        if not cache.is_file():
            raise bad_input("no such file", file=cache, hint="run the step boxes first")
        boxes = np.load(cache, allow_pickle=False)
        if frames.max() >= len(boxes):
            raise bad_input(
                f"has boxes of {len(boxes)} frames, but there is a picture of frame {frames.max()}",
                file=cache,
            )
        rows["bbox_by_camera_tlbr"][:, CAMERAS.index(camera)] = square_boxes(boxes[frames])
    return rows


def _frames(folder: Path) -> NDArray[np.int64]:
    numbers = sorted(
        int(match[1]) - 1
        for path in folder.iterdir()
        if (match := re.fullmatch(r"img_(\d{6})\.jpg", path.name)) is not None
    )
    if not numbers:
        raise bad_input("holds no pictures img_000001.jpg ...", file=folder)
    return np.array(numbers, np.int64)


def _box_archive(root: Path, recording: Recording, camera: str) -> Path:
    stem = BOX_STEMS[recording.subject, recording.action]
    folder = root / "processed" / recording.subject / "MySegmentsMat" / "ground_truth_bb"
    return folder / f"{stem}.{camera}.mat"


def _pictures(root: Path, labels: Labels) -> Iterator[tuple[int, int, Path, Path]]:
    for row in labels.table:
        subject, action = int(row["subject_idx"]), labels.actions[int(row["action_idx"])]
        folder = root / "processed" / labels.subjects[subject] / action
        name = f"img_{int(row['frame_idx']) + 1:06d}.jpg"
        for view, camera in enumerate(labels.cameras):
            if row["bbox_by_camera_tlbr"][view].any():
                yield subject, view, folder / ORIGINAL / camera / name, folder / UNDISTORTED / camera / name


def _save(path: Path, values: NDArray[np.int32]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    write_atomic(path, buffer.getvalue())
