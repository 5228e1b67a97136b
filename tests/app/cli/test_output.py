"""Strict JSON from what commands return, and aligned columns."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from app.cli.output import columns, json_line, stdout_kept_for_result


def test_numpy_paths_and_missing_values() -> None:
    line = json_line(
        {
            "count": np.int64(3),
            "rate": np.float32(0.5),
            "points": np.array([[1.0, np.nan], [np.inf, 2.0]]),
            "seen": np.bool_(True),
            "folder": Path("takes/a"),
            "names": ("links", "größe"),
            1: None,
        }
    )
    assert "\n" not in line
    assert json.loads(line) == {
        "count": 3,
        "rate": 0.5,
        "points": [[1.0, None], [None, 2.0]],
        "seen": True,
        "folder": "takes/a",
        "names": ["links", "größe"],
        "1": None,
    }


def test_what_has_no_json_form_is_a_bug() -> None:
    with pytest.raises(TypeError, match="holds a object"):
        json_line({"thing": object()})


def test_columns_align_and_have_no_trailing_blanks() -> None:
    assert columns([("a", "bb", ""), ("ccc", "d", "e")], indent="  ") == "  a    bb\n  ccc  d   e"
    assert columns([]) == ""


def test_stdout_comes_back_after_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inside"), stdout_kept_for_result():
        os.write(1, b"noise\n")
        raise ValueError("inside")
    os.write(1, b"result\n")
    captured = capfd.readouterr()
    assert captured.out == "result\n"
    assert captured.err == "noise\n"
