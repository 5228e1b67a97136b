"""Pictures out of the training videos of MPI-INF-3DHP: those frames that training takes, no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import av
import cv2

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from models.datasets.mpi_inf_3dhp_training import EVERY, SUBJECTS, View, read_training

_JPEG_QUALITY: Final = 95

Progress = Callable[[int, int, str], None]


def extract_training_frames(root: Path, progress: Progress, *, every: int | None = None) -> int:
    """Write the pictures of all sequences that are there; those that exist are kept.

    Args:
        root: See ``read_training``.
        progress: Told videos done, all videos, and which one.
        every: Of the frames; None for the published choice.

    Returns:
        How many were written.

    Raises:
        BadInputError: Annotations or a video are missing or damaged, or a video is shorter than they are.
    """
    if every is not None and every < 1:
        raise bad_input("must be at least 1", key="--every", value=every)
    parts = [
        part for part, subjects in SUBJECTS.items() if any((root / subject).is_dir() for subject in subjects)
    ]
    if not parts:
        raise bad_input("holds no S1/Seq1/annot.mat ... S8/Seq2/annot.mat", file=root)
    views = [view for part in parts for view in read_training(root, "train" if part == "train" else "val")]
    written = 0
    for done, view in enumerate(views):
        progress(done, len(views), f"{view.folder.parent.name} {view.folder.name} {view.camera}")
        missing = {
            frame
            for frame in view.frames(EVERY if every is None else every)
            if not view.picture(frame).is_file()
        }
        if missing:
            written += _extract(view, missing)
    progress(len(views), len(views), "")
    return written


def _extract(view: View, frames: set[int]) -> int:
    if not view.video.is_file():
        raise bad_input("no such video", file=view.video)
    last = max(frames)
    view.picture(last).parent.mkdir(parents=True, exist_ok=True)
    number = -1
    try:
        with av.open(str(view.video)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number in frames:
                    picture = frame.to_ndarray(format="bgr24")
                    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
                    write_atomic(view.picture(number), encoded.tobytes())
                if number == last:
                    break
    except (av.FFmpegError, IndexError) as error:
        raise bad_input(f"is damaged or no video ({error})", file=view.video) from error
    if number < last:
        raise bad_input(f"ends after {number + 1} frames, annotations need {last + 1}", file=view.video)
    return len(frames)
