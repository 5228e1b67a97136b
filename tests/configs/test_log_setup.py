"""Records name time and process, and libraries keep quiet."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator

import pytest

from configs.log_setup import configure_logging


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    packages = {
        name: logging.getLogger(name).level
        for name in ("app", "pipeline", "models", "calibration", "configs")
    }
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in packages.items():
        logging.getLogger(name).setLevel(before)


def test_a_line_names_time_process_level_and_module(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "grabber cam1")
    logging.getLogger("pipeline.processes.grabber").info("%d frames", 3)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} grabber cam1 info pipeline\.processes\.grabber: 3 frames\n", captured.err
    )


def test_the_level_is_ours_and_libraries_speak_from_warning_up(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug", "main")
    logging.getLogger("models.zoo").debug("ours")
    logging.getLogger("numba.core").info("theirs")
    logging.getLogger("numba.core").warning("trouble")
    text = capsys.readouterr().err
    assert "ours" in text
    assert "theirs" not in text
    assert "trouble" in text


def test_configuring_twice_says_things_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "main")
    configure_logging("warning", "main")
    logging.getLogger("app.cli").info("hidden")
    logging.getLogger("app.cli").warning("shown")
    assert capsys.readouterr().err.count("shown") == 1


def test_warnings_of_libraries_become_records(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "main")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("soon gone", FutureWarning, stacklevel=1)
    assert "soon gone" in capsys.readouterr().err


def test_what_stderr_was_before_may_be_closed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    former = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", former)
        configure_logging("info", "main")
        logging.getLogger("app.cli").info("early")
    assert "early" in former.getvalue()
    former.close()
    logging.getLogger("app.cli").info("late")
    assert capsys.readouterr().err.endswith("main info app.cli: late\n")
