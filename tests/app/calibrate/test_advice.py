"""What a state means, in words."""

from dataclasses import replace

import numpy as np
import pytest

from app.calibrate import advice
from calibration.diagnosis import Diagnosis
from calibration.report.verdict import Headline, Verdict
from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.outcome import CalibrationFailure
from pipeline.calibrating.state import CalibrationState, CameraProgress, WeakPair
from pipeline.calibrating.trial_figures import TrialFigures


def progress(**changes) -> CameraProgress:
    return replace(CameraProgress(pictures=10, views=30, covered=0.7, size=(640, 480)), **changes)


def test_exactly_what_is_wanted_fills_every_bar():
    for live in (LiveConfig(), LiveConfig(place_percent=0.2, turn_deg=0.25)):
        distance = 4000.0
        point, place = live.point_percent / 100 * distance, live.place_percent / 100 * distance
        trial = TrialFigures(point, place, live.turn_deg, distance, live.focal_percent, live.lag_ms, 0.1)
        shares = [one.share for one in advice.promises(CalibrationState(trial=trial, wanted=live))]
        assert shares == pytest.approx([1.0] * 5)


def test_a_camera_is_told_by_a_word():
    assert advice.camera_state(progress(), LiveConfig()).word == "Enough"
    assert advice.camera_state(progress(views=19), LiveConfig()).word == "1 more view"
    gaps = advice.camera_state(
        progress(covered=0.3, gaps=("upper left corner", "left edge", "middle")), LiveConfig()
    )
    assert (gaps.word, gaps.detail) == ("Visit the gaps", "missing: upper left corner, left edge")
    assert advice.camera_state(progress(covered=0.3, known_lens=True), LiveConfig()).word == "Enough"


def test_near_misses_are_told_in_words_and_others_are_not():
    near = progress(reason="the board is too blurred", near=True)
    assert advice.seeing(near) == "The board is too blurred"
    assert advice.camera_state(near, LiveConfig()).trouble == "The board is too blurred"
    assert advice.camera_state(progress(), LiveConfig()).trouble == ""
    assert advice.seeing(progress(reason="no marker of the board")) == "no board in view"
    assert advice.seeing(progress(sees_board=True, corners=np.zeros((7, 2)))) == "7 corners"


def test_the_next_thing_is_one_sentence():
    cameras = {"cam1": progress()}
    assert advice.next_thing(CalibrationState()) == ("quiet", "Starting the cameras …")
    state = CalibrationState(
        "collecting", cameras=cameras, missing=("show cam1 the board", "more", "and more", "x")
    )
    assert advice.next_thing(state) == ("warning", "Show cam1 the board.")
    assert advice.others(state) == ("More.",)
    level, words = advice.next_thing(CalibrationState("collecting", cameras=cameras, enough=True))
    assert level == "good"
    assert words.startswith("Enough now.")


def test_the_weakest_pair_is_named_with_what_to_do():
    cameras = {"left": progress(), "right": progress()}
    state = CalibrationState("collecting", cameras=cameras, weakest=WeakPair(("left", "right"), 3, 8))
    level, words = advice.weakest_words(state)
    assert level == "warning"
    assert "left and right share 3 of 8 moments" in words
    assert "5 more times" in words
    state = replace(state, weakest=WeakPair(("left", "right"), 12, 8))
    assert advice.weakest_words(state)[0] == "good"
    cameras["right"] = progress(views=0)
    state = replace(state, cameras=cameras, weakest=WeakPair(("left", "right"), 0, 8))
    assert advice.weakest_words(state)[1].startswith("right has not seen the board yet")


def test_promises_say_how_near_each_figure_is():
    trial = TrialFigures(0.2, 9.6, 0.15, 4000.0, 0.0, np.nan, 0.1)
    promises = {one.title: one for one in advice.promises(CalibrationState(trial=trial))}
    assert set(promises) == {"Points", "Places", "Directions"}, "known lenses and one camera have no more"
    assert promises["Places"].value == "± 9.6 mm"
    assert promises["Places"].wanted == "4.8 mm"
    assert promises["Places"].share == pytest.approx(0.5)
    assert promises["Points"].share == 1.0
    assert advice.promises(CalibrationState()) == ()


@pytest.mark.parametrize(
    ("kinds", "place"),
    [
        (("dictionary",), "board"),
        (("wrong_intrinsics",), "source"),
        (("too_few_views", "weak_link"), "show"),
        (("something_new",), "show"),
        ((), "show"),
    ],
)
def test_failures_lead_to_where_they_can_be_mended(kinds, place):
    found = tuple(Diagnosis(kind, "error", f"{kind} is wrong") for kind in kinds)
    assert advice.place_to_go(CalibrationFailure("it failed", True, found)) == place


def test_sentences_leave_names_of_cameras_as_they_are():
    assert advice.sentence("show the board") == "Show the board."
    assert advice.sentence("cam1 saw little") == "cam1 saw little."
    assert advice.sentence("is it?") == "Is it?"
    assert advice.sentence("") == ""


def test_verdicts_are_good_usable_or_not(outcome):
    good = replace(outcome, headline=Headline("green", "", ""), diagnoses=())
    assert advice.verdict(good)[:2] == ("good", "Good")
    amber = Verdict("Coverage", "amber", "40 %", "little", "")
    some = replace(outcome, headline=Headline("amber", "", ""), verdicts=(amber,))
    assert advice.verdict(some) == ("warning", "Usable", "It could be better: coverage.")
    wrong = Diagnosis("dictionary", "error", "the print has other markers")
    level, word, why = advice.verdict(replace(outcome, usable=False, diagnoses=(wrong,)))
    assert (level, word, why) == ("bad", "Not usable", "The print has other markers.")


def test_the_truth_of_simulated_cameras_is_told_in_two_sentences(outcome):
    truth = {"focal_percent": 0.1, "rotation_deg": 0.05, "position_mm": 3.0, "lag_ms": 0.2, "volume_mm": 0.3,
             "scale_percent": -0.05}  # fmt: skip
    lines = advice.truth_words(replace(outcome, truth=truth))
    assert "0.10 %" in lines[0]
    assert "0.05 % too short" in lines[1]
    assert advice.truth_words(replace(outcome, truth=None)) == ()


def test_stages_are_told_in_words():
    assert advice.stage_words("lens of cam2") == "Finding the lens of cam2"
    assert advice.stage_words("finding the cameras") == "Finding the places of the cameras"
    assert advice.stage_words("12 of 80 pictures searched") == "12 of 80 pictures searched"
