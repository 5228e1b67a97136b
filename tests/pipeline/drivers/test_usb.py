"""Modes, exposure, time stamps, lost frames and refusals of USB cameras."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from configs.errors import BadInputError
from pipeline.drivers import discovery, usb, v4l2
from pipeline.drivers import v4l2_abi as abi
from pipeline.drivers.base import CameraError, CameraSettings
from pipeline.drivers.device_info import Mode
from pipeline.drivers.usb import UsbConfig, UsbDriver, choose_mode
from pipeline.frames.frame import Frame
from tests.fuzz.guard import bounded
from tests.support.fake_webcam import FakeWebcam
from tests.support.videos import numbered_picture, read_number


@pytest.fixture
def webcam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWebcam:
    camera = FakeWebcam()
    monkeypatch.setattr(v4l2, "KERNEL", camera)
    monkeypatch.setattr(discovery, "DEV", tmp_path)
    monkeypatch.setattr(discovery, "SYS", tmp_path / "sys")
    for name in ("video0", "video1"):
        (tmp_path / name).touch()
        (tmp_path / "sys" / name).mkdir(parents=True)
        (tmp_path / "sys" / name / "name").write_text("Test Cam HD\n")
        (tmp_path / "sys" / name / "index").write_text(f"{name[-1]}\n")
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    (tmp_path / "v4l" / "by-id" / "usb-Test_Cam_HD_A1B2-video-index0").symlink_to(tmp_path / "video0")
    return camera


def camera_for(size=None, fps: float | None = 30.0, **settings) -> UsbDriver:
    config = UsbConfig.model_validate({"backend": "v4l2", **settings})
    return UsbDriver(config, CameraSettings("cam1", size, fps, 0))


def read_some(camera: UsbDriver, count: int) -> list[Frame]:
    frames: list[Frame] = []
    deadline_s = time.monotonic() + 20
    while len(frames) < count:
        assert time.monotonic() < deadline_s
        frame = camera.read(0.1)
        if frame is not None:
            frames.append(frame)
    return frames


def test_mjpeg_is_preferred_and_handed_through(webcam: FakeWebcam):
    with camera_for(size=(320, 240)) as camera:
        info = camera.open()
        frames = read_some(camera, 3)
    assert info.stream is not None
    assert (info.stream.codec, info.stream.pixel_format) == ("mjpeg", "yuvj422p")
    assert webcam.format == ("MJPG", (320, 240))
    for frame in frames:
        (packet,) = frame.packets
        assert packet.data == webcam.encode(read_number(frame.image))
    assert not webcam.open_descriptors


def test_yuyv_pictures_have_the_right_colours(webcam: FakeWebcam):
    with camera_for(size=(320, 240), pixel_format="yuyv") as camera:
        assert camera.open().stream is None
        frame = read_some(camera, 1)[0]
    assert frame.packets == ()
    assert frame.image is not None
    expected = numbered_picture(read_number(frame.image)).astype(int)
    difference = np.abs(frame.image.astype(int) - expected)
    # Chroma is shared by two neighbours: only columns beside an edge may differ, elsewhere rounding twice.
    assert np.percentile(difference, 90) <= 4


@pytest.mark.parametrize("pixel_format", ["mjpeg", "yuyv"])
def test_pictures_are_decoded_into_memory_that_is_offered(webcam: FakeWebcam, pixel_format: str):
    with camera_for(size=(320, 240), pixel_format=pixel_format) as camera:
        canvas = np.zeros((240, 320, 3), np.uint8)
        own = read_some(camera, 1)[0]
        camera.draw_into(lambda: canvas)
        frame = read_some(camera, 1)[0]
    assert frame.image is canvas
    assert own.image is not canvas
    assert read_number(canvas) > read_number(own.image)


def test_device_by_number_path_and_stable_id(webcam: FakeWebcam, tmp_path: Path):
    for device in (0, "0", str(tmp_path / "video0"), "usb-Test_Cam_HD_A1B2-video-index0"):
        with camera_for(device=device) as camera:
            assert camera.open().device == "usb-Test_Cam_HD_A1B2-video-index0"


def test_times_are_the_kernels(webcam: FakeWebcam):
    with camera_for() as camera:
        frames = read_some(camera, 4)
    steps = np.diff([frame.t_capture_ns for frame in frames])
    periods = np.diff([frame.index for frame in frames])
    assert steps == pytest.approx(periods * 1e9 / 30, abs=2000)  # the kernel's stamps have whole microseconds


@pytest.mark.parametrize("offset_s", [1_700_000_000, -1000])
def test_stamps_of_another_clock_are_replaced_by_arrival(
    webcam: FakeWebcam, offset_s: int, caplog: pytest.LogCaptureFixture
):
    webcam.clock_offset_ns = offset_s * 10**9
    with camera_for() as camera:
        frame = read_some(camera, 1)[0]
        assert 0 <= time.monotonic_ns() - frame.t_capture_ns < 5e9
    assert "another clock" in caplog.text


def test_frames_from_before_the_start_are_left_out(webcam: FakeWebcam):
    with camera_for() as camera:
        time.sleep(0.15)
        origin_ns = time.monotonic_ns()
        camera.start(origin_ns)
        frame = read_some(camera, 1)[0]
    assert frame.index == 0
    assert frame.t_capture_ns >= origin_ns


def test_frames_lost_by_the_camera_are_jumps(webcam: FakeWebcam):
    with camera_for() as camera:
        first = read_some(camera, 1)[0]
        time.sleep(0.4)  # 12 periods, and the driver has only four buffers
        frames = [first, *read_some(camera, 4)]
    shown = [read_number(frame.image) for frame in frames]
    assert [number - shown[0] for number in shown] == [frame.index - first.index for frame in frames]
    assert frames[-1].index - first.index > 8


def test_a_header_that_announces_gigabytes_is_only_damaged(webcam: FakeWebcam):
    with camera_for(size=(320, 240)) as camera:
        camera.open()
        data = bytearray(simplejpeg.encode_jpeg(np.zeros((240, 320, 3), np.uint8), colorspace="BGR"))
        height = data.find(b"\xff\xc0") + 5
        data[height : height + 4] = (60_000).to_bytes(2, "big") * 2
        assert simplejpeg.decode_jpeg_header(bytes(data))[:2] == (60_000, 60_000)
        with bounded(memory_bytes=1 << 30):  # its pixels would be ten times that
            assert isinstance(camera._capture, usb.V4l2Capture)
            assert camera._capture._decode(bytes(data)) is None


def test_damaged_frames_count_as_lost(webcam: FakeWebcam):
    webcam.damaged = {4}
    webcam.cut_short = {6}
    with camera_for() as camera:
        frames = read_some(camera, 8)
    shown = [read_number(frame.image) for frame in frames]
    assert not {4, 6} & set(shown)
    assert [number - shown[0] for number in shown] == [frame.index for frame in frames]


def test_a_camera_without_pictures_says_so(webcam: FakeWebcam, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usb, "_FIRST_FRAME_S", 0.2)
    webcam.stalled = True
    with pytest.raises(CameraError, match="opens but delivers no picture"):
        camera_for().open()
    assert not webcam.open_descriptors


def test_exposure_is_set_in_its_unit(webcam: FakeWebcam):
    camera_for(exposure_us=5000).open()
    assert webcam.controls[abi.CID_EXPOSURE_AUTO] == abi.EXPOSURE_MANUAL
    assert webcam.controls[abi.CID_EXPOSURE_ABSOLUTE] == 50
    camera_for(exposure_us="auto").open()
    assert webcam.controls[abi.CID_EXPOSURE_AUTO] == abi.EXPOSURE_APERTURE_PRIORITY
    assert webcam.controls[abi.CID_EXPOSURE_AUTO_PRIORITY] == 0


def test_exposure_of_a_camera_without_control(webcam: FakeWebcam):
    webcam.ranges.clear()
    with pytest.raises(BadInputError, match="exposure cannot be set"):
        camera_for(exposure_us=5000).open()


def test_another_rate_than_asked_is_told(webcam: FakeWebcam, caplog: pytest.LogCaptureFixture):
    webcam.set_rate = 15.0
    with camera_for() as camera:
        assert camera.open().fps == 15.0
    assert "asked for 30.00 fps, the driver sets 15.00" in caplog.text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (errno.EBUSY, "in use by another program"),
        (errno.EACCES, "usermod -aG video"),
        (errno.ENODEV, "was unplugged"),
        (errno.ENOSPC, "USB bus"),
        (errno.EMFILE, "Too many open files"),
    ],
)
def test_refusals_say_what_to_do(webcam: FakeWebcam, reason: int, words: str):
    webcam.errno_on_open = reason
    with pytest.raises(CameraError, match=words):
        camera_for().open()
    (device, _) = discovery.discover(probe=True)
    assert words in (device.reason or "")


def test_a_camera_that_is_not_there(webcam: FakeWebcam):
    for device in ("7", "/dev/video7", "usb-Other_Cam-video-index0"):
        with pytest.raises(CameraError, match=f"{device} is not connected; launch.py cameras"):
            camera_for(device=device).open()


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="not a Unix")
def test_a_real_device_file_that_is_no_camera():
    with pytest.raises(CameraError, match=r"/dev/null.*is not a camera"):
        camera_for(device="/dev/null").open()


def test_discovery_lists_modes_and_stable_ids(webcam: FakeWebcam, tmp_path: Path):
    first, second = discovery.discover(probe=True)
    assert first.path == str(tmp_path / "video0")
    assert first.stable_id == "usb-Test_Cam_HD_A1B2-video-index0"
    assert (first.name, first.bus, first.reason) == ("Test Cam HD", "usb-0000:00:14.0-2", None)
    assert Mode("MJPG", (320, 240), (60.0, 30.0)) in first.modes
    assert Mode("YUYV", (160, 120), (90.0,)) in first.modes
    assert len(first.modes) == 4
    assert second.stable_id == str(tmp_path / "video1")
    assert not webcam.open_descriptors


def test_discovery_without_probing_opens_nothing(webcam: FakeWebcam):
    webcam.errno_on_open = errno.EBUSY
    (only,) = discovery.discover(probe=False)  # video1 is the metadata node: its index is not 0
    assert (only.name, only.modes, only.reason) == ("Test Cam HD", (), None)


MODES = [
    Mode("MJPG", (1280, 720), (60.0, 30.0)),
    Mode("YUYV", (640, 480), (30.0, 15.0)),
    Mode("YUYV", (1280, 720), (10.0,)),
    Mode("H264", (1280, 720), (30.0,)),
    Mode("MJPG", (320, 240), ()),
]


@pytest.mark.parametrize(
    ("pixel_format", "size", "fps", "chosen"),
    [
        ("auto", (1280, 720), 30.0, "MJPG"),
        ("auto", (1280, 720), None, "MJPG"),
        ("auto", (1280, 720), 10.0, "YUYV"),
        ("auto", (640, 480), 29.97, "YUYV"),
        ("yuyv", (1280, 720), None, "YUYV"),
        ("auto", (320, 240), 200.0, "MJPG"),
    ],
)
def test_choice_of_mode(pixel_format: str, size: tuple[int, int], fps: float | None, chosen: str):
    assert choose_mode(MODES, pixel_format, size, fps, "cam1") == chosen


@pytest.mark.parametrize(
    ("pixel_format", "size", "fps", "words"),
    [
        ("auto", (800, 600), None, "cameras.cam1.size.*allowed: 320x240, 640x480, 1280x720"),
        ("mjpeg", (640, 480), None, "allowed: 320x240, 1280x720"),
        ("auto", (640, 480), 60.0, "cameras.cam1.fps = 60.0.*allowed: 30, 15"),
    ],
)
def test_impossible_modes_list_the_possible(
    pixel_format: str, size: tuple[int, int], fps: float | None, words: str
):
    with pytest.raises(BadInputError, match=words):
        choose_mode(MODES, pixel_format, size, fps, "cam1")


def test_a_camera_with_only_strange_formats():
    with pytest.raises(BadInputError, match="allowed: H264"):
        choose_mode([MODES[3]], "auto", (1280, 720), None, "cam1")
