"""Pictures out of the official videos of Human3.6M, in the layout that preparation and training read.

``videos/<S>/Videos/<name>.<camera>.mp4`` below the data set's folder become
``processed/<S>/<action-trial>/imageSequence/<camera>/img_%06d.jpg``, numbered from 1. Published results keep
every 64th frame of the test people, and of the others a frame where a joint has moved 40 mm since the last
one kept. They measure that on a rescaled pose that few have; here it is the real one, from the pelvis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from models.datasets.human36m_archive import read_joints
from models.datasets.human36m_multiview import ORIGINAL
from models.datasets.human36m_names import (
    ACTION_TRIALS,
    BOX_STEMS,
    CAMERAS,
    POSE_STEMS,
    ROOT,
    SUBJECTS,
    TEST_SUBJECTS,
)

EVERY_OF_TEST: Final = 64
MOVED_MM: Final = 40.0
BROKEN: Final = ("S11", "Directions-2", "54138969")
"""A video whose pictures are wrong."""
_JPEG_QUALITY: Final = 95
_DONE: Final = ".frames"

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Video:
    """One camera of a recording.

    Attributes:
        subject: S1 ...
        action: ``<action>-<trial>``.
        camera: Name.
        path: Of the video.
    """

    subject: str
    action: str
    camera: str
    path: Path


def videos(root: Path) -> list[Video]:
    """All videos that are there.

    Raises:
        BadInputError: There are none.
    """
    found = []
    for subject in SUBJECTS:
        for action in ACTION_TRIALS:
            for camera in CAMERAS:
                path = root / "videos" / subject / "Videos" / f"{BOX_STEMS[subject, action]}.{camera}.mp4"
                if path.is_file() and (subject, action, camera) != BROKEN:
                    found.append(Video(subject, action, camera, path))
    if not found:
        raise bad_input("holds no videos such as videos/S9/Videos/Directions 1.54138969.mp4", file=root)
    return found


def moved_frames(joints: NDArray[np.floating], limit_mm: float = MOVED_MM) -> list[int]:
    """Frames in which a joint has moved since the last one kept; the first is always kept.

    Args:
        joints: (T, J, 3) mm, the pelvis at the origin.
        limit_mm: From here on it counts as moved.
    """
    kept = [0] if len(joints) else []
    for frame in range(1, len(joints)):
        if np.linalg.norm(joints[frame] - joints[kept[-1]], axis=1).max() >= limit_mm:
            kept.append(frame)
    return kept


def extract_frames(root: Path, progress: Progress, *, every: int | None = None) -> int:
    """Write pictures of all videos; a video that is done is not opened again.

    A note beside the pictures says that all of a video are there. Without it, as after an interruption, the
    video is decoded again, and pictures that exist are kept.

    Args:
        root: The data set's folder. The published choice of training frames also needs the joints,
            ``extra/una-dinosauria-data/h36m``.
        progress: Told videos done, all videos, and which one.
        every: Keep every so many-th frame; None for the published choice.

    Returns:
        How many pictures were written.

    Raises:
        BadInputError: There are no videos, one is damaged, or joints are missing.
    """
    if every is not None and every < 1:
        raise bad_input("must be at least 1", key="--every", value=every)
    jobs = videos(root)
    choice = "published" if every is None else str(every)
    written = 0
    for done, video in enumerate(jobs):
        progress(done, len(jobs), f"{video.subject} {video.action} {video.camera}")
        folder = root / "processed" / video.subject / video.action / ORIGINAL / video.camera
        note = folder / _DONE
        if note.is_file() and note.read_text(encoding="utf-8") == choice:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        written += _extract(video.path, folder, _choice(root, video, every))
        write_atomic(note, choice)
    progress(len(jobs), len(jobs), "")
    return written


def _choice(root: Path, video: Video, every: int | None) -> Callable[[int], bool]:
    """Whether a frame, counted from 0, is kept."""
    step = EVERY_OF_TEST if every is None else every
    if every is not None or video.subject in TEST_SUBJECTS:
        return lambda frame: frame % step == 0
    stem = POSE_STEMS[video.subject, video.action]
    archive = root / "extra" / "una-dinosauria-data" / "h36m"
    joints = read_joints(archive / video.subject / "MyPoses" / "3D_positions" / f"{stem}.h5")
    kept = frozenset(moved_frames(joints - joints[:, ROOT : ROOT + 1]))
    return lambda frame: frame in kept


def _extract(path: Path, folder: Path, keeps: Callable[[int], bool]) -> int:
    written = 0
    number = -1
    try:
        with av.open(str(path)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                target = folder / f"img_{number + 1:06d}.jpg"
                if not keeps(number) or target.is_file():
                    continue
                picture = frame.to_ndarray(format="bgr24")
                encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
                write_atomic(target, encoded.tobytes())
                written += 1
    except (av.FFmpegError, IndexError) as error:
        raise bad_input(f"is damaged or no video ({error})", file=path) from error
    if number < 0:
        raise bad_input("has no frame", file=path)
    return written
