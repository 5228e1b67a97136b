"""The wizard's course, with the work that takes long replaced by its words."""

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QObject, pyqtSignal

from app.calibrate.steps import Step
from app.calibrate.unfinished import VIEWS, Unfinished
from app.calibrate.wizard import Wizard
from calibration.diagnosis import Diagnosis
from calibration.rig_file import write_calibration
from pipeline.calibrating.outcome import CalibrationFailure
from pipeline.calibrating.state import CalibrationState, CameraProgress
from pipeline.rigs.rig_config import CameraConfig, RigConfig


class FakeWork:
    """Notes what was asked for."""

    def __init__(self, wizard: Wizard) -> None:
        self.asked: list[tuple[str, object]] = []
        self.real = wizard._work
        for name in ("film", "wish", "search", "solve", "forget", "save", "draw", "stop"):
            setattr(self.real, name, lambda *words, what=name: self.asked.append((what, words)))

    def last(self, what: str) -> tuple[object, ...]:
        found = [words for name, words in self.asked if name == what]
        assert found, f"nobody asked to {what}"
        return found[-1]

    def count(self, what: str) -> int:
        return sum(name == what for name, _ in self.asked)


@pytest.fixture
def wizard(studio) -> Wizard:
    return Wizard(studio)


@pytest.fixture
def work(wizard) -> FakeWork:
    return FakeWork(wizard)


def collecting(names=("cam1", "cam2", "cam3", "cam4"), views=30, **changes) -> CalibrationState:
    cameras = {name: CameraProgress(pictures=views, views=views) for name in names}
    return CalibrationState("collecting", cameras=cameras, kept_views=views * len(names), **changes)


def to_show(wizard: Wizard) -> None:
    wizard.next()
    wizard.next()
    assert wizard.step is Step.SHOW


def test_simulated_cameras_choose_their_board_and_film_it(wizard, work):
    assert wizard.order.board.locked
    to_show(wizard)
    task = work.last("film")[0]
    assert task.board == wizard.order.board.board
    assert all("board_studio" in camera.driver for camera in task.rig.cameras)
    assert task.settings["live"]["floor"] == "wanted", "somebody lays it there"
    assert task.settings["live"]["place_percent"] > 0.12, "one round of the board is enough"
    assert task.folder == wizard.order.folder
    assert not task.resume
    assert task.by_itself


def test_real_cameras_film_as_they_are_with_a_chosen_board(wizard, work, studio, tmp_path):
    rig = RigConfig(cameras=(CameraConfig(name="left", driver={"type": "usb", "device": "0"}),))
    studio.use_rig(rig, tmp_path / "desk.yaml")
    assert not wizard.order.board.locked
    wizard.order.board.use_preset("charuco_a3")
    wizard.order.use_model("fisheye")
    to_show(wizard)
    task = work.last("film")[0]
    assert task.rig == rig
    assert task.board.square_mm == 52.0
    assert task.settings == {"intrinsics": {"model": "fisheye"}, "live": {"floor": "auto"}}
    assert task.folder == tmp_path / "desk_calibration_report"
    assert wizard.order.target == tmp_path / "desk_calibration.yaml"


def test_a_rig_that_cannot_be_written_is_calibrated_elsewhere(wizard, studio, tmp_path, monkeypatch):
    camera = CameraConfig(name="left", driver={"type": "usb", "device": "0"})
    studio.use_rig(RigConfig(name="my desk", cameras=(camera,)), tmp_path / "desk.yaml")
    assert wizard.order.rig_file == tmp_path / "desk.yaml"
    monkeypatch.setattr("os.access", lambda *words: False)
    assert wizard.order.rig_file is None
    assert wizard.order.target == tmp_path / "unsaved" / "my_desk" / "calibration.yaml"


def test_figures_that_make_no_board_stop_at_the_first_step(wizard, studio, tmp_path):
    studio.use_rig(RigConfig(cameras=(CameraConfig(name="a", driver={"type": "usb", "device": "0"}),)), None)
    wizard.order.board.set("marker_mm", 90.0)
    assert "smaller than a square" in wizard.why_not_next
    wizard.next()
    assert wizard.step is Step.BOARD


def test_without_cameras_only_recordings_can_be_calibrated(tmp_path, monkeypatch):
    from app.preferences import Preferences
    from app.studio import Studio

    studio = Studio(Preferences())
    wizard = Wizard(studio)
    work = FakeWork(wizard)
    wizard.next()
    assert wizard.why_not_next == "Set up cameras first."
    wizard.use_source("recorded")
    assert wizard.why_not_next == "Choose a recording first."
    wizard.use_footage(tmp_path / "board")
    assert wizard.next_words == "Search the recording"
    wizard.next()
    source, board, cameras, folder, _settings, lenses = work.last("search")
    assert (source, cameras, lenses) == (tmp_path / "board", None, None)
    assert board == wizard.order.board.board
    assert folder == tmp_path / "board_calibration_report"


def test_views_are_kept_when_going_back_and_gone_on_with(wizard, work):
    to_show(wizard)
    wizard._work.state.emit(collecting())
    (wizard.order.folder / VIEWS).write_bytes(b"views")
    wizard.back()
    assert wizard.step is Step.SOURCE
    assert work.count("stop") == 1
    wizard.next()
    assert work.last("film")[0].resume
    assert work.count("film") == 2


def test_another_board_does_not_go_on_with_views_of_this_one(wizard, work, studio, tmp_path):
    rig = RigConfig(cameras=(CameraConfig(name="left", driver={"type": "usb", "device": "0"}),))
    studio.use_rig(rig, tmp_path / "desk.yaml")
    to_show(wizard)
    (wizard.order.folder / VIEWS).write_bytes(b"views")
    wizard.go_to(Step.BOARD)
    wizard.order.board.set("square_mm", 35.0)
    to_show(wizard)
    assert work.last("film")[0].resume, "only the ruler said something else"
    wizard.go_to(Step.BOARD)
    wizard.order.board.set("columns", 8)
    to_show(wizard)
    assert not work.last("film")[0].resume


def test_the_solve_begins_by_itself_or_by_button(wizard, work, studio):
    to_show(wizard)
    assert wizard.why_not_next == "Starting the cameras …"
    wizard._work.state.emit(collecting(views=0))
    assert wizard.why_not_next == "No view of the board yet."
    wizard._work.state.emit(collecting())
    assert wizard.why_not_next == ""
    wizard.next()
    assert work.last("wish") == ("solve",)
    assert wizard.step is Step.SHOW, "the session says when it has begun"
    wizard._work.collected.emit("enough")
    assert wizard.step is Step.SOLVE
    assert any("enough views" in text for _, text in studio.said)
    note = Unfinished.find(wizard.order.folder)
    assert note is None or note.collected


def test_wishes_reach_the_session(wizard, work):
    to_show(wizard)
    wizard.end_by_itself(False)
    assert work.last("wish") == ("by_button",)
    wizard.want_floor(False)
    assert work.last("wish") == ("floor_optional",)
    assert wizard.order.settings["live"]["floor"] == "auto"
    wizard.mark_floor()
    assert work.last("wish") == ("mark_floor",)


def test_stages_of_the_solve_are_told_in_words(wizard, work):
    heard = []
    wizard.progress.connect(lambda share, words: heard.append((share, words)))
    to_show(wizard)
    wizard._work.state.emit(replace(collecting(), phase="solving", solving=(0.4, "lens of cam2")))
    assert heard == [(0.4, "Finding the lens of cam2")]


def test_a_calibration_leads_over_floor_and_result_to_save_and_live(wizard, work, studio, outcome, tmp_path):
    to_show(wizard)
    wizard._work.state.emit(collecting())
    wizard._work.collected.emit("asked for")
    wizard._work.outcome.emit(outcome)
    assert wizard.step is Step.FLOOR
    assert wizard.choice.way == "floor"
    assert wizard.would_lose
    wizard.next()
    assert wizard.step is Step.RESULT
    wizard.next()
    assert wizard.next_words == "Save"
    wizard.order.use_exports(["toml"])
    wizard.next()
    archive, rig, target, formats, devices, path = work.last("save")
    assert archive == outcome.archive
    assert rig is wizard.placed
    assert formats == ("toml",)
    assert (devices, path) == (studio.rig, None)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_calibration(target, rig)
    wizard._work.saved.emit([target])
    assert studio.calibration_path == target
    assert studio.rig.calibration == str(target), "saved with the rig, whenever that is saved"
    assert studio.calibration.names == rig.names
    assert not wizard.would_lose
    assert not wizard.can_go_back
    assert wizard.next_words == "Go live"
    went = []
    studio.go_to.connect(went.append)
    wizard.next()
    assert went == ["live"]
    assert wizard.step is Step.BOARD


def test_the_world_can_be_changed_until_it_is_saved(wizard, work, outcome):
    to_show(wizard)
    wizard._work.collected.emit("enough")
    wizard._work.outcome.emit(outcome)
    before = wizard.placed
    wizard.place_world(wizard.choice.turned())
    assert wizard.placed is not before
    wizard.next()
    wizard.go_to(Step.FLOOR)
    assert wizard.step is Step.FLOOR
    assert wizard.choice.quarters == 1


def test_a_single_camera_has_no_floor(wizard, work, outcome):
    alone = replace(outcome, rig=outcome.rig.subset(["cam1"]), reference=outcome.rig.subset(["cam1"]))
    to_show(wizard)
    wizard._work.collected.emit("enough")
    wizard._work.outcome.emit(alone)
    assert wizard.step is Step.RESULT
    assert Step.FLOOR not in wizard.steps
    assert wizard.placed is alone.rig


def test_what_must_not_be_used_cannot_be_saved(wizard, work, outcome):
    wrong = Diagnosis("dictionary", "error", "the print has other markers")
    to_show(wizard)
    wizard._work.collected.emit("enough")
    wizard._work.outcome.emit(replace(outcome, usable=False, diagnoses=(wrong,)))
    assert wizard.step is Step.RESULT
    assert wizard.why_not_next == "This calibration must not be used."
    assert not wizard.reachable(Step.SAVE)
    assert not wizard.would_lose
    wizard.back()
    assert wizard.step is Step.SHOW


@pytest.mark.parametrize(("kind", "step"), [("dictionary", Step.BOARD), ("wrong_intrinsics", Step.SOURCE)])
def test_a_failure_leads_back_to_where_it_can_be_mended(wizard, work, kind, step):
    to_show(wizard)
    wizard._work.collected.emit("enough")
    found = Diagnosis(kind, "error", "so it is")
    wizard._work.failed.emit(CalibrationFailure("so it is", True, (found,)))
    assert wizard.step is Step.SOLVE
    assert wizard.failure.diagnoses == (found,)
    wizard.mend()
    assert wizard.step is step
    assert wizard.failure is None


def test_a_camera_that_was_moved_is_shown_the_board_again(wizard, work, outcome):
    to_show(wizard)
    wizard.order.folder.mkdir(parents=True, exist_ok=True)
    (wizard.order.folder / VIEWS).write_bytes(b"views")
    wizard._work.collected.emit("enough")
    moved = Diagnosis("moved_camera", "error", "cam2 was moved after 40 s", ("cam2",))
    wizard._work.outcome.emit(replace(outcome, usable=False, diagnoses=(moved,)))
    (remedy,) = wizard.remedies
    assert remedy.words == "Show cam2 the board again"
    wizard.apply(remedy)
    go_on, folder, cameras = work.last("forget")
    assert (folder, cameras) == (wizard.order.folder, ("cam2",))
    assert wizard.step is Step.RESULT, "until they are forgotten"
    go_on()
    assert wizard.step is Step.SHOW
    assert work.last("film")[0].resume, "the views of the others are kept"


def test_a_failed_solve_can_be_repeated_or_given_more_views(wizard, work):
    to_show(wizard)
    wizard._work.state.emit(collecting())
    (wizard.order.folder / VIEWS).write_bytes(b"views")
    wizard._work.collected.emit("asked for")
    wizard._work.failed.emit(CalibrationFailure("too few views"))
    wizard.try_again()
    assert wizard.failure is None
    assert work.last("solve")[0] == wizard.order.folder
    wizard._work.failed.emit(CalibrationFailure("too few views"))
    wizard.mend()
    assert wizard.step is Step.SHOW
    assert work.last("film")[0].resume


def test_cameras_that_do_not_start_are_explained_and_tried_again(wizard, work):
    to_show(wizard)
    wizard._work.failed.emit(CalibrationFailure("camera in use"))
    assert wizard.step is Step.SHOW
    assert wizard.why_not_next == "See what went wrong first."
    wizard.try_again()
    assert work.count("film") == 2


def test_cancel_leaves_views_to_go_on_with(wizard, work):
    to_show(wizard)
    wizard._work.state.emit(collecting())
    (wizard.order.folder / VIEWS).write_bytes(b"views")
    wizard.cancel()
    assert wizard.step is Step.BOARD
    assert wizard.unfinished is not None
    assert not wizard.unfinished.collected
    wizard.go_on()
    assert wizard.step is Step.SHOW
    assert work.last("film")[0].resume
    wizard.cancel()
    wizard.forget_unfinished()
    assert wizard.unfinished is None
    to_show(wizard)
    assert not work.last("film")[0].resume


def test_another_start_finds_what_was_not_finished(wizard, work, studio):
    to_show(wizard)
    (wizard.order.folder / VIEWS).write_bytes(b"views")
    again = Wizard(studio)
    assert again.unfinished is not None
    studio.use_simulated(2)
    assert again.unfinished is None, "other cameras"


def test_leaving_the_page_frees_the_cameras(wizard, work, monkeypatch):
    to_show(wizard)
    monkeypatch.setattr(type(wizard._work), "filming", property(lambda self: True))
    wizard.left()
    assert wizard.step is Step.SOURCE
    assert work.count("stop") == 1


def test_leaving_the_page_keeps_a_result(wizard, work, outcome):
    to_show(wizard)
    wizard._work.collected.emit("enough")
    wizard._work.outcome.emit(outcome)
    wizard.left()
    assert wizard.step is Step.FLOOR


def test_another_rig_starts_over(wizard, work, studio, outcome):
    to_show(wizard)
    wizard._work.state.emit(collecting())
    studio.use_simulated(2)
    assert wizard.step is Step.BOARD
    assert wizard.state is None


class LiveSession(QObject):
    state_changed = pyqtSignal(str)
    recording = False

    def __init__(self) -> None:
        super().__init__()
        self.state = "live"
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1

    def become(self, state: str) -> None:
        self.state = state
        self.state_changed.emit(state)

    def shutdown(self) -> None:
        pass


def test_the_live_view_lets_go_of_the_cameras_first(wizard, work, studio, monkeypatch):
    session = LiveSession()
    studio._session = session
    to_show(wizard)
    assert session.stopped == 1
    assert work.count("film") == 0
    assert wizard.waiting_for_session
    assert "live view" in wizard.why_not_next
    session.become("stopping")
    assert work.count("film") == 0
    session.become("off")
    assert work.count("film") == 1
    session.become("live")
    session.become("off")
    assert work.count("film") == 1, "only what was waited for"


def test_leaving_while_the_live_view_lets_go_films_nothing(wizard, work, studio):
    session = LiveSession()
    studio._session = session
    to_show(wizard)
    wizard.back()
    assert not wizard.waiting_for_session
    session.become("off")
    assert work.count("film") == 0


def test_recordings_show_what_was_found_and_are_solved_when_asked(wizard, work, tmp_path, outcome):
    wizard.use_source("recorded")
    assert not wizard.order.board.locked, "other cameras filmed another board"
    wizard.use_footage(tmp_path / "board")
    to_show(wizard)
    wizard.order.folder.mkdir(parents=True)
    (wizard.order.folder / VIEWS).write_bytes(b"views")
    wizard._work.state.emit(replace(collecting(("a", "b")), phase="done"))
    assert wizard.next_words == "Calibrate"
    wizard.next()
    assert wizard.step is Step.SOLVE
    assert work.last("solve")[0] == wizard.order.folder
    wizard.back()
    assert wizard.step is Step.SHOW
    assert work.last("search")[0] == wizard.order.folder, "the views that were found"
    wizard._work.state.emit(replace(collecting(("a", "b")), phase="done"))
    wizard.next()
    wizard._work.outcome.emit(outcome)
    wizard.next()
    wizard.next()
    wizard.next()
    assert work.last("save")[4:] == (None, None), "no rig file refers to it"


def test_a_saved_calibration_of_other_cameras_is_not_put_to_use(wizard, work, studio, tmp_path, outcome):
    wizard.use_source("recorded")
    wizard.use_footage(tmp_path / "board")
    other = replace(
        outcome, rig=outcome.rig.subset(["cam1", "cam2"]), reference=outcome.rig.subset(["cam1", "cam2"])
    )
    wizard.step = Step.SOLVE
    wizard._work.outcome.emit(replace(other, floors=(), floor=None))
    wizard._work.saved.emit([Path("somewhere.yaml")])
    assert studio.calibration is None
    assert studio.said[-1][0] == "good"
