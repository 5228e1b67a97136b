"""Recorded footage as input: a folder of videos named by camera, or a take."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import av

from calibration.picture_fit import fit_to_picture
from calibration.rig import Rig
from configs.errors import bad_input, did_you_mean
from pipeline.drivers.base import CameraDriver, CameraInfo, CameraSettings, EndOfStream
from pipeline.drivers.video_file import VideoFileDriver
from pipeline.frames.frame import EncodedPacket, Frame, Image
from pipeline.rigs.rig_config import CameraConfig, RigConfig
from pipeline.take.errors import TakeError
from pipeline.take.header import TAKE_FILE
from pipeline.take.ledger import LedgerRow
from pipeline.take.take import Take
from pipeline.take.video_file import RecordedVideo

log = logging.getLogger(__name__)

VIDEO_SUFFIXES: Final = (".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".ts")


@dataclass(frozen=True)
class Footage:
    """Recorded videos of one scene.

    Attributes:
        name: What the recording is called.
        rig: Its cameras, as video_file devices read as fast as they are consumed.
        take: The take it comes from, None for a folder of videos.
    """

    name: str
    rig: RigConfig
    take: Take | None


def find_footage(path: Path, cameras: tuple[str, ...] | None = None) -> Footage:
    """Find the videos of a take or of a folder (or of its subfolder ``videos``).

    Args:
        path: Folder given by the user.
        cameras: Names to look for; None takes every video, named by its file.

    Raises:
        BadInputError: Nothing there that can be used; names what is missing.
    """
    if not path.is_dir():
        raise bad_input("no such folder of videos, and no take", file=path)
    if (path / TAKE_FILE).is_file():
        take = Take.open(path)
        if take.header.state == "recording":
            raise bad_input("this take was interrupted", file=path, hint=f"run: launch.py repair {path}")
        missing = [camera for camera in take.cameras if take.video_path(camera) is None]
        if missing:
            log.warning("%s: no video of %s; going on without", path, ", ".join(missing))
        videos = {c: p for c in take.cameras if (p := take.video_path(c)) is not None}
        return Footage(take.header.name, _rig(path.name, videos), take)
    folder = path / "videos" if (path / "videos").is_dir() else path
    videos = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in VIDEO_SUFFIXES:
            if file.stem in videos:
                raise bad_input(
                    f'two videos are named "{file.stem}"', file=folder, hint="keep one video per camera"
                )
            videos[file.stem] = file
    if not videos:
        raise bad_input(
            "holds no video", file=folder, allowed="files named by camera, such as cam1.mp4, or a take"
        )
    if cameras is not None:
        unknown = [name for name in videos if name not in cameras]
        if len(unknown) == len(videos):
            raise bad_input(
                "no video is named like a calibrated camera",
                file=folder,
                value=", ".join(videos),
                allowed=", ".join(cameras),
                hint=did_you_mean(unknown[0], cameras) or "rename the videos",
            )
        for name in unknown:
            log.warning("%s: video %s is of no calibrated camera and is left out", folder, name)
            del videos[name]
        videos = {name: videos[name] for name in cameras if name in videos}
    name = path.resolve().name or "footage"
    return Footage(name, _rig(name, videos), None)


def _rig(name: str, videos: dict[str, Path]) -> RigConfig:
    cameras = tuple(
        CameraConfig(name=camera, driver={"type": "video_file", "path": str(file.resolve()), "pace": "free"})
        for camera, file in videos.items()
    )
    return RigConfig(name=name, cameras=cameras)


class FootageReader:
    """Frames of one camera's video in order, with their packets and capture times.

    For a take, times and lost frames come from its ledger: ``frames`` yields them all. Pictures before its
    first frame, or before time 0 of a take's video in a plain folder, are only decoded; their packets come
    with the first frame, so that a copy can be shown as well.

    Raises:
        TakeError: The video of a take does not hold the pictures its ledger promises.
    """

    def __init__(self, footage: Footage, camera: CameraConfig, origin_ns: int) -> None:
        settings = {key: value for key, value in camera.driver.items() if key != "type"}
        self.camera = camera.name
        self._driver: CameraDriver = VideoFileDriver(
            VideoFileDriver.Config(**settings), CameraSettings(camera.name, None, None, origin_ns)
        )
        self.info: CameraInfo = self._driver.open()
        self._rows: list[LedgerRow] | None = None
        recorded_ns: list[int] = []
        if footage.take is not None:
            ledger = footage.take.ledger(camera.name)
            if ledger.problem:
                raise TakeError(f"{footage.take.folder}: ledger of {camera.name}: {ledger.problem}")
            self._rows = list(ledger.rows)
            recorded_ns = [row.t_capture_ns for row in ledger.recorded]
        self._lead_in, begins_ms = _before_the_take(Path(str(settings["path"])), recorded_ns, origin_ns)
        self._driver.start(origin_ns + round(begins_ms * 1e6))

    def frames(self) -> Iterator[tuple[Frame, str]]:
        """Yield every captured frame and its cause of loss ("" for a recorded one, which has a picture)."""
        if self._rows is None:
            while (frame := self._next()) is not None:
                yield frame, ""
            return
        for row in self._rows:
            if row.fate == "dropped":
                yield Frame(self.camera, row.index, row.t_capture_ns, None), row.cause
                continue
            frame = self._next()
            if frame is None:
                raise TakeError(
                    f"camera {self.camera}: the video ends before frame {row.index}, which the ledger has as "
                    "recorded; run: launch.py repair"
                )
            yield replace(frame, index=row.index, t_capture_ns=row.t_capture_ns), ""

    def close(self) -> None:
        """Close the video."""
        self._driver.close()

    def _next(self) -> Frame | None:
        before: list[EncodedPacket] = []
        while True:
            try:
                frame = self._driver.read(1.0)
            except EndOfStream:
                return None
            if frame is None:
                continue
            if not self._lead_in:
                return replace(frame, packets=(*before, *frame.packets)) if before else frame
            self._lead_in -= 1
            before += frame.packets


def _before_the_take(path: Path, recorded_ns: Sequence[int], origin_ns: int) -> tuple[int, float]:
    """How many pictures of a video come before its first frame, and when the first of all is shown, ms.

    Without a ledger only a Matroska file that begins before its time 0 has such: others are cut that way for
    reasons of their own.
    """
    if not recorded_ns:
        with av.open(str(path), metadata_errors="replace") as container:
            if "matroska" not in container.format.name or (container.streams.video[0].start_time or 0) >= 0:
                return 0, 0.0
    video = RecordedVideo(path)
    begins_ms = float(video.times_ms[0]) if len(video) else 0.0
    return video.span(recorded_ns, origin_ns).start, begins_ms


def fit_rig_to_devices(rig: RigConfig, calibration: Rig) -> Rig:
    """Adapt the calibration to file cameras whose pictures are a scaled version of the calibrated ones.

    Only cameras that read files are looked at: a live camera can be set to the calibrated size instead.

    Raises:
        BadInputError: A video's size cannot be explained by its camera's calibration.
    """
    calibration = calibration.subset(rig.names)
    cameras = []
    for device, camera in zip(rig.cameras, calibration.cameras, strict=True):
        if device.driver_type != "video_file":
            cameras.append(camera)
            continue
        settings = {key: value for key, value in device.driver.items() if key != "type"}
        driver = VideoFileDriver(
            VideoFileDriver.Config(**{**settings, "pace": "free"}),
            CameraSettings(device.name, device.size, device.fps, 0),
        )
        with driver:
            picture = _first_picture(driver)
        if picture is None:
            cameras.append(camera)
            continue
        fitted, note = fit_to_picture(camera, (picture.shape[1], picture.shape[0]), picture)
        if note:
            log.warning("%s", note)
        cameras.append(fitted)
    return replace(calibration, cameras=tuple(cameras))


def _first_picture(driver: CameraDriver) -> Image | None:
    while True:
        try:
            frame = driver.read(1.0)
        except EndOfStream:
            return None
        if frame is not None and frame.image is not None:
            return frame.image
