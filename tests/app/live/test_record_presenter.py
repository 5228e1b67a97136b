"""Decisions about recording, without a window."""

import pytest

from app.live.record_presenter import RecordPresenter
from pipeline.take.folder import RESERVE_BYTES


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def presenter(studio, clock):
    presenter = RecordPresenter(studio, clock)
    studio.session.play("live", 1)
    yield presenter
    presenter.shutdown()


def orders(studio, kind):
    return [order[1:] for order in studio.session.orders if order[0] == kind]


def begin(studio, presenter, name="take-001"):
    presenter.press()
    studio.session.play("recording", studio.takes_folder / name)


def test_recording_needs_running_cameras(studio, clock):
    presenter = RecordPresenter(studio, clock)
    assert (presenter.phase, presenter.why_not) == ("unavailable", "Start live first.")
    presenter.press()
    assert not orders(studio, "record")


def test_recording_waits_for_models(studio, presenter):
    studio.session.play("pipeline", ("loading", "blazepose", ""))
    assert "models" in presenter.why_not
    presenter.press()
    assert not orders(studio, "record")
    studio.session.play("pipeline", ("ready", "blazepose", ""))
    presenter.press()
    assert orders(studio, "record") == [(studio.takes_folder / "take-001",)]


def test_the_button_records_and_stops(studio, presenter):
    presenter.press()
    assert presenter.phase == "starting"
    studio.session.play("recording", studio.takes_folder / "take-001")
    assert presenter.phase == "recording"
    presenter.press()
    assert presenter.phase == "closing"
    presenter.press()
    assert len(orders(studio, "stop_recording")) == 1, "it is being saved already"


def test_the_countdown_runs_and_can_be_called_off(studio, presenter, clock):
    presenter.set_countdown(3.0)
    presenter.press()
    assert presenter.phase == "countdown"
    clock.now += 2.0
    presenter.tick()
    assert presenter.counted_s == pytest.approx(1.0)
    assert not orders(studio, "record")
    presenter.press()
    assert presenter.phase == "idle"
    clock.now += 5.0
    presenter.tick()
    assert not orders(studio, "record")
    presenter.press()
    clock.now += 3.1
    presenter.tick()
    assert len(orders(studio, "record")) == 1


def test_a_countdown_ends_with_the_cameras(studio, presenter, clock):
    presenter.set_countdown(3.0)
    presenter.press()
    studio.session.stop()
    clock.now += 4.0
    presenter.tick()
    assert not orders(studio, "record")


def test_the_limit_stops_the_take_once(studio, presenter, clock):
    presenter.set_limit(10.0)
    begin(studio, presenter)
    clock.now += 9.9
    presenter.tick()
    assert not orders(studio, "stop_recording")
    clock.now += 0.2
    presenter.tick()
    presenter.tick()
    assert len(orders(studio, "stop_recording")) == 1


def test_marks_are_numbered_or_named_and_only_while_recording(studio, presenter):
    presenter.mark("too early")
    begin(studio, presenter)
    presenter.mark()
    presenter.mark("  jump ")
    assert orders(studio, "mark") == [("Mark 1",), ("jump",)]
    assert presenter.marks == 2


def test_names_are_proposed_so_that_none_exists(studio, presenter):
    assert presenter.name == "take-001"
    (studio.takes_folder / "take-001").mkdir(parents=True)
    assert presenter.name_notice == "Exists already; this one becomes take-001-2."
    begin(studio, presenter)
    studio.session.play("take_closed", object())
    assert presenter.name == "take-002"
    presenter.set_name("walk")
    assert presenter.name_notice == ""
    begin(studio, presenter)
    (studio.takes_folder / "walk").mkdir()
    studio.session.play("take_closed", object())
    assert presenter.name == "walk-002"


def test_wrong_names_are_said_and_refused(studio, presenter):
    for name in ("", "a/b", "..", "name."):
        presenter.set_name(name)
        assert presenter.name_problem
        presenter.press()
    assert not orders(studio, "record")
    presenter.set_name("Läufer 3_b")
    assert not presenter.name_problem


def test_a_take_that_cannot_start_says_why(studio, presenter):
    presenter.press()
    studio.session.play("recording_failed", "the disk is nearly full")
    assert (presenter.phase, presenter.problem) == ("idle", "the disk is nearly full")


def test_a_lost_recorder_frees_the_button(studio, presenter):
    begin(studio, presenter)
    studio.session.play("recording_lost", (studio.takes_folder / "take-001", "recorder: gone"))
    assert presenter.phase == "idle"


def test_free_space_is_minutes_first_estimated_then_measured(studio, presenter):
    free = RESERVE_BYTES + 60 * 60 * 10_000_000
    estimate = {"session": {"t_s": 0.0, "free_bytes": free, "bytes_per_second": 10_000_000.0}}
    assert presenter.free_minutes is None
    studio.session.play("telemetry", {**estimate, "recorder": {"recording": False}})
    assert presenter.free_minutes == pytest.approx(60.0)
    begin(studio, presenter)
    for t_s in (1.0, 2.0, 3.0):
        telemetry = {
            "session": {**estimate["session"], "t_s": t_s},
            "recorder": {"recording": True, "bytes": int(5e6 * t_s), "cameras": {"cam1": {"recorded": 30}}},
        }
        studio.session.play("telemetry", telemetry)
    assert presenter.free_minutes == pytest.approx(120.0)
    assert presenter.cameras == {"cam1": {"recorded": 30}}


def test_limit_and_countdown_are_remembered(studio, presenter, clock):
    presenter.set_limit(20.0)
    presenter.set_countdown(5.0)
    again = RecordPresenter(studio, clock)
    assert (again.limit_s, again.countdown_s) == (20.0, 5.0)
