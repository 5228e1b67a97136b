"""What the contract does not say about folders of images."""

from __future__ import annotations

import io
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from configs.errors import BadInputError
from pipeline.drivers.base import CameraError, CameraInfo, CameraSettings, EndOfStream
from pipeline.drivers.image_folder import ImageFolderConfig, ImageFolderDriver
from pipeline.frames.frame import Frame
from tests.support.videos import numbered_picture, read_number


def camera_for(folder: Path, fps: float | None = 20.0, **settings) -> ImageFolderDriver:
    config = ImageFolderConfig(path=str(folder), **{"pace": "free", **settings})
    return ImageFolderDriver(config, CameraSettings("cam1", None, fps, 0))


def play(folder: Path, **settings) -> tuple[CameraInfo, list[Frame]]:
    frames: list[Frame] = []
    with camera_for(folder, **settings) as camera:
        info = camera.open()
        try:
            while True:
                frame = camera.read(1.0)
                assert frame is not None
                frames.append(frame)
        except EndOfStream:
            return info, frames


def save(path: Path, number: int, size: tuple[int, int] = (320, 240), **options) -> None:
    PillowImage.fromarray(numbered_picture(number, size)[..., ::-1]).save(path, **options)


def test_natural_order_and_the_rate_asked_for(tmp_path: Path):
    for number in (0, 1, 2, 9, 10, 11, 100):
        save(tmp_path / f"img{number}.png", number)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._img3.png").write_bytes(b"what a copy to a stick leaves behind")
    info, frames = play(tmp_path)
    assert [read_number(frame.image) for frame in frames] == [0, 1, 2, 9, 10, 11, 100]
    assert [frame.t_capture_ns for frame in frames] == [50_000_000 * place for place in range(7)]
    assert (info.fps, info.stream) == (20.0, None)
    np.testing.assert_array_equal(frames[0].image, numbered_picture(0))


def test_without_a_rate_it_is_30(tmp_path: Path):
    save(tmp_path / "a.png", 1)
    assert camera_for(tmp_path, fps=None).open().fps == 30.0


@pytest.mark.parametrize(("subsampling", "pixel_format"), [("4:2:0", "yuvj420p"), ("4:2:2", "yuvj422p")])
def test_plain_jpeg_files_are_the_packets(subsampling: str, pixel_format: str, tmp_path: Path):
    for number in range(3):
        save(tmp_path / f"{number}.jpg", number, quality=90, subsampling=subsampling)
    info, frames = play(tmp_path)
    assert info.stream is not None
    assert (info.stream.codec, info.stream.pixel_format) == ("mjpeg", pixel_format)
    for number, frame in enumerate(frames):
        (packet,) = frame.packets
        assert packet.data == (tmp_path / f"{number}.jpg").read_bytes()
        assert packet.pts_ns == packet.dts_ns == frame.t_capture_ns
        assert packet.keyframe


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": "4:4:4"}, {"exif": {0x0112: 6}}, {"format": "PNG"}]
)
def test_other_files_are_a_raw_source(options: dict, tmp_path: Path):
    save(tmp_path / "0.jpg", 0, quality=90, subsampling="4:2:0")
    if "exif" in options:
        exif = PillowImage.Exif()
        exif.update(options["exif"])
        # A quarter turn swaps the sides, so the file has them the other way round.
        turned = np.ascontiguousarray(np.rot90(numbered_picture(1)[..., ::-1]))
        PillowImage.fromarray(turned).save(tmp_path / "1.jpg", exif=exif)
    else:
        save(tmp_path / "1.jpg", 1, **{"quality": 90, **options})
    info, frames = play(tmp_path)
    assert info.stream is None
    assert [read_number(frame.image) for frame in frames] == [0, 1]
    assert not any(frame.packets for frame in frames)


def test_grey_images_come_as_bgr(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "0.png"), numbered_picture(5)[..., 0])
    _, frames = play(tmp_path)
    assert frames[0].image is not None
    assert frames[0].image.shape == (240, 320, 3)


def test_mixed_sizes_name_the_file(tmp_path: Path):
    save(tmp_path / "0.png", 0)
    save(tmp_path / "1.png", 1, size=(160, 120))
    with pytest.raises(BadInputError, match=r"1\.png: is 160x120, but 0\.png is 320x240"):
        camera_for(tmp_path).open()


def test_a_file_that_is_no_image_is_named(tmp_path: Path):
    save(tmp_path / "0.png", 0)
    (tmp_path / "1.png").write_bytes(b"nothing")
    with pytest.raises(BadInputError, match=r"1\.png: is not an image"):
        camera_for(tmp_path).open()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_turned_images_have_their_shown_size(suffix: str, tmp_path: Path):
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    save(tmp_path / f"0.{suffix}", 0, exif=exif)
    with camera_for(tmp_path) as camera:
        assert camera.open().size == (240, 320)
        frame = camera.read(1.0)
    assert frame is not None and frame.image is not None
    assert frame.image.shape == (320, 240, 3)


def test_a_turned_tiff_is_refused(tmp_path: Path):
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    save(tmp_path / "0.tif", 0, exif=exif)
    with pytest.raises(BadInputError, match=r"0\.tif: is a turned TIFF"):
        camera_for(tmp_path).open()


def test_a_file_instead_of_a_folder(tmp_path: Path):
    save(tmp_path / "0.png", 0)
    with pytest.raises(BadInputError, match="is a file, not a folder"):
        camera_for(tmp_path / "0.png").open()


def test_an_image_damaged_behind_its_header_is_a_camera_error(tmp_path: Path):
    for number in range(2):
        save(tmp_path / f"{number}.png", number)
    buffer = io.BytesIO()
    PillowImage.fromarray(numbered_picture(1)).save(buffer, "PNG")
    data = buffer.getvalue()
    begin = data.index(b"IDAT") + 4
    (tmp_path / "1.png").write_bytes(data[:begin] + bytes(len(data) - begin))
    with camera_for(tmp_path) as camera:
        assert camera.read(1.0) is not None
        with pytest.raises(CameraError, match=r"1\.png is damaged"):
            camera.read(1.0)


def test_when_late_pictures_are_left_out_and_files_still_recorded(tmp_path: Path):
    for number in range(30):
        save(tmp_path / f"{number}.jpg", number, quality=90, subsampling="4:2:0")
    with camera_for(tmp_path, fps=100.0, pace=1.0) as camera:
        camera.start(time.monotonic_ns() - 60_000_000_000)
        frames = [frame for _ in range(30) if (frame := camera.read(1.0))]
    assert [frame.index for frame in frames] == list(range(30))
    assert all(len(frame.packets) == 1 for frame in frames)
    # 0.3 s of scene: one picture in each 0.1 s.
    assert [frame.index for frame in frames if frame.image is not None] == [0, 10, 20]
