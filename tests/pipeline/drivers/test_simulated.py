"""What the contract does not say about simulated cameras."""

from __future__ import annotations

import time

import numpy as np
import pytest

from configs.errors import BadInputError
from models.simulation.board_studio import BoardStudio, BoardStudioConfig
from models.simulation.studio import Studio, StudioConfig
from pipeline.drivers.base import CameraSettings
from pipeline.drivers.simulated import SimulatedConfig, SimulatedDriver, studio_config
from pipeline.frames.frame import Frame

STUDIO = {"size": (160, 120), "cameras": 2, "seed": 3}


def camera_for(name: str = "cam1", fps: float | None = 100.0, **settings) -> SimulatedDriver:
    config = SimulatedConfig.model_validate({"studio": STUDIO, **settings})
    return SimulatedDriver(config, CameraSettings(name, None, fps, 0))


def record(camera: SimulatedDriver, count: int) -> tuple[int, list[Frame]]:
    """Frames with copies of their pictures, and the origin."""
    camera.open()
    origin_ns = time.monotonic_ns()
    camera.start(origin_ns)
    frames = []
    while len(frames) < count:
        frame = camera.read(1.0)
        if frame is not None:
            assert frame.image is not None
            frames.append(Frame(frame.camera, frame.index, frame.t_capture_ns, frame.image.copy()))
    camera.close()
    return origin_ns, frames


def test_pictures_show_the_scene_of_their_capture_time():
    origin_ns, frames = record(camera_for("cam2"), 3)
    studio = Studio(StudioConfig.model_validate(STUDIO))
    for frame in frames:
        expected = studio.render("cam2", (frame.t_capture_ns - origin_ns) / 1e9)
        np.testing.assert_array_equal(frame.image, expected)
    other = studio.render("cam1", (frames[0].t_capture_ns - origin_ns) / 1e9)
    assert not np.array_equal(frames[0].image, other)


def test_pictures_are_drawn_into_memory_that_is_offered():
    canvas = np.zeros((120, 160, 3), np.uint8)
    offers = [canvas, None, np.zeros((8, 8, 3), np.uint8)]
    camera = camera_for()
    camera.open()
    camera.draw_into(lambda: offers.pop(0))
    origin_ns = time.monotonic_ns()
    camera.start(origin_ns)
    frames = [camera.read(10.0) for _ in range(3)]
    camera.close()
    assert [frame.image is canvas for frame in frames] == [True, False, False]
    studio = Studio(StudioConfig.model_validate(STUDIO))
    expected = studio.render("cam1", (frames[0].t_capture_ns - origin_ns) / 1e9)
    np.testing.assert_array_equal(canvas, expected)
    assert frames[2].image.shape == canvas.shape, "memory of another size is not taken"


def test_another_name_may_take_a_studio_camera():
    _, frames = record(camera_for("left", camera="cam2"), 1)
    assert frames[0].camera == "left"


def test_an_unknown_camera_lists_the_studios():
    with pytest.raises(BadInputError, match=r"cam9.*cam1, cam2"):
        camera_for("cam9").open()


def test_shutters_open_at_the_rate_with_their_phase():
    origin_ns, frames = record(camera_for(phase_ms=3.0), 5)
    for frame in frames:
        place = (frame.t_capture_ns - origin_ns - 3_000_000) / 10_000_000
        assert place == pytest.approx(round(place), abs=1e-6)


def test_jitter_has_its_width_and_never_changes_the_order():
    camera = camera_for(jitter_ms=1.0)
    shutters_ns = np.array([camera._shutter(place)[1] for place in range(2000)])
    errors_ms = (shutters_ns - np.arange(2000) * 1e7) / 1e6
    # Standard error of a standard deviation from 2000 samples: 1 / sqrt(4000) = 1.6 %; five of them.
    assert errors_ms.std() == pytest.approx(1.0, abs=0.08)
    wild = camera_for(jitter_ms=100.0)
    assert np.diff([wild._shutter(place)[1] for place in range(500)]).min() > 0


def test_lost_frames_leave_jumps_in_the_index():
    camera = camera_for(loss=0.3, fps=1000.0)
    lost = np.mean([camera._shutter(place)[0] for place in range(3000)])
    # Standard error sqrt(0.3 * 0.7 / 3000) = 0.0084; five of them.
    assert lost == pytest.approx(0.3, abs=0.042)
    _, frames = record(camera_for(loss=0.5), 8)
    period = [(frame.index, round((frame.t_capture_ns - frames[0].t_capture_ns) / 1e7)) for frame in frames]
    assert [index - frames[0].index for index, _ in period] == [place for _, place in period]
    assert frames[-1].index - frames[0].index > 7


def test_a_covered_lens_sees_nothing_for_that_time():
    # Hours, because a busy machine may ask late.
    _, (frame, *_) = record(camera_for(covered=[[0.0, 1000.0]]), 1)
    assert frame.image is not None
    assert frame.image.std() == 0.0
    _, (frame, *_) = record(camera_for(covered=[[1000.0, 1002.0]]), 1)
    assert frame.image is not None
    assert frame.image.std() > 0.0
    with pytest.raises(ValueError, match="from before to"):
        camera_for(covered=[[2.0, 1.0]])


def test_chance_is_the_same_in_every_run_and_differs_between_cameras():
    def draw(name: str) -> list[tuple[bool, int]]:
        camera = camera_for(name, loss=0.5, jitter_ms=1.0)
        return [camera._shutter(place) for place in range(20)]

    assert draw("cam1") == draw("cam1")
    assert draw("cam1") != draw("cam2")


def test_a_slow_reader_gets_the_newest_frame_and_the_jump():
    camera = camera_for()
    camera.open()
    camera.start(time.monotonic_ns())
    first = camera.read(1.0)
    time.sleep(0.1)
    second = camera.read(1.0)
    now_ns = time.monotonic_ns()
    assert first is not None and second is not None
    assert second.index - first.index >= 9
    assert second.index - first.index == round((second.t_capture_ns - first.t_capture_ns) / 1e7)
    assert second.t_capture_ns <= now_ns
    camera.close()


def test_an_origin_to_come_is_waited_for():
    camera = camera_for()
    camera.open()
    origin_ns = time.monotonic_ns() + 150_000_000
    camera.start(origin_ns)
    assert camera.read(0.01) is None
    frame = camera.read(1.0)
    assert frame is not None
    assert (frame.index, frame.t_capture_ns) == (0, origin_ns)
    camera.close()


def test_rig_and_driver_fill_what_the_studio_leaves_open():
    config = SimulatedConfig.model_validate({"seed": 5})
    assert studio_config(config, (320, 200)) == StudioConfig(seed=5, size=(320, 200))
    config = SimulatedConfig.model_validate({"seed": 5, "studio": {"seed": 8}})
    assert studio_config(config, None) == StudioConfig(seed=8)


def test_a_board_is_filmed_where_a_board_studio_is_given():
    studio = {"seed": 4, "cameras": 2, "lags_ms": [0, 25]}
    settings = CameraSettings("cam2", (160, 120), 30.0, 0)
    driver = SimulatedDriver(SimulatedConfig(board_studio=studio), settings)
    with driver:
        origin_ns = time.monotonic_ns()
        driver.start(origin_ns)
        frame = driver.read(1.0)
        assert frame is not None
        scene_s = (frame.t_capture_ns - origin_ns) / 1e9
        expected = BoardStudio(BoardStudioConfig(**studio, size=(160, 120))).render("cam2", scene_s)
        np.testing.assert_array_equal(frame.image, expected)


def test_two_scenes_at_once_are_refused():
    with pytest.raises(ValueError, match="not both"):
        SimulatedConfig(studio={}, board_studio={})
