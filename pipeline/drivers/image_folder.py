"""A folder of numbered images in the place of a camera."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image as PillowImage

from configs.errors import bad_input
from configs.loading import Config
from pipeline.drivers.base import CameraDriver, CameraError, CameraInfo, CameraSettings, EndOfStream
from pipeline.drivers.pacing import Pace, Schedule
from pipeline.frames.frame import EncodedPacket, Frame, Image, VideoFormat

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
DEFAULT_FPS: Final = 30.0

_EXIF_ORIENTATION: Final = 0x0112
_PIXEL_FORMATS: Final = {(2, 2): "yuvj420p", (2, 1): "yuvj422p"}
"""By horizontal and vertical sampling of luma against chroma: those that every JPEG video player takes."""


class ImageFolderConfig(Config):
    """Settings of the ``image_folder`` driver; the frame rate is the camera's ``fps``, 30 if not given.

    Attributes:
        path: The folder; relative to the rig file.
        pace: Speed relative to the frame rate, or ``free``: no waiting.
        loop: Start again after the last image, with times going on.
    """

    path: str
    pace: Pace = 1.0
    loop: bool = False


class ImageFolderDriver(CameraDriver):
    """Plays the images of a folder in natural order (``img2`` before ``img10``).

    A folder of plain JPEG files is a compressed source: the files themselves are recorded.
    """

    Config = ImageFolderConfig
    config: ImageFolderConfig

    def __init__(self, config: ImageFolderConfig, settings: CameraSettings) -> None:
        super().__init__(config, settings)
        self._folder = Path(config.path).expanduser()
        self._files: list[Path] = []

    def open(self) -> CameraInfo:
        """List the folder and look at every image's header."""
        self.close()
        files = self._list()
        headers = [_read_header(file) for file in files]
        size = headers[0].size
        for file, header in zip(files, headers, strict=True):
            if header.size != size:
                raise bad_input(
                    f"is {header.size[0]}x{header.size[1]}, but {files[0].name} is {size[0]}x{size[1]}; "
                    "all images of a camera must have one size",
                    file=file,
                )
        if self.settings.size is not None and tuple(self.settings.size) != size:
            raise bad_input(
                f"the rig asks for {self.settings.size[0]}x{self.settings.size[1]}, "
                f"but these images are {size[0]}x{size[1]}",
                file=self._folder,
                key=f"cameras.{self.settings.name}.size",
                hint="leave size out to take the images' own",
            )
        rate = Fraction(self.settings.fps or DEFAULT_FPS).limit_denominator(1_000_000)
        self._rate = rate
        self._size = size
        self._schedule = Schedule(self.config.pace, self.settings.origin_ns, 1)
        self._schedule.period_ns = round(1_000_000_000 / (rate * self._schedule.scale))
        formats = {header.pixel_format for header in headers}
        self._passthrough = len(formats) == 1 and None not in formats
        self._place = 0
        self._data: bytes | None = None
        self._image: Image | None = None
        self._files = files
        fps = float(rate * self._schedule.scale)
        pixel_format = headers[0].pixel_format
        stream = None
        if self._passthrough and pixel_format is not None:
            stream = VideoFormat("mjpeg", size, fps, pixel_format=pixel_format)
        return CameraInfo(size, fps, str(self._folder), stream)

    def start(self, origin_ns: int) -> None:
        """Let the first image be due at ``origin_ns``."""
        super().start(origin_ns)
        if self._files:
            self._schedule.origin_ns = origin_ns

    def read(self, timeout_s: float) -> Frame | None:
        """The next image, when it is due."""
        if not self._files:
            raise CameraError(f'camera "{self.settings.name}" is not open')
        if self._place == len(self._files) and not self.config.loop:
            raise EndOfStream
        t_ns = self._schedule.time_of(self._place / self._rate)
        if self._data is None:
            self._load(t_ns)
        if not self._schedule.wait(t_ns, timeout_s):
            return None
        packets: tuple[EncodedPacket, ...] = ()
        if self._passthrough and self._data is not None:
            packets = (EncodedPacket(self._data, t_ns, t_ns, keyframe=True),)
        frame = Frame(self.settings.name, self._place, t_ns, self._image, packets)
        self._place += 1
        self._data = None
        return frame

    def close(self) -> None:
        """Forget the folder."""
        self._files = []

    def _list(self) -> list[Path]:
        if self._folder.is_file():
            raise bad_input("is a file, not a folder of images", file=self._folder, hint="use video_file")
        if not self._folder.is_dir():
            raise bad_input("no such folder", file=self._folder)
        files = [
            path
            for path in self._folder.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        ]
        if not files:
            raise bad_input("has no images", file=self._folder, allowed=" ".join(sorted(SUFFIXES)))
        return sorted(files, key=natural_key)

    def _load(self, t_ns: int) -> None:
        file = self._files[self._place % len(self._files)]
        self._schedule.lateness_ns(t_ns)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CameraError(
                f'camera "{self.settings.name}": {file} cannot be read any more ({error.strerror})'
            ) from error
        if self._passthrough and not self._schedule.wants_picture(t_ns):
            self._image = None
        else:
            self._image = self._decode(file, data)
        self._data = data

    def _decode(self, file: Path, data: bytes) -> Image:
        try:
            image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            image = None
        if image is None or image.shape[1::-1] != self._size:
            raise CameraError(f'camera "{self.settings.name}": {file} is damaged or was replaced')
        decoded: Image = image
        return decoded


@dataclass(frozen=True)
class _Header:
    """What an image's header says; ``pixel_format`` is set if its bytes can be a packet of a video."""

    size: tuple[int, int]
    pixel_format: str | None


def _read_header(file: Path) -> _Header:
    try:
        with PillowImage.open(file) as image:
            orientation = _orientation(image)
            if orientation != 1 and image.format == "TIFF":
                raise bad_input("is a turned TIFF, which OpenCV cannot read; save it upright", file=file)
            width, height = image.size
            size = (height, width) if orientation in {5, 6, 7, 8} else (width, height)
            return _Header(size, _pixel_format(image) if orientation == 1 else None)
    except (OSError, ValueError, SyntaxError) as error:
        raise bad_input("is not an image that can be read", file=file) from error


def _orientation(image: PillowImage.Image) -> int:
    """EXIF orientation, 1 is upright, from the header alone."""
    if image.format == "TIFF":
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    exif = PillowImage.Exif()
    exif.load(image.info.get("exif", b""))
    return int(exif.get(_EXIF_ORIENTATION, 1))


def _pixel_format(image: PillowImage.Image) -> str | None:
    """FFmpeg's name for a baseline YCbCr JPEG in a usual sampling, else None."""
    if image.format != "JPEG" or image.mode != "RGB":
        return None
    if "progressive" in image.info or image.info.get("adobe_transform") == 0:
        return None
    layers = getattr(image, "layer", [])
    samplings = [(horizontal, vertical) for _, horizontal, vertical, _ in layers]
    if len(samplings) != 3 or samplings[1:] != [(1, 1), (1, 1)]:
        return None
    return _PIXEL_FORMATS.get(samplings[0])


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that orders numbers inside names by value."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(0, int(part), part) if part.isdigit() else (1, 0, part.lower()) for part in parts]
