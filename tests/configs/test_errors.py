"""The parts of the one clear sentence."""

from __future__ import annotations

import pytest

from configs.errors import BadInputError, MissingExtraError, PosestageError, bad_input, did_you_mean, nearest


def test_every_part_has_its_place() -> None:
    error = bad_input(
        "must be positive", file="rig.yaml", key="fps", value=-1, allowed="1..1000", hint="remove it"
    )
    assert str(error) == "rig.yaml: fps = -1: must be positive; allowed: 1..1000; remove it"


def test_parts_that_are_not_given_leave_no_trace() -> None:
    assert str(bad_input("nothing to do")) == "nothing to do"
    assert str(bad_input("unknown command", value="demoo")) == "'demoo': unknown command"
    assert str(bad_input("must be a number", key="fps", value=None)) == "fps = None: must be a number"


def test_long_values_are_cut() -> None:
    sentence = str(bad_input("too long", key="names", value=["camera"] * 100))
    assert "…" in sentence
    assert len(sentence) < 120


@pytest.mark.parametrize(
    ("word", "meant"), [("simulatd", "simulated"), ("video_fiel", "video_file"), ("xyz", None)]
)
def test_the_nearest_name(word: str, meant: str | None) -> None:
    names = ["simulated", "video_file", "usb"]
    assert nearest(word, names) == meant
    assert did_you_mean(word, names) == (f'did you mean "{meant}"?' if meant else None)


def test_exit_codes() -> None:
    assert (PosestageError.exit_code, BadInputError.exit_code, MissingExtraError.exit_code) == (1, 2, 2)
