"""What becomes of a take after recording."""

import pytest

from app.live.jobs import finish_recording, repair
from app.live.take_presenter import TakePresenter, summary_words
from pipeline.session.current_take import RecordingSummary
from tests.support.played_session import PlayedJob


def summary(folder, dropped=None):
    totals = {"cam1": {"captured": 30, "recorded": 30, "dropped": {}}}
    totals["cam2"] = {"captured": 30, "recorded": 28, "dropped": dropped or {}}
    return RecordingSummary(folder, totals, 25)


@pytest.fixture
def presenter(studio, jobs):
    studio.session.play("live", 777)
    return TakePresenter(studio, PlayedJob)


def test_a_summary_says_what_is_missing_in_words(tmp_path):
    assert summary_words(summary(tmp_path)) == ("58 frames from 2 cameras, 25 poses. Nothing lost.", "good")
    words, level = summary_words(summary(tmp_path, {"recorder_behind": 2}))
    assert words.endswith("Missing: 2 not recorded: the disk is too slow.")
    assert level == "warning"


def test_a_closed_take_is_finished_in_the_background(studio, presenter, jobs, tmp_path, qtbot):
    with qtbot.waitSignal(studio.takes_changed):
        studio.session.play("take_closed", summary(tmp_path / "one"))
    assert (presenter.kind, presenter.folder) == ("closed", tmp_path / "one")
    assert jobs[0].work == (finish_recording, tmp_path / "one", 777)
    assert jobs[0].running
    jobs[0].progress.emit(0.5, "drawing")
    assert presenter.progress == (0.5, "drawing")
    jobs[0].done.emit({"paths": [], "mpjpe_mm": 21.4})
    assert presenter.progress is None
    assert (
        presenter.note == "Preview and report are ready. Mean joint error 21 mm against the studio's truth."
    )


def test_takes_are_finished_one_after_the_other(studio, presenter, jobs, tmp_path):
    studio.session.play("take_closed", summary(tmp_path / "one"))
    studio.session.play("take_closed", summary(tmp_path / "two"))
    assert len(jobs) == 1
    jobs[0].failed.emit("no room")
    assert presenter.note == "", "that is not the take the card is about"
    assert jobs[1].work[1] == tmp_path / "two"
    jobs[1].failed.emit("no room")
    assert presenter.note == "No preview and report: no room"
    assert not presenter.busy


def test_open_shows_it_on_the_page_of_takes(studio, presenter, jobs, tmp_path, qtbot):
    studio.session.play("take_closed", summary(tmp_path / "one"))
    with qtbot.waitSignal(studio.go_to) as gone:
        presenter.open_take()
    assert gone.args == ["takes"]
    assert studio.take_to_show == tmp_path / "one"


def test_a_lost_take_is_told_and_repaired(studio, presenter, jobs, tmp_path):
    reason = "recorder: ended unexpectedly (code -9); restarting in 0.1 s"
    studio.session.play("recording_lost", (tmp_path / "one", reason))
    assert presenter.kind == "lost"
    assert presenter.words.startswith("The recorder ended unexpectedly (code -9). What was recorded")
    assert studio.said[-1] == ("bad", "Recording one stopped: the recorder ended unexpectedly (code -9).")
    presenter.repair()
    assert jobs[0].work == (repair, tmp_path / "one")
    assert presenter.kind == "repairing"
    jobs[0].done.emit(("cam1: 2 captured frames have no picture in the video",))
    assert presenter.kind == "repaired"
    assert presenter.words == "Repaired. Not saved: cam1: 2 captured frames have no picture in the video."
    assert jobs[1].work == (finish_recording, tmp_path / "one", 777), "then it is finished like any other"


def test_a_repair_that_fails_can_be_tried_again(studio, presenter, jobs, tmp_path):
    studio.session.play("recording_lost", (tmp_path / "one", "recorder: gone"))
    presenter.repair()
    jobs[0].failed.emit("the disk is full; free some space and repair again")
    assert presenter.kind == "lost"
    assert presenter.words == "the disk is full; free some space and repair again"
    presenter.repair()
    assert len(jobs) == 2


def test_shutdown_calls_off_what_runs(studio, presenter, jobs, tmp_path):
    studio.session.play("take_closed", summary(tmp_path / "one"))
    studio.session.play("take_closed", summary(tmp_path / "two"))
    presenter.shutdown()
    assert jobs[0].was_cancelled
    assert len(jobs) == 1, "the second one was not started"
