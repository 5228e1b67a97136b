"""What is wrong with a recording is said in the right sentence, and nothing is said about a good one."""

from __future__ import annotations

from functools import cache

import pytest

from calibration.calibration_config import CalibrationConfig
from calibration.calibrator import calibrate
from calibration.diagnosis import CalibrationFailedError, Diagnosis, by_gravity
from tests.calibration.failure_corpus import (
    FAILURES,
    clean,
    lag_cannot_be_told,
    late_camera,
    mixed_sizes,
    never_seen,
    stopped_clock,
    swapped_counts,
    too_few_pictures,
)


@cache
def made_and_diagnosed(make):
    """A failure and what is said about it; solving is most of the time, and two tests ask."""
    case = make()
    return case, diagnoses(case)


def diagnoses(case):
    try:
        config = CalibrationConfig(held_out=0.0, **case.settings)
        made = calibrate(case.observations, intrinsics=case.lenses, config=config, pictures=case.pictures)
    except CalibrationFailedError as error:
        return error.diagnoses
    return made.diagnoses


def is_recognised(case, found):
    """The gravest diagnosis is the right one, names the cameras and says what the words are about."""
    if not found:
        return False
    first = found[0]
    return (
        first.kind == case.kind
        and set(case.cameras) <= set(first.cameras)
        and all(word in first.sentence for word in case.words)
    )


@pytest.mark.slow
def test_at_least_19_of_20_failures_are_recognised():
    found = [made_and_diagnosed(make) for make in FAILURES]
    missed = {case.name: seen for case, seen in found if not is_recognised(case, seen)}
    assert len({case.name for case, _ in found}) == len(found) >= 20
    assert len(missed) <= len(found) / 20, missed


@pytest.mark.slow
@pytest.mark.parametrize("number", range(10))
def test_clean_recordings_get_no_diagnosis(number):
    assert diagnoses(clean(number)) == ()


# The quick ones one by one, so that a change that breaks them is seen without the slow tests.
@pytest.mark.parametrize(
    "make",
    [
        too_few_pictures,
        never_seen,
        stopped_clock,
        swapped_counts,
        mixed_sizes,
        lag_cannot_be_told,
        late_camera,
    ],
)
def test_failure_is_recognised(make):
    case, found = made_and_diagnosed(make)
    assert is_recognised(case, found), found


def test_error_says_every_error_and_keeps_the_rest():
    warning = Diagnosis("blurred", "warning", "cam1 is blurred", ("cam1",))
    first, second = Diagnosis("a", "error", "this is wrong"), Diagnosis("b", "error", "that too")
    error = CalibrationFailedError([warning, first, second])
    assert str(error) == "this is wrong; that too"
    assert error.diagnoses == (first, second, warning)


def test_diagnoses_are_sorted_and_said_once():
    note, error = Diagnosis("lag", "note", "n"), Diagnosis("moved_camera", "error", "e")
    assert by_gravity([note, error, note]) == (error, note)
