"""Recorded pictures of a calibration: the files of each camera, their frames as grey planes, their times."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from configs.loading import read_text

Grey = NDArray[np.uint8]

VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts")
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

STILL_STEP_NS = 1_000_000_000
"""Pictures have no clock. Number k of every camera counts as one moment, a second after number k - 1."""

_TIMES_FILE = "timestamps.csv"
# Planes of these formats start with one byte of brightness per pixel.
_LUMA_FIRST = ("yuv4", "yuvj4", "nv12", "nv21", "nv16", "nv24", "gray")
_LATEST_S = 9e9
"""Of a time stamp, seconds since 1970 included: as ns it fits into 64 bits."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Footage:
    """What one camera recorded.

    Attributes:
        camera: Name.
        files: One video, or pictures in order.
        numbers: Of pictures: their numbers in the file names, which say what belongs together.
        times_ns: Of a video: time of each frame, where known better than from the file itself.
    """

    camera: str
    files: tuple[Path, ...]
    numbers: tuple[int, ...] = ()
    times_ns: tuple[int, ...] | None = None

    @property
    def is_video(self) -> bool:
        """Otherwise single pictures."""
        return not self.numbers


def find_footage(folder: Path, cameras: Sequence[str] | None = None) -> dict[str, Footage]:
    """Videos or pictures in a folder, by camera.

    Understood are ``CAMERA.mp4`` and other videos, folders ``CAMERA/`` with one video or with pictures, and
    pictures ``CAMERA_12.jpg`` or ``CAMERA_frame_12.jpg``. A ``timestamps.csv`` of Caliscope beside the videos
    gives their frames' times.

    Args:
        folder: Where to look.
        cameras: Take only these, in this order; None for all, in natural order of their names.

    Raises:
        BadInputError: No such folder, nothing in it, or a camera is missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise bad_input("no such folder", file=folder)
    found = _videos(folder) or _folders(folder) or _flat_pictures(folder)
    if not found:
        raise bad_input(
            "holds no videos and no pictures",
            file=folder,
            allowed="CAMERA.mp4 and other videos, folders CAMERA/ with pictures, or CAMERA_1.jpg, …",
        )
    names = sorted(found, key=_natural) if cameras is None else list(cameras)
    missing = [name for name in names if name not in found]
    if missing:
        raise bad_input(
            f"holds nothing of {', '.join(missing)}",
            file=folder,
            allowed=f"files named by camera; there are {', '.join(sorted(found, key=_natural))}",
        )
    return {name: found[name] for name in names}


def grey_frames(footage: Footage) -> Iterator[tuple[int, int, Grey]]:
    """Frames of one camera in order.

    Yields:
        Frame number (of pictures: the number in their name), time in ns, and the (H, W) brightness, which is
        valid until the next one is asked for.

    Raises:
        BadInputError: A file cannot be read, or pictures differ in size.
    """
    return _video_frames(footage) if footage.is_video else _pictures(footage)


def _video_frames(footage: Footage) -> Iterator[tuple[int, int, Grey]]:
    path = footage.files[0]
    times = footage.times_ns
    k = -1
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream: Any = container.streams.video[0]
            if stream.codec_context is None:
                raise bad_input("holds a video of an unknown kind", file=path)
            # Slices, not frames: whole cameras run side by side already.
            stream.thread_type = "SLICE"
            tick = stream.time_base
            first: int | None = None
            for k, frame in enumerate(container.decode(stream)):
                if times is not None:
                    if k >= len(times):
                        raise bad_input(
                            f"has more frames than {_TIMES_FILE} has times ({len(times)})", file=path
                        )
                    time_ns = times[k]
                else:
                    pts = frame.pts if frame.pts is not None else k
                    first = pts if first is None else first
                    time_ns = round((pts - first) * tick * 1_000_000_000)
                yield k, time_ns, brightness(frame)
    except (av.FFmpegError, IndexError) as error:
        if k < 0:
            raise bad_input(f"is no video that can be read: {error}", file=path) from error
        _LOG.warning("%s: ends before its time, after %d frames: %s", path, k + 1, error)
    if k < 0:
        raise bad_input("holds no frame", file=path)


def brightness(frame: Any) -> Grey:
    """(H, W) brightness of a decoded frame: its Y plane without a copy where the format has one."""
    if frame.format.name.startswith(_LUMA_FIRST) and frame.format.components[0].bits == 8:
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return rows[: frame.height, : frame.width]
    return np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def _pictures(footage: Footage) -> Iterator[tuple[int, int, Grey]]:
    first: tuple[Path, tuple[int, ...]] | None = None
    for number, path in zip(footage.numbers, footage.files, strict=True):
        try:
            picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        except (OSError, cv2.error) as error:
            raise bad_input(f"cannot be read: {error}", file=path) from error
        if picture is None:
            raise bad_input("is no picture that can be read", file=path)
        if first is None:
            first = (path, picture.shape)
        elif picture.shape != first[1]:
            sizes = [f"{shape[1]}x{shape[0]}" for shape in (picture.shape, first[1])]
            raise bad_input(
                f"is {sizes[0]}, but {first[0].name} of the same camera is {sizes[1]}; one calibration holds "
                "for one picture size",
                file=path,
                hint="take out the pictures of the other size",
            )
        yield number, number * STILL_STEP_NS, np.asarray(picture, np.uint8)


def _videos(folder: Path) -> dict[str, Footage]:
    files = [path for path in folder.iterdir() if path.suffix.lower() in VIDEOS and path.is_file()]
    doubled = {path.stem for path in files if sum(other.stem == path.stem for other in files) > 1}
    if doubled:
        raise bad_input(f"holds two videos called {sorted(doubled)[0]}; which one is meant?", file=folder)
    times = read_times(folder / _TIMES_FILE) if (folder / _TIMES_FILE).is_file() else {}
    return {path.stem: Footage(path.stem, (path,), times_ns=times_of(path.stem, times)) for path in files}


def _folders(folder: Path) -> dict[str, Footage]:
    found = {}
    for sub in (path for path in folder.iterdir() if path.is_dir()):
        videos = [path for path in sub.iterdir() if path.suffix.lower() in VIDEOS]
        pictures = sorted(
            (path for path in sub.iterdir() if path.suffix.lower() in PICTURES),
            key=lambda path: _natural(path.name),
        )
        if len(videos) == 1:
            found[sub.name] = Footage(sub.name, (videos[0],))
        elif pictures:
            found[sub.name] = Footage(sub.name, tuple(pictures), _numbers(pictures))
    return found


def _flat_pictures(folder: Path) -> dict[str, Footage]:
    groups: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.iterdir():
        match = re.fullmatch(
            r"(.+?)(?:[_\- ]?(?:frame|img|image|pic))?[_\- ]?(\d+)", path.stem, re.IGNORECASE
        )
        if path.suffix.lower() in PICTURES and match:
            groups.setdefault(match[1], []).append((int(match[2]), path))
    found = {}
    for name, items in groups.items():
        items.sort()
        found[name] = Footage(name, tuple(path for _, path in items), tuple(number for number, _ in items))
    return found


def _numbers(pictures: Sequence[Path]) -> tuple[int, ...]:
    """The one number that changes from name to name; the place in the order where names do not tell."""
    parts = [[int(digits) for digits in re.findall(r"\d+", path.stem)] for path in pictures]
    if parts and all(len(part) == len(parts[0]) for part in parts):
        for column in range(len(parts[0])):
            values = tuple(part[column] for part in parts)
            if len(set(values)) == len(values):
                return values
    return tuple(range(len(pictures)))


def read_times(path: Path) -> dict[str, tuple[int, ...]]:
    """Arrival times of frames from Caliscope's ``timestamps.csv``.

    Returns:
        Camera number, as the file writes it, to times in ns in order of its frames, from the earliest of all.

    Raises:
        BadInputError: A column is missing or a value is no number.
    """
    rows: dict[str, list[tuple[int, float]]] = {}
    table = csv.DictReader(io.StringIO(read_text(path), newline=""))
    try:
        names = table.fieldnames or []
        lines = list(table)
    except csv.Error as error:  # a cell of more than 128 KB
        raise bad_input(f"is no table: {error}", file=path) from error
    camera_key = next((key for key in ("cam_id", "port", "camera") if key in names), None)
    if camera_key is None or "frame_time" not in names:
        raise bad_input(
            f"has the columns {', '.join(names) or '(none)'}", file=path, allowed="cam_id, frame_time"
        )
    for line, row in enumerate(lines, start=2):
        try:
            order = int(row["frame_index"]) if row.get("frame_index") else line
            time_s = float(row["frame_time"])
            camera = row[camera_key].strip()
        except (TypeError, ValueError, AttributeError) as error:
            raise bad_input(f"line {line} holds no number where one belongs", file=path) from error
        if not abs(time_s) < _LATEST_S:
            raise bad_input(f"line {line} holds no time", file=path, key="frame_time", value=time_s)
        rows.setdefault(camera, []).append((order, time_s))
    earliest = min((time for times in rows.values() for _, time in times), default=0.0)
    return {
        camera: tuple(round((time - earliest) * 1e9) for _, time in sorted(times))
        for camera, times in rows.items()
    }


def times_of(camera: str, times: Mapping[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """The times whose camera number the name ends with: ``cam_2`` and ``port_2`` are camera 2."""
    if camera in times:
        return times[camera]
    match = re.search(r"(\d+)$", camera)
    return times.get(str(int(match[1]))) if match else None


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key: cam2 before cam10."""
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]
