"""Calibrating in a window's background: what is said about views, about results, and about failures."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.board import Board
from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.rig_file import read_calibration, write_calibration
from pipeline.calibrating.from_footage import search_footage, solve_views
from pipeline.calibrating.outcome import CalibrationFailure, CalibrationOutcome
from pipeline.calibrating.saving import draw_report, save_outcome
from pipeline.calibrating.state import CalibrationState
from pipeline.rigs.rig_config import load_rig
from pipeline.rigs.rig_file import write_rig
from pipeline.rigs.simulated_rig import simulated_rig
from tests.support.board_recording import board_studio, recorded_views

KNOWN = {"held_out": 0.0}


def silent(share: float, words: str) -> None:
    assert share <= 1.0
    assert words


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("lenses") / "known.yaml"
    write_calibration(path, board_studio().rig)
    return path


@pytest.fixture(scope="module")
def searched(tmp_path_factory, known):
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("kept") / "new"
    recorded_views().save(source / "observations.npz")
    return folder, search_footage(silent, source, None, None, folder, KNOWN, known)


@pytest.fixture(scope="module")
def outcome(searched) -> CalibrationOutcome:
    folder, _ = searched
    found = solve_views(silent, folder, None, KNOWN, True)
    assert isinstance(found, CalibrationOutcome), found
    return found


def test_the_search_tells_what_a_live_session_would_tell(searched):
    folder, state = searched
    assert isinstance(state, CalibrationState)
    assert (folder / "observations.npz").is_file()
    assert (folder / "intrinsics.yaml").is_file()
    views = recorded_views()
    assert state.kept_views == len(views.views)
    for name, one in state.cameras.items():
        assert one.views == len(views.by_camera(name))
        assert one.size == (640, 480)
        assert one.known_lens
        corners = sum(len(view) for view in views.by_camera(name))
        assert one.counts.sum() == corners
        assert one.covered == (one.counts > 0).mean()
    np.testing.assert_array_equal(np.diag(state.shared), [one.views for one in state.cameras.values()])
    assert state.weakest is not None
    assert len(state.still) == 1, "the rest on the floor"


def test_the_outcome_holds_what_screens_show(outcome):
    truth = board_studio().rig
    assert outcome.usable
    assert outcome.rig.names == truth.names
    assert {one.colour for one in outcome.verdicts} <= {"green", "amber", "red"}
    assert len(outcome.floors) == 1
    assert outcome.floors[0].lying
    assert outcome.truth is None, "nobody said which cameras filmed"
    moments = len(outcome.times_s)
    assert outcome.board_turns.shape == (moments, 3, 3)
    assert outcome.board_places.shape == (moments, 3)
    for name, one in outcome.cameras.items():
        # Corners have 0.1 px of noise along x and along y.
        assert one.rms_px == pytest.approx(0.1 * np.sqrt(2), rel=0.2), name
        assert one.pixels.shape == one.residuals.shape
        assert one.views == len(one.times_s) == len(one.view_rms_px)
        assert np.isnan(one.focal_95_percent), "its lens was given"
        assert one.focal_px == pytest.approx(np.mean(truth.camera(name).K[[0, 1], [0, 1]]))
    assert outcome.shared.shape == (4, 4)
    assert len(outcome.tree) == 3


def test_the_outcome_loads_no_solver(outcome):
    """A window unpickles it: classes of modules that load compilers must not be in it."""
    import pickle
    import subprocess
    import sys

    code = (
        "import sys, pickle; found = pickle.loads(sys.stdin.buffer.read()); "
        "heavy = [name for name in ('numba', 'scipy', 'matplotlib', 'torch') if name in sys.modules]; "
        "assert found.usable and not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(outcome), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_saving_writes_the_chosen_world_other_formats_and_the_rig(outcome, tmp_path):
    rig_path = tmp_path / "rig.yaml"
    devices = simulated_rig(4, (640, 480), 30.0, 0)
    write_rig(rig_path, devices)
    moved = outcome.rig.moved(np.eye(3), np.array([0.0, 0.0, 100.0]))
    out = tmp_path / "new" / "calibration.yaml"
    files = save_outcome(
        silent, outcome.archive, moved, out, ("toml", "qualisys"), load_rig(rig_path), rig_path
    )
    assert files == [out, out.with_name("calibration.toml"), out.with_name("calibration.qca.txt"), rig_path]
    saved = read_calibration(out)
    np.testing.assert_allclose(saved.cameras[2].t, moved.cameras[2].t)
    assert load_rig(rig_path).calibration == str(out)
    again = save_outcome(silent, outcome.archive, outcome.rig, out, (), None, None)
    assert again == [out, out.with_name("calibration.previous.yaml")]
    np.testing.assert_allclose(read_calibration(again[1]).cameras[2].t, moved.cameras[2].t)


@pytest.mark.slow
def test_the_report_is_drawn_in_the_chosen_world(outcome, tmp_path):
    path = draw_report(silent, outcome.archive, outcome.rig, tmp_path / "report")
    assert "<svg" in path.read_text(encoding="utf-8")


def test_views_that_cannot_be_solved_say_why_with_their_diagnoses(tmp_path):
    recorded_views(4, 3.0).save(tmp_path / "observations.npz")
    found = solve_views(silent, tmp_path, None, {}, False)
    assert isinstance(found, CalibrationFailure)
    assert found.bad_input
    assert found.diagnoses
    assert found.diagnoses[0].kind in ("too_few_views", "weak_link")


def test_input_that_is_none_is_a_failure_in_a_sentence(tmp_path):
    board = board_studio().board
    missing = search_footage(silent, tmp_path / "nowhere", board, None, tmp_path / "kept", {}, None)
    assert isinstance(missing, CalibrationFailure)
    assert "nowhere" in missing.sentence
    wrong = search_footage(
        silent, tmp_path, board, None, tmp_path / "kept", {"intrinsics": {"model": "x"}}, None
    )
    assert "model" in wrong.sentence
    recorded_views().save(tmp_path / "observations.npz")
    other = Board("charuco", 9, 6, 30.0, 22.0, "DICT_5X5_100")
    differs = search_footage(silent, tmp_path, other, None, tmp_path / "kept", {}, None)
    assert "differs from the board given" in differs.sentence


def test_squares_measured_again_scale_the_result(tmp_path, known):
    views = recorded_views()
    views.save(tmp_path / "observations.npz")
    write_calibration(tmp_path / "intrinsics.yaml", Rig(board_studio().rig.cameras))
    board = views.board
    larger = Board("charuco", board.columns, board.rows, 202.0, 146.45, board.dictionary)
    found = solve_views(silent, tmp_path, larger, KNOWN, True)
    assert isinstance(found, CalibrationOutcome)
    truth = board_studio().rig
    here = np.linalg.norm(found.rig.cameras[0].position - found.rig.cameras[2].position)
    there = np.linalg.norm(truth.cameras[0].position - truth.cameras[2].position)
    assert here / there == pytest.approx(1.01, abs=0.002), "places are known to 0.1 % and better"


def test_stored_views_keep_their_order_of_cameras(tmp_path, known):
    views = recorded_views()
    turned = {name: views.sizes[name] for name in reversed(views.cameras)}
    BoardObservations(views.board, turned, views.views).save(tmp_path / "observations.npz")
    state = search_footage(silent, tmp_path, None, None, tmp_path / "kept", KNOWN, known)
    assert tuple(state.cameras) == tuple(reversed(views.cameras))
