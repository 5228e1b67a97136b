"""What is said of a camera from the numbers of its node."""

import pytest

from app.live.health import HealthWatch
from pipeline.rigs.simulated_rig import simulated_rig


def numbers(**changed):
    usual = {
        "captured": 1000,
        "fps": 30.0,
        "fps_asked": 30.0,
        "inference_drops": {},
        "recording_drops": {},
        "delivery_ms": {"p50": 4.0, "p95": 9.0},
        "alive": True,
        "problem": "",
    }
    return {**usual, **changed}


@pytest.fixture
def watch():
    return HealthWatch(simulated_rig(1, (160, 120), 30.0, 0))


def judge(watch, t_s=0.0, skew=None, **changed):
    telemetry = {"session": {"t_s": t_s}, "grabber-cam1": numbers(**changed)}
    if skew is not None:
        telemetry["inference"] = {"skew_ms": {"cam1": skew}}
    return watch.judge(telemetry)["cam1"]


def test_before_the_first_number_it_waits(watch):
    health = watch.judge({})["cam1"]
    assert (health.level, health.caption) == ("quiet", "")
    assert "Waiting" in health.trouble


def test_a_healthy_camera_shows_measured_and_asked_rate(watch):
    health = judge(watch)
    assert (health.level, health.caption, health.trouble) == ("good", "30.0 of 30 fps", "")
    assert "Delivered 4 ms after capture (95 % below 9)" in health.details


def test_the_first_moment_is_not_judged(watch):
    health = judge(watch, captured=20, fps=0.0)
    assert (health.level, health.caption, health.trouble) == ("quiet", "starting", "")


def test_a_slow_camera_is_a_warning(watch):
    assert judge(watch, fps=29.0).level == "good", "clocks differ"
    assert judge(watch, fps=25.0).level == "warning"


def test_lost_frames_are_a_warning_for_a_while_and_count_once(watch):
    lost = {"inference_drops": {"lost_by_camera": 3}, "recording_drops": {"lost_by_camera": 2}}
    assert judge(watch, 0.0, captured=101).level == "good"
    health = judge(watch, 1.0, captured=102, **lost)
    assert (health.level, health.caption) == ("warning", "30.0 fps · 3 lost")
    assert "3 lost by the camera" in health.details
    assert judge(watch, 4.0, captured=103, **lost).level == "warning"
    assert judge(watch, 9.0, captured=104, **lost).level == "good", "long past; the tool tip still says so"


def test_frames_that_only_poses_went_without_are_no_trouble(watch):
    judge(watch, 0.0, captured=101)
    health = judge(watch, 1.0, captured=102, inference_drops={"not_needed": 20, "inference_busy": 5})
    assert health.level == "good"
    assert "20 not needed for poses at their present rate" in health.details


def test_silence_is_noticed_although_the_node_lives(watch):
    judge(watch, 0.0, captured=150)
    assert judge(watch, 2.0, captured=150).level == "good"
    health = judge(watch, 3.0, captured=150)
    assert health.level == "bad"
    assert health.trouble == "No picture for 3 s. Check cable and power."
    assert judge(watch, 3.5, captured=160).level == "good"


def test_a_lost_camera_says_why_and_that_it_is_tried_again(watch):
    problem = "grabber-cam1: the device is gone; plug it in; restarting in 2 s"
    health = judge(watch, problem=problem)
    assert health.level == "bad"
    assert health.trouble == "The device is gone; plug it in; restarting in 2 s"


def test_a_video_that_has_ended_is_no_trouble(watch):
    judge(watch, 0.0, captured=150)
    health = judge(watch, 60.0, captured=150, ended=True)
    assert (health.level, health.caption, health.trouble) == ("quiet", "played to its end", "")


def test_skew_is_shown_and_judged_against_the_period(watch):
    assert (
        "Skew: +2.0 ms from the common instant (95 % below +4.0)"
        in judge(watch, skew={"p50": 2.0, "p95": 4.0}).details
    )
    health = judge(watch, skew={"p50": -12.0, "p95": -11.0})
    assert (health.level, health.caption) == ("warning", "30.0 fps · -12 ms")


def test_exposure_is_told_when_it_is_known():
    rig = simulated_rig(1, (160, 120), 30.0, 0)
    camera = rig.cameras[0]
    driver = {"type": "usb", "device": 0, "exposure_us": 4000}
    rig = rig.model_copy(update={"cameras": (camera.model_copy(update={"driver": driver}),)})
    assert "Exposure: 4 ms" in judge(HealthWatch(rig)).details
