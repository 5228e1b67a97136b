"""One ready-made camera per driver, with the ways in which it can go wrong."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest

from pipeline.drivers import discovery, v4l2
from pipeline.drivers.base import CameraDriver, CameraSettings
from pipeline.drivers.registry import DRIVERS
from tests.support.fake_webcam import FakeWebcam
from tests.support.remote_camera import ServedCamera
from tests.support.rtsp_server import RtspServer
from tests.support.videos import numbered_picture, write_video

FPS = 60


@dataclass
class Bench:
    """A camera under test.

    Attributes:
        config: Settings that work.
        bad_configs: Settings that cannot work, each with a word that its message must have.
        size: What the camera delivers.
        numbered: Whether pictures show numbers of ``numbered_picture``.
        ends_after: Frames until the end, None for an endless source.
        unplug: Takes the camera away, None where there is nothing to take away.
        close: Frees what the bench holds.
    """

    driver: str
    config: dict[str, Any]
    bad_configs: list[tuple[dict[str, Any], str]]
    size: tuple[int, int]
    name: str = "cam1"
    numbered: bool = True
    ends_after: int | None = None
    unplug: Callable[[], None] | None = None
    close: Callable[[], None] = lambda: None

    def make(
        self, *, size: tuple[int, int] | None = None, fps: float | None = FPS, **changes: Any
    ) -> CameraDriver:
        """An unopened camera."""
        kind = DRIVERS.load(self.driver)
        settings = CameraSettings(self.name, size, fps, time.monotonic_ns())
        driver: CameraDriver = kind(kind.Config.model_validate({**self.config, **changes}), settings)
        return driver


def simulated(folder: Path, patch: pytest.MonkeyPatch) -> Bench:
    return Bench(
        "simulated",
        {"studio": {"size": (160, 120), "cameras": 2}},
        [({"camera": "cam7"}, "cam1, cam2")],
        (160, 120),
        numbered=False,
    )


def video_file(folder: Path, patch: pytest.MonkeyPatch) -> Bench:
    at_front = {"movflags": "faststart"}
    video = write_video(folder / "cam.mp4", frames=24, fps=FPS, grain=True, container_options=at_front)
    whole = video.read_bytes()
    (folder / "notes.mp4").write_text("no video here")

    def cut_short() -> None:
        video.write_bytes(whole[: len(whole) * 2 // 3])

    return Bench(
        "video_file",
        {"path": str(video)},
        [
            ({"path": str(folder / "absent.mp4")}, "absent.mp4: no such"),
            ({"path": str(folder / "notes.mp4")}, "notes.mp4: is not a video"),
            ({"path": str(folder)}, "folder"),
        ],
        (320, 240),
        ends_after=24,
        unplug=cut_short,
    )


def image_folder(folder: Path, patch: pytest.MonkeyPatch) -> Bench:
    images = folder / "images"
    images.mkdir()
    for number in range(12):
        cv2.imwrite(str(images / f"img{number}.jpg"), numbered_picture(number))
    (folder / "empty").mkdir()

    def take_away() -> None:
        shutil.rmtree(images)

    return Bench(
        "image_folder",
        {"path": str(images)},
        [
            ({"path": str(folder / "absent")}, "no such folder"),
            ({"path": str(folder / "empty")}, "no images"),
        ],
        (320, 240),
        ends_after=12,
        unplug=take_away,
    )


def usb(folder: Path, patch: pytest.MonkeyPatch) -> Bench:
    camera = FakeWebcam()
    patch.setattr(v4l2, "KERNEL", camera)
    patch.setattr(discovery, "DEV", folder)
    (folder / "video0").touch()

    def pull_cable() -> None:
        camera.unplugged = True

    def check_closed() -> None:
        assert not camera.open_descriptors

    return Bench(
        "usb",
        {"device": "0", "backend": "v4l2"},
        [({"exposure_us": 10}, "300..204700 us")],
        (320, 240),
        unplug=pull_cable,
        close=check_closed,
    )


def rtsp(folder: Path, patch: pytest.MonkeyPatch) -> Bench:
    server = RtspServer(FPS)
    server.start()
    return Bench(
        "rtsp",
        {"url": server.url(), "timeout_s": 2, "reconnect_s": 0.1, "give_up_s": 0.5},
        [({"url": "camera in the hall"}, "rtsp://")],
        server.size,
        unplug=server.cut,
        close=server.cut,
    )


def remote(folder: Path, patch: pytest.MonkeyPatch) -> Bench:
    studio = {"studio": {"size": (160, 120), "cameras": 2}}
    # A fresh checkout compiles its renderer first, which takes longer than timeout_s below.
    kind = DRIVERS.load("simulated")
    kind(kind.Config.model_validate(studio), CameraSettings("cam2", None, FPS, 0)).open()
    server = ServedCamera({"type": "simulated", **studio}, name="cam2", fps=FPS)
    return Bench(
        "remote",
        {"address": server.address, "give_up_s": 0.5, "timeout_s": 5},
        [({"machine": "stage-left", "keys": str(folder)}, "keys trust stage-left")],
        (160, 120),
        numbered=False,
        unplug=server.close,
        close=server.close,
    )


BENCHES = {
    "simulated": simulated,
    "video_file": video_file,
    "image_folder": image_folder,
    "usb": usb,
    "rtsp": rtsp,
    "remote": remote,
}
